"""Aggregates, comparisons, double lift and drift give the same tables on Spark as on pandas, in as many passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import glm_local.on_pandas.frame_verbs as local
import glm_spark.frame_verbs as cluster
from glm_local import diagnostics
from glm_local.errors import ConfigError
from glm_local.expressions.expression import Compare, Literal, Read
from glm_spark.spark_engine import SparkEngine

AGE: dict[str, Any] = {
    "kind": "numeric",
    "name": "age band",
    "column": "age",
    "edges": [25, 40, 60],
    "missing": "own_level",
}
SCORED: dict[str, Any] = {"target": "y", "exposure": "e", "weight": "w", "sample": "sample"}
QUESTIONS: dict[str, Callable[[Any, Any], pd.DataFrame]] = {
    "aggregate": lambda verbs, frame: verbs.aggregate_table(
        frame,
        [AGE, "area"],
        {name: ("y", name) for name in ("sum", "avg", "count", "min", "max", "count_distinct")},
        weight="w",
        where=Compare(">", Read("e"), Literal(0.2)),
    ),
    "spreads": lambda verbs, frame: verbs.aggregate_table(
        frame,
        {"area": "area", "band": AGE},
        {name: ("m", name) for name in ("size", "std", "var", "median", "first", "last")},
        weight="w",
        order="e",
    ),
    "no groups": lambda verbs, frame: verbs.aggregate_table(
        frame, None, {"s": ("y", "std"), "m": ("bin", "first")}, order="m"
    ),
    "validation by value": lambda verbs, frame: verbs.validation_report(
        frame, prediction="m", family="poisson", factors=["area", "flag", AGE], **SCORED
    ).tables()["actual_expected/area"],
    "extremes": lambda verbs, frame: verbs.aggregate_table(
        frame, [], {f"{at} {name}": (name, at) for name in ("area", "flag", "bin") for at in ("min", "max")}
    ),
    "rates": lambda verbs, frame: verbs.aggregate_rate_table(
        frame, "bin", actual="y", exposure="e", weight="w", predicted="m"
    ),
    "by factor": lambda verbs, frame: verbs.by_factor_report(frame, "bin", prediction="m", **SCORED),
    "by spec": lambda verbs, frame: verbs.by_factor_report(frame, AGE, prediction="m", **SCORED),
    "summary": lambda verbs, frame: verbs.summary(frame, prediction="m", **SCORED),
    "lift": lambda verbs, frame: verbs.lift(frame, prediction="m", bands=4, **SCORED),
    "calibration": lambda verbs, frame: verbs.calibration(frame, prediction="m", bands=4, **SCORED),
    "samples": lambda verbs, frame: verbs.train_validation_comparison(frame, prediction="m", **SCORED),
    "versions": lambda verbs, frame: verbs.model_version_comparison(
        frame, {"a": "flat", "b": {"multiply": ["m", 2]}}, family="poisson", **SCORED
    ),
    "double lift": lambda verbs, frame: verbs.double_lift(frame, "flat", "m", bands=5, **SCORED),
    "drift": lambda verbs, frame: verbs.drift(frame, [AGE, "area"], prediction="m", **SCORED).levels,
    "drift of frames": lambda verbs, frame: verbs.drift(frame, ["area", "bin"], other=frame, exposure="e").table,
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    draw, n = np.random.default_rng(5), 3_000
    held = pd.DataFrame(
        {
            "bin": [f"bin_{i}" for i in draw.integers(1, 13, n)],
            "area": draw.choice(["n", "ü", None], n),
            "age": draw.choice([18.0, 25, 33, 50, 70, np.nan], n),
            "e": draw.uniform(0.1, 1, n),
            "w": draw.uniform(0.5, 2, n),
            "sample": draw.choice(["train", "validation"], n),
            "flag": draw.random(n) < 0.5,
        }
    )
    held["m"] = held["e"] * np.exp(draw.normal(-1, 0.5, n))
    held["flat"] = 0.4 * held["e"]
    held["y"] = draw.poisson(held["m"]).astype(float)
    held.loc[draw.random(n) < 0.02, "y"] = np.nan
    held.loc[50:55, "m"] = np.nan
    return held


@pytest.fixture(scope="module")
def spark_frame(spark: Any, frame: pd.DataFrame) -> Any:
    return spark.createDataFrame(frame).repartition(5)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_table_is_the_same_on_both_engines(question: str, frame: pd.DataFrame, spark_frame: Any) -> None:
    here, there = QUESTIONS[question](local, frame), QUESTIONS[question](cluster, spark_frame)
    pd.testing.assert_frame_equal(there, here, check_exact=False, rtol=1e-10, atol=1e-12)
    assert there.attrs.keys() == here.attrs.keys()


def test_a_first_value_of_a_spark_table_needs_an_order(spark_frame: Any) -> None:
    with pytest.raises(ConfigError, match='order="date"'):
        cluster.aggregate_table(spark_frame, "area", {"y": ("y", "first")})


def test_a_factor_report_is_one_job_over_the_rows(spark: Any, spark_frame: Any) -> None:
    engine = SparkEngine(spark)
    diagnostics.by_factor_report(engine, spark_frame, AGE, prediction="m", **SCORED)
    diagnostics.double_lift(engine, spark_frame, "flat", "m", **SCORED)
    assert engine.passes.raw == 2


def test_verbs_have_one_signature_and_say_what_their_package_takes() -> None:
    import inspect

    assert local.__all__ == cluster.__all__
    for name in local.__all__:
        here, there = getattr(local, name), getattr(cluster, name)
        shown = [[(one.name, one.default) for one in inspect.signature(f).parameters.values()] for f in (here, there)]
        assert shown[0] == shown[1], name
        assert "engine" not in inspect.signature(there).parameters
        assert inspect.getdoc(there)
    assert "Spark DataFrame." in (cluster.summary.__doc__ or "")
    assert "polars" in (local.summary.__doc__ or "")
