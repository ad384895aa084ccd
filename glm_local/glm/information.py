"""Information matrices: which columns are aliased, and the inverse on a common scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from glm_local.glm.arrowhead import Arrowhead, EliminatedFactor, eliminated_factor

Array = NDArray[np.float64]

MANY_COLUMNS = 64

ALIAS_TOLERANCE = 1e-10  # share of a column's information that the columns before it leave


@dataclass(frozen=True)
class OrderedFactor:
    """Cholesky's factor of a matrix of unit diagonal, column by column in an order, without those left out.

    Parameters
    ----------
    pivots
        Columns that are not left out, in order.
    lower
        Shape (columns, columns): row j holds column j in terms of the pivots before it.
    left
        Share of a column's information that pivots before it leave, shape (columns,); 0 outside the order.
    """

    pivots: NDArray[np.intp]
    lower: Array
    left: Array

    def explained(self, column: int) -> Array:
        """Coefficients, shape (columns,), of the pivots before a column in what they explain of it."""
        count = len(self.pivots)
        before = self.lower[column, :count].copy()
        at = np.flatnonzero(self.pivots == column)
        if len(at):
            before[at[0] :] = 0.0
        coefficients = np.zeros(len(self.lower))
        if count:
            coefficients[self.pivots] = solve_triangular(self.lower[self.pivots, :count], before, lower=True, trans="T")
        return coefficients


def ordered_factor(scaled: Array, order: NDArray[np.intp], tolerance: Array) -> OrderedFactor:
    """Factor a matrix of unit diagonal; a column of which no more than its tolerance is left is left out."""
    p, n = len(scaled), len(order)
    ordered = scaled[np.ix_(order, order)]
    sound = _sound_factor(ordered, tolerance[order])
    if sound is not None:
        return _placed(p, order, sound, np.diag(sound) ** 2, order)
    lower, left = np.zeros((n, n)), np.zeros(n)
    kept: list[int] = []
    for j in range(n):
        count = len(kept)
        row = lower[j, :count]
        left[j] = ordered[j, j] - row @ row
        if left[j] > tolerance[order[j]]:
            kept.append(j)
            root = np.sqrt(left[j])
            lower[j, count] = root
            lower[j + 1 :, count] = (ordered[j + 1 :, j] - lower[j + 1 :, :count] @ row) / root
    return _placed(p, order, lower, left, order[kept])


def _placed(p: int, order: NDArray[np.intp], lower: Array, left: Array, kept: NDArray[np.intp]) -> OrderedFactor:
    whole, shares = np.zeros((p, len(order))), np.zeros(p)
    whole[order], shares[order] = lower, left
    return OrderedFactor(kept, whole, shares)


def _sound_factor(ordered: Array, tolerance: Array) -> Array | None:
    """The library's factor of a matrix of which no column is near its tolerance; a loop over columns decides others."""
    if len(ordered) < MANY_COLUMNS:
        return None
    try:
        lower = np.asarray(np.linalg.cholesky(ordered), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return lower if (np.diag(lower) ** 2 > 100 * tolerance).all() else None


def independent_columns(information: Array) -> NDArray[np.bool_]:
    """Which columns the ones before them do not already span (R's rule: the later one is aliased).

    A column is dropped when the share of its information left by earlier columns is below `ALIAS_TOLERANCE`.
    """
    keep = np.zeros(len(information), dtype=bool)
    positive = np.flatnonzero(np.diag(information) > 0)
    keep[column_factor(information, positive, np.full(len(information), ALIAS_TOLERANCE)).pivots] = True
    return keep


def column_factor(
    information: Array, order: NDArray[np.intp], tolerance: Array, last: int = 0
) -> OrderedFactor | EliminatedFactor:
    """Factor an information matrix on the scale of its diagonal; of `last` columns of the order all is told."""
    eliminated = eliminated_factor(information, order, tolerance, last)
    return ordered_factor(_scaled(information)[0], order, tolerance) if eliminated is None else eliminated


def kept_part(matrix: Array, kept: NDArray[np.intp]) -> Array:
    """Rows and columns of a symmetric matrix; itself where all are kept."""
    return matrix if len(kept) == len(matrix) else matrix[np.ix_(kept, kept)]


def _scaled(matrix: Array) -> tuple[Array, Array]:
    diagonal = np.diag(matrix)
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    return matrix * scale[:, None] * scale[None, :], scale


def positive_definite(matrix: Array) -> bool:
    """Whether a symmetric matrix has positive eigenvalues only, rounding apart."""
    if not (np.diag(matrix) > 0).all() or not np.isfinite(matrix).all():
        return False
    if Arrowhead.of(matrix) is not None:
        return True
    try:
        lower = np.linalg.cholesky(_scaled(matrix)[0])
    except np.linalg.LinAlgError:
        return False
    return bool((np.diag(lower) > 1e-7).all())


def inverse_information(matrix: Array) -> Array:
    """Inverse of a symmetric positive matrix, scaled to a unit diagonal first; pseudo-inverse where it is singular."""
    arrow = Arrowhead.of(matrix)
    if arrow is not None:
        return arrow.inverse()
    scaled, scale = _scaled(matrix)
    try:
        inverse: Array = cho_solve(cho_factor(scaled, lower=True), np.eye(len(matrix)))
    except (np.linalg.LinAlgError, ValueError):
        inverse = np.linalg.pinv(np.nan_to_num(scaled), rcond=1e-12)
    return inverse * scale[:, None] * scale[None, :]


def inverse_diagonal(matrix: Array) -> Array:
    """Diagonal of the inverse of a symmetric positive matrix; of the pseudo-inverse where it is singular."""
    arrow = Arrowhead.of(matrix)
    if arrow is not None:
        return arrow.inverse_diagonal()
    scaled, scale = _scaled(matrix)
    try:
        root = solve_triangular(np.linalg.cholesky(scaled), np.eye(len(matrix)), lower=True)
    except (np.linalg.LinAlgError, ValueError):
        return np.asarray(np.diag(inverse_information(matrix)))
    found: Array = np.einsum("ij,ij->j", root, root) * scale**2
    return found


def inverse_root(matrix: Array) -> Array:
    """F with ``F @ F.T`` the inverse of a symmetric positive matrix: what is made of it has no negative variance."""
    scaled, scale = _scaled(matrix)
    try:
        lower = np.linalg.cholesky(scaled)
        root: Array = solve_triangular(lower, np.eye(len(matrix)), lower=True, trans="T")
    except (np.linalg.LinAlgError, ValueError):
        values, vectors = np.linalg.eigh(np.linalg.pinv(np.nan_to_num(scaled), rcond=1e-12, hermitian=True))
        root = vectors * np.sqrt(np.maximum(values, 0.0))
    return root * scale[:, None]


def solve_information(matrix: Array, right: Array) -> Array:
    """Solution of ``matrix x = right`` on the same scale; the least one where the matrix is singular."""
    arrow = Arrowhead.of(matrix)
    if arrow is not None:
        return arrow.solve(right)
    scaled, scale = _scaled(matrix)
    try:
        solved: Array = cho_solve(cho_factor(scaled, lower=True), right * scale)
    except (np.linalg.LinAlgError, ValueError):
        solved = np.linalg.lstsq(np.nan_to_num(scaled), np.nan_to_num(right * scale), rcond=1e-12)[0]
    return solved * scale
