"""How many rows each stratum gives: the least first, the rest in proportion, by the largest remainder."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glm_local.errors import ConfigError

Counts = NDArray[np.int64]


def allocate_size(rows: ArrayLike, size: int, min_per_stratum: int = 1) -> Counts:
    """Divide `size` rows among strata that hold `rows` rows each; the answer adds up to ``min(size, sum(rows))``.

    Every stratum first gives `min_per_stratum` rows (all it has, when fewer). The rest goes in proportion to the
    strata's rows, whole numbers first, then one more row each by the largest remainder (a tie goes to the larger
    stratum, then to the earlier one). A stratum that runs out passes its share on.

    Raises
    ------
    ConfigError
        `size` is too small for the least rows of every stratum.

    Examples
    --------
    >>> allocate_size([10, 20, 30], 12, 2).tolist()
    [3, 4, 5]
    """
    held = np.asarray(rows, dtype=np.int64)
    given = np.minimum(held, min_per_stratum)
    left = min(size, int(held.sum())) - int(given.sum())
    if left < 0:
        raise ConfigError.because(
            f"size is {size}, but {len(held)} strata with at least {min_per_stratum} rows each need {given.sum()}.",
            "Every stratum gives its least rows.",
            "Ask for more rows, a smaller min_per_stratum, or fewer strata.",
            path="size",
        )
    while left:
        step = _in_proportion(held, held - given, left)
        given += step
        left -= int(step.sum())
    return given


def allocate_fraction(rows: ArrayLike, fraction: float, min_per_stratum: int = 1) -> Counts:
    """``ceil(fraction * rows)`` of every stratum, at least `min_per_stratum`, at most all.

    Examples
    --------
    >>> allocate_fraction([10, 20, 3], 0.1).tolist()
    [1, 2, 1]
    """
    held = np.asarray(rows, dtype=np.int64)
    # 30 * 0.1 is a little more than 3 in binary; that little is no row.
    asked = np.array([math.ceil(fraction * int(one) * (1 - 1e-12)) for one in held], dtype=np.int64)
    given: Counts = np.minimum(np.maximum(asked, min_per_stratum), held)
    return given


def _in_proportion(held: Counts, room: Counts, rows: int) -> Counts:
    """One round: `rows` in proportion to `held` among strata with room, none beyond its room."""
    sharing = np.where(room > 0, held, 0)
    total = int(sharing.sum())
    exact = [divmod(int(one) * rows, total) for one in sharing]
    whole = np.array([quotient for quotient, _ in exact], dtype=np.int64)
    remainder = np.array([rest for _, rest in exact], dtype=object)
    order = sorted(range(len(held)), key=lambda at: (-remainder[at], -int(held[at]), at))
    whole[order[: rows - int(whole.sum())]] += 1
    step: Counts = np.minimum(whole, room)
    return step
