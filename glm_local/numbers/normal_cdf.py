"""The standard normal distribution function from + - * / and exp alone, so that every reader computes the same.

Rational approximations of erf and erfc: W. J. Cody, Rational Chebyshev approximations for the error function,
Mathematics of Computation 23 (1969); coefficients as published there. Relative error below 1e-13 above -37.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

NEAR, MIDDLE = 0.46875, 4.0
"""|z| where erf is computed directly, and where erfc turns to its expansion in 1/z²; z is x/√2."""

ROOT_TWO = 1.4142135623730951
ONE_BY_ROOT_PI = 0.5641895835477563

ERF = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
ERFC = (
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594,
        6.61191906371416295e1,
        2.98635138197400131e2,
        8.81952221241769090e2,
        1.71204761263407058e3,
        2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0,
        1.57449261107098347e1,
        1.17693950891312499e2,
        5.37181101862009858e2,
        1.62138957456669019e3,
        3.29079923573345963e3,
        4.36261909014324716e3,
        3.43936767414372164e3,
        1.23033935480374942e3,
    ),
)
ERFC_TAIL = (
    (
        1.63153871373020978e-2,
        3.05326634961232344e-1,
        3.60344899949804439e-1,
        1.25781726111229246e-1,
        1.60837851487422766e-2,
        6.58749161529837803e-4,
    ),
    (
        1.0,
        2.56852019228982242,
        1.87295284992346725,
        5.27905102951428412e-1,
        6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)
"""Numerators and denominators, highest power first."""

Choose = Callable[[Any, Callable[[], Any], Callable[[], Any]], Any]


def normal_cdf(x: Any, exp: Callable[[Any], Any], choose: Choose) -> Any:
    """Share of a standard normal below `x`.

    Parameters
    ----------
    x
        A float, a numpy array, or anything with + - * / and < (SQL text being written).
    exp
        The exponential of the same kind of thing.
    choose
        ``choose(condition, then, otherwise)`` with the branches as callables.

    Examples
    --------
    >>> import math
    >>> round(normal_cdf(1.959963984540054, math.exp, lambda flag, yes, no: yes() if flag else no()), 12)
    0.975
    """
    z = x / ROOT_TWO

    def upper_tail(size: Any) -> Any:
        return choose(size <= MIDDLE, lambda: _middle(size, exp), lambda: _tail(size, exp))

    def outside() -> Any:
        return choose(z < 0.0, lambda: 0.5 * upper_tail(-z), lambda: 1.0 - 0.5 * upper_tail(z))

    return choose((z <= NEAR) & (z >= -NEAR), lambda: 0.5 + 0.5 * (z * _ratio(ERF, z * z)), outside)


def _middle(size: Any, exp: Callable[[Any], Any]) -> Any:
    return exp(-(size * size)) * _ratio(ERFC, size)


def _tail(size: Any, exp: Callable[[Any], Any]) -> Any:
    inverse = 1.0 / (size * size)
    return exp(-(size * size)) * ((ONE_BY_ROOT_PI - inverse * _ratio(ERFC_TAIL, inverse)) / size)


def _ratio(polynomials: tuple[Sequence[float], Sequence[float]], t: Any) -> Any:
    above, below = polynomials
    return _horner(above, t) / _horner(below, t)


def _horner(coefficients: Sequence[float], t: Any) -> Any:
    value: Any = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * t + coefficient
    return value
