"""The readers of expressions side by side: each gives plain Python rows, so that they can be compared."""

from __future__ import annotations

import datetime
import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from glm_local.expressions.column_reader import ArrayColumns
from glm_local.expressions.evaluate import evaluate_all
from glm_local.expressions.evaluate_record import record_reader
from glm_local.expressions.expression import Expression
from glm_local.expressions.values import Values
from glm_local.sql.statement import print_sql
from tests.frames import SHAPES, kinds_of

Rows = list[Any]


def plain_rows(values: Values) -> Rows:
    """Values as Python rows: None is missing, days are ISO text."""
    absent = values.absent
    return [None if gone else _plain(value) for value, gone in zip(values.data.tolist(), absent, strict=True)]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.date) else value


def by_numpy(expressions: Sequence[Expression], table: pa.Table, shape: str = "arrow") -> list[Rows]:
    columns = ArrayColumns(SHAPES[shape](table), kinds_of(table))
    return [plain_rows(values) for values in evaluate_all(expressions, columns)]


def by_record(expressions: Sequence[Expression], table: pa.Table) -> list[Rows]:
    records, kinds = table.to_pylist(), kinds_of(table)
    return [[read(record) for record in records] for read in (record_reader(one, kinds) for one in expressions)]


def by_duckdb(texts: Sequence[str], table: pa.Table) -> list[Rows]:
    import duckdb

    with duckdb.connect() as connection:
        connection.register("rows_of_test", table)
        connection.execute("SET TimeZone = 'America/New_York'")
        selected = ", ".join(f"{text} AS r{place}" for place, text in enumerate(texts))
        return arrow_rows(connection.sql(f"SELECT {selected} FROM rows_of_test").to_arrow_table())


def by_spark(expressions: Sequence[Expression], table: pa.Table, spark: Any) -> list[Rows]:
    from pyspark.sql.pandas.types import from_arrow_schema

    kinds = kinds_of(table)
    # a naive timestamp is a wall clock, not an instant of the session's zone
    frame = spark.createDataFrame(table, from_arrow_schema(table.schema, prefer_timestamp_ntz=True))
    texts = [f"{print_sql(one, kinds)} AS r{place}" for place, one in enumerate(expressions)]
    return arrow_rows(frame.selectExpr(*texts).toArrow())


@contextmanager
def spark_modes(spark: Any, ansi: str, way: str) -> Iterator[None]:
    """Spark with ANSI on or off; ``compiled`` rows pass through generated code, others are folded by the optimizer."""
    folding = "org.apache.spark.sql.catalyst.optimizer.ConvertToLocalRelation"
    before = spark.conf.get("spark.sql.ansi.enabled")
    spark.conf.set("spark.sql.ansi.enabled", ansi)
    if way == "compiled":
        spark.conf.set("spark.sql.optimizer.excludedRules", folding)
    try:
        yield
    finally:
        spark.conf.set("spark.sql.ansi.enabled", before)
        spark.conf.unset("spark.sql.optimizer.excludedRules")


def arrow_rows(result: pa.Table) -> list[Rows]:
    return [[_plain(value) for value in result.column(place).to_pylist()] for place in range(result.num_columns)]


def differences(expected: Rows, found: Rows, exact: bool) -> list[str]:
    """Rows that differ, as text; types count, and the sign of zero."""
    if len(expected) != len(found):
        return [f"{len(expected)} rows against {len(found)}"]
    return [
        f"row {row}: {a!r} against {b!r}"
        for row, (a, b) in enumerate(zip(expected, found, strict=True))
        if not _same(a, b, exact)
    ]


def _same(a: Any, b: Any, exact: bool) -> bool:
    if type(a) is not type(b):
        return False
    if not isinstance(a, float):
        return bool(a == b)
    if struct.pack("d", a) == struct.pack("d", b):
        return True
    if exact:
        return False
    return math.isfinite(a) and math.isfinite(b) and abs(a - b) <= max(1e-12 * abs(a), 1e-300)
