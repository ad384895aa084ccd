"""Shares of trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlog1py

from glm_local.expressions.arithmetic import add, compare, log, multiply, subtract
from glm_local.expressions.expression import AllOf, AnyOf, Expression, Literal, When
from glm_local.families.deviance_expressions import deviance_from_ratio
from glm_local.families.family import SMALLEST_MEAN, Array, Family
from glm_local.families.likelihood import share_density, x_log_y
from glm_local.families.links import Link
from glm_local.families.relative_deviance import power_deviance


@dataclass(frozen=True)
class BinomialFamily(Family):
    """Shares y in [0, 1] of `weight` trials, V(mu) = mu (1 - mu).

    Examples
    --------
    >>> round(float(np.exp(BinomialFamily().log_density(0.25, 4, 0.5, 1.0))), 12)
    0.25
    """

    name = "binomial"
    power = None
    domain = "unit"
    default_link = "logit"
    allowed_links = ("logit", "probit", "cloglog", "log", "identity")
    fixed_dispersion = True

    def variance(self, mu: Array) -> Array:
        return mu * (1 - mu)

    def variance_derivative(self, mu: Array) -> Array:
        return 1 - 2 * mu

    def unit_deviance(self, y: Array, mu: Array) -> Array:
        result: Array = -2 * np.where(y == 0, np.log1p(-mu), np.log(mu))
        inside = np.nonzero((y != 0) & (y != 1))
        if len(inside[0]):
            share, mean = y[inside], mu[inside]
            rest = 1 - mean
            result[inside] = power_deviance(1.0, share, mean) + power_deviance(1.0, 1 - share, rest)
        return result

    def saturated(self, y: Array) -> Array:
        return self.objective(y, y)

    def objective(self, y: Array, mu: Array) -> Array:
        return x_log_y(y, mu) + np.asarray(xlog1py(1 - y, -mu), dtype=np.float64)

    def valid_mean(self, mu: ArrayLike) -> NDArray[np.bool_]:
        mean = np.asarray(mu, dtype=np.float64)
        valid: NDArray[np.bool_] = (mean > 0) & (mean < 1)
        return valid

    def starting_mean(self, mean: float) -> float:
        return mean if 0 < mean < 1 else SMALLEST_MEAN if mean <= 0 else 1 - SMALLEST_MEAN

    def concave(self, link: Link) -> bool:
        return link.name in ("logit", "probit", "cloglog")

    def borders(self, link: Link) -> tuple[float, float] | None:
        return {"identity": (0.0, 1.0), "log": (-np.inf, 0.0)}.get(link.name)

    def saturated_density(self, y: Array, scale: Array) -> Array:
        return share_density(y, scale)

    def possible_pair(self, y: Expression, mu: Expression) -> Expression:
        # A certain prediction that came true has deviance 0; one that failed has none and is reported as a fault.
        inside = (compare(y, ">=", 0.0), compare(y, "<=", 1.0), compare(mu, ">=", 0.0), compare(mu, "<=", 1.0))
        hit = AnyOf((compare(y, "==", 0.0), compare(mu, ">", 0.0)))
        miss = AnyOf((compare(y, "==", 1.0), compare(mu, "<", 1.0)))
        return AllOf((*inside, hit, miss))

    def variance_expression(self, mu: Expression) -> Expression:
        return multiply(mu, subtract(1.0, mu))

    def _deviance_expression(self, y: Expression, mu: Expression) -> Expression:
        events = deviance_from_ratio(1.0, y, mu)
        return add(events, deviance_from_ratio(1.0, subtract(1.0, y), subtract(1.0, mu)))

    def null_sums(self, y: Expression, exposure: Expression, weight: Expression) -> dict[str, Expression]:
        """With "null_amount" w y and "null_volume" w."""
        failure = subtract(1.0, y)
        hit = When(compare(y, ">", 0.0), multiply(y, log(y)), Literal(0.0))
        miss = When(compare(failure, ">", 0.0), multiply(failure, log(failure)), Literal(0.0))
        saturated = multiply(weight, add(hit, miss))
        return {"null_saturated": saturated, "null_amount": multiply(weight, y), "null_volume": weight}

    def null_parts(self, sums: Mapping[str, float]) -> tuple[float, float]:
        amount, volume = sums["null_amount"], sums["null_volume"]
        saturated, rate = sums["null_saturated"], self.null_rate(sums)
        if math.isnan(rate):
            return saturated, math.nan
        if not 0 < rate < 1:
            return 2 * saturated, 0.0
        return 2 * saturated, 2 * (amount * math.log(rate) + (volume - amount) * math.log1p(-rate))

    @property
    def in_statsmodels(self) -> tuple[str, dict[str, float]]:
        return "Binomial", {}

    @property
    def in_spark_ml(self) -> str | None:
        return "binomial"
