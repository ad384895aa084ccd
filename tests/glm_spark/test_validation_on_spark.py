"""Splits and validation give the same on Spark as on pandas, whatever the partitioning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local.expressions.expression import Function, Read
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.validation import fold_expression, learn_split, read_split, split_counts, validation_report
from glm_spark.spark_engine import SparkEngine

SPLITS: list[dict[str, object]] = [
    {"method": "hash", "key": "policy", "seed": 0},
    {"method": "hash", "key": ["holder", "region"]},
    {"method": "time", "column": "start"},
    {"method": "time", "column": "year"},
    {"method": "stratified", "key": "policy", "strata": ["region"]},
    {"method": "column", "column": "region", "values": {"train": ["n", "ü"], "holdout": ["s"]}},
]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    draw, n = np.random.default_rng(0), 8_000
    held = pd.DataFrame(
        {
            "policy": np.arange(n),
            "holder": draw.integers(0, 900, n),
            "region": draw.choice(["n", "s", None, "ü"], n),
            "start": pd.to_datetime("2020-01-01") + pd.to_timedelta(draw.integers(0, 9_000, n), unit="h"),
            "year": draw.integers(2010, 2022, n).astype(float),
            "code": draw.integers(0, 12, n),
            "y": draw.poisson(0.3, n).astype(float),
            "e": draw.uniform(0.1, 1, n),
            "w": draw.uniform(0.5, 2, n),
        }
    )
    held["m"] = np.exp(draw.normal(-1.2, 0.4, n)) * held["e"]
    held.loc[:20, "y"] = np.nan
    held.loc[30:33, "m"] = np.nan
    held.loc[40:44, "e"] = 0.0
    return held


@pytest.fixture(scope="module")
def spark_frame(spark: Any, frame: pd.DataFrame) -> Any:
    return spark.createDataFrame(frame).repartition(5)


@pytest.mark.parametrize("document", SPLITS, ids=lambda one: f"{one['method']} {one.get('column', one.get('key'))}")
def test_a_row_is_in_the_same_sample_on_both_engines(
    document: dict[str, object], frame: pd.DataFrame, spark: Any, spark_frame: Any
) -> None:
    local, cluster = PandasEngine(), SparkEngine(spark)
    split = learn_split(local, frame, read_split(document))
    assert learn_split(cluster, spark_frame, read_split(document)) == split
    here = local.with_columns(frame, {"sample": split.sample(local.columns(frame))})["sample"].fillna("none")
    scored = cluster.with_columns(spark_frame, {"sample": split.sample(cluster.columns(spark_frame))})
    there = scored.select("policy", "sample").toPandas().sort_values("policy")["sample"].fillna("none")
    assert there.tolist() == here.tolist()
    pd.testing.assert_frame_equal(split_counts(cluster, spark_frame, split), split_counts(local, frame, split))


def test_a_row_is_in_the_same_fold_on_both_engines(frame: pd.DataFrame, spark: Any, spark_frame: Any) -> None:
    local, cluster = PandasEngine(), SparkEngine(spark)
    here = local.with_columns(frame, {"fold": fold_expression("policy", local.columns(frame), 5, 1)})["fold"]
    fold = fold_expression("policy", cluster.columns(spark_frame), 5, 1)
    there = cluster.with_columns(spark_frame, {"fold": fold}).select("policy", "fold").toPandas()
    assert there.sort_values("policy")["fold"].tolist() == here.tolist()


@pytest.mark.parametrize("family", ["poisson", "tweedie(1.5)", "gaussian"])
def test_every_table_is_the_same_on_both_engines(
    family: str, frame: pd.DataFrame, spark: Any, spark_frame: Any
) -> None:
    local, cluster = PandasEngine(), SparkEngine(spark)
    split = read_split({"key": "policy"})
    roles: dict[str, Any] = {
        "target": "y",
        "prediction": Function("exp", Function("log", Read("m"))),
        "family": family,
        "exposure": "e",
        "weight": "w",
        "factors": {"age": (Read("code", "integer"), [f"bin_{i}" for i in range(12)])},
    }
    here = validation_report(local, frame, sample=split.sample(local.columns(frame)), **roles).tables()
    there = validation_report(cluster, spark_frame, sample=split.sample(cluster.columns(spark_frame)), **roles).tables()
    assert cluster.passes.raw == 1
    for name, table in here.items():
        pd.testing.assert_frame_equal(there[name], table, rtol=1e-9)


def test_the_null_deviance_of_large_amounts_that_vary_little_is_the_same_on_both_engines(
    frame: pd.DataFrame, spark: Any
) -> None:
    rows = frame[["w", "region"]].assign(y=1e9 + frame["e"], m=1e9)
    roles: dict[str, Any] = {"target": "y", "prediction": "m", "family": "gaussian", "weight": "w", "sample": "region"}
    here = validation_report(PandasEngine(), rows, **roles).summary
    there = validation_report(SparkEngine(spark), spark.createDataFrame(rows).repartition(3), **roles).summary
    np.testing.assert_allclose(there["null_deviance"], here["null_deviance"], rtol=1e-12)
    for line in here.itertuples():
        own = rows[rows["region"] == line.sample]
        spread = own["y"] - 1e9 - np.average(own["y"] - 1e9, weights=own["w"])
        assert line.null_deviance == pytest.approx((own["w"] * spread**2).sum(), rel=1e-6)
