"""Units mean nothing: rates of 1e-13, targets of currency size, offsets of 30, rows that lie on the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from glm_local import fit_glm

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LINE = {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}
LEVELS = {"kind": "categorical", "name": "g", "column": "g", "missing": "refuse", "unseen": "refuse"}


def days_of_money(seed: int = 5) -> pd.DataFrame:
    """Claims per currency unit and day: rates of 2e-13 and 3e-13."""
    draw = np.random.default_rng(seed)
    exposure = np.exp(draw.normal(21, 0.5, 5_000)) * draw.integers(30, 366, 5_000)
    group = draw.choice(["a", "b"], 5_000)
    count = draw.poisson(exposure * 2e-13 * np.where(group == "a", 1.0, 1.5)).astype(float)
    return pd.DataFrame({"g": group, "e": exposure, "y": count})


def poisson_deviance(y: np.ndarray, mean: np.ndarray) -> float:
    return float(2 * np.sum(np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / mean), 0) - (y - mean)))


@pytest.mark.parametrize("solver", ["cells", "blocks"])
def test_the_null_deviance_of_rates_of_1e_minus_13_is_that_of_the_mean_rate(solver: Any) -> None:
    frame = days_of_money()
    model = fit_glm(frame, target="y", factors=[LEVELS], exposure="e", solver=solver)
    mean = frame["e"] * frame["y"].sum() / frame["e"].sum()
    assert model.statistics.null_deviance == pytest.approx(poisson_deviance(frame["y"], mean), rel=1e-10)
    rates = frame.groupby("g")["y"].sum() / frame.groupby("g")["e"].sum()
    fitted = frame["g"].map(rates) * frame["e"]
    assert model.statistics.deviance == pytest.approx(poisson_deviance(frame["y"], fitted), rel=1e-10)
    np.testing.assert_allclose(model.predict(frame)["prediction"], fitted, rtol=1e-9)


def test_rates_of_1e_minus_13_on_spark_have_the_null_deviance_of_the_mean_rate(spark: SparkSession) -> None:
    import glm_spark

    frame = days_of_money().head(500)
    model = glm_spark.fit_glm(spark.createDataFrame(frame), target="y", factors=[LEVELS], exposure="e")
    mean = frame["e"] * frame["y"].sum() / frame["e"].sum()
    assert model.statistics.null_deviance == pytest.approx(poisson_deviance(frame["y"], mean), rel=1e-10)


@pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie(1.5)", "inverse_gaussian"])
@pytest.mark.parametrize("shift", [-40.0, 24.0, 30.0, 60.0])
def test_a_constant_offset_moves_the_intercept_and_nothing_else(family: str, shift: float) -> None:
    draw = np.random.default_rng(6)
    frame = pd.DataFrame({"g": draw.choice(["a", "b", "c"], 300), "x": draw.normal(size=300), "o": shift})
    frame["y"] = draw.poisson(3.0, 300).astype(float) if family == "poisson" else draw.gamma(2.0, 1.5, 300)
    plain = fit_glm(frame, target="y", factors=[LEVELS, LINE], family=family)
    moved = fit_glm(frame, target="y", factors=[LEVELS, LINE], family=family, offset="o")
    np.testing.assert_allclose(moved.predict(frame)["prediction"], plain.predict(frame)["prediction"], rtol=1e-9)
    explained = [one.statistics.deviance / one.statistics.null_deviance for one in (plain, moved)]
    assert explained[1] == pytest.approx(explained[0], rel=1e-9)


@pytest.mark.parametrize("size", [1e-11, 1e8, 1e11, 1e15])
@pytest.mark.parametrize(
    ("family", "link"),
    [
        ("gaussian", "identity"),
        ("gaussian", "log"),
        ("gaussian", "sqrt"),
        ("gamma", "log"),
        ("gamma", "identity"),
        ("tweedie(1.5)", "log"),
        ("inverse_gaussian", "log"),
        ("poisson", "identity"),
        ("poisson", "sqrt"),
    ],
)
def test_a_target_of_any_size_is_fitted_as_one_of_size_1(family: str, link: str, size: float) -> None:
    x = np.linspace(-1, 1, 1000)
    y = 3 + x + np.sin(7 * np.arange(1000)) * (1.0 if link == "identity" else 0.9)
    one = fit_glm(pd.DataFrame({"x": x, "y": y}), target="y", factors=[LINE], family=family, link=link)
    frame = pd.DataFrame({"x": x, "y": y * size})
    large = fit_glm(frame, target="y", factors=[LINE], family=family, link=link)
    np.testing.assert_allclose(large.predict(frame)["prediction"] / size, one.predict(frame)["prediction"], rtol=1e-9)
    explained = [one.statistics.deviance / one.statistics.null_deviance for one in (one, large)]
    assert explained[1] == pytest.approx(explained[0], rel=1e-9)


def test_the_issue_s_line_of_currency_size_has_the_least_squares_coefficients() -> None:
    x = np.linspace(-1, 1, 1000)
    frame = pd.DataFrame({"x": x, "y": (3 + x + np.sin(7 * np.arange(1000))) * 1e11})
    model = fit_glm(frame, target="y", factors=[LINE], family="gaussian")
    estimates = [one.estimate for one in model.document.coefficients]
    assert estimates == pytest.approx([2.99993074e11, 9.9179755e10], rel=1e-8)


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize(
    ("family", "link"),
    [
        ("gaussian", "identity"),
        ("gaussian", "log"),
        ("gamma", "log"),
        ("gamma", "inverse"),
        ("poisson", "log"),
        ("tweedie(1.5)", "log"),
        ("inverse_gaussian", "log"),
        ("binomial", "logit"),
        ("gamma", "identity"),
    ],
)
def test_rows_that_lie_on_the_line_are_fitted(family: str, link: str, size: float) -> None:
    x = np.linspace(0, 1, 40)
    line = {"log": np.exp(1 + 0.5 * x), "inverse": 1 / (1 + 2 * x), "logit": 1 / (1 + np.exp(1 - 2 * x))}
    y = line.get(link, 1 + 2 * x) * (size if family != "binomial" else 1.0)
    frame = pd.DataFrame({"x": x, "y": y})
    model = fit_glm(frame, target="y", factors=[LINE], family=family, link=link)
    np.testing.assert_allclose(model.predict(frame)["prediction"], y, rtol=1e-12)
    assert model.statistics.deviance <= 1e-20 * model.statistics.null_deviance
