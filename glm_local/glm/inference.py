"""Wald inference on coefficients and information criteria on likelihoods."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from glm_local.errors import ConfigError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Wald:
    """Tests of coefficients against 0 and their confidence intervals, arrays of one shape.

    Parameters
    ----------
    test
        "z" where the dispersion is known, "t" where it was estimated.
    statistic
        Estimate over standard error.
    p_value
        Two-sided, from the tail itself (never 1 - cdf): good to twelve digits or more down to 1e-300.
    lower, upper
        Ends of the confidence interval.
    """

    test: Literal["z", "t"]
    statistic: Array
    p_value: Array
    lower: Array
    upper: Array


def wald(estimate: ArrayLike, se: ArrayLike, df: float | None, confidence: float = 0.95) -> Wald:
    """Test estimates against 0 and put intervals around them.

    Parameters
    ----------
    estimate, se
        Coefficients and standard errors, one shape; NaN (an aliased term) gives NaN throughout.
    df
        Residual degrees of freedom for a t distribution, None for the normal one. With 0 or less nothing can be
        said: statistic aside, all is NaN.
    confidence
        Between 0 and 1.

    Examples
    --------
    >>> test = wald([1.96], [1.0], None)
    >>> test.test, round(float(test.p_value[0]), 4), round(float(test.lower[0]), 4)
    ('z', 0.05, 0.0)
    """
    if not 0 < confidence < 1:
        raise ConfigError.because(
            f"A confidence of {confidence!r} was asked.", "It lies between 0 and 1.", "Ask for 0.95.", "confidence"
        )
    value, error = np.asarray(estimate, dtype=np.float64), np.asarray(se, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = value / error
    half = error * _quantile(df, confidence)
    return Wald("z" if df is None else "t", statistic, two_sided_p(statistic, df), value - half, value + half)


def two_sided_p(statistic: ArrayLike, df: float | None) -> Array:
    """Probability of a standard normal (df None) or t variable further from 0 than `statistic`.

    Examples
    --------
    >>> float(two_sided_p(-37.5, None))  # doctest: +ELLIPSIS
    9.21...e-308
    """
    size = -np.abs(np.asarray(statistic, dtype=np.float64))
    if df is None:
        return np.asarray(2 * ndtr(size), dtype=np.float64)
    return np.asarray(2 * stdtr(df, size) if df > 0 else np.full_like(size, np.nan), dtype=np.float64)


def _quantile(df: float | None, confidence: float) -> float:
    tail = (1 - confidence) / 2
    if df is None:
        return -float(ndtri(tail))
    return -float(stdtrit(df, tail)) if df > 0 else math.nan


def relativities(estimate: ArrayLike) -> Array:
    """Multiplier of the mean (log link) or of the odds (logit link) that a coefficient stands for: exp(estimate)."""
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(np.asarray(estimate, dtype=np.float64)), dtype=np.float64)


class InformationCriteria(NamedTuple):
    """Akaike's and Schwarz's criterion of one model; smaller is better."""

    aic: float
    bic: float


def information_criteria(
    log_likelihood: float, coefficients: int, rows: int, fixed_dispersion: bool
) -> InformationCriteria:
    """AIC and BIC by R's convention: an estimated dispersion counts as one more parameter.

    Parameters
    ----------
    log_likelihood
        At the dispersion of `glm_local.families.likelihood.LIKELIHOOD_DISPERSION`.
    coefficients
        Number of estimated coefficients, aliased ones left out.
    rows
        Rows with weight above 0.
    fixed_dispersion
        True for poisson and binomial.

    Examples
    --------
    >>> information_criteria(-100.0, 3, 50, fixed_dispersion=False).aic
    208.0
    """
    parameters = coefficients + (0 if fixed_dispersion else 1)
    return InformationCriteria(-2 * log_likelihood + 2 * parameters, -2 * log_likelihood + parameters * math.log(rows))
