"""What is odd about a candidate: missing values, cardinality, thin levels, drift, leakage suspects."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.candidates.factor_sums import FactorSums
from glm_local.families.families import Family
from glm_local.inference.thin_levels import over_dispersion
from glm_local.screening.candidate_levels import CandidateLevels
from glm_local.screening.concentration import stability_index
from glm_local.screening.tested_levels import ScreeningRules, TestedLevels
from glm_local.texts.counted import counted

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FlagLimits:
    """From where on a candidate is flagged.

    Parameters
    ----------
    missing_share
        Share of training exposure without a value.
    drift
        Population stability index beyond what chance gives (0.1: look, 0.25: act, as the field has it).
    unique_share
        Distinct categories per training row.
    leakage_gain
        Share of the current model's deviance that the candidate alone takes away.
    leakage_gini
        Cross-fitted Gini of a binary target.
    silent_events
        Expected events in a level that has none at all; beside weights, which have no unit, over the dispersion.
    """

    missing_share: float = 0.2
    drift: float = 0.1
    unique_share: float = 0.5
    leakage_gain: float = 0.5
    leakage_gini: float = 0.95
    silent_events: float = 20.0


@dataclass(frozen=True)
class CandidateChecks:
    """Measures of a candidate's data.

    Parameters
    ----------
    cardinality
        Fine codes with training rows, missing and unseen left out.
    missing_share, validation_missing_share
        Share of exposure without a value.
    coverage
        Share of training exposure in levels that stand on their own, values missing left out.
    thin_levels, thin_share
        Categories too thin to be tested on their own, and their share of training rows.
    psi_validation
        Population stability index of validation against training rows.
    psi_folds
        Largest index of a fold against the other folds.
    """

    cardinality: int
    missing_share: float
    validation_missing_share: float
    coverage: float
    thin_levels: int
    thin_share: float
    psi_validation: float
    psi_folds: float
    rows: float
    levels: int
    validation_rows: float
    new_share: float

    @classmethod
    def of(cls, candidate: CandidateLevels, missing: int | None, rules: ScreeningRules) -> CandidateChecks:
        """Read the checks off a candidate's sums; `missing` is the code of missing values."""
        sums, tested, folds = candidate.sums, candidate.tested, candidate.sums.folds
        rows = sums.rows[:, :folds].sum(axis=1)
        weight = sums.weight[:, :folds].sum(axis=1)
        thin = (rows > 0) & ~rules.thick(rows, candidate.evidence) & (sums.kind == "categorical")
        known = np.arange(len(rows)) != (-1 if missing is None else missing)
        # Values that training rows do not have are a level of their own here: a new value is the plainest drift.
        by_level = np.zeros((tested.groups + 1, sums.rows.shape[1]))
        np.add.at(by_level, np.where(rows > 0, tested.group, tested.groups), sums.rows)
        train, last = by_level[:, :folds].sum(axis=1), by_level[:, folds:].sum(axis=1)
        total = weight.sum()
        return cls(
            cardinality=int((rows[: sums.ordered] > 0).sum()),
            missing_share=_share(weight[~known].sum(), total),
            validation_missing_share=_share(sums.weight[~known, folds:].sum(), sums.weight[:, folds:].sum()),
            coverage=_share(weight[known & ~thin].sum(), total),
            thin_levels=int(thin.sum()),
            thin_share=_share(rows[thin].sum(), rows.sum()),
            psi_validation=stability_index(train, last),
            psi_folds=max(stability_index(train - by_level[:, at], by_level[:, at]) for at in range(folds)),
            rows=float(rows.sum()),
            levels=tested.groups,
            validation_rows=float(last.sum()),
            new_share=_share(last[-1], last.sum()),
        )

    def flags(self, kind: str, limits: FlagLimits) -> Iterator[str]:
        """Sentences about what lies beyond the limits."""
        if self.cardinality <= 1 and self.levels <= 1:
            yield "constant"
        if self.missing_share >= limits.missing_share:
            yield f"{self.missing_share:.0%} missing"
        if kind == "categorical" and self.rows and self.cardinality > limits.unique_share * self.rows:
            yield f"near-unique: {self.cardinality:,} values in {self.rows:,.0f} rows"
        elif self.thin_levels:
            yield f"{counted(self.thin_levels, 'thin level')} ({self.thin_share:.1%} of rows)"
        new = f", {self.new_share:.1%} new values" if self.new_share > 0 else ""
        if self._beyond(self.psi_validation, self.rows, self.validation_rows) >= limits.drift:
            yield f"drift: validation differs (PSI {self.psi_validation:.2f}{new})"
        # The largest of several folds: chance is given room for the choice too.
        if self._beyond(self.psi_folds, self.rows, self.rows / 10) >= limits.drift:
            yield f"drift: folds differ (PSI {self.psi_folds:.2f})"

    def _beyond(self, index: float, rows: float, others: float) -> float:
        """The index less twice what equal distributions give on average, (levels - 1) (1/n + 1/m)."""
        if not (math.isfinite(index) and rows and others):
            return 0.0
        return index - 2 * (self.levels - 1) * (1 / rows + 1 / others)


def leakage(
    sums: FactorSums, tested: TestedLevels, gain_share: float, gini: float, family: Family, limits: FlagLimits
) -> Iterator[str]:
    """Reasons to suspect that a candidate knows the answer."""
    binary = family.binary
    if gain_share >= limits.leakage_gain:
        yield f"leakage? alone it explains {gain_share:.0%} of the deviance"
    if binary and abs(gini) >= limits.leakage_gini:
        yield f"leakage? it separates the target (Gini {gini:.2f})"
    if not (binary or family.exact_counts):
        return
    train = slice(0, sums.folds)
    amount, fitted, weight = (
        np.bincount(tested.group, one[:, train].sum(axis=1), tested.groups)
        for one in (sums.amount, sums.fitted, sums.weight)
    )
    expected, others = fitted / sums.dispersion, (weight - fitted) / sums.dispersion
    silent = (amount == 0) & (expected >= limits.silent_events)
    certain = binary & (weight - amount <= 0) & (others >= limits.silent_events)
    for at in np.flatnonzero(silent | certain)[:3]:
        what, held = ("event", expected[at]) if silent[at] else ("non-event", others[at])
        counted = over_dispersion(f"{held:,.0f} expected", sums.dispersion)
        yield f"leakage? no {what} in {tested.labels[at]!r}, {counted}"


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else math.nan
