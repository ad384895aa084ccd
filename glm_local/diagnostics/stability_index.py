"""The arithmetic of drift: shares of levels in two samples, the stability index and its noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

Array = NDArray[np.float64]

PSI_DEFINITION = (
    "Population stability index: sum over levels of (q - p) ln(q / p), p and q being a level's share of the weighted "
    "exposure in the reference and in the compared sample; a level absent from one sample has there the share of half "
    "an average row. Without drift the index over (1/n + 1/m) is about chi-square with levels - 1 degrees of freedom, "
    "n and m the samples' effective rows (sum of exposure)^2 / (sum of exposure^2); the noise level is its 95 % point. "
    "Below 0.1, or within noise: stable; below 0.25: some shift; else: shift."
)
SOME_SHIFT, SHIFT = 0.1, 0.25


@dataclass(frozen=True)
class StabilityIndex:
    """The index of one factor.

    Parameters
    ----------
    parts
        (q - p) ln(q / p) per level, shape (levels,); 0 for a level that neither sample has.
    levels
        Levels that some sample has.
    scale
        1/n + 1/m, the samples' effective rows.
    """

    parts: Array
    levels: int
    scale: float

    @property
    def value(self) -> float:
        """The index: 0 when the shares are equal."""
        return float(self.parts.sum())

    @property
    def noise_level(self) -> float:
        """What the index stays below in 95 of 100 samples without drift."""
        return self.scale * float(chi2.ppf(0.95, self.levels - 1)) if self.levels > 1 else 0.0

    @property
    def p_value(self) -> float:
        """Chance of such an index without drift; NaN for a factor of one level."""
        return float(chi2.sf(self.value / self.scale, self.levels - 1)) if self.levels > 1 else math.nan

    @property
    def verdict(self) -> str:
        """ "stable", "some shift" or "shift"."""
        if self.value < SOME_SHIFT or self.value <= self.noise_level:
            return "stable"
        return "some shift" if self.value < SHIFT else "shift"


def stability_index(reference: Array, compared: Array, squares: tuple[float, float]) -> StabilityIndex:
    """Population stability index of two samples' amounts per level.

    Parameters
    ----------
    reference, compared
        Weighted exposure (or rows) per level, shape (levels,), not negative, totals above 0.
    squares
        Sum of the rows' squared amounts in either sample; the rows themselves where every amount is 1.

    Examples
    --------
    >>> index = stability_index(np.array([50.0, 50.0]), np.array([60.0, 40.0]), (100.0, 100.0))
    >>> round(index.value, 6), round(index.noise_level, 3), index.verdict
    (0.040547, 0.077, 'stable')
    """
    effective = [float(one.sum()) ** 2 / square for one, square in zip((reference, compared), squares, strict=True)]
    some = (reference > 0) | (compared > 0)
    p, q = (
        np.maximum(one / one.sum(), np.where(one > 0, 0.0, 0.5 / rows))
        for one, rows in zip((reference, compared), effective, strict=True)
    )
    parts = np.where(some, (q - p) * np.log(q / p), 0.0)
    return StabilityIndex(parts, int(some.sum()), 1 / effective[0] + 1 / effective[1])
