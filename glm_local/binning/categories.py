"""An order for categories: relative experience shrunk by its credibility, so that thin categories stay near the mean.

Bühlmann and Straub's empirical credibility, the model's expected amounts (its information) as volume and the folds as
the repeated observations of every category.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.binning.factor_sums import FactorSums
from glm_local.binning.shifts import at_samples, information
from glm_local.numbers.ties import in_steps

Array = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Credibility:
    """Of every ordered code.

    Parameters
    ----------
    relative
        Excess of actual over expected (for a log link actual / expected - 1), one Newton step for other links.
    volume
        Expected amount, or information.
    factor
        Bühlmann's Z, 0 to 1.
    shrunk
        ``mean + factor * (relative - mean)``.
    within, between
        Variance of one unit of volume, variance between categories.
    """

    relative: Array
    volume: Array
    factor: Array
    shrunk: Array
    within: float
    between: float


def credibility(sums: FactorSums, folds: Codes | None = None, dispersion: float = 1.0) -> Credibility:
    """Credibility of the ordered codes from some training folds (all of them by default).

    `dispersion` is the variance of a unit of volume where the folds are too few to estimate it.
    """
    chosen = np.arange(sums.folds) if folds is None else folds
    mix = np.zeros((sums.rows.shape[1], len(chosen)))
    mix[chosen, np.arange(len(chosen))] = 1.0
    score, volume = (one[: sums.ordered] for one in information(at_samples(sums.gain, mix)))
    total, size = score.sum(axis=1), volume.sum(axis=1)
    relative = np.divide(total, size, out=np.zeros_like(total), where=size > 0)
    mean = float(total.sum() / size.sum()) if size.sum() > 0 else 0.0
    within = _within(score, volume, relative, dispersion)
    between = _between(relative, size, mean, within)
    ratio = size / (size + within / between) if between > 0 else np.zeros_like(size)
    return Credibility(relative, size, ratio, mean + ratio * (relative - mean), within, between)


def category_order(sums: FactorSums, folds: Codes | None = None, dispersion: float = 1.0) -> Codes:
    """Ordered codes by their shrunk relative experience, rising; equal ones by code.

    Parameters
    ----------
    sums
        Of a categorical candidate.
    folds
        Training folds the order is learned from; all of them by default.
    """
    found = credibility(sums, folds, dispersion)
    # Without any difference between categories the limit of the shrunk order is that of total excess.
    mean = np.average(found.relative, weights=found.volume) if found.volume.sum() > 0 else 0.0
    measure = found.shrunk if found.between > 0 else found.volume * (found.relative - mean)
    return np.argsort(in_steps(measure), kind="stable")


def _within(score: Array, volume: Array, relative: Array, dispersion: float) -> float:
    seen = volume > 0
    freedom = float(np.maximum(seen.sum(axis=1) - 1, 0).sum())
    if freedom < 3:
        return dispersion
    own = np.divide(score, volume, out=np.zeros_like(score), where=seen)
    squares = float((volume * (own - relative[:, None]) ** 2).sum())
    return squares / freedom if squares > 0 else dispersion


def _between(relative: Array, size: Array, mean: float, within: float) -> float:
    known = int((size > 0).sum())
    total = float(size.sum())
    spread = total - float((size**2).sum()) / total if total > 0 else 0.0
    if known < 2 or spread <= 0:
        return 0.0
    return max((float((size * (relative - mean) ** 2).sum()) - (known - 1) * within) / spread, 0.0)


def equal_runs(weight: Array, most: int, cuts: frozenset[int] = frozenset()) -> Codes:
    """Run of every unit when at most `most` runs of about equal weight are formed; always cut before `cuts`.

    Examples
    --------
    >>> equal_runs(np.array([1.0, 1, 1, 1, 4]), 2).tolist()
    [0, 0, 0, 0, 1]
    """
    n = len(weight)
    if n <= most:
        return np.arange(n)
    parts = max(most - len(cuts), 1)
    total = float(weight.sum())
    share = np.cumsum(weight) - weight / 2
    at = np.minimum((share / total * parts).astype(np.intp), parts - 1) if total > 0 else np.arange(n) * parts // n
    new = np.concatenate([[False], np.diff(at) > 0])
    new[[cut for cut in cuts if 0 < cut < n]] = True
    return np.cumsum(new)
