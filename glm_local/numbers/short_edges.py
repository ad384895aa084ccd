"""Edges as short numbers: the shortest decimal between two neighbouring values, the same on every engine.

An edge of right-closed intervals does its work wherever it lies between the largest value below it and the smallest
above it. Of all those numbers the one with the fewest digits is taken, so that names, charts and SQL say 43.8 and not
43.758634939000004.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

FURTHEST = sys.float_info.max
"""The edge between finite values and an infinity."""

UNIFORM_SLACK = 0.01
"""Share of an interval's width by which an edge of equal widths may be moved to a shorter number."""


def short_between(low: float, high: float, near: float | None = None) -> float:
    """Return the shortest decimal e with low <= e < high.

    Fewest significant digits first, then the shortest text, then what lies nearest to `near` (to `low` when absent).
    Zero is the shortest of all. Next to an infinity the edge is the largest double of all (`FURTHEST`), or the least:
    so an infinity has its interval alone, whatever finite values come later.

    Examples
    --------
    >>> short_between(43.7, 43.9, near=43.758634939000004), short_between(0.0, 1.0), short_between(18.0, 21.0)
    (43.8, 0.0, 20.0)
    >>> short_between(-3.0, 4.5), short_between(-17.25, -17.0), short_between(2.5e-7, 3.1e-7)
    (0.0, -17.2, 3e-07)
    >>> short_between(0.1, math.nextafter(0.1, 1.0)), short_between(5.0, math.inf) == FURTHEST
    (0.1, True)
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return -FURTHEST if low == -math.inf else FURTHEST
    if low <= 0 < high:
        return 0.0
    sign = 1 if low > 0 else -1
    ends = sorted((abs(Decimal(repr(low))), abs(Decimal(repr(high)))))
    wanted = Decimal(repr(low if near is None or not math.isfinite(near) else min(max(near, low), high)))
    for place in _places(ends[0], ends[1]):
        fitting = [one for one in _multiples(ends[0], ends[1], place) if low <= float(sign * one) < high]
        if fitting:
            return float(sign * min(fitting, key=lambda one: _distance(one, abs(wanted), place)))
    return low


def short_near(value: float, slack: float) -> float:
    """Return the shortest decimal within `slack` of a value.

    Examples
    --------
    >>> short_near(3.5166667, 0.03), short_near(0.30000000000000004, 1e-3), short_near(7.0, 0.0)
    (3.5, 0.3, 7.0)
    """
    return short_between(value - slack, value + slack, value) if slack > 0 else value


def uniform_edges(low: float, high: float, bins: int) -> list[float]:
    """Inner edges of intervals of equal width, each moved by at most a hundredth of the width to a shorter number.

    Examples
    --------
    >>> uniform_edges(0.37, 9.81, 3), uniform_edges(0.0, 10.0, 4)
    ([3.5, 6.66], [2.5, 5.0, 7.5])
    """
    width = high / bins - low / bins
    return [short_near(low + width * at, width * UNIFORM_SLACK) for at in range(1, bins)]


def value_edges(values: Sequence[float], special: Sequence[float] = ()) -> list[float]:
    """An edge between any two neighbours of rising values; special values have theirs from elsewhere.

    Examples
    --------
    >>> value_edges([0.0, 1.0, 18.25, 21.5]), value_edges([-1.0, 18.25, 21.5], special=[-1.0])
    ([0.0, 1.0, 20.0], [20.0])
    """
    return [short_between(low, high) for low, high in pairwise(values) if low not in special and high not in special]


def _places(low: Decimal, high: Decimal) -> Iterator[int]:
    """Powers of ten whose multiples may be shortest: of one digit by the length of their text, then finer ones."""
    last = high.adjusted()
    first = low.adjusted() if low else min(last, 0)
    yield from sorted(range(first, last + 1), key=lambda place: (place + 1 if place >= 0 else 1 - place, place))
    # Beyond one digit no multiple of the next larger power lies between the ends: all multiples are as short.
    yield from range(first - 1, first - 19, -1)


def _multiples(low: Decimal, high: Decimal, place: int) -> list[Decimal]:
    """Multiples of a power of ten from low to high, both included; of one digit where low has no more places."""
    step = Decimal(1).scaleb(place)
    first, last = _ceiling(low, place), int(high.scaleb(-place))
    if place >= low.adjusted():
        last = min(last, 9)
    return [at * step for at in range(max(first, 1), min(last, first + 20) + 1)]


def _ceiling(number: Decimal, place: int) -> int:
    scaled = number.scaleb(-place)
    whole = int(scaled)
    return whole if whole == scaled else whole + 1


def _distance(one: Decimal, wanted: Decimal, place: int) -> tuple[Decimal, Decimal]:
    # Rounded to a millionth of a step: the last digit of a sum over rows must not decide between two candidates.
    return round(min(abs(one - wanted).scaleb(-place), Decimal(10**9)), 6), one
