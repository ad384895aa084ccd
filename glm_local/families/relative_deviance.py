"""Terms of deviances and densities that subtract nearly equal numbers, kept accurate to the last digits."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

Array = NDArray[np.float64]

Numbers = TypeVar("Numbers", NDArray[np.float64], NDArray[np.complex128])

_NEAR = 0.03
_FAR_BELOW, _FAR_ABOVE = 0.25, 4.0
_TERMS = 12
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156)


def relative_deviance(power: float, excess: ArrayLike) -> Array:
    """Half the unit deviance at mean 1 of variance power p: the integral of (1 + e - t) t^-p from t = 1 to 1 + e.

    Parameters
    ----------
    power
        Variance power p.
    excess
        e = (y - mu) / mu, at least -1, any shape. The unit deviance of y is ``2 mu^(2-p)`` times the result.

    Returns
    -------
    Array
        Same shape, accurate to a few units in the last place for y near mu, at y = 0, and for p near 1 or 2.
        Infinite at y = 0 for p >= 2, NaN below.

    Notes
    -----
    Jørgensen (1997), The Theory of Dispersion Models, 4.1.

    Examples
    --------
    >>> relative_deviance(1.0, [-1.0, 0.0, 1e-9])
    array([1.e+00, 0.e+00, 5.e-19])
    """
    return _relative_deviance(power, np.asarray(excess, dtype=np.float64))


def power_deviance(power: float, y: Array, mu: Array) -> Array:
    """Unit deviance of variance power p from the ratio y / mu, whatever the size of either.

    Parameters
    ----------
    power
        Variance power p, at least 1.
    y, mu
        Responses of 0 or more (above 0 for p >= 2) and means above 0, one shape.

    Returns
    -------
    Array
        Same shape. Accurate for y near mu, for y far below or above it, and where y / mu is no double; infinite only
        where the deviance itself is beyond doubles.

    Notes
    -----
    With r = y / mu the deviance is 2 mu^(2-p) times the integral of (r - t) t^-p from t = 1 to r, and as well
    2 y^(2-p) times that of (1 - u) u^-p from u = 1 / r to 1, which is taken far above the mean.

    Examples
    --------
    >>> power_deviance(2.0, np.array([1e-12]), np.array([6e4])).round(4)
    array([75.2662])
    """
    with np.errstate(all="ignore"):
        ratio, excess = y / mu, (y - mu) / mu
        far = ~((ratio > _FAR_BELOW) & (ratio < _FAR_ABOVE))
        result = 2 * _scaled_power(mu, 2 - power) * _relative_deviance(power, np.where(far, 0.0, excess))
        if far.any():
            result[far] = _far_deviance(power, y[far], mu[far])
    return result


def _far_deviance(p: float, y: Array, mu: Array) -> Array:
    logarithm = np.log(y) - np.log(mu)
    quotient = y / mu
    usual = (quotient > 1e-290) & (quotient < 1e290)
    logarithm[usual] = np.log(quotient[usual])
    one, two = 1 - p, 2 - p
    above = (np.expm1(-two * logarithm) / two if two else -logarithm) - (
        np.expm1(-one * logarithm) / one if one else -logarithm
    )
    if p < 1.5:
        ratio = np.expm1(one * logarithm) / one if one else logarithm
        below = (quotient * ratio - (quotient - 1)) / two
    else:
        ratio = np.expm1(two * logarithm) / two if two else logarithm
        below = (ratio - (quotient - 1)) / one
    down = 2 * _scaled_power(mu, two) * np.where(y == 0, 1 / two if p < 2 else np.inf, below)
    return np.where(logarithm > 0, 2 * _scaled_power(y, two) * above, down)


def _scaled_power(base: Array, exponent: float) -> Array:
    powers: Array = base if exponent == 1 else np.ones_like(base) if exponent == 0 else base**exponent
    return powers


def complex_relative_deviance(power: float, excess: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Continue `relative_deviance` to complex numbers off the cut (-inf, -1]."""
    return _relative_deviance(power, excess)


def _relative_deviance(p: float, e: Numbers) -> Numbers:
    with np.errstate(all="ignore"):
        result = _direct(p, e)
    near = np.abs(e) < _NEAR
    if near.any():
        result = np.where(near, _series(p, np.where(near, e, 0)), result)
    return result


def _direct(p: float, e: Numbers) -> Numbers:
    logarithm = np.log1p(e)
    one, two = 1 - p, 2 - p
    if p < 1.5:
        # r (r^(1-p) - 1) / (1-p) tends to r log r, so p = 1 is no special place.
        ratio = np.expm1(one * logarithm) / one if one else logarithm
        result = ((1 + e) * ratio - e) / two
        return np.where(e == -1, 1 / two, result)
    ratio = np.expm1(two * logarithm) / two if two else logarithm
    return (ratio - e) / one


def series_coefficients(p: float, terms: int) -> list[float]:
    """Coefficients c of ``relative_deviance(p, e) = e^2 (c0 + c1 e + c2 e^2 + ...)``."""
    coefficients = []
    binomial = 1.0
    for k in range(2, 2 + terms):
        coefficients.append(binomial / (k * (k - 1)))
        binomial *= (-p - (k - 2)) / (k - 1)
    return coefficients


def _series(p: float, e: Numbers) -> Numbers:
    total = np.zeros_like(e)
    for coefficient in reversed(series_coefficients(p, _TERMS)):
        total = total * e + coefficient
    return total * e * e


def stirling_error(x: ArrayLike) -> Array:
    """Error of Stirling's formula, log Gamma(x + 1) - (x + 1/2) log x + x - log(2 pi) / 2, for x > 0.

    Notes
    -----
    Loader (2000), Fast and accurate computation of binomial probabilities.

    Examples
    --------
    >>> bool(abs(stirling_error(1.0) - (1 - 0.5 * math.log(2 * math.pi))) < 1e-15)
    True
    """
    values = np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        inverse = 1 / values
        square = inverse * inverse
        total = np.zeros_like(values)
        for coefficient in reversed(_STIRLING):
            total = total * square + coefficient
        total = total * inverse
        small = values < 15
        if small.any():
            few = np.where(small, values, 1.0)
            exact = gammaln(few + 1) - (few + 0.5) * np.log(few) + few - 0.5 * math.log(2 * math.pi)
            total = np.where(small, exact, total)
    return total


def log1p_rest(x: ArrayLike) -> Array:
    """``x - log(1 + x)``, at least 0: accurate near 0, where the two are nearly equal.

    Examples
    --------
    >>> log1p_rest([0.0, 1e-9, 1.0])
    array([0.00000000e+00, 5.00000000e-19, 3.06852819e-01])
    """
    value = np.asarray(x, dtype=np.float64)
    near = np.abs(value) < _NEAR
    series = np.zeros_like(value)
    for order in reversed(range(2, _TERMS + 2)):
        series = series * value + (-1.0) ** order / order
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = np.where(near, value * value * series, value - np.log1p(value))
    return found
