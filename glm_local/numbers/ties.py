"""Ties of sums: which is the largest must not depend on the order of addition, nor on the unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAME = 1e-9
"""Sums of the same amounts, added in any order, differ by less than this share of the largest."""


def largest(sums: NDArray[np.float64]) -> int:
    """Position of the largest sum; of those that differ by rounding only, the first.

    Examples
    --------
    >>> largest(np.array([0.3, 0.1 + 0.1 + 0.1, 0.2]))
    0
    """
    return int(np.argmax(sums >= sums.max() * (1 - SAME)))


def in_steps(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums as shares of the largest, in steps that rounding does not tell apart: equal ones sort as they stand.

    Examples
    --------
    >>> in_steps(np.array([0.3, 0.1 + 0.1 + 0.1, 0.15])).tolist()
    [1.0, 1.0, 0.5]
    """
    top = np.nanmax(np.abs(sums), initial=0.0)
    return np.round(sums / top, 9) if top > 0 else np.zeros_like(sums)


def in_digits(ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ratios of sums to nine digits each, whatever their sizes: equal ones sort as they stand.

    Examples
    --------
    >>> len(set(in_digits(np.array([0.3, 0.1 + 0.1 + 0.1])).tolist()))
    1
    """
    mantissa, exponent = np.frexp(ratios)
    return np.ldexp(np.round(mantissa * 2.0**30) / 2.0**30, exponent)
