"""One factor and its target, the factor held as every kind of dictionary that sources make."""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

LEVELS = ["a", "b", None, "a", "c", "b"] * 3
TARGET = [1, 2, 5, 1, 3, 2] * 3
MEANS = {"a": 1.0, "b": 2.0, "c": 3.0, None: 5.0}
FACTOR = {
    "kind": "categorical",
    "name": "g",
    "column": "g",
    "missing": "own_level",
    "unseen": "refuse",
    "base": {"level": "a"},
}

SIZES: dict[str, Any] = {str(kind): kind for kind in (pa.int8(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())}
WORDS: dict[str, Any] = {str(kind): kind for kind in (pa.string(), pa.large_string(), pa.string_view())}


def arrow_dictionary(size: str, words: str = "string") -> pa.Table:
    """The factor with its indices in `size`, in two chunks whose dictionaries differ; a target as narrow."""
    chunks = [_chunk(LEVELS[:9], ["a", "b", "c"], size, words), _chunk(LEVELS[9:], ["c", "a", "b"], size, words)]
    return pa.table({"g": pa.chunked_array(chunks), "y": pa.array(TARGET, SIZES[size])})


def _chunk(levels: list[str | None], dictionary: list[str], size: str, words: str) -> pa.DictionaryArray[Any]:
    places = [None if level is None else dictionary.index(level) for level in levels]
    return pa.DictionaryArray.from_arrays(pa.array(places, SIZES[size]), pa.array(dictionary, WORDS[words]))


def polars_categories(kind: str) -> pl.DataFrame:
    """The factor as polars holds categories."""
    dtype: Any = pl.Categorical if kind == "categorical" else pl.Enum(["c", "b", "a", "none of the rows"])
    return pl.DataFrame({"g": pl.Series(LEVELS, dtype=dtype), "y": TARGET})


def duckdb_enum() -> pa.Table:
    """The factor as DuckDB's enum."""
    rows = pa.table({"g": LEVELS, "y": TARGET})
    connection = duckdb.connect()
    connection.register("rows", rows)
    connection.execute("CREATE TYPE letters AS ENUM ('c', 'b', 'a')")
    return connection.sql("SELECT g::letters AS g, y FROM rows").to_arrow_table()
