"""Columns as groups: how a column is read when nobody says otherwise, and the values of a design table's key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.errors import ConfigError, DataError, nearest
from glm_local.expressions.columns import ColumnKind, ReadKind
from glm_local.expressions.expression import Expression, Read
from glm_local.rows.cells import DesignTable

NATURAL: dict[ColumnKind, ReadKind] = {
    "boolean": "boolean",
    "integer": "integer",
    "float32": "number",
    "float64": "number",
    "decimal": "number",
    "text": "text",
    "date": "date",
    "timestamp": "date",
}
"""A column grouped by its own values; a timestamp by its day."""

DIGITS = re.compile("([0-9]+)")

Groups = str | Sequence[str] | Mapping[str, Expression]


def natural_read(column: str, columns: Mapping[str, ColumnKind], role: str) -> Read:
    """The column as what it is.

    Raises
    ------
    ConfigError
        The table has no such column.
    DataError
        Its values cannot be grouped (lists, structs, binary).

    Examples
    --------
    >>> natural_read("year", {"year": "integer"}, "by")
    Read(column='year', kind='integer')
    """
    if column not in columns:
        raise ConfigError.because(
            f"{column!r} is not a column of the table.",
            f"What {role} names are columns.",
            nearest(column, list(columns)),
            path=role,
        )
    if columns[column] not in NATURAL:
        raise DataError.because(
            f"column {column!r} is {columns[column]}.",
            "Rows are grouped by text, numbers, booleans and dates.",
            "Name another column, or make one of these of it first.",
            path=role,
        )
    return Read(column, NATURAL[columns[column]])


def group_reads(by: Groups, columns: Mapping[str, ColumnKind], role: str) -> dict[str, Expression]:
    """Name to expression of what rows are grouped by: a column, several, or expressions by name."""
    if isinstance(by, Mapping):
        return {name: natural_read(one, columns, role) if isinstance(one, str) else one for name, one in by.items()}
    names = [by] if isinstance(by, str) else list(by)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError.because(f"{twice!r} is named twice.", f"What {role} names differs.", "Name it once.", role)
    return {name: natural_read(name, columns, role) for name in names}


def key_values(table: DesignTable, key: str) -> list[Any]:
    """The values of one key as Python values, None where it is missing."""
    gone = table.missing[key].tolist()
    return [None if missing else value for value, missing in zip(table.keys[key].tolist(), gone, strict=True)]


def key_column(table: DesignTable, key: str) -> pd.Series:
    """The values of one key as a column: whole numbers stay whole, missing is missing."""
    values = key_values(table, key)
    if table.keys[key].dtype.kind == "i":
        return pd.Series(values, dtype="Int64" if table.missing[key].any() else "int64")
    return pd.Series(values, dtype=None if table.keys[key].dtype.kind == "f" else object)


def value_ranks(table: DesignTable, key: str) -> NDArray[np.int64]:
    """Rank of every cell by one key: equal values alike, digits of text as numbers, missing last."""
    values, missing = table.keys[key], table.missing[key]
    if values.dtype != object:
        rank = np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.int64)
    else:
        words = sorted({str(one) for one in values[~missing]}, key=natural_order)
        place = {word: at for at, word in enumerate(words)}
        rank = np.array([place.get(str(one), 0) for one in values.tolist()], dtype=np.int64)
    return np.where(missing, np.iinfo(np.int64).max, rank)


def natural_order(text: str) -> tuple[object, ...]:
    """Sort key that reads digits as numbers.

    Examples
    --------
    >>> sorted(["bin_10", "bin_2", "bin_1"], key=natural_order)
    ['bin_1', 'bin_2', 'bin_10']
    """
    parts = DIGITS.split(text)
    return (*(int(part) if at % 2 else part for at, part in enumerate(parts)), text)
