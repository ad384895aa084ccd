"""Unit deviances, variances and null deviances as expressions and sums: what a family says of one row."""

from __future__ import annotations

import math
from collections.abc import Mapping

from glm_local.errors import SpecError
from glm_local.expressions.expression import AllOf, AnyOf, Expression, Function, IsMissing, Literal, Not, When
from glm_local.families.relative_deviance import series_coefficients
from glm_local.validation.arithmetic import add, compare, divide, log, multiply, only_where, power, subtract

NEAR, TERMS = 0.01, 7
"""How near the mean a series is taken, and its terms: right to a relative 1e-12 on either side."""


def unit_deviance_expression(
    family_name: str, variance_power: float | None, y: Expression, mu: Expression
) -> Expression:
    """Unit deviance d(y, mu) of one row, so that a sample's deviance is the sum of ``weight * d``.

    Parameters
    ----------
    family_name
        "gaussian", "poisson", "gamma", "inverse_gaussian", "tweedie" or "binomial".
    variance_power
        Power p of V(mu) = mu**p; None for binomial.
    y, mu
        ``number`` expressions: what was observed and its predicted mean, on one scale.

    Returns
    -------
    Expression
        A ``number``, never negative but for rounding; missing where y or mu is missing or not possible in the family.

    Notes
    -----
    Jørgensen, The Theory of Dispersion Models (1997), ch. 4: for p outside {0, 1, 2},
    d = 2 [ y^(2-p) / ((1-p)(2-p)) - y mu^(1-p) / (1-p) + mu^(2-p) / (2-p) ].
    """
    if variance_power is not None and variance_power != 0 and not variance_power >= 1:
        raise SpecError.because(
            f"family {family_name!r} has variance power {variance_power}.",
            "A variance power is 0 or at least 1.",
            "Give a power between 1 and 2 for amounts with zeros, above 2 for positive amounts.",
        )
    return only_where(possible_pair(variance_power, y, mu), _deviance(variance_power, y, mu))


def possible_pair(variance_power: float | None, y: Expression, mu: Expression) -> Expression:
    """Flag: the family has such a response, and such a mean for it."""
    if variance_power is None:
        # A certain prediction that came true has deviance 0; one that failed has none and is reported as a fault.
        inside = (compare(y, ">=", 0.0), compare(y, "<=", 1.0), compare(mu, ">=", 0.0), compare(mu, "<=", 1.0))
        hit = AnyOf((compare(y, "==", 0.0), compare(mu, ">", 0.0)))
        miss = AnyOf((compare(y, "==", 1.0), compare(mu, "<", 1.0)))
        return AllOf((*inside, hit, miss))
    if variance_power == 0:
        return Not(IsMissing(subtract(y, mu)))
    return AllOf((compare(y, ">=" if variance_power < 2 else ">", 0.0), compare(mu, ">", 0.0)))


def variance_expression(variance_power: float | None, mu: Expression) -> Expression:
    """Variance function V(mu): ``mu**p``, or ``mu (1 - mu)`` for binomial."""
    if variance_power is None:
        return multiply(mu, subtract(1.0, mu))
    return power(mu, variance_power)


def null_deviance_sums(
    variance_power: float | None, y: Expression, exposure: Expression, weight: Expression
) -> dict[str, Expression]:
    """Row terms whose sums give the deviance of the best constant rate: see `null_parts`.

    "null_saturated" is the part that depends on the row alone, "null_amount" is w y e^(1-p),
    "null_volume" is w e^(2-p) (for binomial w y and w).
    """
    p = variance_power
    amount = multiply(weight, y) if p is None else multiply(multiply(weight, y), power(exposure, 1 - p))
    volume = weight if p is None else multiply(weight, power(exposure, 2 - p))
    return {
        "null_saturated": multiply(weight, _saturated(p, y, exposure)),
        "null_amount": amount,
        "null_volume": volume,
    }


def null_rate(variance_power: float | None, sums: Mapping[str, float]) -> float:
    """The constant rate that fits a sample best, ``null_amount / null_volume``; NaN where there is none."""
    amount, volume = sums["null_amount"], sums["null_volume"]
    if volume <= 0 or (amount <= 0 and variance_power not in (0, None)):
        return math.nan
    return amount / volume


def null_parts(variance_power: float | None, sums: Mapping[str, float]) -> tuple[float, float]:
    """What the rows alone give to the deviance of the best constant rate, and what the rate takes from it.

    Parameters
    ----------
    variance_power
        Variance power p; None for binomial.
    sums
        Sums of `null_deviance_sums`.

    Returns
    -------
    tuple of float
        The deviance is the first less the second, which is NaN where no such rate exists.
    """
    p, amount, volume = variance_power, sums["null_amount"], sums["null_volume"]
    saturated, rate = sums["null_saturated"], null_rate(variance_power, sums)
    if math.isnan(rate):
        return saturated, math.nan
    if p is None:
        if not 0 < rate < 1:
            return 2 * saturated, 0.0
        return 2 * saturated, 2 * (amount * math.log(rate) + (volume - amount) * math.log1p(-rate))
    if p == 0:
        return saturated, amount * rate
    if p == 1:
        return 2 * saturated, 2 * amount * math.log(rate)
    if p == 2:
        return 2 * saturated, -2 * volume * math.log(rate)
    return 2 * saturated, 2 * (amount * math.pow(rate, 1 - p) / (1 - p) - volume * math.pow(rate, 2 - p) / (2 - p))


def _deviance(p: float | None, y: Expression, mu: Expression) -> Expression:
    if p is None:
        return add(_one_sided(1.0, y, mu), _one_sided(1.0, subtract(1.0, y), subtract(1.0, mu)))
    if p == 0:
        return multiply(subtract(y, mu), subtract(y, mu))
    if p == 3:
        excess = divide(subtract(y, mu), mu)
        return multiply(excess, divide(excess, y))
    return _one_sided(p, y, mu)


def _one_sided(p: float, y: Expression, mu: Expression) -> Expression:
    """Deviance of a power p >= 1 from the ratio y / mu: a series in (y - mu) / mu near the mean, else logarithms."""
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


def _saturated(p: float | None, y: Expression, exposure: Expression) -> Expression:
    if p is None:
        failure = subtract(1.0, y)
        hit = When(compare(y, ">", 0.0), multiply(y, log(y)), Literal(0.0))
        return add(hit, When(compare(failure, ">", 0.0), multiply(failure, log(failure)), Literal(0.0)))
    if p == 0:
        return multiply(y, y)
    if p == 1:
        return When(compare(y, ">", 0.0), multiply(y, log(divide(y, exposure))), Literal(0.0))
    if p == 2:
        return subtract(0.0, log(divide(y, exposure)))
    return multiply(1 / ((1 - p) * (2 - p)), power(y, 2 - p))
