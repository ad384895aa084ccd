"""Links: how a mean becomes a linear predictor and back, with two derivatives."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, ndtr, ndtri

from glm_local.errors import GlmError, SpecError, nearest

Array = NDArray[np.float64]

SMALLEST_SHARE = float(np.finfo(np.float64).tiny)
LARGEST_SHARE = 1 - 2.0**-53
LINK_NAMES = ("identity", "log", "logit", "probit", "cloglog", "inverse", "sqrt")


class Link(ABC):
    """A link function g: linear predictor eta = g(mu); all methods take and return float64 arrays of one shape.

    Outside its domain a method gives NaN or an infinity, never an error: `Family.valid_mean` then says so.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """Name as `link_from` reads it."""

    @abstractmethod
    def link(self, mu: ArrayLike) -> Array:
        """Linear predictor of a mean."""

    @abstractmethod
    def mean(self, eta: ArrayLike) -> Array:
        """Mean at a linear predictor."""

    @abstractmethod
    def mean_derivative(self, eta: ArrayLike) -> Array:
        """First derivative dmu/deta."""

    @abstractmethod
    def mean_second_derivative(self, eta: ArrayLike) -> Array:
        """Second derivative d2mu/deta2."""

    def to_document(self) -> str | dict[str, float]:
        """JSON form, which `link_from` reads back."""
        return self.name

    def __str__(self) -> str:
        return self.name


def _floats(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64)


@dataclass(frozen=True)
class IdentityLink(Link):
    """eta = mu."""

    name = "identity"

    def link(self, mu: ArrayLike) -> Array:
        return _floats(mu)

    def mean(self, eta: ArrayLike) -> Array:
        return _floats(eta)

    def mean_derivative(self, eta: ArrayLike) -> Array:
        return np.ones_like(_floats(eta))

    def mean_second_derivative(self, eta: ArrayLike) -> Array:
        return np.zeros_like(_floats(eta))


@dataclass(frozen=True)
class LogLink(Link):
    """eta = log mu."""

    name = "log"

    def link(self, mu: ArrayLike) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithm: Array = np.log(_floats(mu))
        return logarithm

    def mean(self, eta: ArrayLike) -> Array:
        with np.errstate(over="ignore"):
            mean: Array = np.exp(_floats(eta))
        return mean

    def mean_derivative(self, eta: ArrayLike) -> Array:
        return self.mean(eta)

    def mean_second_derivative(self, eta: ArrayLike) -> Array:
        return self.mean(eta)


class _ShareLink(Link):
    """A link of means in (0, 1).

    The mean never reaches 0 or 1: beyond the linear predictors of the smallest and the largest double in between,
    mean and derivatives stay as they are there, so that score and information stay consistent.
    """

    _lowest: ClassVar[float]
    _highest: ClassVar[float]

    def _inside(self, eta: ArrayLike) -> Array:
        inside: Array = np.clip(_floats(eta), self._lowest, self._highest)
        return inside


@dataclass(frozen=True)
class LogitLink(_ShareLink):
    """eta = log(mu / (1 - mu))."""

    name = "logit"
    _lowest = math.log(SMALLEST_SHARE)
    _highest = 53 * math.log(2)

    def link(self, mu: ArrayLike) -> Array:
        odds: Array = logit(_floats(mu))
        return odds

    def mean(self, eta: ArrayLike) -> Array:
        mean: Array = np.clip(expit(_floats(eta)), SMALLEST_SHARE, LARGEST_SHARE)
        return mean

    def mean_derivative(self, eta: ArrayLike) -> Array:
        mean = self.mean(eta)
        return mean * (1 - mean)

    def mean_second_derivative(self, eta: ArrayLike) -> Array:
        mean = self.mean(eta)
        return mean * (1 - mean) * (1 - 2 * mean)


@dataclass(frozen=True)
class ProbitLink(_ShareLink):
    """eta = standard normal quantile of mu."""

    name = "probit"
    _lowest = float(ndtri(SMALLEST_SHARE))
    _highest = float(ndtri(LARGEST_SHARE))

    def link(self, mu: ArrayLike) -> Array:
        quantile: Array = ndtri(_floats(mu))
        return quantile

    def mean(self, eta: ArrayLike) -> Array:
        mean: Array = np.clip(ndtr(_floats(eta)), SMALLEST_SHARE, LARGEST_SHARE)
        return mean

    def mean_derivative(self, eta: ArrayLike) -> Array:
        inside = self._inside(eta)
        density: Array = np.exp(-0.5 * inside * inside) / math.sqrt(2 * math.pi)
        return density

    def mean_second_derivative(self, eta: ArrayLike) -> Array:
        return -self._inside(eta) * self.mean_derivative(eta)


@dataclass(frozen=True)
class CloglogLink(_ShareLink):
    """eta = log(-log(1 - mu))."""

    name = "cloglog"
    _lowest = math.log(SMALLEST_SHARE)
    _highest = math.log(53 * math.log(2))

    def link(self, mu: ArrayLike) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            predictor: Array = np.log(-np.log1p(-_floats(mu)))
        return predictor

    def mean(self, eta: ArrayLike) -> Array:
        mean: Array = np.clip(-np.expm1(-np.exp(self._inside(eta))), SMALLEST_SHARE, LARGEST_SHARE)
        return mean

    def mean_derivative(self, eta: ArrayLike) -> Array:
        inside = self._inside(eta)
        derivative: Array = np.exp(inside - np.exp(inside))
        return derivative

    def mean_second_derivative(self, eta: ArrayLike) -> Array:
        return -np.expm1(self._inside(eta)) * self.mean_derivative(eta)


@dataclass(frozen=True)
class InverseLink(Link):
    """eta = 1 / mu."""

    name = "inverse"

    def link(self, mu: ArrayLike) -> Array:
        with np.errstate(divide="ignore"):
            return 1 / _floats(mu)

    def mean(self, eta: ArrayLike) -> Array:
        return self.link(eta)

    def mean_derivative(self, eta: ArrayLike) -> Array:
        with np.errstate(divide="ignore", over="ignore"):
            return -1 / _floats(eta) ** 2

    def mean_second_derivative(self, eta: ArrayLike) -> Array:
        with np.errstate(divide="ignore", over="ignore"):
            return 2 / _floats(eta) ** 3


@dataclass(frozen=True)
class PowerLink(Link):
    """eta = mu ** exponent for mu > 0 and eta > 0; the mean of a linear predictor below 0 is NaN.

    Parameters
    ----------
    exponent
        Any number but 0 (which is the log link).

    Examples
    --------
    >>> PowerLink(1 / 3).mean([2.0]).round(12)
    array([8.])
    """

    exponent: float

    @property
    def name(self) -> str:
        """``power(q)``, or ``sqrt`` for q = 1/2."""
        return "sqrt" if self.exponent == 0.5 else f"power({self.exponent:g})"

    def to_document(self) -> str | dict[str, float]:
        return self.name if self.exponent == 0.5 else {"power": self.exponent}

    def link(self, mu: ArrayLike) -> Array:
        return self._power(mu, self.exponent)

    def mean(self, eta: ArrayLike) -> Array:
        return self._power(eta, 1 / self.exponent)

    def mean_derivative(self, eta: ArrayLike) -> Array:
        q = 1 / self.exponent
        return q * self._power(eta, q - 1)

    def mean_second_derivative(self, eta: ArrayLike) -> Array:
        q = 1 / self.exponent
        return q * (q - 1) * self._power(eta, q - 2)

    @staticmethod
    def _power(base: ArrayLike, exponent: float) -> Array:
        # Negative bases are refused even where the power exists: the link would not be one to one.
        values = _floats(base)
        with np.errstate(all="ignore"):
            powers: Array = np.where(values < 0, np.nan, values) ** exponent
        return powers


_LINKS: dict[str, Callable[[], Link]] = {
    "identity": IdentityLink,
    "log": LogLink,
    "logit": LogitLink,
    "probit": ProbitLink,
    "cloglog": CloglogLink,
    "inverse": InverseLink,
    "sqrt": lambda: PowerLink(0.5),
}
_POWERS: dict[float, str] = {1.0: "identity", 0.0: "log", -1.0: "inverse", 0.5: "sqrt"}
_POWER_TEXT = re.compile(r"power\(\s*([^()]+?)\s*\)")


def link_from(document: str | Mapping[str, object] | Link) -> Link:
    """Read a link: a name in any case, ``"power(q)"`` or ``{"power": q}``.

    Powers 1, 0, -1 and 0.5 are the identity, log, inverse and sqrt links.

    Raises
    ------
    SpecError
        For an unknown name or a power that is not a finite number.

    Examples
    --------
    >>> link_from("Log"), link_from({"power": -1})
    (LogLink(), InverseLink())
    """
    if isinstance(document, Link):
        return document
    if isinstance(document, Mapping):
        if set(document) != {"power"}:
            raise _unknown(document)
        return _power_link(document["power"])
    text = document.strip().lower() if isinstance(document, str) else ""
    if text in _LINKS:
        return _LINKS[text]()
    found = _POWER_TEXT.fullmatch(text)
    if found:
        return _power_link(found.group(1))
    raise _unknown(document)


def _power_link(power: object) -> Link:
    try:
        exponent = float(power) if not isinstance(power, bool) else math.nan  # type: ignore[arg-type]
    except (TypeError, ValueError):
        exponent = math.nan
    if not math.isfinite(exponent):
        raise SpecError.because(
            f"The power of the link is {power!r}.",
            "A power link needs a finite number.",
            'Write {"power": -2}.',
            path="link",
        )
    return _LINKS[_POWERS[exponent]]() if exponent in _POWERS else PowerLink(exponent)


_OTHER_NAMES = {
    **dict.fromkeys(("ln", "loge", "logarithm", "logarithmic", "exp", "exponential"), "log"),
    **dict.fromkeys(("logistic", "log-odds", "log_odds", "odds", "expit", "sigmoid"), "logit"),
    **dict.fromkeys(("none", "linear", "id"), "identity"),
    **dict.fromkeys(("reciprocal", "1/mu"), "inverse"),
    **dict.fromkeys(("normal", "gaussian", "norminv"), "probit"),
    **dict.fromkeys(("square root", "root"), "sqrt"),
    **dict.fromkeys(("1/mu^2", "inverse_squared", "inverse squared"), "power(-2)"),
    "loglog": "cloglog",
}
"""What other packages and people call a link."""


def _unknown(document: object) -> GlmError:
    names = [*LINK_NAMES, "power(q)"]
    other = _OTHER_NAMES.get(document.strip().lower()) if isinstance(document, str) else None
    near = nearest(document.lower(), names) if isinstance(document, str) else 'Write a name or {"power": q}.'
    hint = f"Nearest: {other!r}." if other else near
    return SpecError.because(f"{document!r} is not a link.", f"Links are {', '.join(names)}.", hint, path="link")
