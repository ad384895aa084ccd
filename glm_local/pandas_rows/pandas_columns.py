"""Columns of a pandas frame: reading them for expressions, and evaluated values as Arrow or pandas columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from glm_local.errors import DataError, nearest
from glm_local.expressions.columns import ColumnKind, ReadKind
from glm_local.expressions.read_array import physical_kind, read_array
from glm_local.expressions.values import Values


@dataclass
class Memo:
    """What has been found of object columns, by the address of their values (kept alive beside it)."""

    kinds: dict[int, tuple[Any, ColumnKind]] = field(default_factory=dict)
    text: dict[tuple[int, int, int], tuple[Any, Values]] = field(default_factory=dict)


def kind_of(values: Any, memo: Memo | None) -> ColumnKind:
    """Physical kind of what a column holds; an object column is looked through once per memo."""
    if memo is None:
        return physical_kind(values)
    address = _address(values)
    if address not in memo.kinds:
        memo.kinds[address] = values, physical_kind(values)
    return memo.kinds[address][1]


def _address(values: Any) -> int:
    return int(values.ctypes.data) if isinstance(values, np.ndarray) else id(values)


class FrameColumns:
    """Reads columns of a frame, or of a stretch of its rows, for the expression evaluator.

    Parameters
    ----------
    frame
        Any pandas frame.
    kinds
        Kinds found so far, filled as columns are read (stretches of one frame share it).
    start, stop
        Rows [start, stop); all when not given.
    memo
        Keeps text columns already encoded, by column and rows, for the next reader of the same frame; or None.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        kinds: dict[str, ColumnKind] | None = None,
        start: int = 0,
        stop: int | None = None,
        memo: Memo | None = None,
    ) -> None:
        self._memo = memo
        self._frame = frame
        self._kinds = {} if kinds is None else kinds
        self._start, self._stop = start, len(frame) if stop is None else min(stop, len(frame))
        self.rows = self._stop - self._start

    def read(self, column: str, kind: ReadKind) -> Values:
        """Return one column's canonical values.

        Raises
        ------
        DataError
            There is no such column, or it cannot be read as this kind.
        """
        if column not in self._frame.columns:
            raise DataError.because(
                f"{column!r} is not a column of the table.",
                "Expressions read columns by exact name.",
                nearest(column, [str(name) for name in self._frame.columns]),
                path=column,
            )
        values = held_values(self._frame[column])
        if column not in self._kinds:
            self._kinds[column] = kind_of(values, self._memo)
        stretch = values[self._start : self._stop]
        if self._memo is None or kind != "text":
            return read_array(stretch, kind, self._kinds[column], column)
        key = (_address(values), self._start, self._stop)
        if key not in self._memo.text:
            self._memo.text[key] = values, read_array(stretch, kind, self._kinds[column], column)
        return self._memo.text[key][1]


def held_values(series: pd.Series[Any]) -> Any:
    """Return what a column holds, without copying: a numpy array, or an extension array."""
    return series.to_numpy() if isinstance(series.dtype, np.dtype) else series.array


def values_to_arrow(values: Values) -> Any:
    """Evaluated values as an Arrow array: text dictionary encoded, a number's NaN left as it is (both are missing)."""
    if _is_text(values):
        # Equal words may stand under several codes; a key must be one.
        places, words = pd.factorize(values.words)
        codes = np.append(places, -1)[values.codes]
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), _utf8(words))
    if values.data.dtype.kind == "M":
        return pa.array(values.data, pa.date32())
    return pa.array(values.data, mask=values.missing)


def values_to_series(values: Values, index: pd.Index[Any]) -> pd.Series[Any]:
    """Evaluated values as a pandas column: float64, int64 or Int64, object, bool or boolean, Arrow dates."""
    data, missing = values.data, values.missing
    if data.dtype.kind == "M":
        return pd.Series(pd.arrays.ArrowExtensionArray(values_to_arrow(values)), index=index)
    if missing is not None and missing.any() and data.dtype.kind in "ib":
        masked = pd.arrays.BooleanArray if data.dtype.kind == "b" else pd.arrays.IntegerArray
        return pd.Series(masked(data.copy(), missing.copy()), index=index)
    return pd.Series(data, index=index, copy=True, dtype=object if data.dtype == object else None)


def _is_text(values: Values) -> bool:
    return values.is_text


def _utf8(words: Any) -> Any:
    try:
        return pa.array(words, pa.string())
    except UnicodeEncodeError as error:
        raise DataError.because(
            f"a text holds half a character: {ascii(error.object)[:60]}.",
            "Text is encoded as UTF-8.",
            'Mend the column: frame[column].str.encode("utf-8", "replace").str.decode("utf-8").',
        ) from None
