"""Tiny hostile frames, as Arrow tables so that NaN and NULL stay apart, and their pandas shapes."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.read_array import physical_kind

NAN, INF = math.nan, math.inf
UTC = datetime.UTC

DOUBLES = [
    None,
    NAN,
    INF,
    -INF,
    -0.0,
    0.0,
    1.5,
    float(np.nextafter(1.5, 2)),
    float(np.nextafter(1.5, 1)),
    25.0,
    float(np.nextafter(25.0, 26)),
    float(np.nextafter(25.0, 24)),
    0.1,
    0.2,
    0.3,
    0.1 + 0.2,
    -7.25,
    1e308,
    -1e308,
    5e-324,
    2.2250738585072014e-308,
    9007199254740993.0,
    9.223372036854775807e18,
    1e19,
    3.0,
    -3.0,
    2.675,
    709.0,
    710.0,
    -745.0,
    40.0,
]
SINGLES = [None, NAN, 0.1, 0.7, 0.3, 16777217.0, -0.0, 1.5, INF, -INF, 25.0, 1e-45, 3.4e38]
WHOLES = [None, 0, 1, -1, 25, 26, 24, 2, 3, 10, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), -7, 100, 1000, 3037000500]
TENTHS = [None, "0.10", "0.30", "25.00", "25.01", "-0.00", "1.00", "99999999.99", "-7.25", "3.00"]
WIDE = [
    None,
    "0.1234567890",
    "9007199254740993.1000000000",
    "25.0000000000",
    "-1.0000000000",
    "9999999999999999999999999999.9999999999",
    "9223372036854775807.0000000000",
    "9223372036854775808.0000000000",
    "0.3000000000",
]
WORDS = [
    None,
    "",
    " ",
    "A",
    "a",
    "a ",
    " a",
    "á",
    "a\u0301",
    "ß",
    "SS",
    "O'Brien",
    "it''s",
    "back\\slash",
    "\\",
    "'",
    '"',
    "${env:HOME}",
    "$",
    "{",
    "$ {a}",
    "new\nline",
    "tab\t",
    "nul\x00",
    "nul",
    "😀",
    "\uffff",
    "NULL",
    "null",
    "nan",
    "NaN",
    "inf",
    "true",
    "TRUE",
    "tRuE",
    "false",
    "False",
    "1",
    "0",
    "1.0",
    "1.",
    "-1.00",
    "+5",
    ".5",
    "5.",
    ".",
    "+",
    " 1",
    "1 ",
    "1\n",
    "1d",
    "1f",
    "0x1F",
    "1_000",
    "1e5",
    "1E-3",
    "1e",
    "1e999",
    "-1e999",
    "٣",
    "1,5",
    "007",
    "-0",
    "-0.0",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "000000000000000000000000000000001",
    "2024-02-29",
    "2023-02-29",
    "0000-01-01",
    "0001-01-01",
    "2024",
    "20240203",
    "2024-1-1",
    "2024-01-01 ",
    "9999-12-31",
    "B12",
    "K",
    "\u212a",
    "ſ",
    "%",
    "_",
    "?",
    ":a",
    "--",
    "/*",
    "`",
    ";",
    "b",
    "B",
    "z",
    "Z",
]
DAYS = [
    None,
    datetime.date(2024, 2, 29),
    datetime.date(1970, 1, 1),
    datetime.date(1969, 12, 31),
    datetime.date(1, 1, 1),
    datetime.date(9999, 12, 31),
    datetime.date(1582, 10, 10),
    datetime.date(2024, 3, 31),
    datetime.date(50, 1, 2),
]
MOMENTS = [
    None,
    *(
        datetime.datetime(*parts)
        for parts in (
            (2024, 3, 31, 0, 30),
            (2024, 3, 31, 23, 59, 59, 999999),
            (1970, 1, 1),
            (1969, 12, 31, 23, 59, 59, 999999),
            (2024, 10, 27, 1, 30),
            (1900, 1, 1, 0, 0, 0, 1),
            (2024, 1, 1),
            (2023, 12, 31, 23, 30),
        )
    ),
]
FLAGS = [None, True, False]
NAMES = {
    "dotted": "a.b`c",
    "quoted": "quo\"te'd",
    "umlaut": "Größe %",
    "variable": "${env:HOME}x",
    "lambda": "v1",
    "back": "a\\b",
}


def _column(values: Sequence[Any], rows: int, kind: pa.DataType, step: int = 1) -> pa.Array:
    return pa.array([values[(row * step) % len(values)] for row in range(rows)], kind, from_pandas=False)


def hostile_table() -> pa.Table:
    """Every kind of column with every edge, 97 rows, values in different rhythms."""
    rows = 97

    def column(values: Sequence[Any], kind: pa.DataType, step: int = 1) -> pa.Array:
        return _column(values, rows, kind, step)

    tenths, wide = [[None if v is None else Decimal(v) for v in values] for values in (TENTHS, WIDE)]
    aware = [None if v is None else v.replace(tzinfo=UTC) for v in MOMENTS]
    singles = [None if v is None else np.float32(v) for v in SINGLES]
    return pa.table(
        {
            "x": column(DOUBLES, pa.float64()),
            "y": column(DOUBLES, pa.float64(), 7),
            "single": column(singles, pa.float32()),
            "whole": column(WHOLES, pa.int64()),
            "other": column(WHOLES, pa.int64(), 5),
            "small": column([None, 0, 1, 2, -128, 127, 25], pa.int8()),
            "full": column([3, 1, 4, 1, 5, 9, 2, 6], pa.int32()),
            "tenth": column(tenths, pa.decimal128(10, 2)),
            "wide": column(wide, pa.decimal128(38, 10)),
            "word": column(WORDS, pa.string()),
            "term": column(WORDS, pa.string(), 11),
            "flag": column(FLAGS, pa.bool_()),
            "sign": column([True, False, None, False], pa.bool_()),
            "day": column(DAYS, pa.date32()),
            "moment": column(aware, pa.timestamp("us", tz="UTC")),
            "clock": column(MOMENTS, pa.timestamp("us")),
            **{name: column(WHOLES[:9], pa.int32(), place + 1) for place, name in enumerate(NAMES.values())},
            "nothing": column([None], pa.float64()),
        }
    )


def empty_table() -> pa.Table:
    """The same columns without rows."""
    return hostile_table().slice(0, 0)


def kinds_of(table: pa.Table) -> dict[str, ColumnKind]:
    """Physical kind of each column."""
    return {name: physical_kind(table[name]) for name in table.column_names}


Columns = dict[str, Any]


def _objects(table: pa.Table) -> Columns:
    frame: Columns = {}
    for name in table.column_names:
        values = table[name].to_pylist()
        plain = pa.types.is_floating(table[name].type)
        frame[name] = pd.Series(table[name].to_numpy() if plain else np.array([*values, None], dtype=object)[:-1])
    return frame


def _nullable(table: pa.Table) -> Columns:
    kinds = {
        pa.int64(): pd.Int64Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.int8(): pd.Int8Dtype(),
        pa.bool_(): pd.BooleanDtype(),
        pa.string(): pd.StringDtype("python"),
    }
    return {name: table[name].to_pandas(types_mapper=kinds.get, date_as_object=True) for name in table.column_names}


def _arrow_backed(table: pa.Table) -> Columns:
    return {name: pd.Series(table[name].to_pandas(types_mapper=pd.ArrowDtype)) for name in table.column_names}


def _categorical(table: pa.Table) -> Columns:
    frame = _nullable(table)
    return {name: column.astype("category") if column.dtype == "string" else column for name, column in frame.items()}


SHAPES: dict[str, Callable[[pa.Table], Columns]] = {
    "arrow": lambda table: {name: table[name] for name in table.column_names},
    "arrow dictionaries": lambda table: {
        name: table[name].dictionary_encode() if pa.types.is_string(table[name].type) else table[name]
        for name in table.column_names
    },
    "pandas objects": _objects,
    "pandas nullable": _nullable,
    "pandas on arrow": _arrow_backed,
    "pandas categories": _categorical,
}
"""The same table in every shape a frame may have."""
