from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from tests.suites.dictionary_rows import FACTOR, LEVELS, MEANS, TARGET, arrow_dictionary, duckdb_enum, polars_categories

pytest.importorskip("pyspark")

from glm_spark import fit_glm
from glm_spark.spark_frames import rows_to_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SOURCES = {
    "polars": lambda: polars_categories("enum"),
    "duckdb": duckdb_enum,
    "views": lambda: pa.table({"g": pa.array(LEVELS, pa.string_view()), "y": pa.array(TARGET, pa.uint64())}),
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_dictionary_sent_to_spark_is_its_values(spark: SparkSession, source: str) -> None:
    model = fit_glm(SOURCES[source](), target="y", factors=[FACTOR])
    assert {level: model.predict({"g": level}) for level in MEANS} == pytest.approx(MEANS)


def test_unsigned_integers_sent_to_spark_keep_their_values(spark: SparkSession) -> None:
    table = arrow_dictionary("uint16").append_column("big", pa.array([2**63 + 5] * 18, pa.uint64()))
    rows = rows_to_spark(spark, table).collect()
    assert [row.g for row in rows] == LEVELS
    assert [row.y for row in rows] == TARGET
    assert {int(row.big) for row in rows} == {2**63 + 5}
