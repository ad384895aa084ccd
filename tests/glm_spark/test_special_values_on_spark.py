"""Infinities, codes of folders and float32 on Spark: as on pandas."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

from glm_local.candidates.pre_bins import learn_candidates
from glm_local.factors.factors import numeric
from glm_local.factors.learn_factors import learn_factors
from glm_local.pandas_rows.pandas_engine import PandasEngine
from tests.pandas_rows.test_partition_folders import CODES, written
from tests.study.infinite_rows import infinite_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EDGES = [{"method": method, "bins": 4} for method in ("quantile", "uniform")]


@pytest.fixture
def engines(spark: SparkSession) -> tuple[Any, Any]:
    from glm_spark.spark_engine import SparkEngine

    return PandasEngine(), SparkEngine(spark)


@pytest.mark.parametrize(("value", "few"), [(-math.inf, False), (math.inf, False), (math.inf, True)])
def test_infinities_have_the_same_bins_and_predictions_on_both_engines(
    engines: tuple[Any, Any], value: float, few: bool
) -> None:
    near, far = engines
    frame = infinite_rows(value, 0.2, few, 2_000)
    held = far.spark.createDataFrame(pa.Table.from_pandas(frame, preserve_index=False)).repartition(3)
    asked = [numeric(f"x{at}", column="x", edges=rule, missing="base") for at, rule in enumerate(EDGES)]
    found = [learn_factors(engine, rows, asked) for engine, rows in ((near, frame), (far, held))]
    assert [one.document() for one in found[0]] == [one.document() for one in found[1]]
    fine = [learn_candidates(engine, rows, ["x"], pre_bins=20) for engine, rows in ((near, frame), (far, held))]
    assert fine[0].candidates == fine[1].candidates
    assert 1.7976931348623157e308 in [abs(edge) for edge in fine[0].candidates[0].fine.edges]

    from glm_spark import fit_glm

    factor = {"kind": "numeric", "name": "x", "column": "x", "edges": EDGES[0], "missing": "refuse"}
    model = fit_glm(held, target="bad", factors=[factor], family="binomial")
    scored = model.predict(held, "mean").toPandas()
    infinite = scored["x"].abs() == math.inf
    assert scored.loc[infinite, "prediction"].to_numpy() == pytest.approx(scored.loc[infinite, "bad"].mean())
    assert scored.loc[~infinite, "prediction"].mean() == pytest.approx(scored.loc[~infinite, "bad"].mean())


@pytest.mark.parametrize("values", [CODES, ["1", "20", "-3"], ["2024-01-31", "2024-02-29"], ["0.1", "0.25"]])
def test_columns_of_folders_are_the_same_on_both_engines(
    engines: tuple[Any, Any], tmp_path: Path, values: list[str]
) -> None:
    from glm_local.job.data_sources import DataSource
    from glm_spark.job_environment import spark_environment

    near, far = engines
    path = written(tmp_path, "code", values)
    assert near.columns(path)["code"] == far.columns(path)["code"]
    assert spark_environment(far.spark).columns(DataSource("path", path))["code"] == near.columns(path)["code"]
    with far.holding(path) as held:
        rows = held.select("code", "at").distinct().toPandas()
    assert sorted(rows["code"].astype(str)) == sorted(values)
    assert rows.sort_values("at")["code"].astype(str).tolist() == values


def test_a_float32_is_the_same_double_on_both_engines(engines: tuple[Any, Any]) -> None:
    from glm_spark import fit_glm

    near, far = engines
    frame = pd.DataFrame({"x": pd.Series([0.1, 0.2, 0.3] * 20, dtype="float32"), "y": [1.0, 2.0, 4.0] * 20})
    held = far.spark.createDataFrame(pa.Table.from_pandas(frame, preserve_index=False))
    asked = [numeric("x", edges={"method": "quantile", "bins": 3}, missing="base")]
    assert learn_factors(near, frame, asked) == learn_factors(far, held, asked)
    factor = {"kind": "numeric", "name": "x", "column": "x", "edges": [0.1, 0.25], "missing": "refuse"}
    scored = fit_glm(held, target="y", factors=[factor], on_separation="warn").predict(held).toPandas()
    assert scored.groupby("x")["prediction"].first().tolist() == pytest.approx([1.5, 1.5, 4.0])
