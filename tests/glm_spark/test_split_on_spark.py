"""Splits on Spark: the same rows in the same samples as on pandas, for keys of content, of row numbers, of NULLs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from glm_local.errors import ConfigError, DataError, EngineError
from glm_local.job.data_sources import DataSource
from glm_local.on_pandas.local_environment import local_environment
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.validation import keyed_rows, learn_split, read_split

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PLACE = "place"


def rows(count: int = 600) -> pd.DataFrame:
    draw = np.random.default_rng(2)
    frame = pd.DataFrame({f"code_{at}": draw.choice(["a", "b", None], count) for at in range(6)})
    return frame.assign(place=np.arange(count), size=np.arange(count) / 7, claims=draw.poisson(0.3, count))


@pytest.fixture
def folder(tmp_path: Path) -> str:
    table = pa.Table.from_pandas(rows(), preserve_index=False)
    for at, name in enumerate(["b", "a b", "c"]):
        parquet.write_table(table.slice(200 * at, 200), tmp_path / f"{name}.parquet", row_group_size=64)
    return str(tmp_path)


def samples(engine: Any, source: Any, document: dict[str, Any]) -> dict[int, str]:
    split = read_split(document)
    frame = keyed_rows(engine, source, split.key, ["claims"])
    found = learn_split(engine, frame, split)
    marked = engine.with_columns(frame, {"sample": found.sample(engine.columns(frame))})
    held = marked.select("place", "sample").toPandas() if hasattr(marked, "toPandas") else marked
    return dict(zip(held["place"], held["sample"], strict=True))


@pytest.mark.parametrize(
    "document",
    [
        {"method": "hash", "key": [f"code_{at}" for at in range(6)]},
        {"method": "exact", "key": "row_number"},
        {"method": "hash", "key": "*"},
        {"method": "exact", "key": ["place"]},
        {"method": "none"},
    ],
    ids=lambda one: f"{one['method']}-{len(one.get('key', ''))}",
)
def test_both_engines_put_every_row_in_the_same_sample(
    spark: SparkSession, folder: str, document: dict[str, Any]
) -> None:
    from glm_spark.spark_engine import SparkEngine

    there = samples(SparkEngine(spark), folder, document)
    assert there == samples(PandasEngine(), folder, document)
    assert len(there) == 600
    assert set(there.values()) <= {"train", "validation", "holdout"}
    if document["method"] == "exact":
        assert pd.Series(there).value_counts().to_dict() == {"train": 360, "validation": 120, "holdout": 120}


def test_row_numbers_need_a_source_with_an_order(spark: SparkSession, folder: str) -> None:
    from glm_spark.spark_engine import SparkEngine

    engine = SparkEngine(spark)
    with pytest.raises(EngineError, match="A Spark DataFrame has no order of rows"):
        engine.numbered(spark.read.parquet(folder), "n")
    assert engine.numbered(rows(3), "n").toPandas()["n"].tolist() == [0, 1, 2]


def test_the_rows_of_a_job_have_the_same_numbers_on_both_engines(
    spark: SparkSession, folder: str, tmp_path: Path
) -> None:
    from glm_spark.job_environment import spark_environment

    far, near = spark_environment(spark), local_environment()
    table = tmp_path / "table.parquet"
    rows(50).to_parquet(table, index=False)
    for source in (DataSource("path", folder), DataSource("path", str(table))):
        here = near.numbered(source, ["place"], "number")
        there = far.numbered(source, ["place"], "number").toPandas()
        assert dict(zip(there["place"], there["number"], strict=True)) == dict(
            zip(here["place"], here["number"], strict=True)
        )
    with pytest.raises(EngineError, match="no order of rows"):
        far.numbered(DataSource("table", "somewhere"), ["place"], "number")


def test_a_study_of_a_dataframe_says_which_key_to_give_and_stops_where_samples_are_unlike(
    spark: SparkSession,
) -> None:
    from glm_spark import GLMStudy

    frame = spark.createDataFrame(rows().drop(columns=["place", "size"]))
    asked: dict[str, Any] = {"target": "claims", "name": "s", "user": "u", "candidates": ["code_0"], "folds": 2}
    with pytest.raises(ConfigError, match=r"no key is given.*A Spark DataFrame has no order"):
        _ = GLMStudy(frame, **asked).samples
    leaking = spark.createDataFrame(rows(3_000).assign(grade=lambda one: (one["claims"] > 0).astype(int)))
    with pytest.raises(DataError, match=r"samples are not alike|fold . has no row"):
        _ = GLMStudy(leaking, key=["grade", "code_0", "code_1"], **asked).samples
