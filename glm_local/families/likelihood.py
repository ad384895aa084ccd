"""Log densities at the saturated mean: the part of a likelihood that does not depend on the mean.

An exponential dispersion model with variance phi V(mu) / w has log density ``-w d(y, mu) / (2 phi) + c(y, phi / w)``
with unit deviance d; here is c, the log density at mu = y (Jørgensen 1997, ch. 3). This way nothing large cancels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from glm_local.families.relative_deviance import stirling_error
from glm_local.families.tweedie_density import log_standard_density

Array = NDArray[np.float64]

_LOG_2PI = math.log(2 * math.pi)


def power_density(power: float, y: Array, scale: Array) -> Array:
    """Log density of y at mean y of a variance power.

    Parameters
    ----------
    power
        Variance power p of V(mu) = mu^p, 0 or at least 1.
    y
        Responses inside the family's domain, shape (rows,).
    scale
        phi / w of each row, same shape. A poisson row is a count y / scale; counts that are not whole take the
        continuation of the factorial by the gamma function.

    Returns
    -------
    Array
        Shape (rows,), in natural logarithms, with respect to y for continuous families.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if power == 1:
            return _counts(y / scale)
        if power == 0:
            return _normal(scale, np.ones_like(y), 0.0)
        if power == 2:
            return _normal(scale, y, 1.0) - stirling_error(1 / scale)
        if power == 3:
            return _normal(scale, y, 1.5)
        return _tweedie(power, y, scale)


def _normal(scale: Array, y: Array, exponent: float) -> Array:
    result: Array = -0.5 * (_LOG_2PI + np.log(scale)) - exponent * np.log(y)
    return result


def _counts(count: Array) -> Array:
    result = np.zeros(count.shape)
    some = count[count > 0]
    result[count > 0] = -0.5 * (_LOG_2PI + np.log(some)) - stirling_error(some)
    return result


def share_density(share: Array, scale: Array) -> Array:
    """Log probability of a share of ``1 / scale`` trials at a mean of that share, binomial coefficient included."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _share_density(share, 1 / scale)


def _share_density(share: Array, trials: Array) -> Array:
    inside = (share > 0) & (share < 1)
    if not inside.any():
        return np.zeros(np.broadcast_shapes(share.shape, trials.shape))
    hits = np.where(inside, trials * share, 1.0)
    misses = np.where(inside, trials * (1 - share), 1.0)
    logarithm = 0.5 * (np.log(trials) - np.log(hits) - np.log(misses) - _LOG_2PI)
    error = stirling_error(trials) - stirling_error(hits) - stirling_error(misses)
    return np.where(inside, logarithm + error, 0.0)


def _tweedie(power: float, y: Array, scale: Array) -> Array:
    # f(y; y, s) = f(1; 1, s y^(p-2)) / y, since c Y has mean c mu and dispersion c^(2-p) phi.
    result = np.zeros(y.shape)
    positive = y > 0
    logs = np.log(y[positive])
    standard = np.log(np.broadcast_to(scale, y.shape)[positive]) + (power - 2) * logs
    result[positive] = log_standard_density(power, standard) - logs
    return result


def x_log_y(x: Array, y: Array) -> Array:
    """``x log y``, 0 where x is 0."""
    return np.asarray(xlogy(x, y), dtype=np.float64)


def negative_binomial_density(theta: float, y: Array, scale: Array) -> Array:
    """Log probability of a count ``y / scale`` at its own mean, of shape ``theta / scale``."""
    count, shape = y / scale, np.broadcast_to(theta / scale, y.shape)
    result = np.zeros(count.shape)
    some = count > 0
    n, k = count[some], shape[some]
    error = stirling_error(n + k) - stirling_error(k) - stirling_error(n)
    result[some] = 0.5 * (np.log(k) - np.log(n) - np.log(n + k) - _LOG_2PI) + error
    return result
