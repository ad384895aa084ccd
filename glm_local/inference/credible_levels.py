"""Credibility-weighted levels: what is left of a factor's levels once thin ones are drawn to the others.

The levels of a factor, base among them, are taken as draws of one normal distribution on the link scale, and the
estimates as normal around them with the covariance of the fit: the normal approximation of Bühlmann and Straub's
credibility in a GLM (Nelder and Verrall 1997; Ohlsson 2008). With d the levels less the base, V the covariance of their
estimates and t^2 the variance between levels, the prior covariance of d is t^2 (I + 1 1'), whatever the base, and

    credible = t^2 (I + 1 1') (V + t^2 (I + 1 1'))^-1 estimate.

t^2 is Paule and Mandel's (1982) moment estimate, estimate' (V + t^2 (I + 1 1'))^-1 estimate = number of estimates, or
0.
Cells of an interaction are differences from their margins: their prior is t^2 I around 0. What it does not know is how
the levels were found: bins searched on the same rows differ by more than levels drawn at random.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from glm_local.factors.factor_spec import InteractionSpec
from glm_local.glm.document import covariance_matrix
from glm_local.glm.inference import relativities
from glm_local.glm.levels_covariance import LevelsCovariance
from glm_local.inference.many_levels import HALVINGS, credible_by_vectors, variance_between
from glm_local.scoring.model_spec import Coefficient, ModelDocument

Array = NDArray[np.float64]

MANY_LEVELS = 500
"""From so many levels on their covariance is multiplied, not taken apart: its square is the cost, not its cube."""


def credible_estimates(document: ModelDocument) -> dict[str, float]:
    """Credibility-weighted estimates on the link scale by term, bases (0) included.

    Only sums enter: coefficients and covariance of the document, whichever engine fitted it. Terms without an estimate
    or a standard error, pinned levels and models with a ridge penalty (which shrinks already) have none.
    """
    if not document.covariance or document.spec.ridge:
        return {}
    fitted = [one for one in document.coefficients if one.status == "fitted"]
    place = {one.term: at for at, one in enumerate(fitted)}
    covariance = covariance_matrix(document)
    found: dict[str, float] = {}
    for spec in document.factors:
        lines = [one for one in document.coefficients if one.factor == spec.name and one.level is not None]
        levels = [one for one in lines if one.status == "fitted" and one.estimate is not None]
        if not levels or not any(one.status in ("base", "pooled") for one in lines):
            continue
        at = np.array([place[one.term] for one in levels])
        found |= {one.term: 0.0 for one in lines if one.status in ("base", "pooled")}
        found |= _of_factor(levels, covariance, at, isinstance(spec, InteractionSpec))
    return found


def credible_relativities(document: ModelDocument) -> dict[str, float]:
    """Credibility-weighted relativities by term, 1 at bases; for links without relativities the estimates.

    One beyond doubles (an estimate above 709) is inf.
    """
    found = credible_estimates(document)
    if document.spec.link not in ("log", "logit"):
        return found
    return dict(zip(found, relativities(list(found.values())).tolist(), strict=True))


def _of_factor(levels: Sequence[Coefficient], covariance: Array, at: NDArray[np.intp], cells: bool) -> dict[str, float]:
    estimate = np.array([one.estimate for one in levels], dtype=np.float64)
    own = covariance[np.ix_(at, at)]
    if not np.isfinite(own).all():
        return {}
    many = LevelsCovariance.of(covariance, at)
    if many is None:
        found = credible(estimate, own, np.eye(len(levels)) + (0.0 if cells else 1.0))
    else:
        found = credible_of_many(estimate, many, cells)
    return dict(zip([one.term for one in levels], found.tolist(), strict=True))


def credible_of_many(estimate: Array, covariance: LevelsCovariance, cells: bool) -> Array:
    """The same as `credible` where covariances are a diagonal and a thin product; `cells` for the prior t^2 I.

    Examples
    --------
    >>> one = LevelsCovariance(np.array([0.25]), np.zeros((1, 0)))
    >>> credible_of_many(np.array([1.0]), one, cells=False).round(6).tolist()
    [0.75]
    """
    count, ones = len(estimate), None if cells else np.ones(len(estimate))

    def solved(between: float) -> Array:
        return covariance.plus(between, None if ones is None else np.sqrt(between) * ones).solve(estimate)

    def beyond(between: float) -> float:
        return float(estimate @ solved(between)) - count

    if not beyond(0.0) > 0:
        return np.zeros(count)
    most = float(estimate @ estimate)  # with no noise at all it were this over the number, or less
    between = float(brentq(beyond, 0.0, most, xtol=np.finfo(float).tiny, rtol=1e-14, maxiter=HALVINGS, disp=False))
    weights = between * solved(between)
    return weights if ones is None else weights + weights.sum()


def credible(estimate: Array, covariance: Array, prior: Array) -> Array:
    """Posterior means of levels whose prior covariance is a multiple of `prior`, found from the estimates themselves.

    Parameters
    ----------
    estimate, covariance
        Of the levels, shapes (levels,) and (levels, levels).
    prior
        Positive definite, shape (levels, levels).

    Examples
    --------
    >>> credible(np.array([1.0]), np.array([[0.25]]), np.array([[2.0]])).round(6).tolist()  # 1 - V / estimate^2 of it
    [0.75]
    >>> credible(np.array([0.4]), np.array([[0.25]]), np.array([[2.0]])).tolist()
    [0.0]
    """
    shrunk = None if len(estimate) < MANY_LEVELS else credible_by_vectors(estimate, covariance, prior)
    if shrunk is not None:
        return shrunk
    root = np.linalg.cholesky(prior)
    half = np.linalg.solve(root, covariance)
    noise, axes = np.linalg.eigh(np.linalg.solve(root, half.T))
    noise = np.maximum(noise, 0.0)
    turned = axes.T @ np.linalg.solve(root, estimate)
    between = variance_between(turned, noise)
    weight = between / (between + noise) if between > 0 else np.zeros_like(noise)
    found: Array = root @ (axes @ (weight * turned))
    return found
