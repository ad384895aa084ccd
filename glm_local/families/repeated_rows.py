"""The log-likelihood as R counts it: a weight repeats its row, where this project's own takes it as a precision."""

from __future__ import annotations

import math

from glm_local.families.relative_deviance import stirling_error

REPEATED = (1, 2, 3)
"""Variance powers of the families whose `aic` in R repeats rows by their weights: poisson, gamma, inverse gaussian."""


def repeated_log_likelihood(power: float | None, deviance: float, weight: float, log_density: float) -> float | None:
    """Sum of weight x log density at dispersion deviance / sum of weights: what R's `logLik` of a glm gives.

    Gaussian weights are precisions in R too, binomial ones trials, and base R has no Tweedie.

    Parameters
    ----------
    power
        Variance power of the family: 1, 2 or 3.
    deviance
        Weighted, of all rows.
    weight
        Sum of the weights.
    log_density
        Sum of weight x log y; for poisson of weight x the log density of y at mean y, NaN where a y is not whole.

    Returns
    -------
    float or None
        None where R gives none: a count that is not whole, a deviance of 0 that an estimated dispersion is made of.

    Examples
    --------
    Waiting times at dispersion 1, which is an exponential distribution of mean 1:

    >>> round(repeated_log_likelihood(2, 4.0, 4.0, -2.0), 4)
    -4.0
    """
    if power == 1:
        value = log_density - deviance / 2
    elif not deviance > 0:
        return None
    elif power == 2:
        shape = weight / deviance
        value = weight * (math.log(shape / (2 * math.pi)) / 2 - float(stirling_error(shape))) - log_density
        value -= weight / 2
    else:
        value = -weight / 2 * (math.log(2 * math.pi * deviance / weight) + 1) - 1.5 * log_density
    return value if math.isfinite(value) else None
