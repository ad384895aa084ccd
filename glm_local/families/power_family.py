"""Variances that are a power of the mean: gaussian, poisson, gamma, inverse gaussian and Tweedie families."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glm_local.errors import GlmError, SpecError
from glm_local.expressions.arithmetic import compare, divide, log, multiply, power, subtract
from glm_local.expressions.expression import AllOf, Expression, IsMissing, Literal, Not, When
from glm_local.families.deviance_expressions import deviance_from_ratio
from glm_local.families.family import SMALLEST_MEAN, Array, Family, WeightsInR
from glm_local.families.likelihood import power_density, x_log_y
from glm_local.families.links import Link
from glm_local.families.relative_deviance import power_deviance
from glm_local.families.repeated_rows import REPEATED
from glm_local.rows.domain import Domain

POWER_NAMES: dict[float, str] = {0.0: "gaussian", 1.0: "poisson", 2.0: "gamma", 3.0: "inverse_gaussian"}
_POSITIVE_LINKS = ("identity", "log", "inverse", "sqrt", "power")


@dataclass(frozen=True)
class PowerFamily(Family):
    """V(mu) = mu^p: gaussian (0), poisson (1), gamma (2), inverse gaussian (3), and tweedie for any other p > 1.

    Examples
    --------
    >>> PowerFamily(1.5).name, PowerFamily(2.0).name
    ('tweedie', 'gamma')
    >>> PowerFamily(1.0).unit_deviance(np.array([0.0, 1.0]), np.array([0.5, 1.0])).tolist()
    [1.0, 0.0]
    """

    power: float

    def __post_init__(self) -> None:
        if not power_exists(self.power):
            raise no_such_power(self.power)

    @property
    def name(self) -> str:
        """Name of the family this power has."""
        return POWER_NAMES.get(self.power, "tweedie")

    @property
    def domain(self) -> Domain:
        """Any number for p = 0, y >= 0 for 1 <= p < 2, y > 0 from p = 2 on."""
        return "real" if self.power == 0 else "nonnegative" if self.power < 2 else "positive"

    @property
    def default_link(self) -> str:
        """Identity for gaussian, log for all others."""
        return "identity" if self.power == 0 else "log"

    allowed_links = _POSITIVE_LINKS

    @property
    def fixed_dispersion(self) -> bool:
        """True for poisson."""
        return self.power == 1

    def variance(self, mu: Array) -> Array:
        p = self.power
        if p == 0:
            return np.ones_like(mu)
        if p == 1:
            return mu
        return _raised(mu, p)

    def variance_derivative(self, mu: Array) -> Array:
        p = self.power
        if p in (0, 1):
            return np.full_like(mu, p)
        return p * _raised(mu, p - 1)

    def unit_deviance(self, y: Array, mu: Array) -> Array:
        p, result = self.power, mu
        if p == 0:
            result = (y - mu) ** 2
        elif p == 3:
            excess = (y - mu) / mu
            result = excess * (excess / y)
        elif p == 1:
            result = 2 * mu
            some = np.nonzero(y)
            result[some] = power_deviance(1.0, y[some], mu[some])
        else:
            result = power_deviance(p, y, mu)
        return result

    def saturated(self, y: Array) -> Array:
        p = self.power
        if p == 1:
            return x_log_y(y, y) - y
        if p == 2:
            logarithm: Array = np.log(y)
            return -1 - logarithm
        return _raised(y, 2 - p) / ((1 - p) * (2 - p))

    def objective(self, y: Array, mu: Array) -> Array:
        p = self.power
        if p == 1:
            return x_log_y(y, mu) - mu
        if p == 2:
            logarithm: Array = np.log(mu)
            return -y / mu - logarithm
        return _raised(mu, 1 - p) * (y / (1 - p) - mu / (2 - p))

    def valid_mean(self, mu: ArrayLike) -> NDArray[np.bool_]:
        mean = np.asarray(mu, dtype=np.float64)
        valid: NDArray[np.bool_] = np.isfinite(mean) if self.power == 0 else (mean > 0) & (mean < np.inf)
        return valid

    def starting_mean(self, mean: float) -> float:
        return mean if self.power == 0 or mean > 0 else SMALLEST_MEAN

    @property
    def exact_counts(self) -> bool:  # type: ignore[override]
        """True for poisson."""
        return self.power == 1

    def mean_over_spread(self, mean: float) -> float:
        return float(np.abs(np.float64(mean)) ** (2 - self.power))

    def concave(self, link: Link) -> bool:
        if link.name == "log":
            return 1 <= self.power <= 2
        canonical = {0.0: "identity", 1.0: "log", 2.0: "inverse"}
        return canonical.get(self.power) == link.name

    def borders(self, link: Link) -> tuple[float, float] | None:
        if link.name == "log" or (self.power == 0 and link.name in ("identity", "inverse")):
            return None
        return 0.0, np.inf

    def saturated_density(self, y: Array, scale: Array) -> Array:
        return power_density(self.power, y, scale)

    @property
    def weights_in_r(self) -> WeightsInR:
        return "as here" if self.power == 0 else "repeated" if self.power in REPEATED else "not given"

    def possible_pair(self, y: Expression, mu: Expression) -> Expression:
        if self.power == 0:
            return Not(IsMissing(subtract(y, mu)))
        return AllOf((compare(y, ">=" if self.power < 2 else ">", 0.0), compare(mu, ">", 0.0)))

    def variance_expression(self, mu: Expression) -> Expression:
        return power(mu, self.power)

    def _deviance_expression(self, y: Expression, mu: Expression) -> Expression:
        if self.power == 0:
            return multiply(subtract(y, mu), subtract(y, mu))
        if self.power == 3:
            excess = divide(subtract(y, mu), mu)
            return multiply(excess, divide(excess, y))
        return deviance_from_ratio(self.power, y, mu)

    def null_sums(self, y: Expression, exposure: Expression, weight: Expression) -> dict[str, Expression]:
        """With "null_amount" w y e^(1-p) and "null_volume" w e^(2-p)."""
        p = self.power
        return {
            "null_saturated": multiply(weight, self._null_saturated(y, exposure)),
            "null_amount": multiply(multiply(weight, y), power(exposure, 1 - p)),
            "null_volume": multiply(weight, power(exposure, 2 - p)),
        }

    def _null_saturated(self, y: Expression, exposure: Expression) -> Expression:
        p = self.power
        if p == 0:
            return multiply(y, y)
        if p == 1:
            return When(compare(y, ">", 0.0), multiply(y, log(divide(y, exposure))), Literal(0.0))
        if p == 2:
            return subtract(0.0, log(divide(y, exposure)))
        return multiply(1 / ((1 - p) * (2 - p)), power(y, 2 - p))

    def null_parts(self, sums: Mapping[str, float]) -> tuple[float, float]:
        p, amount, volume = self.power, sums["null_amount"], sums["null_volume"]
        saturated, rate = sums["null_saturated"], self.null_rate(sums)
        if math.isnan(rate):
            return saturated, math.nan
        if p == 0:
            return saturated, amount * rate
        if p == 1:
            return 2 * saturated, 2 * amount * math.log(rate)
        if p == 2:
            return 2 * saturated, -2 * volume * math.log(rate)
        taken = amount * math.pow(rate, 1 - p) / (1 - p) - volume * math.pow(rate, 2 - p) / (2 - p)
        return 2 * saturated, 2 * taken

    @property
    def in_statsmodels(self) -> tuple[str, dict[str, float]]:
        named = {0.0: "Gaussian", 1.0: "Poisson", 2.0: "Gamma", 3.0: "InverseGaussian"}
        if self.power in named:
            return named[self.power], {}
        return "Tweedie", {"var_power": self.power}

    @property
    def in_spark_ml(self) -> str | None:
        """Every power under one name: Spark ML's tweedie at 0, 1, 2 is its gaussian, poisson, gamma."""
        return "tweedie"

    def to_document(self) -> str | dict[str, object]:
        return self.name if self.name != "tweedie" else {"family": "tweedie", "power": self.power}

    def __str__(self) -> str:
        return self.name if self.name != "tweedie" else f"tweedie({self.power:.15g})"


def _raised(base: Array, exponent: float) -> Array:
    if exponent == 1:
        return base
    powers: Array = base * base if exponent == 2 else base**exponent
    return powers


def power_exists(power: float) -> bool:
    """Whether an offered distribution has this variance power: 0, or a finite number from 1 on."""
    return math.isfinite(power) and (power == 0 or power >= 1)


def no_such_power(power: object) -> GlmError:
    """Return the error that says why a power is refused and which family is nearest."""
    if isinstance(power, bool) or not isinstance(power, int | float) or not math.isfinite(power):
        return SpecError.because(
            f"The variance power of a tweedie family is {power!r}.",
            "It must be 0 or a finite number from 1 on.",
            'Write {"family": "tweedie", "power": 1.5}.',
            path="family/power",
        )
    rule = (
        "No distribution has a power between 0 and 1."
        if power > 0
        else "Powers below 0 belong to distributions of any real number with a positive mean, which are not offered."
    )
    name = "gaussian (power 0)" if power < 0.5 else "poisson (power 1)"
    return SpecError.because(
        f"The variance power of a tweedie family is {power:g}.",
        rule,
        f"The nearest family is {name}; amounts with zeros take a power between 1 and 2.",
        path="family/power",
    )
