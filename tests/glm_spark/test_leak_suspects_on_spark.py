"""Leak suspects on Spark: the same sentences as on pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from tests.suites.leak_suite import HONEST, TOLD, rows, suspects

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.parametrize(
    "name", ["gaussian, linear", "poisson, levels", "binomial, linear", "poisson, proportional to the target", "honest"]
)
def test_leak_suspects_are_the_same_on_both_engines(spark: SparkSession, name: str) -> None:
    import glm_local
    import glm_spark

    case = TOLD.get(name, HONEST["gaussian, 99 %"])
    frame = rows(case)
    there = spark.createDataFrame(pa.Table.from_pandas(frame, preserve_index=False)).repartition(3)
    found = suspects(glm_spark.fit_glm, there, case)
    assert found == suspects(glm_local.fit_glm, frame, case)
    assert bool(found) == (name != "honest")
