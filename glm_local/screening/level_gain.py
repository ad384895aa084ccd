"""Deviance gain of a candidate's levels with the current model as offset: in training, out of fold, in validation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.binning.shifts import at_samples, best_shift, by_level, deviance_change, finite_shift
from glm_local.candidates.factor_sums import FactorSums
from glm_local.candidates.fold_error import fold_error

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LevelGain:
    """What level shifts take off the deviance.

    Parameters
    ----------
    train
        Fall of the training deviance with each level at its best shift.
    by_fold
        Fall of each fold's deviance with shifts learned on the other folds, not shrunk; shape (folds,).
    validation
        Fall of the validation deviance with shifts learned on all training rows; NaN without validation rows.
    """

    train: float
    by_fold: Array
    validation: float

    @property
    def cv(self) -> float:
        """Sum of `by_fold`; NaN for a single fold."""
        return float(self.by_fold.sum()) if len(self.by_fold) > 1 else math.nan

    @property
    def cv_se(self) -> float:
        """Standard error of `cv` from the spread between folds; NaN for a single fold."""
        return fold_error(self.by_fold)

    def rounded(self, deviance: float) -> LevelGain:
        """With gains that are rounding errors of the deviance set to 0."""

        def clean(value: float) -> float:
            return 0.0 if abs(value) < 1e-12 * deviance else value

        return LevelGain(clean(self.train), self.by_fold, clean(self.validation))


def level_gain(sums: FactorSums, group: NDArray[np.int64], groups: int, dispersion: float) -> LevelGain:
    """Gain of levels that are groups of fine codes.

    A level without an event in the folds it is learned on is taken to have half of one: the first event elsewhere would
    have an infinite deviance.
    """
    gain = by_level(sums.gain, group.astype(np.intp), groups)
    samples = sums.rows.shape[1]
    own = np.eye(samples)[:, : sums.folds]
    train = own.sum(axis=1, keepdims=True)
    whole = at_samples(gain, train)
    best = best_shift(whole)
    others = at_samples(gain, train - own)
    learned = finite_shift(others, best_shift(others), dispersion)
    by_fold = -deviance_change(at_samples(gain, own), learned).sum(axis=0)
    validation = math.nan
    if sums.has_validation:
        last = at_samples(gain, np.eye(samples)[:, sums.folds : sums.folds + 1])
        validation = -float(deviance_change(last, finite_shift(whole, best, dispersion)).sum())
    return LevelGain(-float(deviance_change(whole, best).sum()), by_fold, validation).rounded(
        float(sums.deviance.sum())
    )
