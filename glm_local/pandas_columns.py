"""Columns of a pandas frame: their physical kinds, reading them for expressions, and making new ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from glm_local.contract.columns import ColumnKind, ReadKind
from glm_local.contract.evaluate import Values, read_array
from glm_local.errors import DataError, nearest

OBJECT_KINDS: dict[str, ColumnKind] = {
    "string": "text",
    "empty": "text",
    "boolean": "boolean",
    "integer": "integer",
    "floating": "float64",
    "mixed-integer-float": "float64",
    "decimal": "decimal",
    "date": "date",
    "datetime": "timestamp",
    "datetime64": "timestamp",
}


def column_kinds(frame: pd.DataFrame) -> dict[str, ColumnKind]:
    """Name to physical kind, in the frame's order; object columns by what they hold."""
    return {name: series_kind(frame[name]) for name in frame.columns}


def series_kind(series: pd.Series[Any]) -> ColumnKind:
    """Physical kind of one column."""
    dtype = series.dtype
    if isinstance(dtype, pd.ArrowDtype):
        return arrow_kind(dtype.pyarrow_dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        return series_kind(dtype.categories.to_series())
    if isinstance(dtype, pd.StringDtype):
        return "text"
    if dtype == object:
        return OBJECT_KINDS.get(pd.api.types.infer_dtype(series, skipna=True), "unsupported")
    if isinstance(dtype, pd.DatetimeTZDtype):
        return "timestamp"
    numpy_kind = getattr(dtype, "numpy_dtype", dtype)
    return _numpy_kind(np.dtype(numpy_kind)) if isinstance(numpy_kind, np.dtype) else "unsupported"


def _numpy_kind(dtype: np.dtype[Any]) -> ColumnKind:
    if dtype.kind == "f":
        return "float32" if dtype.itemsize <= 4 else "float64"
    kinds: dict[str, ColumnKind] = {"b": "boolean", "i": "integer", "u": "integer", "M": "timestamp"}
    return kinds.get(dtype.kind, "unsupported")


def arrow_kind(kind: pa.DataType) -> ColumnKind:
    """Physical kind of an Arrow type."""
    types = pa.types
    if types.is_dictionary(kind):
        return arrow_kind(kind.value_type)
    tests: tuple[tuple[Any, ColumnKind], ...] = (
        (types.is_boolean, "boolean"),
        (types.is_integer, "integer"),
        (types.is_float64, "float64"),
        (types.is_floating, "float32"),
        (types.is_decimal, "decimal"),
        (types.is_string, "text"),
        (types.is_large_string, "text"),
        (types.is_string_view, "text"),
        (types.is_null, "text"),
        (types.is_date, "date"),
        (types.is_timestamp, "timestamp"),
    )
    return next((name for test, name in tests if test(kind)), "unsupported")


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
    """

    def __init__(
        self, frame: pd.DataFrame, kinds: dict[str, ColumnKind] | None = None, start: int = 0, stop: int | None = None
    ) -> None:
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
            )
        series = self._frame[column]
        if column not in self._kinds:
            self._kinds[column] = series_kind(series)
        return read_array(series.iloc[self._start : self._stop], kind, self._kinds[column])


def values_to_arrow(values: Values) -> pa.Array:
    """Evaluated values as an Arrow array; a number's NaN stays NaN (both are missing)."""
    data, missing = values.data, values.missing
    if data.dtype == object:
        return pa.array(data, pa.string(), mask=missing)
    if data.dtype.kind == "M":
        return pa.array(data.astype("datetime64[D]"), pa.date32())
    return pa.array(data, mask=missing)


def values_to_series(values: Values, index: pd.Index[Any]) -> pd.Series[Any]:
    """Evaluated values as a pandas column: float64, int64 or Int64, object, bool or boolean, Arrow dates."""
    data, missing = values.data, values.missing
    gaps = missing is not None and bool(missing.any())
    if data.dtype == object:
        return pd.Series(_blanked(data, missing) if gaps else data, index=index, dtype=object)
    if data.dtype.kind == "M":
        return pd.Series(pd.array(values_to_arrow(values), dtype=pd.ArrowDtype(pa.date32())), index=index)
    if gaps and data.dtype.kind in "ib":
        masked = pd.arrays.BooleanArray if data.dtype.kind == "b" else pd.arrays.IntegerArray
        return pd.Series(masked(data, np.asarray(missing)), index=index)
    return pd.Series(data, index=index)


def _blanked(data: NDArray[Any], missing: NDArray[np.bool_] | None) -> NDArray[Any]:
    blanked = data.copy()
    blanked[missing] = None
    return blanked
