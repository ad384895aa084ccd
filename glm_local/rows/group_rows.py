"""The grouping kernel of both engines: distinct keys, row counts and sums of a table, partial answers merged.

Keys become small integers (`dictionary_encode`, or the value's distance from the smallest), several keys one mixed
radix code, and sums weighted counts of that code. Sums are taken in two parts (`grouped_sums`) so that they hardly
depend on the order of rows or on how rows are divided among partitions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

WIDEST_CODE = 2**62
NEARBY = 65_536

ArrowArray = Any
"""An Arrow array; the stubs of pyarrow do not say which kind of array its kernels return."""


@dataclass(frozen=True)
class Groups:
    """Distinct keys in rising order (missing last, the first key the slowest), with row counts and sums.

    Parameters
    ----------
    keys
        One Arrow array per key, null where the key is missing.
    rows
        int64, shape (groups,).
    sums
        float64, shape (groups,) each.
    """

    keys: list[ArrowArray]
    rows: NDArray[np.int64]
    sums: list[NDArray[np.float64]]


def group_rows(
    keys: Sequence[ArrowArray],
    amounts: Sequence[NDArray[np.float64]],
    rows: int,
    counts: NDArray[np.int64] | None = None,
) -> Groups:
    """Group `rows` rows by `keys` and add up `amounts`.

    Parameters
    ----------
    keys
        Arrow arrays of int64, double, string (also dictionary encoded), boolean or date32; null and NaN are one
        missing key, a group of its own.
        None of them: one group of all rows, also when there are no rows.
    amounts
        float64 arrays without NaN for missing (see `amounts_of`).
    counts
        How many source rows each row stands for; None is 1 (used when partial answers are merged).
    """
    ids, levels, shape = _group_ids(keys, rows)
    size, found = math.prod(shape), None
    if size > max(4 * rows, 65_536):
        ids, found = _compact(ids)
        size = len(found)
    if counts is None:
        members = np.bincount(ids, minlength=size)
    else:
        members = grouped_sums(ids, counts.astype(np.float64), size).astype(np.int64)
    sums = [grouped_sums(ids, amount, size) for amount in amounts]
    if found is None and shape:
        found = np.flatnonzero(members)
        members, sums = members[found], [one[found] for one in sums]
    codes = np.zeros(1, dtype=np.int64) if found is None else found
    return Groups(_keys_of(codes, levels, shape), members.astype(np.int64), sums)


def grouped_sums(ids: NDArray[np.integer], amounts: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Sum `amounts` by group, in two parts, the coarse one without any rounding.

    Each amount is split into a multiple of a step so large that its sum is exact, and a rest below that step; only
    the rest's sum rounds (Demmel & Hida's and Rump's pre-rounding). The error is some 2^-30 of a plain sum's.
    """
    peak = max(-amounts.min(), amounts.max()) if len(amounts) else 0.0
    if not 0 < peak < 1e280:
        return np.bincount(ids, amounts, size).astype(np.float64, copy=False)
    exponent = int(np.frexp(peak)[1]) + len(amounts).bit_length() + 1
    anchor = 1.5 * 2.0**exponent
    coarse = (amounts + anchor) - anchor
    rest = amounts - coarse
    sums: NDArray[np.float64] = np.bincount(ids, coarse, size).astype(np.float64, copy=False)
    if rest.any():
        sums += np.bincount(ids, rest, size)
    return sums


def amounts_of(column: ArrowArray) -> NDArray[np.float64]:
    """Return a numeric or boolean column as float64, 0 where it is missing."""
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.uint8())
    if column.null_count:
        column = pc.fill_null(column, 0)
    amounts: NDArray[np.float64] = column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    if pa.types.is_floating(column.type):
        missing = np.isnan(amounts)
        if missing.any():
            amounts = np.where(missing, 0.0, amounts)
    return amounts


def _group_ids(keys: Sequence[ArrowArray], rows: int) -> tuple[NDArray[np.int64], list[ArrowArray], list[int]]:
    ids = np.zeros(rows, dtype=np.int64)
    levels: list[ArrowArray] = []
    shape: list[int] = []
    for key in keys:
        codes, values = _key_codes(key)
        if math.prod(shape) * len(values) > WIDEST_CODE:
            ids, levels, shape = _compacted(ids, levels, shape)
        ids = codes if not shape else ids * len(values) + codes
        levels.append(values)
        shape.append(len(values))
    return ids, levels, shape


def _compacted(
    ids: NDArray[np.int64], levels: list[ArrowArray], shape: list[int]
) -> tuple[NDArray[np.int64], list[ArrowArray], list[int]]:
    # The keys so far become one key of struct values: only the combinations that occur are kept.
    ids, found = _compact(ids)
    parts = _keys_of(found, levels, shape)
    struct = pa.StructArray.from_arrays(parts, names=[str(i) for i in range(len(parts))])
    return ids, [struct], [len(struct)]


def _compact(ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the ids that occur, in rising order; also returns them."""
    encoded: Any = pc.dictionary_encode(pa.array(ids))
    found = encoded.dictionary.to_numpy()
    order = np.argsort(found)
    return np.asarray(_ranks(order).take(encoded.indices.to_numpy())), found[order]


def _ranks(order: NDArray[np.int64]) -> NDArray[np.int64]:
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def _key_codes(key: ArrowArray) -> tuple[NDArray[np.int64], ArrowArray]:
    """Codes in the order of the key's values, missing last, and the values."""
    if pa.types.is_boolean(key.type):
        whole: ArrowArray = pc.fill_null(key.cast(pa.int8()), 2)
        return whole.to_numpy(zero_copy_only=False).astype(np.int64), pa.array([False, True, None])
    if pa.types.is_integer(key.type) or pa.types.is_date32(key.type):
        near = _nearby_codes(key)
        if near is not None:
            return near
    if pa.types.is_floating(key.type):
        key = _one_missing(key)
    if not pa.types.is_dictionary(key.type):
        key = pc.dictionary_encode(key)
    order = pc.array_sort_indices(key.dictionary).to_numpy()
    ranks = np.append(_ranks(order), len(order))
    codes = pc.fill_null(key.indices, len(order)) if key.null_count else key.indices
    values = pa.concat_arrays([key.dictionary.take(pa.array(order)), pa.nulls(1, key.dictionary.type)])
    return np.asarray(ranks.take(codes.to_numpy(zero_copy_only=False))), values


def _nearby_codes(key: ArrowArray) -> tuple[NDArray[np.int64], ArrowArray] | None:
    plain = key.view(pa.int32()) if pa.types.is_date32(key.type) else key
    limits = pc.min_max(plain)
    low, high = limits["min"].as_py(), limits["max"].as_py()
    if low is None or high - low > NEARBY:
        return None
    span = high - low + 1
    values = pa.array(np.append(np.arange(low, high + 1), 0), mask=np.arange(span + 1) == span)
    if values.type != plain.type:
        values = values.cast(plain.type)
    codes = (pc.fill_null(plain, high + 1) if plain.null_count else plain).to_numpy(zero_copy_only=False)
    return codes.astype(np.int64) - low, values.view(key.type)


def _one_missing(key: ArrowArray) -> ArrowArray:
    numbers = key.to_numpy(zero_copy_only=False).astype(np.float64, copy=False) + 0.0
    missing = np.isnan(numbers)
    return pa.array(numbers, mask=missing) if missing.any() else pa.array(numbers)


def _keys_of(codes: NDArray[np.int64], levels: list[ArrowArray], shape: list[int]) -> list[ArrowArray]:
    keys: list[ArrowArray] = []
    for values, size in zip(reversed(levels), reversed(shape), strict=True):
        picked = values.take(pa.array(codes % size))
        codes = codes // size
        keys[:0] = list(picked.flatten()) if pa.types.is_struct(picked.type) else [picked]
    return keys
