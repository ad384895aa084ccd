"""Unit deviances of variance powers as expressions, from the ratio of a response and its mean."""

from __future__ import annotations

from glm_local.expressions.arithmetic import add, compare, divide, log, multiply, power, subtract
from glm_local.expressions.expression import AllOf, Expression, Function, Literal, When
from glm_local.families.relative_deviance import series_coefficients

NEAR, TERMS = 0.01, 7
"""How near the mean a series is taken, and its terms: right to a relative 1e-12 on either side."""


def deviance_from_ratio(p: float, y: Expression, mu: Expression) -> Expression:
    """Unit deviance of a variance power p >= 1: a series in (y - mu) / mu near the mean, else logarithms of y / mu.

    Jørgensen, The Theory of Dispersion Models (1997), ch. 4: for p outside {0, 1, 2},
    d = 2 [ y^(2-p) / ((1-p)(2-p)) - y mu^(1-p) / (1-p) + mu^(2-p) / (2-p) ].
    """
    excess = divide(subtract(y, mu), mu)
    near = AllOf((compare(excess, ">", -NEAR), compare(excess, "<", NEAR)))
    series = multiply(power(mu, 2 - p), multiply(multiply(excess, excess), _polynomial(p, excess)))
    positive = When(near, series, _far(p, y, mu))
    if p >= 2:
        return multiply(2.0, positive)
    return multiply(2.0, When(compare(y, ">", 0.0), positive, multiply(1 / (2 - p), power(mu, 2 - p))))


def _polynomial(p: float, excess: Expression) -> Expression:
    first, *others = reversed(series_coefficients(p, TERMS))
    total: Expression = Literal(first)
    for coefficient in others:
        total = add(multiply(total, excess), coefficient)
    return total


def _far(p: float, y: Expression, mu: Expression) -> Expression:
    ratio = divide(y, mu)
    usual = AllOf((compare(ratio, ">", 1e-200), compare(ratio, "<", 1e200)))
    logarithm = When(usual, log(ratio), subtract(log(y), log(mu)))
    excess = multiply(power(mu, 1 - p), subtract(y, mu))
    if p < 1.5:
        rise = logarithm if p == 1 else multiply(1 / (1 - p), Function("expm1", multiply(1 - p, logarithm)))
        return multiply(1 / (2 - p), subtract(multiply(multiply(power(mu, 1 - p), y), rise), excess))
    rise = logarithm if p == 2 else multiply(1 / (2 - p), Function("expm1", multiply(2 - p, logarithm)))
    return multiply(1 / (p - 1), subtract(excess, multiply(power(mu, 2 - p), rise)))
