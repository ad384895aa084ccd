"""Shifts of the linear predictor, level by level: the best one, and what any of them does to the deviance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from glm_local.binning.factor_sums import Gain, OffsetSums, PowerLogSums, QuadraticSums
from glm_local.binning.newton_shift import log_likelihood, newton_shift, separated

Array = NDArray[np.float64]

LINKS_OF_RATIOS = ("log", "logit", "cloglog")
"""Links under which e to the shift is a ratio: of means, odds or hazards."""


def at_samples(gain: Gain, mix: Array) -> Gain:
    """Sums with samples mixed: `mix` has shape (samples, columns), usually of zeros and ones."""
    if isinstance(gain, OffsetSums):
        mixed = (np.einsum("csg,sv->cvg", one, mix) for one in (gain.weight, gain.amount))
        return replace(gain, **dict(zip(("weight", "amount"), mixed, strict=True)))
    return replace(gain, a=gain.a @ mix, b=gain.b @ mix)


def by_level(gain: Gain, level_of: NDArray[np.intp], levels: int) -> Gain:
    """Sums of codes added up by level; codes whose level is -1 are left out."""
    if isinstance(gain, OffsetSums):
        return replace(gain, weight=added(gain.weight, level_of, levels), amount=added(gain.amount, level_of, levels))
    return replace(gain, a=added(gain.a, level_of, levels), b=added(gain.b, level_of, levels))


def added(values: Array, level_of: NDArray[np.intp], levels: int) -> Array:
    """Rows of an array added up by level, shape (levels, ...)."""
    total = np.zeros((levels, *values.shape[1:]))
    kept = level_of >= 0
    np.add.at(total, level_of[kept], values[kept])
    return total


def best_shift(gain: Gain) -> Array:
    """Maximum likelihood shift of every entry: infinite when separated, 0 where there are no rows.

    Shape of the sums without their groups. Closed form for a power variance with log link (log(a / b)) and for the
    gaussian identity (a / b); Newton's method otherwise.
    """
    if isinstance(gain, OffsetSums):
        return newton_shift(gain)
    with np.errstate(divide="ignore", invalid="ignore"):
        if isinstance(gain, QuadraticSums):
            return np.where(gain.b > 0, gain.a / np.where(gain.b > 0, gain.b, 1.0), 0.0)
        ratio = np.maximum(gain.a, 0.0) / np.where(gain.b > 0, gain.b, 1.0)
        logarithm: Array = np.log(ratio)
    return np.where(gain.b > 0, logarithm, 0.0)


def deviance_change(gain: Gain, shift: Array) -> Array:
    """What `shift` changes the deviance by (negative: better), entry by entry."""
    if isinstance(gain, OffsetSums):
        return _offset_change(gain, shift)
    if isinstance(gain, QuadraticSums):
        parabola: Array = shift * (gain.b * shift - 2 * gain.a)
        return parabola
    first, second = _scaled_exponential(1 - gain.power, shift), _scaled_exponential(2 - gain.power, shift)
    with np.errstate(invalid="ignore"):
        falls = np.where(gain.a == 0, 0.0, gain.a * first)
        rises = np.where(gain.b == 0, 0.0, gain.b * second)
    change: Array = 2 * (rises - falls)
    return change


def _offset_change(gain: OffsetSums, shift: Array) -> Array:
    now = log_likelihood(gain, np.zeros(shift.shape))
    then = np.where(np.isfinite(shift), log_likelihood(gain, np.where(np.isfinite(shift), shift, 0.0)), 0.0)
    # An infinite shift fits rows that are all 0 or all 1 perfectly, and gives others probability 0.
    perfect = np.where(shift < 0, separated(gain) < 0, separated(gain) > 0) | (gain.weight.sum(axis=-1) == 0)
    then = np.where(np.isfinite(shift) | perfect, then, -np.inf)
    change: Array = 2 * (now - then)
    return change


def _scaled_exponential(q: float, shift: Array) -> Array:
    """(e^(q d) - 1) / q, which is d at q = 0."""
    if q == 0:
        return shift
    with np.errstate(over="ignore"):
        scaled: Array = np.expm1(q * shift) / q
    return scaled


def information(gain: Gain) -> tuple[Array, Array]:
    """Score-like numerator and information: one Newton step is their quotient, its variance dispersion / information.

    For the log link the quotient is a / b - 1, the relative excess of actual over expected.
    """
    if isinstance(gain, QuadraticSums):
        return gain.a, gain.b
    if isinstance(gain, PowerLogSums):
        return gain.a - gain.b, gain.b
    mean = gain.link.mean(gain.predictor)
    slope = gain.link.mean_derivative(gain.predictor) / gain.family.variance(mean)
    score = (gain.amount - gain.weight * mean) @ slope
    return score, gain.weight @ (slope * gain.link.mean_derivative(gain.predictor))


def finite_shift(gain: Gain, shift: Array, dispersion: float) -> Array:
    """Shifts for rows not seen in the fit: where none of the seen ones had an event, as if half of one were seen.

    An infinite shift would give the first event out of sample an infinite deviance.
    """
    infinite = ~np.isfinite(shift)
    if not infinite.any():
        return shift
    if isinstance(gain, OffsetSums):
        mean = gain.link.mean(gain.predictor)
        weight = np.maximum(gain.weight.sum(axis=-1), 1e-300)
        fitted = np.clip((gain.weight @ mean) / weight, 1e-300, None)
        rare = 0.5 / (weight + 1)
        bound = gain.link.link(np.where(shift < 0, rare, 1 - rare)) - gain.link.link(fitted)
        return np.where(infinite, np.where(np.isfinite(bound), bound, 0.0), shift)
    assert isinstance(gain, PowerLogSums)
    half = 0.5 * dispersion
    return np.where(infinite, np.log(half / (np.where(infinite, gain.b, 1.0) + half)), shift)


def is_ratio(gain: Gain) -> bool:
    """Whether e to the shift is a relativity; otherwise the shift itself is a difference."""
    return isinstance(gain, PowerLogSums) or (isinstance(gain, OffsetSums) and gain.link.name in LINKS_OF_RATIOS)
