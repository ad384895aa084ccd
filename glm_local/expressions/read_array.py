"""Arrays of any make read as a canonical kind: numpy, pandas (nullable, Arrow, categorical, object) and pyarrow.

Every way in ends in one of three shapes: a plain numpy array, an array with a mask, or codes into distinct values.
Text, decimals and mixed objects are read value by value, but only once per distinct value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from glm_local.errors import DataError
from glm_local.expressions.columns import ColumnKind, ReadKind
from glm_local.expressions.expression_columns import READ_TYPES
from glm_local.expressions.read_scalar import Value, read_scalar, require_readable, scalar_kind
from glm_local.expressions.values import Array, Values, constants

FEW_DISTINCT_SHARE = 0.3
"""Object arrays whose first rows hold more distinct objects than this are encoded by value, not by identity."""


def physical_kind(values: object) -> ColumnKind:
    """Physical kind of a column: numpy array, pandas Series or extension array, pyarrow array.

    Object arrays are looked through; one with nothing but missing values is text (readable as anything, all missing).

    Examples
    --------
    >>> physical_kind(np.array([1, 2])), physical_kind(pd.Series([None, "a"], dtype=object))
    ('integer', 'text')
    """
    plain = _unwrap(values)
    if isinstance(plain, pa.ChunkedArray):
        return _arrow_kind(plain.type)
    if isinstance(plain, pd.Categorical):
        return physical_kind(plain.categories)
    if plain.dtype.kind != "O":
        return _numpy_kind(plain.dtype)
    _, distinct = _distinct_objects(plain)
    return _mixed_kind({kind for value in distinct if (kind := scalar_kind(value)) is not None})


def read_array(values: object, kind: ReadKind, physical: ColumnKind | None = None, column: str = "") -> Values:
    """A column read as a canonical kind, by the rules of `glm_local.expressions.columns.READABLE`.

    Parameters
    ----------
    values
        numpy array, pandas Series, Index or extension array, pyarrow Array or ChunkedArray.
    kind
        What it is read as.
    physical
        Its physical kind; found by `physical_kind` when not given.
    column
        Name for messages.

    Raises
    ------
    DataError
        The physical kind is never read as `kind`, or a value is of no readable type.

    Examples
    --------
    >>> read_array(np.array([1.5, -0.0, np.nan]), "number").data
    array([1.5, 0. , nan])
    """
    plain = _unwrap(values)
    physical = physical_kind(plain) if physical is None else physical
    require_readable(physical, kind, column)
    if isinstance(plain, pa.ChunkedArray):
        return _read_arrow(plain, kind, physical, column)
    if isinstance(plain, pd.Categorical):
        distinct = np.asarray(plain.categories, dtype=object)
        return _read_distinct(np.asarray(plain.codes), distinct, kind, physical, column)
    if plain.dtype.kind == "O":
        codes, distinct = _distinct_objects(plain)
        return _read_distinct(codes, distinct, kind, physical, column)
    return _read_numpy(plain, None, kind, physical, column)


def _unwrap(values: Any) -> Any:
    """A numpy array, a pandas Categorical or a pyarrow ChunkedArray holding the same values."""
    if isinstance(values, pd.Series | pd.Index):
        values = values.to_numpy() if isinstance(values.dtype, np.dtype) else values.array
    if isinstance(values, np.ndarray | pd.Categorical | pa.ChunkedArray):
        return values
    if isinstance(values, pa.Array):
        return pa.chunked_array([values])
    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, np.dtype):
        return np.asarray(values)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return np.asarray(values.tz_convert("UTC").tz_localize(None))
    if isinstance(dtype, pd.SparseDtype | pd.IntervalDtype | pd.PeriodDtype):
        return np.asarray(values)
    if isinstance(dtype, pd.api.extensions.ExtensionDtype):
        arrow = pa.array(values, from_pandas=True)
        return arrow if isinstance(arrow, pa.ChunkedArray) else pa.chunked_array([arrow])
    return np.asarray(values)


def _numpy_kind(dtype: np.dtype[Any]) -> ColumnKind:
    if dtype.kind == "f":
        return "float32" if dtype.itemsize <= 4 else "float64" if dtype.itemsize == 8 else "unsupported"
    if dtype.kind == "M":
        return "date" if dtype == np.dtype("datetime64[D]") else "timestamp"
    kinds: dict[str, ColumnKind] = {"b": "boolean", "i": "integer", "u": "integer", "U": "text", "T": "text"}
    return kinds.get(dtype.kind, "unsupported")


def _arrow_kind(kind: pa.DataType) -> ColumnKind:
    if pa.types.is_dictionary(kind):
        return _arrow_kind(kind.value_type)
    if pa.types.is_floating(kind):
        return "float64" if pa.types.is_float64(kind) else "float32"
    tests: tuple[tuple[Any, ColumnKind], ...] = (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "integer"),
        (pa.types.is_decimal, "decimal"),
        (pa.types.is_string, "text"),
        (pa.types.is_large_string, "text"),
        (pa.types.is_string_view, "text"),
        (pa.types.is_null, "text"),
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "timestamp"),
    )
    return next((found for test, found in tests if test(kind)), "unsupported")


def _mixed_kind(kinds: set[ColumnKind]) -> ColumnKind:
    """Kind of an object column from the kinds of its values."""
    if len(kinds) <= 1:
        return next(iter(kinds), "text")
    if kinds <= {"integer", "float32", "float64"}:
        return "float64"
    return "decimal" if kinds == {"integer", "decimal"} else "mixed"


def _read_numpy(
    data: Array, missing: NDArray[np.bool_] | None, kind: ReadKind, physical: ColumnKind, column: str
) -> Values:
    """A plain array; missing rows (beyond NaN and NaT) are marked in `missing`."""
    if physical == "text":
        return _read_distinct(*_distinct_objects(data.astype(object)), kind, physical, column)
    if physical in ("date", "timestamp"):
        return _read_days(data.astype("datetime64[D]"), missing, kind)
    if kind == "number":
        return _read_number(data, missing, physical)
    if kind == "text":
        return _read_labels(data, missing)
    wide = data.astype(np.float64) if physical == "float32" else data
    gone = np.isnan(wide) if wide.dtype.kind == "f" else np.zeros(len(wide), dtype=bool)
    gone = gone if missing is None else gone | missing
    return _read_flag(wide, gone) if kind == "boolean" else _read_integer(wide, gone)


def _read_number(data: Array, missing: NDArray[np.bool_] | None, physical: ColumnKind) -> Values:
    if data.dtype.kind in "iu" and missing is None:
        return Values(None, whole=data)
    number = data.astype(np.float64)
    number += 0.0
    if missing is not None:
        number[missing] = np.nan
    return Values(number, single=physical == "float32")


def _read_integer(data: Array, gone: NDArray[np.bool_]) -> Values:
    if data.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            gone = gone | ~((data >= -(2.0**63)) & (data < 2.0**63) & (np.floor(data) == data))
    elif data.dtype == np.uint64:
        gone = gone | (data >= np.uint64(2**63))
    whole = np.where(gone, data.dtype.type(0), data).astype(np.int64) if gone.any() else data.astype(np.int64)
    return Values(whole, gone if gone.any() else None)


def _read_flag(data: Array, gone: NDArray[np.bool_]) -> Values:
    gone = gone | ((data != 0) & (data != 1))
    return Values((data == 1) & ~gone, gone if gone.any() else None)


def _read_days(days: Array, missing: NDArray[np.bool_] | None, kind: ReadKind) -> Values:
    if missing is not None:
        days = np.where(missing, np.datetime64("NaT"), days)
    if kind == "date":
        return Values(days)
    if kind == "number":
        return Values(np.where(np.isnat(days), np.nan, days.astype(np.int64)))
    codes, distinct = pd.factorize(days)
    return Values.text(codes, np.array([str(day) for day in np.asarray(distinct)], dtype=object))


def _read_labels(data: Array, missing: NDArray[np.bool_] | None) -> Values:
    """Integers and flags as text: their digits, true and false."""
    codes, distinct = pd.factorize(data)
    if missing is not None:
        codes = np.where(missing, -1, codes)
    # map of str over Python integers is five times faster than numpy's way through fixed-width text
    words = [word.lower() for word in map(str, np.asarray(distinct).tolist())]
    return Values.text(codes, np.array([*words, None], dtype=object)[:-1])


def _read_arrow(data: pa.ChunkedArray[Any], kind: ReadKind, physical: ColumnKind, column: str) -> Values:
    if pa.types.is_null(data.type) or not len(data):
        return constants([None], READ_TYPES[kind]).take(np.zeros(len(data), dtype=np.int64))
    if pa.types.is_dictionary(data.type) or physical in ("text", "decimal"):
        whole = _one_dictionary(data if pa.types.is_dictionary(data.type) else data.dictionary_encode())
        codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
        distinct: Array = np.array([*whole.dictionary.to_pylist(), None], dtype=object)[:-1]
        return _read_distinct(codes, distinct, kind, physical, column)
    if pa.types.is_date(data.type):
        data = data.cast(pa.date32())
    if pa.types.is_floating(data.type) or not data.null_count:
        return _read_numpy(data.to_numpy(), None, kind, physical, column)
    zero = pa.scalar(False) if pa.types.is_boolean(data.type) else pa.scalar(0, data.type)
    return _read_numpy(data.fill_null(zero).to_numpy(), data.is_null().to_numpy(), kind, physical, column)


def _one_dictionary(data: Any) -> Any:
    """One array over one dictionary, its indices signed: polars and DuckDB count unsigned, where -1 has no place."""
    chunks = [(chunk.indices.cast(pa.int64()), chunk.dictionary) for chunk in data.chunks]
    if any(dictionary.null_count for _, dictionary in chunks):  # Arrow unifies none that hold a null
        plain = decoded(data).dictionary_encode()
        chunks = [(chunk.indices.cast(pa.int64()), chunk.dictionary) for chunk in plain.chunks]
    signed: Any = pa.chunked_array([pa.DictionaryArray.from_arrays(*chunk) for chunk in chunks])
    whole = signed.unify_dictionaries().combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def decoded(data: Any) -> Any:
    """A dictionary column as its values; views, which Arrow cannot take from, become plain text."""
    kind = pa.string() if pa.types.is_string_view(data.type.value_type) else data.type.value_type
    return pa.chunked_array([chunk.dictionary.cast(kind).take(chunk.indices) for chunk in data.chunks], kind)


def _read_distinct(codes: Array, distinct: Array, kind: ReadKind, physical: ColumnKind, column: str) -> Values:
    """Each distinct value read once, then spread by code; code -1 is missing."""
    if kind == physical == "text" and set(map(type, distinct)) <= {str}:
        return Values.text(codes, distinct)
    read = [_checked(value, kind, physical, column) for value in distinct]
    if kind == "text":
        present = np.array([word is not None for word in read], dtype=bool)
        words = np.array([*read, None], dtype=object)[:-1]
        return Values.text(codes if present.all() else np.where(np.append(present, False)[codes], codes, -1), words)
    if kind == "date":
        days = np.array([*read, None], dtype="datetime64[D]")
        return Values(days[codes])
    return constants([*read, None], READ_TYPES[kind]).take(codes)  # type: ignore[list-item]


def _checked(value: object, kind: ReadKind, physical: ColumnKind, column: str) -> Value:
    found = scalar_kind(value)
    if found is not None and found != physical and _mixed_kind({found, physical}) != physical:
        raise DataError.because(
            f"{value!r} is a {found} in a column of {physical} values.",
            "A column holds values of one kind.",
            "Convert the column to one type.",
            path=column,
        )
    return read_scalar(value, kind, column)


def _distinct_objects(values: Array) -> tuple[Array, Array]:
    """Codes and distinct objects of an object array; equal text may appear under several codes.

    Readers of Parquet share one Python object between equal texts, so that comparing addresses is enough and four
    times faster than comparing values; a sample decides.
    """
    addresses = np.asarray(_Addresses(values))
    head = addresses[:10_000]
    if len(values) > 10_000 and len(np.unique(head)) > FEW_DISTINCT_SHARE * len(head):
        return _distinct_by_value(values)
    codes, distinct = pd.factorize(addresses)
    if len(values) > 10_000 and len(distinct) > FEW_DISTINCT_SHARE * len(values):
        return _distinct_by_value(values)
    first = np.zeros(len(distinct), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(values) - 1, -1, -1)
    return codes, values[first]


def _distinct_by_value(values: Array) -> tuple[Array, Array]:
    if bytes in set(map(type, values)):
        return np.arange(len(values)), values
    try:
        encoded = pa.array(values, pa.string(), from_pandas=True).dictionary_encode()
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return np.arange(len(values)), values
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes, np.array([*encoded.dictionary.to_pylist(), None], dtype=object)[:-1]


class _Addresses:
    """The addresses an object array stores, as integers; read only, valid while the array lives."""

    def __init__(self, values: Array) -> None:
        self.values = values
        self.__array_interface__ = {
            "version": 3,
            "shape": values.shape,
            "strides": values.strides,
            "typestr": np.dtype(np.intp).str,
            "data": (values.ctypes.data, True),
        }
