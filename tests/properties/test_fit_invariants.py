"""What must be true of every fit, whatever the family, link, weights, offsets, bases, aliases and missing values.

A short run is in `make test`; `make test-slow` takes 2,000 cases. Numbers are looked at where they are used: in
predictions, totals and deviances of the rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from glm_local import FitError, Model, fit_glm, load_model
from tests.properties.fit_cases import FitCase, fit_case

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SHORT, LONG = range(60), range(60, 2_060)


def unit_deviances(family: str, y: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Twice the log of likelihood ratios, written from the textbook (Jorgensen 1997), not from the product."""
    with np.errstate(all="ignore"):
        if family == "gaussian":
            return (y - mean) ** 2
        if family == "poisson":
            return 2 * (np.where(y > 0, y * np.log(y / mean), 0.0) - (y - mean))
        if family == "binomial":
            one, none = (
                np.where(y > 0, y * np.log(y / mean), 0.0),
                np.where(y < 1, (1 - y) * np.log((1 - y) / (1 - mean)), 0.0),
            )
            return 2 * (one + none)
        if family == "gamma":
            return 2 * ((y - mean) / mean - np.log(y / mean))
        p = 3.0 if family == "inverse_gaussian" else float(family[8:-1])
        first = np.where(y > 0, y ** (2 - p), 0.0) / ((1 - p) * (2 - p))
        return 2 * (first - y * mean ** (1 - p) / (1 - p) + mean ** (2 - p) / (2 - p))


def fitted(case: FitCase, **changed: Any) -> Model[Any] | None:
    """The model of a case; None where there is none to be had (separation, a border), which the product said."""
    try:
        return fit_glm(case.frame, **{**case.asked, **changed})
    except FitError:
        return None


def scored(case: FitCase, model: Model[Any]) -> np.ndarray:
    return np.asarray(model.predict(case.frame)["prediction"], dtype=float)


def weights(case: FitCase) -> np.ndarray:
    name = case.asked.get("weight")
    return np.ones(len(case.frame)) if name is None else case.frame[name].to_numpy()


def check_figures(case: FitCase, model: Model[Any]) -> None:
    """Deviance and totals of the rows' predictions are those the model tells; exposure and offset are in them."""
    y, mean, w = case.frame["y"].to_numpy(), scored(case, model), weights(case)
    family = case.asked["family"]
    if "exposure" in case.asked and family not in ("poisson", "gaussian", "binomial"):
        return  # the density's weight then holds a power of the exposure: see check_totals
    if "offset" in case.asked and case.asked["link"] == "log" and family != "poisson":
        return
    assert (w * unit_deviances(family, y, mean)).sum() == pytest.approx(model.statistics.deviance, rel=1e-8, abs=1e-9)


def check_totals(case: FitCase, model: Model[Any]) -> None:
    """With a canonical link fitted equals observed in all, and on every level that is fitted, base or empty of others."""
    if not case.canonical or any("separated" in one for one in model.warnings):
        return
    y, mean, w = case.frame["y"].to_numpy(), scored(case, model), weights(case)
    scale = (w * (np.abs(y) + np.abs(mean))).sum()
    assert abs((w * (y - mean)).sum()) <= 1e-8 * scale
    for spec in case.asked["factors"]:
        if spec["kind"] == "categorical":
            column = case.frame[spec["column"]].fillna("(gone)")
            for level in column.unique():
                inside = (column == level).to_numpy()
                assert abs((w * (y - mean))[inside].sum()) <= 1e-7 * scale, (spec["name"], level)


def check_readers(case: FitCase, model: Model[Any]) -> None:
    """Saved and loaded, and one record alone, score alike."""
    mean = scored(case, model)
    again = load_model(json.loads(model.to_json()))
    assert scored(case, again).tolist() == mean.tolist()
    for at in (0, len(mean) // 2):
        record = {name: None if value != value else value for name, value in case.frame.iloc[at].to_dict().items()}
        assert model.predict(record) == pytest.approx(mean[at], rel=1e-12)


def check_routes(case: FitCase, model: Model[Any]) -> None:
    """Cells and blocks, and rows in another order, predict the same."""
    mean = scored(case, model)
    for solver in ("cells", "blocks"):
        other = fitted(case, solver=solver)
        assert other is not None
        assert scored(case, other) == pytest.approx(mean, rel=1e-7)
    shuffled = replace(case, frame=case.frame.sample(frac=1, random_state=case.seed))
    other = fitted(shuffled)
    assert other is not None
    assert scored(case, other) == pytest.approx(mean, rel=1e-7)


def check_bases(case: FitCase, model: Model[Any]) -> None:
    """Which level is the base, and which factor comes first, changes no prediction."""
    mean = scored(case, model)
    turned = [
        {**spec, "base": {"level": "r"}} if spec["name"] == "a" else spec for spec in reversed(case.asked["factors"])
    ]
    other = fitted(case, factors=turned)
    assert other is not None
    assert scored(case, other) == pytest.approx(mean, rel=1e-6)
    assert other.statistics.deviance == pytest.approx(model.statistics.deviance, rel=1e-9)
    assert other.statistics.parameters == model.statistics.parameters


def rescaled(case: FitCase) -> Iterator[tuple[str, FitCase, float]]:
    """The case in other units, and what its predictions are multiplied by; two of eight ways, by turns."""
    size, frame, asked = 1e12 if case.seed % 2 else 1e-12, case.frame, case.asked
    ways: dict[str, tuple[dict[str, Any], dict[str, Any], float]] = {
        "columns": ({"n": frame["n"] * size, "twice": frame["twice"] * size}, {}, 1.0),
        "weight": ({"w": frame.get("w", 1.0) * size}, {"weight": "w"}, 1.0),
    }
    if "exposure" in asked:
        ways["exposure"] = ({"years": frame["years"] * size}, {}, 1.0)
    if case.scalable:
        offset = {"shift": frame["shift"] * size} if asked["link"] == "identity" and "offset" in asked else {}
        ways["target"] = ({"y": frame["y"] * size, **offset}, {}, size)
    for at in (0, 1):
        name = sorted(ways)[(case.seed // 2 + at) % len(ways)]
        columns, other, factor = ways[name]
        yield name, replace(case, frame=frame.assign(**columns), asked={**asked, **other}), factor


def check_scales(case: FitCase, model: Model[Any]) -> None:
    """Target, exposure, weight and columns times 1e12 or 1e-12 change the scale and nothing else."""
    mean, statistics = scored(case, model), model.statistics
    for name, other, factor in rescaled(case):
        large = fitted(other)
        assert large is not None, name
        assert scored(other, large) / factor == pytest.approx(mean, rel=1e-7), name
        assert large.statistics.parameters == statistics.parameters
        explained = [one.deviance / one.null_deviance for one in (statistics, large.statistics)]
        assert explained[1] == pytest.approx(explained[0], rel=1e-7), name
        if name == "columns" or statistics.statistic == "t":  # else the weights say how much is known
            tests = [
                [one.statistic for one in some.document.coefficients if one.factor and one.statistic]
                for some in (model, large)
            ]
            assert tests[1] == pytest.approx(tests[0], rel=1e-5, abs=1e-6), name


CHECKS = [check_figures, check_totals, check_readers, check_routes, check_bases, check_scales]


def check_all(seed: int) -> bool:
    case = fit_case(seed)
    model = fitted(case)
    if model is None or not model.document.convergence.converged or any("separated" in one for one in model.warnings):
        return False
    for check in CHECKS:
        check(case, model)
    return True


@pytest.mark.parametrize("seed", SHORT)
def test_a_fit_keeps_its_invariants(seed: int) -> None:
    check_all(seed)


def test_nearly_every_case_is_a_fit() -> None:
    done = [fitted(fit_case(seed)) is not None for seed in SHORT]
    assert sum(done) > 0.9 * len(done)


def check_on_spark(spark: SparkSession, seed: int) -> None:
    """The same rows on Spark, in two partitions, give the same model; and so do their units."""
    import glm_spark

    case = fit_case(seed)
    local = fitted(case)
    if local is None or any("separated" in one for one in local.warnings):
        return
    name, other, factor = next(rescaled(case))
    for one, by in ((case, 1.0), (other, factor)):
        frame = spark.createDataFrame(pa.Table.from_pandas(one.frame, preserve_index=False)).repartition(2)
        model = glm_spark.fit_glm(frame, **one.asked)
        assert scored(one, load_model(json.loads(model.to_json()))) / by == pytest.approx(
            scored(case, local), rel=1e-7
        ), name
        explained = [some.statistics.deviance / some.statistics.null_deviance for some in (local, model)]
        assert explained[1] == pytest.approx(explained[0], rel=1e-7), name


@pytest.mark.parametrize("seed", [3, 8])
def test_a_fit_on_spark_keeps_its_invariants(spark: SparkSession, seed: int) -> None:
    check_on_spark(spark, seed)


@pytest.mark.slow
def test_fits_on_spark_keep_their_invariants(spark: SparkSession) -> None:
    for seed in range(100, 140):
        check_on_spark(spark, seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(LONG.start, LONG.stop, 100))
def test_two_thousand_fits_keep_their_invariants(start: int) -> None:
    for seed in range(start, start + 100):
        try:
            check_all(seed)
        except AssertionError as error:
            raise AssertionError(f"case {seed}: {error}") from error
