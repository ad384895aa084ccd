"""Credibility of thousands of levels: their covariance is multiplied some hundred times, never taken apart.

With S the inverse square root of the prior covariance P, all that is asked of A = S V S is b' (A + t^2)^-1 b and
(A + t^2)^-1 b for b = S estimate and some t^2. Lanczos's method spans both for every t^2 at once (Golub and Meurant
2010): on m vectors A is tridiagonal, and what it lacks is known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal

Array = NDArray[np.float64]

HALVINGS = 200
"""Halvings of the interval of t^2: it has converged in doubles long before."""

MOST_VECTORS, BETWEEN_LOOKS = 800, 20
EXACT = 1e-13
"""Residual, beside b, below which a solution is as good as doubles are."""


def credible_by_vectors(estimate: Array, covariance: Array, prior: Array) -> Array | None:
    """Posterior means of levels as `credible` gives them; None where the vectors do not suffice, or P is another.

    Parameters
    ----------
    estimate, covariance
        Of the levels, shapes (levels,) and (levels, levels).
    prior
        The unit matrix, or that plus 1 in every place.
    """
    count, shared = len(estimate), float(prior[0, 1])
    if shared not in (0.0, 1.0) or not np.array_equal(prior, np.eye(count) + shared):
        return None
    stretch = np.sqrt(1 + shared * count)

    def times(values: Array, factor: float) -> Array:
        """P^1/2 (factor `stretch`) or P^-1/2 (its inverse): only the mean is stretched."""
        stretched: Array = values + (factor - 1) * values.mean()
        return stretched

    start = times(estimate, 1 / stretch)
    size = float(np.linalg.norm(start))
    if not size > 0:
        return np.zeros(count)
    most = min(MOST_VECTORS, count)
    vectors, alpha, beta = np.zeros((most + 1, count)), np.zeros(most), np.zeros(most)
    vectors[0] = start / size
    for at in range(most):
        pushed = times(covariance @ times(vectors[at], 1 / stretch), 1 / stretch)
        alpha[at] = vectors[at] @ pushed
        for _ in range(2):  # rounding would bring earlier vectors back
            pushed -= vectors[: at + 1].T @ (vectors[: at + 1] @ pushed)
        beta[at] = np.linalg.norm(pushed)
        ended = beta[at] <= EXACT * np.abs(alpha[: at + 1]).max()
        if not ended:
            vectors[at + 1] = pushed / beta[at]
        if ended or at % BETWEEN_LOOKS == BETWEEN_LOOKS - 1 or at == most - 1:
            found = _solved(alpha[: at + 1], beta[: at + 1], size, count, ended)
            if found is not None:
                between, weights = found
                return times(between * (vectors[: at + 1].T @ weights), stretch)
    return None


def _solved(alpha: Array, beta: Array, size: float, count: int, ended: bool) -> tuple[float, Array] | None:
    """t^2 and the weights of the vectors in (A + t^2)^-1 b; None while the vectors lack something."""
    values, vectors = eigh_tridiagonal(alpha, beta[:-1])
    noise, axes = np.maximum(np.asarray(values, dtype=np.float64), 0.0), np.asarray(vectors, dtype=np.float64)
    between = variance_between(size * axes[0], noise, count)
    if not noise.min() + between > 0:
        return None
    weights: Array = axes @ (size * axes[0] / (noise + between))
    if not ended and beta[-1] * abs(weights[-1]) > EXACT * size:
        return None
    return between, weights


def variance_between(values: Array, noise: Array, count: int | None = None) -> float:
    """Paule and Mandel's variance of independent values around 0 beyond their noise: sum v^2 / (noise + t^2) = number.

    Parameters
    ----------
    values, noise
        Shape (values,).
    count
        The number; that of the values if None.

    Examples
    --------
    >>> round(variance_between(np.array([3.0, -1.0]), np.array([1.0, 1.0])), 6)
    4.0
    """
    squares, number = values**2, len(values) if count is None else count
    with np.errstate(divide="ignore"):
        if not float(np.where(squares > 0, squares / noise, 0.0).sum()) > number:
            return 0.0
    low, high = 0.0, float(squares.sum())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if float((squares / (noise + middle)).sum()) > number else (low, middle)
    return (low + high) / 2
