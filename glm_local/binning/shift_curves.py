"""Best shifts of all runs of neighbours at once: log-likelihoods as curves on a grid of shifts, added up.

The log-likelihood of a run as a function of its shift d is the sum of its codes' curves. Each code's curve, with two
derivatives, is known at grid points; between them it is a polynomial of degree five, whose error (below 1e-9 on these
grids) is far below anything a partition is chosen by. A bisection over the grid finds where the score changes sign,
Newton's method the maximum between two points.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glm_local.binning.factor_sums import OffsetSums
from glm_local.binning.newton_shift import is_half_line, log_likelihood, newton_shift, separated

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

SHARES = {"logit": (24.0, 0.05), "cloglog": (24.0, 0.05), "probit": (9.0, 0.03)}
"""Reach and step of the grid, by link of a share; shifts beyond the reach are taken for it."""

CLOSEST, FARTHEST, GROWTH = 1e-3, 64.0, 1.05
"""Where predictors must stay positive: the smallest one from this close to 0 to this far, in units of itself."""


def has_curves(sums: OffsetSums) -> bool:
    """Whether there is a grid: links of shares that take any shift, and links whose predictor is positive."""
    if sums.family.binary:
        return sums.link.name in SHARES
    return is_half_line(sums) and float(_with_rows(sums).predictor.min(initial=np.inf)) > 0


def grid_of(sums: OffsetSums) -> Array:
    """Shifts the curves are known at, rising."""
    if sums.link.name in SHARES:
        reach, step = SHARES[sums.link.name]
        points: Array = np.arange(-round(reach / step), round(reach / step) + 1, dtype=np.float64) * step
        return points
    smallest = float(sums.predictor.min())
    count = int(np.ceil(np.log(FARTHEST / CLOSEST) / np.log(GROWTH)))
    relative: Array = CLOSEST * GROWTH ** np.arange(count + 1, dtype=np.float64)
    return smallest * (relative - 1)


def _with_rows(sums: OffsetSums) -> OffsetSums:
    """The groups that have rows."""
    kept = sums.weight.sum(axis=(0, 1)) > 0
    return replace(sums, predictor=sums.predictor[kept], weight=sums.weight[:, :, kept], amount=sums.amount[:, :, kept])


@dataclass(frozen=True)
class Curves:
    """Log-likelihood less its value at 0, score and second derivative at grid points; each of shape (codes, points)."""

    grid: Array
    value: Array
    score: Array
    bend: Array


def curves_of(sums: OffsetSums) -> Curves:
    """Curves of every code; the sums have one sample, shape (codes, 1, groups)."""
    predictor, weight, amount = sums.predictor, sums.weight[:, 0, :], sums.amount[:, 0, :]
    grid, family, link = grid_of(sums), sums.family, sums.link
    shifted = predictor[:, None] + grid
    with np.errstate(all="ignore"):
        mean, slope = link.mean(shifted), link.mean_derivative(shifted)
        variance = family.variance(mean)
        ratio = slope / variance
        turn = link.mean_second_derivative(shifted) / variance - ratio**2 * family.variance_derivative(mean)
    # Linear in the responses: amount times the value at 1, the rest of the weight times the value at 0.
    value = amount @ _rise(sums, mean, predictor, 1.0) + (weight - amount) @ _rise(sums, mean, predictor, 0.0)
    return Curves(
        grid,
        value,
        amount @ ratio - weight @ (mean * ratio),
        amount @ turn - weight @ (mean * turn + slope * ratio),
    )


def _rise(sums: OffsetSums, mean: Array, predictor: Array, response: float) -> Array:
    """``y theta - kappa`` of one response at shifted means, less its present value; shape (groups, points)."""
    now = sums.link.mean(predictor)[:, None]
    with np.errstate(all="ignore"):
        return sums.family.objective(np.full_like(mean, response), mean) - sums.family.objective(
            np.full_like(now, response), now
        )


def curve_segments(sums: OffsetSums, first: Codes, last: Codes) -> tuple[Array, Array]:
    """Deviance change at the best shift, and the shift, of the runs of codes first to last - 1.

    Parameters
    ----------
    sums
        One sample: shape (codes, 1, groups).
    first, last
        Codes, shape (runs,).
    """
    sums = _with_rows(sums)
    if not len(sums.predictor):
        return np.zeros(len(first)), np.zeros(len(first))
    curves = curves_of(sums)
    value, score, bend = (_running(one) for one in (curves.value, curves.score, curves.bend))
    at = _interval(score, first, last, len(curves.grid))
    step = curves.grid[at + 1] - curves.grid[at]
    ends = [(one[last, at + k] - one[first, at + k]) for k in (0, 1) for one in (value, score, bend)]
    inside = _argument(_polynomial(ends, step))
    change, shift = -2 * _horner(_polynomial(ends, step), inside), curves.grid[at] + inside * step
    if sums.link.name not in SHARES:
        off = np.flatnonzero((inside <= 0) | (inside >= 1))
        if len(off):
            change[off], shift[off] = _off_the_grid(sums, first[off], last[off])
    return _with_separated(sums, first, last, change, shift)


def _off_the_grid(sums: OffsetSums, first: Codes, last: Codes) -> tuple[Array, Array]:
    """Runs without the groups of the smallest predictors may be shifted further: these take Newton's method."""
    weight, amount = (_running(one[:, 0, :]) for one in (sums.weight, sums.amount))
    runs = OffsetSums(
        sums.family, sums.link, sums.predictor, weight[last] - weight[first], amount[last] - amount[first], sums.exact
    )
    shift = newton_shift(runs)
    finite = np.where(np.isfinite(shift), shift, 0.0)
    change = 2 * (log_likelihood(runs, np.zeros(len(shift))) - log_likelihood(runs, finite))
    return change, shift


def _running(values: Array) -> Array:
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])


def _interval(score: Array, first: Codes, last: Codes, points: int) -> Codes:
    """Index of the last grid point with a positive score, moved inside the grid."""
    low, high = np.zeros(len(first), dtype=np.intp), np.full(len(first), points - 1, dtype=np.intp)
    while (high - low > 1).any():
        middle = (low + high) // 2
        rising = score[last, middle] - score[first, middle] > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    left: Codes = np.minimum(low, points - 2)
    return left


def _polynomial(ends: list[Array], step: Array) -> list[Array]:
    """Coefficients c0..c5 in t = (d - left) / step from value, slope and bend at both ends (quintic Hermite)."""
    f0, s0, b0, f1, s1, b1 = ends
    s0, s1, b0, b1 = s0 * step, s1 * step, b0 * step**2 / 2, b1 * step**2 / 2
    rise = f1 - f0 - s0 - b0
    turn = s1 - s0 - 2 * b0
    bent = b1 - b0
    return [f0, s0, b0, 10 * rise - 4 * turn + bent, -15 * rise + 7 * turn - 2 * bent, 6 * rise - 3 * turn + bent]


def _horner(coefficients: list[Array], t: Array) -> Array:
    total = coefficients[-1]
    for one in coefficients[-2::-1]:
        total = total * t + one
    return total


def _argument(coefficients: list[Array]) -> Array:
    """Where the polynomial is highest in [0, 1]: Newton's method on its slope, kept inside."""
    slope = [k * one for k, one in enumerate(coefficients)][1:]
    bend = [k * one for k, one in enumerate(slope)][1:]
    left, right = _horner(slope, np.zeros_like(slope[0])), _horner(slope, np.ones_like(slope[0]))
    with np.errstate(all="ignore"):
        t = np.where(left <= 0, 0.0, np.where(right >= 0, 1.0, left / (left - right)))
        inside = (left > 0) & (right < 0)
        for _ in range(5):
            step = _horner(slope, t) / _horner(bend, t)
            t = np.where(inside & np.isfinite(step), np.clip(t - step, 0.0, 1.0), t)
    found: Array = np.nan_to_num(t)
    return found


def _with_separated(sums: OffsetSums, first: Codes, last: Codes, change: Array, shift: Array) -> tuple[Array, Array]:
    """Runs whose rows are all 0 or all 1: an infinite shift fits them perfectly. Runs without rows: no shift."""
    apart, rows = separated(sums)[:, 0], sums.weight.sum(axis=(1, 2))
    known = np.concatenate([[0], np.cumsum(rows > 0)])
    perfect = _perfect_loss(sums)
    for side in (-1.0, 1.0):
        same = np.concatenate([[0], np.cumsum((apart == side) & (rows > 0))])
        whole = (same[last] - same[first] == known[last] - known[first]) & (known[last] > known[first])
        shift = np.where(whole, side * np.inf, shift)
        change = np.where(whole, perfect[last] - perfect[first], change)
    empty = known[last] == known[first]
    return np.where(empty, 0.0, change), np.where(empty, 0.0, shift)


def _perfect_loss(sums: OffsetSums) -> Array:
    """Running total of twice the present log-likelihood: what a perfect fit changes the deviance by."""
    mean = sums.link.mean(sums.predictor)
    one, zero = sums.family.objective(np.ones_like(mean), mean), sums.family.objective(np.zeros_like(mean), mean)
    weight, amount = sums.weight[:, 0, :], sums.amount[:, 0, :]
    running: Array = np.concatenate([[0.0], np.cumsum(2 * (amount @ one + (weight - amount) @ zero))])
    return running
