"""Exponential dispersion models: variance functions, deviances and true log-likelihoods of the families.

Variance of a row is ``dispersion * V(mu) / weight``; notation follows Jørgensen (1997) and McCullagh & Nelder (1989).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlog1py, xlogy

from glm_local.errors import GlmError, SpecError
from glm_local.families.likelihood import saturated_log_density
from glm_local.families.relative_deviance import power_deviance
from glm_local.rows.domain import Domain

Array = NDArray[np.float64]

SMALLEST_MEAN = 1e-10
"""Where a fit starts when all responses sit on the family's border (all zero, or all one), and only then."""

POWER_NAMES: dict[float, str] = {0.0: "gaussian", 1.0: "poisson", 2.0: "gamma", 3.0: "inverse_gaussian"}
_POSITIVE_LINKS = ("identity", "log", "inverse", "sqrt", "power")


class Family(ABC):
    """A response distribution; arrays in, arrays of the same shape out, formulas by row without weights.

    `power` is the variance power p of V(mu) = mu^p, None for binomial.
    """

    power: float | None

    @property
    @abstractmethod
    def name(self) -> str:
        """One of `FAMILYPOWER_NAMES`."""

    @property
    @abstractmethod
    def domain(self) -> Domain:
        """Which responses exist."""

    @property
    @abstractmethod
    def default_link(self) -> str:
        """Name of the link a model has when none is given."""

    @property
    @abstractmethod
    def allowed_links(self) -> tuple[str, ...]:
        """Names of the links that make sense; "power" stands for every power link."""

    @property
    @abstractmethod
    def fixed_dispersion(self) -> bool:
        """Whether the dispersion is known to be 1 (poisson, binomial)."""

    @abstractmethod
    def variance(self, mu: Array) -> Array:
        """Unit variance V(mu)."""

    @abstractmethod
    def variance_derivative(self, mu: Array) -> Array:
        """First derivative V'(mu)."""

    @abstractmethod
    def unit_deviance(self, y: Array, mu: Array) -> Array:
        """Unit deviance d(y, mu), accurate for y near mu and on the border of the domain."""

    @abstractmethod
    def saturated(self, y: Array) -> Array:
        """``objective(y, y)``, so that the unit deviance is ``2 (saturated - objective)``."""

    @abstractmethod
    def objective(self, y: Array, mu: Array) -> Array:
        """``y theta(mu) - kappa(theta(mu))``: the part of the log density that depends on the mean, at dispersion 1."""

    @abstractmethod
    def valid_mean(self, mu: ArrayLike) -> NDArray[np.bool_]:
        """Whether a mean is inside the family's open range and finite."""

    @abstractmethod
    def starting_mean(self, mean: float) -> float:
        """Mean a fit starts from, given the weighted mean of the responses: moved inside the open range."""

    def saturated_log_density(self, y: ArrayLike, weight: ArrayLike, dispersion: float) -> Array:
        """Log density at mean y; `log_density` is this less ``weight * unit_deviance / (2 dispersion)``."""
        response = np.asarray(y, dtype=np.float64)
        scale = dispersion / np.asarray(weight, dtype=np.float64)
        shape = np.broadcast_shapes(response.shape, scale.shape)
        flat = (np.broadcast_to(one, shape).reshape(-1) for one in (response, scale))
        return saturated_log_density(self.power, *flat).reshape(shape)

    def log_density(self, y: ArrayLike, weight: ArrayLike, mu: ArrayLike, dispersion: float) -> Array:
        """Log density (or log probability) of responses by row.

        Parameters
        ----------
        y, weight, mu
            Responses in the domain, weights above 0, valid means; arrays that broadcast to one shape. A poisson row
            is a count ``weight * y`` with mean ``weight * mu``; a binomial row a share ``y`` of ``weight`` trials,
            binomial coefficient included. Counts that are not whole take the gamma function's continuation.
        dispersion
            phi, above 0; 1 for poisson and binomial.

        Returns
        -------
        Array
            Natural logarithms; at y = 0 of a tweedie family with 1 < p < 2 the log probability of the atom.
        """
        response, mean = np.asarray(y, dtype=np.float64), np.asarray(mu, dtype=np.float64)
        scale = dispersion / np.asarray(weight, dtype=np.float64)
        shape = np.broadcast_shapes(response.shape, mean.shape, scale.shape)
        response, mean, scale = (np.broadcast_to(one, shape).reshape(-1) for one in (response, mean, scale))
        saturated = saturated_log_density(self.power, response, scale)
        return (saturated - self.unit_deviance(response, mean) / (2 * scale)).reshape(shape)

    def to_document(self) -> str | dict[str, object]:
        """JSON form, which `family_from` reads back."""
        return self.name if self.name != "tweedie" else {"family": "tweedie", "power": self.power}

    def __str__(self) -> str:
        return self.name if self.name != "tweedie" else f"tweedie({self.power:.15g})"


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
        return _power(mu, p)

    def variance_derivative(self, mu: Array) -> Array:
        p = self.power
        if p in (0, 1):
            return np.full_like(mu, p)
        return p * _power(mu, p - 1)

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
            return _xlogy(y, y) - y
        if p == 2:
            logarithm: Array = np.log(y)
            return -1 - logarithm
        return _power(y, 2 - p) / ((1 - p) * (2 - p))

    def objective(self, y: Array, mu: Array) -> Array:
        p = self.power
        if p == 1:
            return _xlogy(y, mu) - mu
        if p == 2:
            logarithm: Array = np.log(mu)
            return -y / mu - logarithm
        return _power(mu, 1 - p) * (y / (1 - p) - mu / (2 - p))

    def valid_mean(self, mu: ArrayLike) -> NDArray[np.bool_]:
        mean = np.asarray(mu, dtype=np.float64)
        valid: NDArray[np.bool_] = np.isfinite(mean) if self.power == 0 else (mean > 0) & (mean < np.inf)
        return valid

    def starting_mean(self, mean: float) -> float:
        return mean if self.power == 0 or mean > 0 else SMALLEST_MEAN


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
        return _xlogy(y, mu) + np.asarray(xlog1py(1 - y, -mu), dtype=np.float64)

    def valid_mean(self, mu: ArrayLike) -> NDArray[np.bool_]:
        mean = np.asarray(mu, dtype=np.float64)
        valid: NDArray[np.bool_] = (mean > 0) & (mean < 1)
        return valid

    def starting_mean(self, mean: float) -> float:
        return mean if 0 < mean < 1 else SMALLEST_MEAN if mean <= 0 else 1 - SMALLEST_MEAN


def _power(base: Array, exponent: float) -> Array:
    if exponent == 1:
        return base
    powers: Array = base * base if exponent == 2 else base**exponent
    return powers


def _xlogy(x: Array, y: Array) -> Array:
    return np.asarray(xlogy(x, y), dtype=np.float64)


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
