"""A candidate's tested levels, formed from its sums under the current model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.binning.shifts import information
from glm_local.candidates.factor_sums import FactorSums
from glm_local.screening.score_pass import CurrentModel
from glm_local.screening.tested_levels import ScreeningRules, TestedLevels, group_codes

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CandidateLevels:
    """A candidate's sums, how its fine codes are grouped for tests, and the evidence per fine code."""

    sums: FactorSums
    tested: TestedLevels
    evidence: Array

    @classmethod
    def of(cls, sums: FactorSums, model: CurrentModel, rules: ScreeningRules) -> CandidateLevels:
        """Group the fine codes of one candidate."""
        return cls._of(sums, model, lambda rows, found: rules)

    @classmethod
    def in_pairs(cls, sums: FactorSums, model: CurrentModel, rules: ScreeningRules) -> CandidateLevels:
        """Group them for a pair, as coarsely as its cells need."""
        return cls._of(sums, model, lambda rows, found: rules.in_pairs(float(rows.sum()), float(found.sum())))

    @classmethod
    def _of(
        cls, sums: FactorSums, model: CurrentModel, rules: Callable[[Array, Array], ScreeningRules]
    ) -> CandidateLevels:
        rows, weight, known = (
            one[:, : sums.folds].sum(axis=1) for one in (sums.rows, sums.weight, information(sums.gain)[1])
        )
        found = model.evidence(rows, known)
        asked = rules(rows, found)
        return cls(sums, group_codes(sums.kind, sums.labels, sums.ordered, rows, weight, found, asked), found)

    @property
    def bands(self) -> NDArray[np.intp]:
        """Tested levels of the ordered codes, in their order; none of a categorical candidate."""
        ordered = 0 if self.sums.kind == "categorical" else self.sums.ordered
        return np.unique(self.tested.group[:ordered])

    def by_level(self, values: Array) -> Array:
        """Sums per fine code added up by tested level, training folds only, shape (levels, folds)."""
        total = np.zeros((self.tested.groups, self.sums.folds))
        np.add.at(total, self.tested.group, values[:, : self.sums.folds])
        return total
