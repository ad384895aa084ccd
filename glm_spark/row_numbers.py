"""Rows of Parquet files numbered in the order of the files, as the local engine numbers them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from urllib.parse import unquote

from pyspark.sql import DataFrame

from glm_local.expressions.expression import Arithmetic, Expression, Lookup, Read
from glm_local.rows.engine import Engine
from glm_spark.spark_errors import explained

FILE, INDEX = "(file of a row)", "(row of a file)"


def numbered_files(engine: Engine[DataFrame], frame: DataFrame, name: str) -> DataFrame:
    """The rows of a Parquet source with their number, by path of the file and place in it. One pass."""
    placed = _with_places(frame)
    engine.passes.record("cells", "rows of each file")
    numbered = engine.with_columns(placed, {name: _row_number(_rows_by_file(placed))})
    return numbered.drop(FILE, INDEX)


def _with_places(frame: DataFrame) -> DataFrame:
    """The rows with `FILE` and `INDEX`, where in which file each stands; only Parquet files say that."""
    with explained("Row numbers are those of Parquet files: give their path, or name a column that identifies a row."):
        placed = frame.selectExpr("*", f"_metadata.file_path AS `{FILE}`", f"_metadata.row_index AS `{INDEX}`")
        _ = placed.schema
    return placed


def _rows_by_file(placed: DataFrame) -> dict[str, int]:
    """Rows of every file, in the order of the paths."""
    with explained():
        counted = placed.groupBy(FILE).count().toArrow().to_pylist()
    found = {str(one[FILE]): int(one["count"]) for one in counted}
    return {path: found[path] for path in sorted(found, key=unquote)}


def _row_number(files: Mapping[str, int]) -> Expression:
    """Number of a row among all files, from 0."""
    starts = tuple(accumulate(files.values(), initial=0))[:-1]
    first = Lookup(Read(FILE, "text"), tuple(files), starts, None, None)
    return Arithmetic("+", first, Read(INDEX, "integer"))
