"""Sums of products as if in twice the precision: what nearly cancels keeps its digits (Ogita, Rump & Oishi 2005)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SPLIT = 2.0**27 + 1


def split(values: Array) -> tuple[Array, Array]:
    """High and low halves whose products are exact (Dekker 1971); `values` below 2^996."""
    scaled = _SPLIT * values
    high = scaled - (scaled - values)
    return high, values - high


def exact_sum(left: Array, right: Array) -> tuple[Array, Array]:
    """The rounded sum and what rounding took from it (Knuth)."""
    total = left + right
    other = total - left
    return total, (left - (total - other)) + (right - other)


def add_products(high: Array, low: Array, values: Array, halves: tuple[Array, Array], factor: float) -> None:
    """Add ``factor * values`` in place to a sum that is kept as ``high + low``.

    Parameters
    ----------
    halves
        Of `values`, by `split`: they serve many factors.

    Examples
    --------
    >>> high, low, values = np.array([1e16]), np.zeros(1), np.array([1.0])
    >>> for factor in (1.0, -1e16):
    ...     add_products(high, low, values, split(values), factor)
    >>> float((high + low)[0])
    1.0
    """
    first, second = split(np.array([factor]))
    product = values * factor
    error = ((halves[0] * first - product) + halves[0] * second + halves[1] * first) + halves[1] * second
    total, lost = exact_sum(high, product)
    high[:] = total
    low += lost + error
