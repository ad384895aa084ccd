"""Names from the data are foreign text: made harmless for spreadsheets here (HTML and SVG escape on their own)."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pyarrow as pa

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?%?")


def safe_cell(value: object) -> object:
    """The value for a CSV or Excel cell: text a spreadsheet would run as a formula gets an apostrophe in front.

    Numbers, and text that is a plain number, stay as they are.

    Examples
    --------
    >>> safe_cell("=cmd|'/C calc'!A1")
    "'=cmd|'/C calc'!A1"
    >>> safe_cell("-1"), safe_cell("R24"), safe_cell(-0.5)
    ('-1', 'R24', -0.5)
    """
    if not isinstance(value, str) or PLAIN_NUMBER.fullmatch(value):
        return value
    return f"'{value}" if value.lstrip(" \u00a0\u200b\ufeff").startswith(FORMULA_STARTS) else value


def safe_table(table: pd.DataFrame) -> pd.DataFrame:
    """A copy of the table with every text cell, column name and text index made safe by `safe_cell`."""
    safe = table.copy()
    for at, kind in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(at, [safe_cell(value) for value in table.iloc[:, at]])
    safe.columns = pd.Index([safe_cell(name) for name in table.columns])
    if not pd.api.types.is_numeric_dtype(table.index.dtype):
        safe.index = table.index.map(safe_cell)
    return safe


def safe_arrow(table: pa.Table) -> pa.Table:
    """The Arrow table with text and column names made safe by `safe_cell`; each distinct text is looked at once."""
    columns = [_safe_column(column) for column in table.columns]
    return pa.table(columns, names=[str(safe_cell(name)) for name in table.column_names])


def _safe_column(column: Any) -> Any:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        return column
    coded = column.cast(pa.large_string()).combine_chunks().dictionary_encode()
    texts = pa.array([safe_cell(text) for text in coded.dictionary.to_pylist()], pa.large_string())
    return pa.chunked_array([texts.take(coded.indices)])
