"""Counts that vary more than Poisson's: the negative binomial family with a theta that is given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glm_local.errors import SpecError
from glm_local.expressions.arithmetic import add, compare, divide, log, multiply, subtract
from glm_local.expressions.expression import AllOf, Expression, Literal, When
from glm_local.families.family import SMALLEST_MEAN, Array, Family
from glm_local.families.likelihood import negative_binomial_density, x_log_y
from glm_local.families.links import Link
from glm_local.families.relative_deviance import log1p_rest

NEAR, TERMS = 0.01, 7
"""How near 0 a series of x - log(1 + x) is taken, and its terms: right to a relative 1e-12 on either side."""


@dataclass(frozen=True)
class NegativeBinomialFamily(Family):
    """V(mu) = mu + mu^2 / theta, with theta given: a gamma mixture of Poisson counts of that shape.

    With theta known this is an exponential dispersion model (Jørgensen 1997, ch. 4): a row of weight w is a count w y
    with mean w mu and theta w theta, so that rows of equal mean may be added up. The link is the log unless another is
    given (as in `glm.nb` of R's MASS; the canonical link, log(mu / (mu + theta)), is not offered).

    Examples
    --------
    >>> family = NegativeBinomialFamily(2.0)
    >>> family.variance(np.array([4.0])).tolist()
    [12.0]
    >>> round(float(family.unit_deviance(np.array([0.0]), np.array([2.0]))[0]), 6)
    2.772589
    >>> round(float(np.exp(family.log_density(0.0, 1.0, 2.0, 1.0))), 12)
    0.25
    """

    theta: float

    name = "negative_binomial"
    power = None
    domain = "nonnegative"
    default_link = "log"
    allowed_links = ("log", "identity", "sqrt")
    fixed_dispersion = True
    null_needs_rows = True

    def __post_init__(self) -> None:
        if not 0 < self.theta < math.inf:
            raise SpecError.because(
                f"The theta of a negative binomial family is {self.theta!r}.",
                "It is a finite number above 0: the variance is mu + mu^2 / theta.",
                'Write "negative_binomial(2.5)"; counts without that spread are "poisson".',
                path="family/theta",
            )

    def variance(self, mu: Array) -> Array:
        return mu * (1 + mu / self.theta)

    def variance_derivative(self, mu: Array) -> Array:
        return 1 + 2 * mu / self.theta

    def unit_deviance(self, y: Array, mu: Array) -> Array:
        # 2 [y log(1 + a) - theta log(1 + b)]; the first orders, which cancel near y = mu, are taken together.
        theta, gap = self.theta, y - mu
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = gap / mu * (theta / (y + theta)), gap / (mu + theta)
            some = a * b * theta - y * log1p_rest(a) + theta * log1p_rest(b)
        return 2 * np.where(y > 0, np.maximum(some, 0.0), theta * np.log1p(mu / theta))

    def saturated(self, y: Array) -> Array:
        return self.objective(y, y)

    def objective(self, y: Array, mu: Array) -> Array:
        value: Array = x_log_y(y, mu) - (y + self.theta) * np.log1p(mu / self.theta)
        return value

    def valid_mean(self, mu: ArrayLike) -> NDArray[np.bool_]:
        mean = np.asarray(mu, dtype=np.float64)
        valid: NDArray[np.bool_] = (mean > 0) & (mean < np.inf)
        return valid

    def starting_mean(self, mean: float) -> float:
        return mean if mean > 0 else SMALLEST_MEAN

    def concave(self, link: Link) -> bool:
        return link.name == "log"

    def borders(self, link: Link) -> tuple[float, float] | None:
        return None if link.name == "log" else (0.0, np.inf)

    def saturated_density(self, y: Array, scale: Array) -> Array:
        return negative_binomial_density(self.theta, y, scale)

    def possible_pair(self, y: Expression, mu: Expression) -> Expression:
        return AllOf((compare(y, ">=", 0.0), compare(mu, ">", 0.0)))

    def variance_expression(self, mu: Expression) -> Expression:
        return multiply(mu, add(1.0, divide(mu, self.theta)))

    def _deviance_expression(self, y: Expression, mu: Expression) -> Expression:
        theta, gap, ratio = self.theta, subtract(y, mu), divide(mu, self.theta)
        a = multiply(divide(gap, mu), divide(theta, add(y, theta)))
        b = divide(gap, add(mu, theta))
        rests = subtract(multiply(theta, _log1p_rest(b)), multiply(y, _log1p_rest(a)))
        some = add(multiply(multiply(a, b), theta), rests)
        none = multiply(theta, subtract(ratio, _log1p_rest(ratio)))
        return multiply(2.0, When(compare(y, ">", 0.0), some, none))

    def null_sums(self, y: Expression, exposure: Expression, weight: Expression) -> dict[str, Expression]:
        """With "null_amount" w y and "null_volume" w e: the constant rate is what was observed per exposure."""
        amount, volume = multiply(weight, y), multiply(weight, exposure)
        return {"null_saturated": multiply(weight, Literal(0.0)), "null_amount": amount, "null_volume": volume}

    def null_parts(self, sums: Mapping[str, float]) -> tuple[float, float]:
        """Nothing is known without a pass over rows, except whether there is a rate."""
        return 0.0, math.nan if math.isnan(self.null_rate(sums)) else 0.0

    @property
    def in_statsmodels(self) -> tuple[str, dict[str, float]]:
        return "NegativeBinomial", {"alpha": 1 / self.theta}

    def to_document(self) -> str | dict[str, object]:
        return {"family": self.name, "theta": self.theta}

    def __str__(self) -> str:
        return f"{self.name}({self.theta!r})"


def _log1p_rest(x: Expression) -> Expression:
    """``x - log(1 + x)``: a series near 0."""
    near = AllOf((compare(x, ">", -NEAR), compare(x, "<", NEAR)))
    total: Expression = Literal((-1.0) ** (TERMS + 1) / (TERMS + 1))
    for order in reversed(range(2, TERMS + 1)):
        total = add(multiply(total, x), (-1.0) ** order / order)
    return When(near, multiply(multiply(x, x), total), subtract(x, log(add(1.0, x))))
