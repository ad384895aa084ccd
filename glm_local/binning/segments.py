"""Every run of ordered units as a possible bin: its size, its best shift, and what that does to the deviance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glm_local.binning.factor_sums import Gain, OffsetSums
from glm_local.binning.shift_curves import curve_segments, has_curves
from glm_local.binning.shifts import best_shift, deviance_change

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Segments:
    """All runs of n ordered units; entry [i, j] of a table of shape (n + 1, n + 1) is the run of units i to j - 1.

    Parameters
    ----------
    change
        Deviance change at the run's best shift (0 or less); 0 where i >= j.
    shift
        The best shift: -inf or inf when separated, 0 without rows.
    """

    change: Array
    shift: Array

    @property
    def units(self) -> int:
        """Number of ordered units."""
        return len(self.change) - 1


def segments_of(gain: Gain) -> Segments:
    """Tables of all runs of the units of one sample (gain of shape (units, 1)).

    Runs are added up from their own units, never as differences of totals: a run without events is exactly that.
    """
    n = gain.b.shape[0] if not isinstance(gain, OffsetSums) else gain.weight.shape[0]
    first, last = np.triu_indices(n + 1, 1)
    if isinstance(gain, OffsetSums):
        change, shift = curve_segments(gain, first, last) if has_curves(gain) else _by_newton(gain)
    else:
        runs = replace(gain, a=run_sums(gain.a[:, 0])[first, last], b=run_sums(gain.b[:, 0])[first, last])
        shift = best_shift(runs)
        change = deviance_change(runs, shift)
    tables = np.zeros((2, n + 1, n + 1))
    tables[0, first, last], tables[1, first, last] = np.minimum(np.nan_to_num(change, neginf=-np.inf), 0.0), shift
    return Segments(*tables)


def run_sums(values: Array) -> Array:
    """Sum of values i to j - 1 at [i, j], shape (n + 1, n + 1); 0 where i >= j.

    Examples
    --------
    >>> run_sums(np.array([1.0, 2.0]))
    array([[0., 1., 3.],
           [0., 0., 2.],
           [0., 0., 0.]])
    """
    n = len(values)
    table = np.zeros((n + 1, n + 1))
    table[:n, 1:] = np.cumsum(np.triu(np.broadcast_to(values, (n, n))), axis=1)
    return np.triu(table, 1)


def _by_newton(gain: OffsetSums) -> tuple[Array, Array]:
    """Runs by their first unit, shortest memory: sums of one start at a time."""
    changes, shifts = [], []
    for start in range(gain.weight.shape[0]):
        runs = replace(
            gain, weight=np.cumsum(gain.weight[start:, 0], axis=0), amount=np.cumsum(gain.amount[start:, 0], axis=0)
        )
        shifts.append(best_shift(runs))
        changes.append(deviance_change(runs, shifts[-1]))
    return np.concatenate(changes), np.concatenate(shifts)
