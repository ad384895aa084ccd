"""Neighbouring codes joined into at most so many groups of about equal weight: the finest, and of those the evenest.

A group ends at the boundary of a code next to where a share of the weight is reached. Where many rows hold one value,
two shares may want the same boundary; then one of them takes the next one rather than be lost.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Chosen = tuple[int, float, tuple[int, ...]]

SAME = 1e-9
"""Share within which a boundary lies on what was asked for."""


def equal_groups(weight: NDArray[np.float64], most: int) -> tuple[tuple[int, ...], ...]:
    """Positions of codes in groups, in their order; codes without weight stay with the one before.

    Codes that are no more than the groups asked for stay apart.

    Examples
    --------
    >>> equal_groups(np.array([1.0, 1.0, 1.0]), 3), equal_groups(np.array([6.0, 1.0, 1.0, 1.0]), 2)
    (((0,), (1,), (2,)), ((0,), (1, 2, 3)))
    """
    held = np.flatnonzero(weight > 0)
    if len(held) < 2 or most < 2:
        return (tuple(range(len(weight))),)
    reached = np.cumsum(weight[held])[:-1] / float(weight[held].sum())
    ends = range(len(reached)) if len(held) <= most else _ends(reached, most)
    starts = [0, *(int(held[end + 1]) for end in ends), len(weight)]
    return tuple(tuple(range(first, last)) for first, last in pairwise(starts))


def _ends(reached: NDArray[np.float64], most: int) -> tuple[int, ...]:
    """Which boundaries end a group: as many as can be, next to the shares asked for, then as near to them as can be."""
    best: dict[int, Chosen] = {-1: (0, 0.0, ())}
    for share in (at / most for at in range(1, most)):
        near = _near(reached, share)
        found = dict(best)
        for end in near:
            for last, (count, cost, ends) in best.items():
                if last < end:
                    one = (count + 1, cost - abs(float(reached[end]) - share), (*ends, end))
                    found[end] = max(found.get(end, one), one, key=lambda chosen: chosen[:2])
        # Whatever ends before the boundaries in reach is as free as the best of them.
        settled = max((one for last, one in found.items() if last < near[0]), key=lambda one: one[:2], default=None)
        best = {last: one for last, one in found.items() if last >= near[0]}
        if settled is not None:
            best[settled[2][-1] if settled[2] else -1] = settled
    return max(best.values(), key=lambda one: one[:2])[2]


def _near(reached: NDArray[np.float64], share: float) -> list[int]:
    """The boundaries on both sides of a share; the one that lies on it alone, whatever the last digit of a sum says."""
    on = int(np.argmin(np.abs(reached - share)))
    if abs(float(reached[on]) - share) <= SAME:
        return [on]
    above = int(np.searchsorted(reached, share))
    return [end for end in (above - 1, above) if 0 <= end < len(reached)]
