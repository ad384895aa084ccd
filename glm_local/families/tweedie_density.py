"""Tweedie densities at the mean: a positive series, or inversion of the generating function where that is shorter.

By scaling, every density of variance power p is known from one function of one number, ``log f(1; 1, xi)``:
``f(y; y, phi) = f(1; 1, phi y^(p-2)) / y``. Dunn & Smyth (2005) sum it over the number of claims, Dunn & Smyth (2008)
invert its Fourier transform; here the path of inversion is a hyperbola through the saddlepoint around the branch cut
(Weideman & Trefethen 2007), on which the integrand does not oscillate and the trapezoidal rule converges geometrically.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from glm_local.families.relative_deviance import complex_relative_deviance, relative_deviance, stirling_error

Array = NDArray[np.float64]

_CHUNK = 1 << 19
_SHORT_SERIES = 100.0
_SADDLEPOINT_LOG_DISPERSION = math.log(1e-14)
_LARGEST_LOG_DISPERSION = 650.0
_NEGLIGIBLE = 42.0
_SINE = math.sin(math.pi / 4)
_WIDTH = 1 / (1 - _SINE)
_DIRECT_POINTS = 3000
_NODES = 16
_INTERPOLATION_ERROR = 2e-14


def log_standard_density(power: float, log_dispersion: Array) -> Array:
    """Log density at y = 1 of the Tweedie distribution with mean 1.

    Parameters
    ----------
    power
        Variance power p > 1.
    log_dispersion
        Logarithms of the dispersion xi, shape (points,). Many distinct ones are read off a polynomial fitted piece by
        piece to the same accuracy.

    Returns
    -------
    Array
        Shape (points,); absolute error about 1e-13 for dispersions up to 1e3, growing slowly beyond; NaN for those
        that are no double.

    Examples
    --------
    The inverse Gaussian density is known: log f(1; 1, 2) = -log(4 pi) / 2.

    >>> bool(abs(log_standard_density(3.0, np.log([2.0]))[0] + 0.5 * math.log(4 * math.pi)) < 1e-13)
    True
    """
    usable = log_dispersion < _LARGEST_LOG_DISPERSION
    if not usable.all():
        density = np.full(log_dispersion.shape, np.nan)
        density[usable] = log_standard_density(power, log_dispersion[usable]) if usable.any() else 0.0
        return density
    points, back = np.unique(log_dispersion, return_inverse=True)
    if len(points) <= _DIRECT_POINTS:
        excess = _log_excess(power, points)
    else:
        excess = _interpolated(lambda some: _log_excess(power, some), points)
    saddlepoint = -0.5 * (math.log(2 * math.pi) + points)
    return np.asarray((saddlepoint + excess)[back], dtype=np.float64)


def _log_excess(power: float, logs: Array) -> Array:
    """Log density minus its saddlepoint approximation at rising `logs`: 0 for small dispersions, smooth."""
    result = np.zeros_like(logs)
    small = logs < _SADDLEPOINT_LOG_DISPERSION
    if power < 2:
        with np.errstate(over="ignore"):
            series = ~small & (np.exp(-logs) * (power - 1) / (2 - power) <= _SHORT_SERIES)
        if series.any():
            result[series] = _by_series(power, logs[series])
    else:
        series = np.zeros_like(small)
    inverted = ~small & ~series
    if inverted.any():
        result[inverted] = _by_inversion(power, logs[inverted])
    result += np.where(small, 0.0, 0.5 * (math.log(2 * math.pi) + logs))
    return result


def _by_series(power: float, logs: Array) -> Array:
    """Sum over the number of claims j, Poisson(lambda), of the gamma density of their total; all terms positive.

    With lambda = 1 / (xi (2-p)) and alpha = (2-p) / (p-1) both factors share one deviance:
    f = sqrt(alpha) / (2 pi) * sum exp(-lambda D(j / lambda) / (p-1) - S(j) - S(alpha j)), with S Stirling's error.
    """
    result = np.empty_like(logs)
    claims = np.exp(-logs) / (2 - power)
    alpha = (2 - power) / (power - 1)
    reach = 9.5 * np.sqrt(claims * (power - 1))
    first = np.maximum(np.floor(claims - reach), 1.0)
    terms = np.ceil(claims + reach + _NEGLIGIBLE * (power - 1)) + 2 - first
    for part in _chunks(terms):
        j = first[part, None] + np.arange(terms[part].max())
        expected = claims[part, None]
        exponent = -expected * relative_deviance(1.0, (j - expected) / expected) / (power - 1)
        exponent -= stirling_error(j) + stirling_error(alpha * j)
        largest = exponent.max(axis=1)
        result[part] = largest + np.log(np.exp(exponent - largest[:, None]).sum(axis=1))
    return result + 0.5 * math.log(alpha) - math.log(2 * math.pi)


def _by_inversion(power: float, logs: Array) -> Array:
    """Inverse Laplace integral over w = 1 - (p-1) xi s, on the hyperbola w = m (1 - sin(f) cosh u + i cos(f) sinh u).

    The exponent is D(w) / ((p-1)^2 xi), D the relative deviance of the conjugate power p / (p-1); its saddle is w = 1.
    """
    result = np.empty_like(logs)
    dispersion = np.exp(logs)
    decay = 1 / ((power - 1) * dispersion)
    spread = (power - 1) * np.sqrt(dispersion) / (_WIDTH * _SINE)
    step = np.minimum(0.35 * spread, 0.11)
    # Above p = 3 the generating function grows along the path and takes back part of the decay.
    last = np.arccosh(1 + _NEGLIGIBLE * max(1.0, (power - 1) / 2) / (decay * _WIDTH * _SINE))
    nodes = np.ceil(last / step) + 1
    for part in _chunks(nodes):
        index = np.arange(nodes[part].max())
        u = np.minimum(step[part, None] * index, last[part, None])
        path = 2 * np.sinh(u / 2) ** 2
        excess = _WIDTH * _SINE * (-path + 1j * np.sinh(u))
        slope = _WIDTH * _SINE * (np.cosh(u) + 1j * np.sinh(u))
        integrand = (_integrand(power, dispersion[part, None], decay[part, None], excess) * slope).real
        integrand[:, 0] /= 2
        integrand[index > nodes[part, None] - 2] = 0.0
        result[part] = np.log(integrand.sum(axis=1) * step[part] * decay[part] / math.pi)
    return result


def _integrand(power: float, dispersion: Array, decay: Array, excess: NDArray[np.complex128]) -> NDArray[np.complex128]:
    conjugate = power / (power - 1)
    exponent = complex_relative_deviance(conjugate, excess) / ((power - 1) ** 2 * dispersion)
    result: NDArray[np.complex128] = np.exp(exponent)
    wide = dispersion[:, 0] > 1
    if wide.any():
        # exp(-s) alone integrates to 0; leaving it out keeps the digits of a flat density.
        drift = decay[wide] * excess[wide]
        rest = exponent[wide] - drift
        small = np.abs(rest) < 1
        close = np.exp(drift) * np.expm1(np.where(small, rest, 0))
        result[wide] = np.where(small, close, result[wide] - np.exp(drift))
    return result


def _chunks(widths: Array) -> Iterator[slice]:
    """Slices of neighbouring points whose widest row times their number stays small."""
    start = 0
    while start < len(widths):
        stop = start + 1
        # Widths are monotone along sorted points, so the ends of a slice bound it.
        size = max(1, int(_CHUNK / max(widths[start], 1)))
        stop = min(start + size, len(widths))
        while stop > start + 1 and widths[start:stop].max() * (stop - start) > 2 * _CHUNK:
            stop = start + (stop - start) // 2
        yield slice(start, stop)
        start = stop


def _interpolated(function: Callable[[Array], Array], points: Array) -> Array:
    """Evaluate at many rising points through Chebyshev polynomials on pieces, halved until they are exact."""
    result = np.empty_like(points)
    open_points = np.ones(len(points), dtype=bool)
    pieces = np.linspace(points[0], points[-1], 2 + int((points[-1] - points[0]) * 2))
    lower, upper = pieces[:-1], pieces[1:]
    budget = len(points) // 2
    while len(lower) and budget >= len(lower) * _NODES:
        budget -= len(lower) * _NODES
        coefficients = _chebyshev(function, lower, upper)
        good = np.abs(coefficients[-3:]).max(axis=0) < _INTERPOLATION_ERROR * (1 + np.abs(coefficients[0]))
        for at in np.flatnonzero(good):
            inside = slice(*np.searchsorted(points, [lower[at], upper[at]], side="left"))
            if upper[at] == points[-1]:
                inside = slice(inside.start, len(points))
            scaled = (2 * points[inside] - lower[at] - upper[at]) / (upper[at] - lower[at])
            result[inside] = np.polynomial.chebyshev.chebval(scaled, coefficients[:, at])
            open_points[inside] = False
        middle = (lower[~good] + upper[~good]) / 2
        lower, upper = np.concatenate([lower[~good], middle]), np.concatenate([middle, upper[~good]])
    result[open_points] = function(points[open_points])
    return result


def _chebyshev(function: Callable[[Array], Array], lower: Array, upper: Array) -> Array:
    """Coefficients of the interpolating polynomials, shape (nodes, pieces)."""
    angles = (np.arange(_NODES) + 0.5) * math.pi / _NODES
    nodes = (lower + upper) / 2 + np.cos(angles)[:, None] * (upper - lower) / 2
    order = np.argsort(nodes, axis=None)
    values = np.empty(nodes.size)
    values[order] = function(nodes.ravel()[order])
    transform = np.cos(np.arange(_NODES)[:, None] * angles) * 2 / _NODES
    transform[0] /= 2
    coefficients: Array = transform @ values.reshape(nodes.shape)
    return coefficients
