"""Inputs near the ends of doubles: the fit is right, starting from the data, or refused with its reason."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from glm_local import FitError, fit_glm

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LINE = {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}
LEVELS = {"kind": "categorical", "name": "g", "column": "g", "missing": "refuse", "unseen": "refuse"}
FAMILIES = ("poisson", "gamma", "gaussian", "binomial", "tweedie(1.5)", "tweedie(2.5)", "inverse_gaussian")
SOLVERS: tuple[Any, ...] = ("cells", "blocks")


def rows(family: str, count: int = 120) -> pd.DataFrame:
    draw = np.random.default_rng(19)
    frame = pd.DataFrame({"g": draw.choice(["a", "b", "c"], count), "x": draw.normal(size=count), "w": 1.0, "e": 1.0})
    mean = np.exp(0.1 * frame["x"] + 0.3 * (frame["g"] == "a"))
    positive = mean * draw.gamma(4.0, 0.25, count)
    frame["y"] = {
        "poisson": draw.poisson(mean).astype(float),
        "binomial": (draw.random(count) < mean / 3).astype(float),
        "gaussian": mean + draw.normal(size=count),
        "tweedie(1.5)": np.where(draw.random(count) < 0.3, 0, positive),
    }.get(family, positive)
    return frame


def right_or_refused(frame: pd.DataFrame, family: str, **asked: Any) -> bool:
    """Whether there is a model, whose figures must be numbers; an error must have its three parts."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = fit_glm(frame, target="y", factors=[LEVELS, LINE], family=family, **asked)
    except FitError as error:
        return not all(problem.found and problem.rule and problem.way_out for problem in error.problems)
    mean = model.predict(frame)["prediction"].to_numpy(dtype=float)
    assert np.isfinite(mean).all()
    assert 0 <= model.statistics.deviance <= model.statistics.null_deviance * (1 + 1e-9)
    return True


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shift", [-800.0, -40.0, 40.0, 100.0, 150.0, 800.0])
@pytest.mark.parametrize(
    ("family", "link"),
    [
        ("binomial", "logit"),
        ("binomial", "probit"),
        ("binomial", "cloglog"),
        ("binomial", "log"),
        ("poisson", "log"),
        ("gamma", "log"),
        ("gaussian", "identity"),
        ("gamma", "inverse"),
        ("tweedie(1.5)", "log"),
    ],
)
def test_a_large_offset_moves_the_intercept_and_nothing_else(family: str, link: str, shift: float, solver: Any) -> None:
    frame = rows(family).assign(o=shift)
    asked: dict[str, Any] = {"target": "y", "factors": [LEVELS, LINE], "family": family, "link": link, "solver": solver}
    if link == "log" and abs(shift) == 800 and family != "binomial":
        with pytest.raises(FitError, match=r"(?s)double.*offset"):
            fit_glm(frame, offset="o", **asked)
        return
    moved, plain = fit_glm(frame, offset="o", **asked), fit_glm(frame, **asked)
    np.testing.assert_allclose(moved.predict(frame)["prediction"], plain.predict(frame)["prediction"], rtol=1e-7)
    assert moved.document.convergence.iterations <= plain.document.convergence.iterations + 1


@pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie(1.5)", "inverse_gaussian", "gaussian"])
@pytest.mark.parametrize("exposure", [np.exp(50), np.exp(-50), 1e-100, 1e100])
def test_an_exposure_of_any_size_changes_the_intercept_and_nothing_else(family: str, exposure: float) -> None:
    frame = rows(family).assign(e=exposure)
    asked: dict[str, Any] = {"target": "y", "factors": [LEVELS, LINE], "family": family, "link": "log"}
    plain, large = fit_glm(frame, **asked), fit_glm(frame, exposure="e", **asked)
    np.testing.assert_allclose(large.predict(frame)["prediction"], plain.predict(frame)["prediction"], rtol=1e-7)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_extreme_finite_rows_are_fitted_right_or_refused(family: str, solver: Any) -> None:
    plain = rows(family)
    for value in (1e308, 1e150, 1e-308):
        for where in (slice(3, 3), slice(None)):
            frame = plain.copy()
            frame.loc[where, "w"] = value
            right_or_refused(frame, family, weight="w", solver=solver)
    for value in (1e160, 1e300, 1e-160):
        for column in ("x", "y") if family != "binomial" else ("x",):
            right_or_refused(plain.assign(**{column: plain[column] * value}), family, solver=solver)
            one = plain.copy()
            one.loc[5, column] = value
            right_or_refused(one, family, solver=solver)
    draw = np.where(np.arange(len(plain)) % 2, 800.0, -800.0)
    right_or_refused(plain.assign(o=draw), family, offset="o", solver=solver)


@pytest.mark.parametrize("power", [1e308, -1e308, 1e-308, 1e-12, 60.0])
@pytest.mark.parametrize("family", ["poisson", "gamma", "gaussian", "inverse_gaussian"])
def test_an_extreme_power_link_is_fitted_right_or_refused(family: str, power: float) -> None:
    right_or_refused(rows(family), family, link=f"power({power})")


def test_one_row_of_nearly_all_weight_is_no_reason_to_call_a_column_aliased() -> None:
    frame = rows("gaussian")
    frame.loc[3, "w"] = 1e308
    with pytest.raises(FitError, match="nearly all weight"):
        fit_glm(frame, target="y", factors=[LEVELS, LINE], family="gaussian", weight="w")


def test_overflow_on_spark_is_a_fit_error_too(spark: SparkSession) -> None:
    import glm_spark

    frame = spark.createDataFrame(rows("poisson", 40).assign(o=800.0))
    with pytest.raises(FitError, match="double"):
        glm_spark.fit_glm(frame, target="y", factors=[LEVELS], offset="o")
