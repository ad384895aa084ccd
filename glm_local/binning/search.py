"""The program applied to a candidate: its codes arranged in order, the rules as allowed runs, the sums as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from glm_local.binning.categories import category_order, equal_runs
from glm_local.binning.factor_sums import FactorSums, OffsetSums, PowerLogSums
from glm_local.binning.floors import Floors, domain_of
from glm_local.binning.penalties import BinPenalty, NeighbourPenalty, Penalty, log_level
from glm_local.binning.program import PairCost, Partition, Task, best_partitions
from glm_local.binning.rules import BinningRules
from glm_local.binning.segments import Segments, run_sums, segments_of
from glm_local.binning.shifts import added, at_samples, by_level, is_ratio
from glm_local.errors import ConfigError, nearest

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]

MOST_UNITS = 250
"""More ordered codes than this are first joined into so many runs of about equal exposure."""


@dataclass(frozen=True)
class Arrangement:
    """Ordered codes as units the program works on: `unit_of` is -1 for codes that stand apart."""

    unit_of: Codes
    units: int

    def groups(self, partition: Partition) -> tuple[tuple[int, ...], ...]:
        """Codes of every bin, in order of the units."""
        return tuple(
            tuple(int(code) for code in np.flatnonzero((self.unit_of >= first) & (self.unit_of < last)))
            for first, last in partition.runs()
        )


@dataclass(frozen=True)
class Search:
    """Best groups of fine codes, for any choice of training folds.

    Parameters
    ----------
    sums, rules
        Of one candidate.
    own
        Codes apart that have a level of their own.
    thin
        Codes apart that were to have one and hold too little: they follow the level that says least of them.
    """

    sums: FactorSums
    rules: BinningRules
    own: tuple[int, ...] = ()
    thin: tuple[int, ...] = ()

    @cached_property
    def train(self) -> Array:
        """Column that adds up the training folds, shape (samples, 1)."""
        return self.mix(np.arange(self.sums.folds))

    def mix(self, folds: Codes) -> Array:
        """Column that adds up some samples."""
        column = np.zeros((self.sums.rows.shape[1], 1))
        column[folds] = 1.0
        return column

    @cached_property
    def rows(self) -> float:
        """Training rows."""
        return float((self.sums.rows @ self.train).sum())

    @cached_property
    def floors(self) -> Floors:
        """What every bin holds at least."""
        return self.rules.floors(domain_of(self.sums))

    @cached_property
    def dispersion(self) -> float:
        """The model's where the family fixes it (1 but beside weights), else the deviance per row."""
        gain = self.sums.gain
        if (isinstance(gain, PowerLogSums) and gain.power == 1) or (
            isinstance(gain, OffsetSums) and gain.family.fixed_dispersion
        ):
            return self.sums.dispersion
        return max(float(self.sums.deviance[: self.sums.folds].sum()) / max(self.rows, 1.0), 1e-300)

    @property
    def charge(self) -> float:
        """What BIC divides the deviance by: the dispersion, by key where rows of a key may be alike."""
        return self.dispersion * self.sums.key_effect

    @property
    def is_joined(self) -> bool:
        """Whether codes are joined into runs before the program."""
        return self.sums.ordered > MOST_UNITS

    def best(self, folds: Codes | None = None) -> dict[int, tuple[tuple[int, ...], ...]]:
        """Best groups for every size from 1 to the largest, learned from some folds (all of them by default)."""
        chosen = np.arange(self.sums.folds) if folds is None else folds
        arrangement = self.arranged(chosen)
        task = self.task(arrangement, self.segments(arrangement, self.mix(chosen)))
        return {bins: arrangement.groups(one) for bins, one in best_partitions(task).items()}

    def arranged(self, folds: Codes) -> Arrangement:
        """Pre-bins as they lie; categories by credibility learned from the folds; many of them joined."""
        ordered = self.sums.ordered
        order = np.arange(ordered)
        if self.sums.kind == "categorical":
            order = category_order(self.sums, folds, self.dispersion)
        place = np.empty(ordered, dtype=np.intp)
        place[order] = np.arange(ordered)
        cuts = frozenset(int(max(place[one], place[other])) for one, other in self.kept_apart)
        runs = equal_runs(self._total(self.sums.weight)[order], MOST_UNITS, cuts)
        unit_of = np.full(self.sums.codes, -1)
        unit_of[order] = runs
        return Arrangement(unit_of, int(runs[-1]) + 1 if ordered else 0)

    def segments(self, arrangement: Arrangement, mix: Array) -> Segments:
        """Every run of units, on mixed samples."""
        return segments_of(by_level(at_samples(self.sums.gain, mix), arrangement.unit_of, arrangement.units))

    def task(self, arrangement: Arrangement, segments: Segments) -> Task:
        """What the program maximises: deviance saved, less penalties that add up; under the rules."""
        sizes = self.rules.sizes
        allowed = self.allowed(arrangement) & ~np.isnan(segments.shift)
        costs = self._bin_costs(arrangement)
        pair, last = self._neighbour_costs(arrangement)
        return Task(
            np.where(allowed, -segments.change - costs, -np.inf),
            segments.shift,
            max(sizes, default=1),
            "none" if self.sums.kind == "categorical" else self.rules.trend,
            self.rules.shift_step(is_ratio(self.sums.gain)),
            pair,
            last,
        )

    def allowed(self, arrangement: Arrangement) -> Flags:
        """Runs every rule on single bins allows, judged on all training folds."""
        key = arrangement.unit_of.tobytes()
        if key not in self._known:
            self._known[key] = self._allowed(arrangement)
        return self._known[key]

    @cached_property
    def _known(self) -> dict[bytes, Flags]:
        return {}

    def _allowed(self, arrangement: Arrangement) -> Flags:
        def added(values: Array) -> Array:
            return self._runs(values, arrangement)

        held = self.floors.held(self.sums, added)
        apart = np.ones_like(held)
        for one, other in self.kept_apart:
            first, last = sorted((int(arrangement.unit_of[one]), int(arrangement.unit_of[other])))
            apart[: first + 1, last + 1 :] = False
        if self.kept_apart:
            held |= _cannot_grow(apart) & self.rules.given_floors.held(self.sums, added)
        finite = np.isfinite(self.segments(arrangement, self.train).shift)
        allowed: Flags = held & apart & finite & (added(self.sums.rows) > 0)
        return allowed

    @cached_property
    def kept_apart(self) -> tuple[tuple[int, int], ...]:
        """Pairs of codes that are never in one bin."""
        known = list(self.sums.labels[: self.sums.ordered])
        pairs = []
        for pair in self.rules.apart:
            for label in pair:
                if label not in known:
                    raise ConfigError.because(
                        f"{label!r} is to be kept apart.",
                        f"{self.sums.name!r} has no such pre-bin.",
                        nearest(label, known),
                        path="apart",
                    )
            pairs.append((known.index(pair[0]), known.index(pair[1])))
        return tuple(pairs)

    def without(self, **relaxed: object) -> Search:
        """The same search under fewer rules."""
        return Search(self.sums, replace(self.rules, **relaxed), self.own, self.thin)  # type: ignore[arg-type]

    def _total(self, values: Array) -> Array:
        return (values @ self.train)[: self.sums.ordered, 0]

    def _runs(self, values: Array, arrangement: Arrangement) -> Array:
        return run_sums(added((values @ self.train)[:, 0], arrangement.unit_of, arrangement.units))

    def _penalties(self) -> list[Penalty]:
        assert isinstance(self.rules.penalties, dict)
        return list(self.rules.penalties.values())

    def _bin_costs(self, arrangement: Arrangement) -> Array:
        """Penalties of every run, as deviance."""
        asked = [one for one in self._penalties() if isinstance(one, BinPenalty)]
        costs = np.zeros((arrangement.units + 1, arrangement.units + 1))
        if asked:
            size, actual = self._runs(self.sums.weight, arrangement), self._runs(self.sums.amount, arrangement)
            costs += self.rows * np.sum([one.of_bins(size, actual) for one in asked], axis=0)
        return costs

    def _neighbour_costs(self, arrangement: Arrangement) -> tuple[PairCost | None, Array | None]:
        """Penalties of neighbouring runs, and of the last run beside the first level of codes apart, as deviance."""
        asked = [one for one in self._penalties() if isinstance(one, NeighbourPenalty)]
        if not asked:
            return None, None
        level = log_level(self._runs(self.sums.weight, arrangement), self._runs(self.sums.amount, arrangement))

        def pairs(starts: Codes, border: int, ends: Codes) -> Array:
            left, right = level[starts, border][:, None], level[border, ends][None, :]
            cost: Array = self.rows * np.sum([one.of_neighbours(left, right) for one in asked], axis=0)
            return cost

        if not self.own:
            return pairs, None
        code = self.own[0]
        beside = log_level(*((one @ self.train)[code] for one in (self.sums.weight, self.sums.amount)))
        return pairs, self.rows * np.sum([one.of_neighbours(level[:, -1], beside) for one in asked], axis=0)


def _cannot_grow(apart: Flags) -> Flags:
    """Runs that lie between codes kept apart from them on both sides, or the end of the codes."""
    left, right = np.zeros_like(apart), np.zeros_like(apart)
    left[1:], right[:, :-1] = apart[:-1], apart[:, 1:]
    found: Flags = apart & ~left & ~right
    return found


def codes_of_their_own(sums: FactorSums, rules: BinningRules, asked: Sequence[int]) -> tuple[int, ...]:
    """Of some codes apart, those that training fills enough, by the rules, for a level of their own.

    Half of the profile's evidence is enough: no search chose them, and what they would follow may be far from them.
    """
    if rules.min_evidence is None:
        rules = replace(rules, min_evidence=rules.floors(domain_of(sums)).evidence / 2)
    unit_of = np.full(sums.codes, -1)
    unit_of[list(asked)] = np.arange(len(asked))
    single = Search(sums, rules).without(apart=()).allowed(Arrangement(unit_of, len(asked)))
    return tuple(code for at, code in enumerate(asked) if single[at, at + 1])
