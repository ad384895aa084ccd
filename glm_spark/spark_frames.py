"""What the Spark engine accepts as a table, and the kinds of its columns."""

from __future__ import annotations

from collections import Counter
from os import PathLike
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import unquote
from weakref import WeakKeyDictionary

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as t

from glm_local.errors import DataError
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.read_array import decoded
from glm_local.pandas_rows.frames import arrow_table, is_csv, is_delta
from glm_local.pandas_rows.partition_folders import partition_kinds
from glm_local.texts.places import require_path
from glm_spark.spark_errors import explained

KINDS: tuple[tuple[type[t.DataType], ColumnKind], ...] = (
    (t.BooleanType, "boolean"),
    (t.IntegralType, "integer"),
    (t.FloatType, "float32"),
    (t.DoubleType, "float64"),
    (t.DecimalType, "decimal"),
    (t.StringType, "text"),
    (t.CharType, "text"),
    (t.VarcharType, "text"),
    (t.NullType, "text"),
    (t.DateType, "date"),
    (t.TimestampType, "timestamp"),
    (t.TimestampNTZType, "timestamp"),
)

_WIDER: dict[pa.DataType, pa.DataType] = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.float16(): pa.float32(),
}

PLAIN = "UTF8_BINARY"
"""The collation by code point, the ordinary one."""

_known: WeakKeyDictionary[Any, tuple[dict[str, ColumnKind], frozenset[str]]] = WeakKeyDictionary()


def is_path(source: Any) -> TypeGuard[str | PathLike[str]]:
    """Whether a source is a path, not a table's name, a frame or rows."""
    return isinstance(source, PathLike) or (isinstance(source, str) and ("/" in source or "\\" in source))


def as_spark_frame(spark: SparkSession, source: Any) -> DataFrame:
    """Return a Spark DataFrame: itself, a table's name, a path (Delta, Parquet), or local rows sent as Arrow.

    Raises
    ------
    DataError
        Nothing of that name or path, or not a table.
    """
    if isinstance(source, DataFrame):
        return source
    require_path(source, "frame")
    with explained("Give a DataFrame, a table's name, or the path of Parquet files or of a Delta table."):
        if isinstance(source, str | PathLike) and is_csv(source):
            return rows_to_spark(spark, _csv_rows(source))
        if is_path(source):
            path = str(source)
            delta = is_delta(Path(path))
            return spark.read.format("delta").load(path) if delta else read_parquet(spark, path)
        if isinstance(source, str):
            return spark.table(source)
        return rows_to_spark(spark, arrow_table(source))


def _csv_rows(path: str | PathLike[str]) -> pa.Table:
    if not Path(path).is_file():
        raise DataError.because(
            f"{path} is no file of this machine.",
            "A CSV file is read on the driver, by the rules of glm_local.",
            "Read it first: spark.read.csv(path, header=True, inferSchema=True).",
        )
    return arrow_table(path)


def read_parquet(spark: SparkSession, path: str) -> DataFrame:
    """Parquet files with the columns that folders stand for, of the kinds the local engine gives them.

    Spark would read "01" and "1" as one integer, and dates and fractions in folders' names as such.
    """
    frame = spark.read.parquet(path)
    try:
        kinds = partition_kinds(_below(path, one) for one in frame.inputFiles())
    except PySparkException:  # a server that lists no files
        return frame
    schema = frame.schema
    texts = {
        field.name
        for field in schema.fields
        if kinds.get(field.name) == "text" and not isinstance(field.dataType, t.StringType)
    }
    if not texts:
        return frame
    fields = [
        t.StructField(one.name, t.StringType() if one.name in texts else one.dataType, True) for one in schema.fields
    ]
    return spark.read.schema(t.StructType(fields)).parquet(path)


def _below(path: str, file: str) -> str:
    """The part of a file's URI below the folder that was read."""
    local = "://" not in path or path.startswith("file://")
    base = str(Path(path.removeprefix("file://")).absolute()) if local else path.partition("://")[2]
    whole = unquote(file)
    return whole.partition(base.rstrip("/"))[2] or whole


def rows_to_spark(spark: SparkSession, table: pa.Table) -> DataFrame:
    """Send an Arrow table to Spark; one without rows keeps its types (Connect would refuse it)."""
    table = _with_spark_types(table)
    if table.num_rows:
        return spark.createDataFrame(table)
    nothing = pa.table({field.name: pa.nulls(1, field.type) for field in table.schema})
    return spark.createDataFrame(nothing).where("false")


def _with_spark_types(table: pa.Table) -> pa.Table:
    """The table in types Spark has: it knows no unsigned integers, views or half floats, also not in dictionaries."""
    columns: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        found: Any = column
        if pa.types.is_dictionary(found.type):
            found = decoded(found)
        columns[name] = found.cast(_spark_type(found))
    return pa.table(columns)


def _spark_type(column: pa.ChunkedArray[Any]) -> pa.DataType:
    """The narrowest type of Spark that holds every value of a column."""
    kind: pa.DataType = column.type
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if kind == pa.uint64():
        largest = pc.max(column).as_py()
        return pa.int64() if largest is None or largest < 2**63 else pa.decimal128(20, 0)
    return _WIDER.get(kind, kind)


def column_kinds(frame: DataFrame) -> dict[str, ColumnKind]:
    """Name to physical kind, from the schema, which is read once per frame.

    Raises
    ------
    DataError
        Names differ only in case (Spark could not tell them apart).
    """
    return dict(_read_schema(frame)[0])


def collated_columns(frame: DataFrame) -> frozenset[str]:
    """Names of text columns that Spark does not compare by code point of itself."""
    return _read_schema(frame)[1]


def _read_schema(frame: DataFrame) -> tuple[dict[str, ColumnKind], frozenset[str]]:
    known = _known.get(frame)
    if known is None:
        with explained():
            schema = frame.schema
        kinds = {field.name: _kind(field.dataType) for field in schema.fields}
        _require_distinct([field.name for field in schema.fields])
        collated = frozenset(one.name for one in schema.fields if getattr(one.dataType, "collation", PLAIN) != PLAIN)
        known = _known[frame] = kinds, collated
    return known


def _kind(data_type: t.DataType) -> ColumnKind:
    return next((kind for one, kind in KINDS if isinstance(data_type, one)), "unsupported")


def _require_distinct(names: list[str]) -> None:
    times = Counter(name.lower() for name in names)
    alike = [name for name in names if times[name.lower()] > 1]
    if alike:
        raise DataError.because(
            f"Columns {alike[0]!r} and {alike[1]!r} are one name to Spark.",
            "Names differ in more than case.",
            "Rename one of them before the table comes here.",
        )
