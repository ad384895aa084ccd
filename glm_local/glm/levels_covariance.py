"""Covariances of one factor's many levels as a diagonal and a thin product, read off the covariance of all columns.

Given all other columns the levels of a factor have nothing in common, so with C the covariance of everything, o the
levels and r the rest, ``C_oo - C_or C_rr^-1 C_ro`` is diagonal. What is solved with ``C_oo`` then costs the levels
times the square of the rest. Where rounding hides that diagonal, or the rest is no smaller, the whole matrix decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from glm_local.glm.arrowhead import FEWEST_COLUMNS, SHARE_OF_REST

Array = NDArray[np.float64]
Places = NDArray[np.intp]

LEAST_SHARE = 1e-6
"""Share of a level's variance that the rest leaves, from which on differences keep digits enough."""

ROUNDING = 1e-9
"""Size of all that is not on the diagonal, in units of the diagonal, up to which it is rounding."""


@dataclass(frozen=True)
class LevelsCovariance:
    """The positive definite matrix ``diag(own) + thin @ thin.T``.

    Parameters
    ----------
    own
        Above 0, shape (levels,).
    thin
        Shape (levels, k).
    """

    own: Array
    thin: Array

    @classmethod
    def of(cls, covariance: Array, at: Places) -> LevelsCovariance | None:
        """Of the columns `at` of a covariance; None where they do not have that shape, or are few."""
        if len(at) < FEWEST_COLUMNS or len(at) * SHARE_OF_REST < len(covariance) * (SHARE_OF_REST - 1):
            return None
        rest = np.setdiff1d(np.arange(len(covariance)), at)
        variances = np.diag(covariance)
        if not (np.isfinite(variances) & (variances > 0)).all():
            return None
        root = np.sqrt(variances)
        others = covariance[np.ix_(rest, rest)] / root[rest][:, None] / root[rest]
        try:
            lower = np.linalg.cholesky(others)
        except np.linalg.LinAlgError:
            return None
        if not (np.diag(lower) ** 2 > LEAST_SHARE).all():
            return None
        shared = covariance[np.ix_(rest, at)] / root[rest][:, None] / root[at]
        thin = solve_triangular(lower, shared, lower=True, check_finite=False).T if len(rest) else shared.T
        with np.errstate(all="ignore"):
            left = covariance[np.ix_(at, at)] / root[at][:, None] / root[at] - thin @ thin.T
        own = np.diag(left).copy()
        if not (own > LEAST_SHARE).all():
            return None
        np.fill_diagonal(left, 0.0)
        left /= np.sqrt(own)[:, None] * np.sqrt(own)
        if not float(np.linalg.norm(left)) < ROUNDING:
            return None
        return cls(own * variances[at], thin * root[at][:, None])

    def plus(self, diagonal: float, column: Array | None = None) -> LevelsCovariance:
        """The matrix with a multiple of the unit matrix added, and ``column @ column.T``."""
        thin = self.thin if column is None else np.hstack([self.thin, column[:, None]])
        return LevelsCovariance(self.own + diagonal, thin)

    def solve(self, right: Array) -> Array:
        """Solution of ``matrix x = right``, shape (levels,) or (levels, k)."""
        scale = 1 / np.sqrt(self.own)
        thin, columns = self.thin * scale[:, None], right.reshape(len(right), -1) * scale[:, None]
        inner = np.eye(thin.shape[1]) + thin.T @ thin
        columns = columns - thin @ cho_solve(cho_factor(inner, lower=True), thin.T @ columns)
        found: Array = (columns * scale[:, None]).reshape(right.shape)
        return found


def solve_covariance(covariance: Array, at: Places, right: Array) -> Array:
    """Solve with the block `at` of a covariance: ``covariance[at, at]^- @ right``, by its pseudo-inverse if need be."""
    levels = LevelsCovariance.of(covariance, at)
    if levels is not None:
        return levels.solve(right)
    found: Array = np.linalg.pinv(covariance[np.ix_(at, at)], hermitian=True) @ right
    return found
