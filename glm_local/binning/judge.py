"""One way to cut a candidate, judged: its levels, its deviance in training, out of fold and in validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.binning.penalties import PenaltyContext, penalty_value
from glm_local.binning.search import Search
from glm_local.binning.shifts import added, at_samples, best_shift, by_level, deviance_change, finite_shift, is_ratio
from glm_local.numbers.ties import largest

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
Groups = tuple[tuple[int, ...], ...]

TIE = 1e-9
"""Shifts nearer than this are equal: sums of doubles come in any order."""


@dataclass(frozen=True)
class Trial:
    """One size.

    Parameters
    ----------
    groups
        Fine codes of the ordered levels; empty is no factor at all.
    levels
        Number of levels, those of their own included; 1 without a factor.
    train_deviance, validation_deviance
        Mean per row; validation None without such a sample.
    out_of_fold
        What the factor changes the deviance of each fold by, learned without it; shape (folds,), None with one fold.
    penalties
        By name.
    table
        Training levels, as in `PenaltyContext`, with ``shift``.
    """

    groups: Groups
    levels: int
    train_deviance: float
    validation_deviance: float | None
    out_of_fold: Array | None
    penalties: Mapping[str, float]
    table: pd.DataFrame

    @property
    def bins(self) -> int:
        """Number of ordered levels."""
        return len(self.groups)

    @property
    def penalty(self) -> float:
        """All penalties together."""
        return sum(self.penalties.values())


@dataclass(frozen=True)
class Judge:
    """Judges groups of codes.

    `others` are the best groups per size learned without each fold; without them groups are judged as given, and only
    their shifts are learned without the fold. `homes` are levels that codes apart follow, by code: what a specification
    makes of them, where groups are judged as given.
    """

    search: Search
    others: Sequence[Mapping[int, Groups]] = ()
    homes: Mapping[int, int] = field(default_factory=dict)

    def trial(self, groups: Groups) -> Trial:
        """Everything about one way to cut; no groups is no factor at all."""
        search, sums = self.search, self.search.sums
        folds = np.arange(sums.folds)
        change = self.change(groups, folds)
        train = self._mean(change, folds)
        validation = self._mean(change, np.array([sums.folds])) if sums.has_validation else None
        out = self.out_of_fold_of(groups)
        table = self.table(groups)
        held_out = validation
        if held_out is None:
            known = 0.0 if out is None else float(out.sum())
            held_out = (float(sums.deviance[folds].sum()) + known) / max(search.rows, 1.0) if out is not None else train
        context = PenaltyContext(
            sums.name, sums.kind, len(table), table.drop(columns="shift"), train, held_out, groups, sums.labels
        )
        assert isinstance(search.rules.penalties, dict)
        values = {name: penalty_value(name, one, context) for name, one in search.rules.penalties.items()}
        return Trial(groups, len(table), train, validation, out, values, table)

    def level_of(self, groups: Groups) -> Codes:
        """Level of every code: ordered levels, then codes with levels of their own; -1 where the base is followed."""
        level = np.full(self.search.sums.codes, -1)
        for at, group in enumerate(groups):
            level[list(group)] = at
        for at, code in enumerate(self.search.own):
            level[code] = len(groups) + at
        return level

    def change(self, groups: Groups, folds: Codes) -> Array:
        """Deviance change of every sample when the shifts are learned from some folds; shape (samples,)."""
        sums = self.search.sums
        if not groups:
            return np.zeros(sums.rows.shape[1])
        level_of = self._placed(groups, folds)
        gain = by_level(sums.gain, level_of, int(level_of.max()) + 1)
        learned = at_samples(gain, self.search.mix(folds))
        shift = finite_shift(learned, best_shift(learned), self.search.dispersion)
        changes = deviance_change(gain, np.broadcast_to(shift, (len(shift), sums.rows.shape[1])))
        total: Array = changes.sum(axis=0)
        return total

    def table(self, groups: Groups) -> pd.DataFrame:
        """Training levels in order, those of their own last; without groups one level that holds everything."""
        search, sums = self.search, self.search.sums
        every = np.arange(sums.folds)
        level_of = self._placed(groups, every) if groups else np.zeros(sums.codes, dtype=np.intp)
        count = int(level_of.max()) + 1
        rows, weight, amount, fitted = (
            added((one @ search.train)[:, 0], level_of, count)
            for one in (sums.rows, sums.weight, sums.amount, sums.fitted)
        )
        shift = best_shift(by_level(at_samples(sums.gain, search.train), level_of, count))[:, 0]
        shift = shift if groups else np.zeros(1)
        return pd.DataFrame(
            {
                "level": [f"level {at + 1}" for at in range(count)],
                "rows": rows,
                "bin_size": weight,
                "actual": amount,
                "predicted": fitted,
                "relativity": self._relativity(shift, largest(weight)),
                "shift": shift,
            }
        )

    def _relativity(self, shift: Array, base: int) -> Array:
        beside = shift - (shift[base] if np.isfinite(shift[base]) else 0.0)
        if not is_ratio(self.search.sums.gain):
            return beside
        ratio: Array = np.exp(beside)
        return ratio

    def _placed(self, groups: Groups, folds: Codes) -> Codes:
        """Level of every code: thin ones follow the neutral level of some folds, the others without one the base."""
        level_of, thin = self.level_of(groups), list(self.search.thin)
        if thin:
            level_of[thin] = self.neutral(groups, folds)
        for code, home in self.homes.items():
            level_of[code] = home
        return np.where(level_of < 0, self.base(groups), level_of)

    def base(self, groups: Groups) -> int:
        """Level of the largest training weight."""
        level_of = self.level_of(groups)
        weight = added((self.search.sums.weight @ self.search.train)[:, 0], level_of, int(level_of.max()) + 1)
        return largest(weight)

    def neutral(self, groups: Groups, folds: Codes) -> int:
        """Ordered level whose shift in some folds is nearest to that of all rows, the first of equal ones.

        Few rows do not tell their own nearest level: where they are drawn as the levels are, this one costs less.
        """
        gain, mix = self.search.sums.gain, self.search.mix(folds)
        shift = best_shift(at_samples(by_level(gain, self.level_of(groups), len(groups) + len(self.search.own)), mix))
        average = best_shift(at_samples(by_level(gain, np.zeros(self.search.sums.codes, dtype=np.intp), 1), mix))
        apart = np.abs(shift[: len(groups), 0] - average[0, 0])
        apart = np.where(np.isfinite(apart), apart, np.inf)
        return int(np.argmax(apart <= apart.min() + TIE))

    def _mean(self, change: Array, samples: Codes) -> float:
        sums = self.search.sums
        rows = float(sums.rows[:, samples].sum())
        return float(sums.deviance[samples].sum() + change[samples].sum()) / max(rows, 1.0)

    def out_of_fold_of(self, groups: Groups) -> Array | None:
        """Change on each fold, by the best groups of this size learned without it (or by these, as they were given)."""
        folds = self.search.sums.folds
        if folds < 2:
            return None
        change = np.zeros(folds)
        for fold in range(folds if groups else 0):
            best = self.others[fold] if self.others else {len(groups): groups}
            fewer = max((size for size in best if size <= len(groups)), default=0)
            if fewer:
                change[fold] = self.change(best[fewer], np.delete(np.arange(folds), fold))[fold]
        return change


def judge_of(search: Search, sizes: Sequence[int]) -> Judge:
    """A judge that has learned the best groups without each fold."""
    folds = np.arange(search.sums.folds)
    if len(folds) < 2 or not len(sizes):
        return Judge(search)
    return Judge(search, tuple(search.best(np.delete(folds, fold)) for fold in folds))
