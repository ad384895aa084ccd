"""What binning works on: the sums of one candidate's fine codes by sample, under the current model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glm_local.families.families import Family
from glm_local.families.links import Link

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PowerLogSums:
    """Log link and variance power p: what a shift d of the linear predictor changes, in closed form.

    With current means m, a = sum w y m^(1-p) and b = sum w m^(2-p), the deviance changes by
    2 [-a (e^((1-p)d) - 1) / (1-p) + b (e^((2-p)d) - 1) / (2-p)] (limits at p = 1, 2); the best d is log(a / b).

    Parameters
    ----------
    power
        p.
    a, b
        Shape (codes, samples).
    """

    power: float
    a: Array
    b: Array


@dataclass(frozen=True)
class QuadraticSums:
    """Gaussian with identity link: a = sum w (y - m), b = sum w; a shift d changes the deviance by b d^2 - 2 a d."""

    a: Array
    b: Array


@dataclass(frozen=True)
class OffsetSums:
    """Any other family and link: rows grouped by their current linear predictor; a shift takes Newton's method.

    Parameters
    ----------
    family, link
        Of the model.
    predictor
        Representative linear predictor of every group, shape (groups,).
    weight, amount
        sum w and sum w y, shape (codes, samples, groups).
    exact
        Whether every group is one value of the linear predictor; otherwise groups are narrow intervals, represented by
        their weighted mean.
    """

    family: Family
    link: Link
    predictor: Array
    weight: Array
    amount: Array
    exact: bool


Gain = PowerLogSums | QuadraticSums | OffsetSums


@dataclass(frozen=True)
class FactorSums:
    """Sums of one candidate per fine code and sample.

    Parameters
    ----------
    name, kind
        Of the candidate.
    labels
        Of the fine codes.
    ordered
        The first `ordered` codes are the ordered pre-bins (numeric, ordinal) or the categories; the others (missing,
        unseen, below, above) stand apart.
    folds
        Samples 0 to ``folds - 1`` are the training folds; one more, if there, is validation. Never the holdout.
    rows, weight, amount, fitted
        Shape (codes, samples): rows; sum of weights (with exposure folded in: for Poisson the weighted exposure); sum
        of weight * response (Poisson: claims); the same under the current model.
    gain
        What a shift of the linear predictor in some codes does to the deviance.
    deviance
        Total deviance of the current model per sample, shape (samples,).
    dispersion
        Of the current model.
    key_effect
        Times the dispersion that BIC counts: `glm_local.screening.key_effect`, where keys were asked.
    """

    name: str
    kind: Literal["numeric", "categorical", "ordinal"]
    labels: tuple[str, ...]
    ordered: int
    folds: int
    rows: Array
    weight: Array
    amount: Array
    fitted: Array
    gain: Gain
    deviance: Array
    dispersion: float = 1.0
    key_effect: float = 1.0

    @property
    def codes(self) -> int:
        """Number of fine codes."""
        return len(self.labels)

    @property
    def has_validation(self) -> bool:
        """Whether the last sample is validation."""
        return bool(self.rows.shape[1] > self.folds)
