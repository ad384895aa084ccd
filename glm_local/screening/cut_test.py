"""The test of the best single cut of an ordered candidate, among all cuts between its bands.

A step or a trend spends the 19 degrees of freedom of 20 bands on one. The largest of the cuts' standardised scores is a
maximally selected statistic (Miller & Siegmund 1982); its p-value is Worsley's (1982) bound, from the probability that
each cut is the first above the value while the one before it is below: exact for two cuts, and never too small.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from glm_local.screening.score_test import SPANNED, Dispersion, Efficient

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(80)

FARTHEST = 37.0
"""Standard errors beyond which a tail is 0 to doubles."""


def cut_p_value(efficient: Efficient, bands: NDArray[np.intp], dispersion: Dispersion) -> float:
    """Test that no cut divides the bands: the smallest p-value of the cuts, corrected for their number.

    Parameters
    ----------
    efficient
        Score and information of all tested levels.
    bands
        Levels that are ordered, in their order; the others (missing and the like) have effects of their own.
    dispersion
        Of the current model; by key where the levels' scores by key are known.

    Returns
    -------
    float
        NaN with fewer than three bands (then the test of the bands is the same) or cuts the model has already.
    """
    if len(bands) < 3:
        return math.nan
    others = np.setdiff1d(np.arange(len(efficient.score)), bands)
    ordered = efficient.only(np.concatenate([bands, others])).net_of_others(len(bands)) if len(others) else efficient
    cuts = ordered.combined(np.tri(len(bands) - 1, len(bands)))
    kept = np.flatnonzero(np.diag(cuts.information) > SPANNED * cuts.own)
    if len(kept) < 2:
        return math.nan
    p_values = np.array([cuts.only(kept[at : at + 1]).test(dispersion).p_value for at in range(len(kept))])
    if np.isnan(p_values).any():
        return math.nan
    variance = np.diag(cuts.information)[kept]
    between = cuts.information[kept[:-1], kept[1:]] / np.sqrt(variance[:-1] * variance[1:])
    return first_passage(float(p_values.min()), np.clip(between, -1.0, 1.0))


def first_passage(smallest: float, correlations: Array) -> float:
    """Worsley's bound on the probability that some of several standard normals is as far out as `smallest` says.

    Parameters
    ----------
    smallest
        The smallest two-sided p-value of any of them.
    correlations
        Of each with the next, shape (number - 1,).

    Examples
    --------
    >>> round(first_passage(0.05, np.array([0.0])), 4), round(first_passage(0.05, np.array([1.0])), 4)
    (0.0975, 0.05)
    """
    most = smallest * (1 + len(correlations))
    end = float(-ndtri(smallest / 2)) if smallest > 0 else math.inf
    if not end < FARTHEST:
        return min(most, 1.0)
    places = _NODES * end
    density = np.exp(-(places**2) / 2) / math.sqrt(2 * math.pi) * _WEIGHTS * end
    apart = np.sqrt(np.maximum(1 - correlations**2, 1e-12))[:, None]
    means = correlations[:, None] * places
    beyond = ndtr((-end - means) / apart) + ndtr((means - end) / apart)
    return float(min(max(smallest + np.sum(beyond @ density), smallest), most, 1.0))
