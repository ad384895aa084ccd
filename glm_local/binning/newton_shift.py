"""Best shift of the linear predictor by Newton's method over groups of rows, many segments at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glm_local.binning.factor_sums import OffsetSums

Array = NDArray[np.float64]

MOST_STEPS, NEAR = 40, 1e-7
HALF_LINES = ("identity", "sqrt", "inverse", "power")
CHUNK = 2_000_000
"""Entries (segments times groups) worked on at once."""


def separated(sums: OffsetSums) -> Array:
    """-1 where every response is at the lower end of its range, +1 where every share is 1, 0 elsewhere."""
    weight, amount = sums.weight.sum(axis=-1), sums.amount.sum(axis=-1)
    unit, bounded = sums.family.binary, sums.family.domain != "real"
    low = (amount <= 0) & (weight > 0) if bounded else np.zeros(weight.shape, dtype=bool)
    high = (weight - amount <= 1e-12 * weight) & (weight > 0) if unit else np.zeros(weight.shape, dtype=bool)
    return np.where(low, -1.0, np.where(high, 1.0, 0.0))


def log_likelihood(sums: OffsetSums, shift: Array) -> Array:
    """Sum of w (y theta - kappa) at a shift; -inf where a mean leaves the family's range. Shape of `shift`."""
    with np.errstate(all="ignore"):
        mean = sums.link.mean(sums.predictor + shift[..., None])
        at_zero = sums.family.objective(np.zeros_like(mean), mean)
        slope = sums.family.objective(np.ones_like(mean), mean) - at_zero
        # Linear in the responses: y theta - kappa = y (its value at 1 less its value at 0) + its value at 0.
        value = np.where(sums.weight > 0, sums.amount * slope + sums.weight * at_zero, 0.0).sum(axis=-1)
    outside = ((sums.weight > 0) & ~sums.family.valid_mean(mean)).any(axis=-1)
    return np.where(outside | np.isnan(value), -np.inf, value)


def newton_shift(sums: OffsetSums) -> Array:
    """Maximum likelihood shift, shape of the sums without groups; infinite when separated, 0 without rows."""
    shape, groups = sums.weight.shape[:-1], sums.weight.shape[-1]
    weight, amount = sums.weight.reshape(-1, groups), sums.amount.reshape(-1, groups)
    shift = np.empty(len(weight))
    step = max(1, CHUNK // max(groups, 1))
    for start in range(0, len(weight), step):
        part = slice(start, start + step)
        shift[part] = _newton(OffsetSums(sums.family, sums.link, sums.predictor, weight[part], amount[part], True))
    return shift.reshape(shape)


def _newton(sums: OffsetSums) -> Array:
    apart = separated(sums)
    shift = np.where(apart == 0, 0.0, np.copysign(np.inf, apart))
    open_ = np.flatnonzero((apart == 0) & (sums.weight.sum(axis=-1) > 0))
    now = log_likelihood(_part(sums, open_), np.zeros(len(open_)))
    for _ in range(MOST_STEPS):
        if not len(open_):
            break
        one = _part(sums, open_)
        score, information = _slopes(one, shift[open_])
        with np.errstate(all="ignore"):
            step = np.clip(np.where(information > 0, score / information, 0.0), -4, 4)
        # Nearer than that the next step is lost in rounding, and so is any change of the likelihood.
        far = np.abs(step) > NEAR * _room(one, shift[open_])
        shift[open_[~far]] += step[~far]
        open_, now, step = open_[far], now[far], step[far]
        moved, then = _halved(_part(one, np.flatnonzero(far)), shift[open_], step, now)
        shift[open_] = moved
        going = then > now
        open_, now = open_[going], then[going]
    return shift


def _room(sums: OffsetSums, shift: Array) -> Array:
    """What a step is small against: 1 and the shift, and the distance of any predictor that must stay positive to 0."""
    room: Array = 1 + np.abs(shift)
    if not is_half_line(sums):
        return room
    distance = np.where(sums.weight > 0, np.abs(sums.predictor + shift[:, None]), np.inf)
    nearest: Array = np.minimum(room, distance.min(axis=-1, initial=np.inf))
    return nearest


def is_half_line(sums: OffsetSums) -> bool:
    """Whether the linear predictor must stay positive."""
    return sums.family.domain in ("nonnegative", "positive") and sums.link.name.split("(")[0] in HALF_LINES


def _part(sums: OffsetSums, rows: NDArray[np.intp]) -> OffsetSums:
    return OffsetSums(sums.family, sums.link, sums.predictor, sums.weight[rows], sums.amount[rows], sums.exact)


def _halved(sums: OffsetSums, shift: Array, step: Array, now: Array) -> tuple[Array, Array]:
    """Newton's step, halved where the likelihood would fall or a mean leave its range."""
    best, value = shift.copy(), now.copy()
    left = np.arange(len(shift))
    for halving in range(30):
        moved = shift[left] + step[left] * 0.5**halving
        found = log_likelihood(_part(sums, left), moved)
        better = found > now[left]
        best[left[better]], value[left[better]] = moved[better], found[better]
        left = left[~better]
        if not len(left) or (np.abs(step[left]) * 0.5**halving < 1e-13).all():
            break
    return best, value


def _slopes(sums: OffsetSums, shift: Array) -> tuple[Array, Array]:
    """Score and expected information of the shift."""
    with np.errstate(all="ignore"):
        predictor = sums.predictor + shift[..., None]
        mean, slope = sums.link.mean(predictor), sums.link.mean_derivative(predictor)
        ratio = slope / sums.family.variance(mean)
        score = np.where(sums.weight > 0, (sums.amount - sums.weight * mean) * ratio, 0.0).sum(axis=-1)
        return score, np.where(sums.weight > 0, sums.weight * slope * ratio, 0.0).sum(axis=-1)
