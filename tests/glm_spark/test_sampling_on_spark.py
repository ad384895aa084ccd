"""Stratified samples hold the same rows on Spark as on pandas, whatever the partitioning."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

import glm_local.on_pandas.frame_verbs as local
import glm_spark.frame_verbs as cluster
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.sampling import draw_sample
from glm_local.sampling import stratified as room
from glm_spark.spark_engine import SparkEngine


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    draw, n = np.random.default_rng(3), 2_000
    return pd.DataFrame(
        {
            "policy": np.arange(n),
            "holder": draw.integers(0, 300, n),
            "x": draw.normal(size=n),
            "area": draw.choice(["n", "s", None, "ü"], n, p=[0.6, 0.3, 0.05, 0.05]),
            "a.b": draw.random(n) < 0.3,
            "rate": draw.choice([0.1, 0.25, np.nan], n),
            "small": draw.choice([0.1, 1e-3, 7], n).astype("float32"),
            "day": [datetime.date(2024, 1, 1) + datetime.timedelta(int(d)) for d in draw.integers(0, 5, n)],
            "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(draw.integers(0, 99, n), unit="h"),
        }
    )


@pytest.fixture(scope="module")
def spark_frame(spark: Any, frame: pd.DataFrame) -> Any:
    return spark.createDataFrame(frame).repartition(5)


@pytest.mark.parametrize(
    ("strata", "options"),
    [
        ("area", {"size": 150, "min_per_stratum": 5, "key": "policy"}),
        (["area", "a.b", "rate"], {"fraction": 0.1}),
        ("day", {"size": 100, "key": ["holder", "a.b"], "seed": -3}),
        ("at", {"size": 30, "weight_column": None}),
        (["holder", "area"], {"size": 1_000, "min_per_stratum": 1, "key": "policy"}),
    ],
    ids=["one key", "content", "two keys", "timestamp", "many strata"],
)
def test_the_same_rows_are_drawn_on_both_engines(
    strata: Any, options: dict[str, Any], frame: pd.DataFrame, spark_frame: Any
) -> None:
    here = local.stratified_sample(frame, strata, **options)
    for parts in (1, 7):
        there = cluster.stratified_sample(spark_frame.repartition(parts), strata, **options)
        assert there.columns == list(here.columns)
        found = there.toPandas().sort_values("policy").reset_index(drop=True)
        assert found["policy"].tolist() == here["policy"].tolist()
        if "sample_weight" in found:
            assert np.allclose(found["sample_weight"], here["sample_weight"], rtol=1e-15)


def test_rows_that_are_all_alike_are_divided_to_the_row(spark: Any) -> None:
    alike = pd.DataFrame({"group": ["a"] * 10 + ["b"] * 20 + ["c"] * 30, "x": 1.0})
    sample = cluster.stratified_sample(spark.createDataFrame(alike).repartition(3), "group", size=12, min_per_stratum=2)
    found = sample.toPandas().groupby("group")["sample_weight"].agg(["size", "sum"])
    assert found["size"].tolist() == [3, 4, 5]
    assert found["sum"].tolist() == pytest.approx([10, 20, 30])


def test_many_keys_are_cut_alike_in_two_passes(
    frame: pd.DataFrame, spark: Any, spark_frame: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"size": 150, "key": "policy"}
    here = draw_sample(PandasEngine(), frame, "area", **asked)
    monkeypatch.setattr(room, "MOST_KEYS_AT_ONCE", 100)
    engine = SparkEngine(spark)
    there = draw_sample(engine, spark_frame, "area", **asked)
    assert engine.passes.raw == 2
    pd.testing.assert_frame_equal(there.table, here.table)


def test_missing_strata_are_the_same(frame: pd.DataFrame, spark_frame: Any) -> None:
    here = local.missing_strata(frame, frame[frame["area"] == "n"], ["area", "rate"])
    there = cluster.missing_strata(spark_frame, spark_frame.where("area = 'n'"), ["area", "rate"])
    pd.testing.assert_frame_equal(there, here)
