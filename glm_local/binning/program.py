"""Best partitions of ordered units into runs, for every number of runs at once: exact dynamic programming.

The state is the last run [i, j) of a partition of units 0 to j - 1. Its best predecessors end at i; where neighbours
must keep an order or a distance they are found by a running maximum over the runs that end at i, sorted by shift.
One sweep over i serves all numbers of runs and all directions, in O(n^2 (log n + runs)) steps of array arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Trend = Literal["none", "ascending", "descending", "peak", "valley", "auto"]
PairCost = Callable[[NDArray[np.intp], int, NDArray[np.intp]], Array]
"""Cost of a run [h, i) beside a run [i, j): starts h, the border i, ends j give shape (starts, ends)."""

SLACK = 1e-12
FAR = 1e6
"""Stands for an infinite shift where shifts are compared."""

PHASES: dict[str, tuple[str, ...]] = {
    "none": ("any",),
    "ascending": ("up",),
    "descending": ("down",),
    "peak": ("up", "down after up"),
    "valley": ("down", "up after down"),
    "auto": ("up", "down", "down after up", "up after down"),
}


@dataclass(frozen=True)
class Task:
    """What to maximise, and under which rules.

    Parameters
    ----------
    value
        Value of the run [i, j) at [i, j], shape (n + 1, n + 1); -inf where the run is not allowed.
    shift
        Its shift; neighbours are compared by it.
    most
        Largest number of runs.
    trend
        Order of the runs' shifts; "auto" is the best of a peak and a valley, rising and falling ones among them.
    step
        Smallest distance of neighbouring shifts.
    pair_cost
        Subtracted per pair of neighbours.
    last_cost
        Subtracted for the last run, by its start; shape (n + 1,).
    """

    value: Array
    shift: Array
    most: int
    trend: Trend = "none"
    step: float = 0.0
    pair_cost: PairCost | None = None
    last_cost: Array | None = None


@dataclass(frozen=True)
class Partition:
    """The best partition of one size: borders 0 = c0 < c1 < ... < cb = n, and its value."""

    borders: tuple[int, ...]
    value: float

    @property
    def bins(self) -> int:
        """Number of runs."""
        return len(self.borders) - 1

    def runs(self) -> list[tuple[int, int]]:
        """First unit and last unit + 1 of every run."""
        return list(pairwise(self.borders))


def best_partitions(task: Task) -> dict[int, Partition]:
    """The best partition for every number of runs from 1 to `most`; sizes without any are left out.

    Examples
    --------
    >>> value = np.array([[0, 1, 3, 3], [0, 0, 1, 2], [0, 0, 0, 5], [0, 0, 0, 0.0]])
    >>> [one.borders for one in best_partitions(Task(value, np.zeros((4, 4)), 3)).values()]
    [(0, 3), (0, 2, 3), (0, 1, 2, 3)]
    """
    if task.trend == "none" and task.step <= 0 and task.pair_cost is None:
        return _free(task)
    return _Sweep(task).best()


def _ending(task: Task) -> Array:
    """Value of a run that closes the partition, by its start."""
    last = task.value[:, -1]
    return last if task.last_cost is None else last - task.last_cost


def _free(task: Task) -> dict[int, Partition]:
    """Runs know nothing of each other: best value of b runs up to every border."""
    n = len(task.value) - 1
    value = np.where(np.triu(np.ones((n + 1, n + 1), dtype=bool), 1), task.value, -np.inf)
    closing = value.copy()
    closing[:, -1] = np.where(np.arange(n + 1) < n, _ending(task), -np.inf)
    best, origin = [value[0]], [np.zeros(n + 1, dtype=np.intp)]
    found = {1: closing[0, n]}
    starts = {1: 0}
    for bins in range(2, min(task.most, n) + 1):
        last = best[-1] + closing[:, n]
        starts[bins] = int(last.argmax())
        found[bins] = last[starts[bins]]
        sums = best[-1][:, None] + value
        origin.append(sums.argmax(axis=0))
        best.append(sums[origin[-1], np.arange(n + 1)])
    partitions = {}
    for bins, total in found.items():
        if np.isfinite(total):
            borders = [n, starts[bins]]
            for layer in range(bins - 2, -1, -1):
                borders.append(int(origin[layer][borders[-1]]))
            partitions[bins] = Partition(tuple(reversed(borders if bins > 1 else [n, 0])), float(total))
    return partitions


class _Sweep:
    """Borders from left to right; `table[j][phase, b - 1, i]` is the best value of b runs, the last being [i, j)."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.n = len(task.value) - 1
        self.most = min(task.most, self.n)
        self.phases = PHASES[task.trend]
        self.shift = np.clip(task.shift, -FAR, FAR)
        allowed = np.isfinite(task.value) & np.triu(np.ones((self.n + 1, self.n + 1), dtype=bool), 1)
        self.allowed: Flags = allowed
        self.table = np.full((self.n + 1, len(self.phases), self.most, self.n + 1), -np.inf)
        for phase, name in enumerate(self.phases):
            if "after" not in name:
                self.table[allowed[0], phase, 0, 0] = task.value[0, allowed[0]]

    def best(self) -> dict[int, Partition]:
        for border in range(1, self.n):
            self._extend(border)
        closing = self.table[self.n].copy()
        if self.task.last_cost is not None:
            closing -= self.task.last_cost
        partitions = {}
        for bins in range(1, self.most + 1):
            layer = closing[:, bins - 1, :]
            if np.isfinite(layer).any():
                phase, start = np.unravel_index(int(layer.argmax()), layer.shape)
                borders = self._traced(int(phase), bins, int(start))
                partitions[bins] = Partition(borders, float(layer.max()))
        return partitions

    def _extend(self, border: int) -> None:
        """Put every run that starts at a border behind the best runs that end there."""
        starts, ends = np.flatnonzero(self.allowed[:, border]), np.flatnonzero(self.allowed[border])
        if not len(starts) or not len(ends):
            return
        starts = starts[np.argsort(self.shift[starts, border], kind="stable")]
        before = self.table[border][:, :-1, :][:, :, starts]
        if not np.isfinite(before).any():
            return
        left, right = self.shift[starts, border], self.shift[border, ends]
        cost = None if self.task.pair_cost is None else self.task.pair_cost(starts, border, ends)
        for direction in ("up", "down", "any"):
            at = [i for i, name in enumerate(self.phases) if name.split()[0] == direction]
            if at:
                sources = np.stack([self._source(before, phase) for phase in at])
                reached = _by_order if cost is None else _by_pairs
                reach = reached(sources, left, right, direction, self.task.step, cost)
                for phase, best in zip(at, reach, strict=True):
                    self.table[ends, phase, 1:, border] = (best + self.task.value[border, ends]).T

    def _source(self, before: Array, phase: int) -> Array:
        """Best over the phases a run of this phase may follow."""
        name = self.phases[phase]
        own: Array = before[phase]
        if "after" not in name:
            return own
        either: Array = np.maximum(own, before[self.phases.index(name.split()[-1])])
        return either

    def _traced(self, phase: int, bins: int, start: int) -> tuple[int, ...]:
        borders, end = [self.n, start], self.n
        for size in range(bins, 1, -1):
            border = start
            starts = np.flatnonzero(self.allowed[:, border])
            name = self.phases[phase]
            fits = _fits(self.shift[starts, border], self.shift[border, [end]], name.split()[0], self.task.step)[:, 0]
            cost = np.zeros(len(starts))
            if self.task.pair_cost is not None:
                cost = self.task.pair_cost(starts, border, np.array([end]))[:, 0]
            froms = [phase, self.phases.index(name.split()[-1])] if "after" in name else [phase]
            layers = np.stack([self.table[border, one, size - 2, starts] for one in froms]) - cost
            layers = np.where(fits, layers, -np.inf)
            which, at = np.unravel_index(int(layers.argmax()), layers.shape)
            phase, start, end = froms[int(which)], int(starts[at]), border
            borders.append(start)
        return tuple(reversed(borders))


def _fits(left: Array, right: Array, direction: str, step: float) -> Flags:
    """Whether neighbours keep order and distance, shape (left, right)."""
    rise = right[None, :] - left[:, None]
    slack = SLACK * (1 + np.abs(right))[None, :]
    up, down = rise >= step - slack, rise <= slack - step
    flags: Flags = up if direction == "up" else down if direction == "down" else up | down
    return flags


def _by_order(sources: Array, left: Array, right: Array, direction: str, step: float, _: Array | None) -> Array:
    """Best predecessor by running maxima over shifts in rising order; shape (phases, sizes, ends)."""
    reach = np.full((*sources.shape[:2], len(right)), -np.inf)
    slack = SLACK * (1 + np.abs(right))
    if direction != "down":
        lower = np.searchsorted(left, right - step + slack, side="right") - 1
        best = np.maximum.accumulate(sources, axis=2)
        reach = np.where(lower >= 0, best[:, :, np.maximum(lower, 0)], -np.inf)
    if direction != "up":
        higher = np.searchsorted(left, right + step - slack, side="left")
        best = np.maximum.accumulate(sources[:, :, ::-1], axis=2)[:, :, ::-1]
        fits = higher < len(left)
        reach = np.maximum(reach, np.where(fits, best[:, :, np.minimum(higher, len(left) - 1)], -np.inf))
    return reach


def _by_pairs(sources: Array, left: Array, right: Array, direction: str, step: float, cost: Array | None) -> Array:
    """Best predecessor when every pair of neighbours has a cost of its own; shape (phases, sizes, ends)."""
    assert cost is not None
    price = np.where(_fits(left, right, direction, step), cost, np.inf)
    best: Array = (sources[:, :, :, None] - price).max(axis=2)
    return best
