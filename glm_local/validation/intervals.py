"""Intervals for actual to predicted: exact for counts, normal where its shape can be trusted, absent elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

Array = NDArray[np.float64]

WIDEST = 1 / 3


@dataclass(frozen=True)
class IntervalRule:
    """How intervals are made.

    Parameters
    ----------
    dispersion
        phi: the variance of a weighted total is phi * sum of w V(m); NaN gives no intervals.
    counts
        True for a Poisson total: Garwood's exact interval is taken, at another dispersion than 1 that of total / phi.
    level
        Coverage.
    by_sample
        phi of each sample, measured by key; None where one phi holds for all.
    """

    dispersion: float
    counts: bool
    level: float = 0.95
    by_sample: Mapping[str, float] | None = None

    def of(self, sample: str) -> IntervalRule:
        """The rule for one sample's totals."""
        if self.by_sample is None:
            return self
        return replace(self, dispersion=self.by_sample.get(sample, self.dispersion), by_sample=None)

    @property
    def definition(self) -> str:
        """One sentence for a report."""
        share = f"{100 * self.level:g} %"
        if self.by_sample is not None:
            said = ", ".join(f"{value:.3g} on {sample}" for sample, value in self.by_sample.items())
            normal = "a normal shape, none where the expected noise exceeds a third of the prediction"
            shape = "Garwood's interval of actual / dispersion" if self.counts else normal
            return (
                f"{share} intervals of actual/predicted take what totals of whole keys spread (dispersion by key "
                f"{said}; in a table by level that of its levels, dispersion_by_key) and {shape}."
            )
        if self.counts:
            return f"{share} intervals of actual/predicted are exact Poisson intervals of the actual count (Garwood)."
        return (
            f"{share} intervals of actual/predicted take the model's variance with dispersion {self.dispersion:.4g} "
            "and a normal shape; none is given where the expected noise exceeds a third of the prediction."
        )

    def bounds(self, actual: Array, predicted: Array, variance: Array) -> tuple[Array, Array]:
        """Lower and upper bound of actual / predicted, NaN where none is sound.

        `variance` is the sum of w V(m). The interval answers: which ratios are in keeping with what was observed?

        Examples
        --------
        >>> rule = IntervalRule(1.0, counts=True)
        >>> lower, upper = rule.bounds(np.array([0.0, 10.0]), np.array([5.0, 10.0]), np.array([5.0, 10.0]))
        >>> lower.round(3).tolist(), upper.round(3).tolist()
        ([0.0, 0.48], [0.738, 1.839])
        """
        tail = (1 - self.level) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.counts:
                phi = self.dispersion
                lower = np.where(actual > 0, chi2.ppf(tail, 2 * np.maximum(actual / phi, 1e-300)), 0.0) / 2 * phi
                upper = chi2.isf(tail, 2 * (actual / phi + 1)) / 2 * phi
                sound = predicted > 0
                return np.where(sound, lower / predicted, np.nan), np.where(sound, upper / predicted, np.nan)
            noise = np.sqrt(self.dispersion * variance) / predicted
            sound = (predicted > 0) & (noise > 0) & (noise <= WIDEST)
            half = norm.isf(tail) * noise
            ratio = actual / predicted
            lower = np.where(actual >= 0, np.maximum(ratio - half, 0.0), ratio - half)
            return np.where(sound, lower, np.nan), np.where(sound, ratio + half, np.nan)

    def deviation(self, actual: Array, predicted: Array, variance: Array) -> Array:
        """(actual - predicted) / sqrt(dispersion * variance): about standard normal when the model is right."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(variance > 0, (actual - predicted) / np.sqrt(self.dispersion * variance), np.nan)


def ratio(above: Array, below: Array) -> Array:
    """above / below, NaN where below is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below != 0, above / below, np.nan)
