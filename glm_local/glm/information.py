"""Information matrices: which columns are aliased, and the inverse on a common scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

Array = NDArray[np.float64]

ALIAS_TOLERANCE = 1e-10  # share of a column's information that the columns before it leave


def independent_columns(information: Array) -> NDArray[np.bool_]:
    """Which columns the ones before them do not already span (R's rule: the later one is aliased).

    A column is dropped when the share of its information left by earlier columns is below 1e-10.
    """
    p = len(information)
    keep = np.zeros(p, dtype=bool)
    diagonal = np.diag(information).copy()
    scale = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 0.0)
    scaled = information * scale[:, None] * scale[None, :]
    lower = np.zeros((p, p))
    count = 0
    for j in range(p):
        row = lower[j, :count]
        left = scaled[j, j] - row @ row
        if diagonal[j] > 0 and left > ALIAS_TOLERANCE:
            keep[j] = True
            root = np.sqrt(left)
            lower[j, count] = root
            lower[j + 1 :, count] = (scaled[j + 1 :, j] - lower[j + 1 :, :count] @ row) / root
            count += 1
    return keep


def _scaled(matrix: Array) -> tuple[Array, Array]:
    diagonal = np.diag(matrix)
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    return matrix * scale[:, None] * scale[None, :], scale


def inverse_information(matrix: Array) -> Array:
    """Inverse of a symmetric positive matrix, scaled to a unit diagonal first; pseudo-inverse where it is singular."""
    scaled, scale = _scaled(matrix)
    try:
        inverse: Array = cho_solve(cho_factor(scaled, lower=True), np.eye(len(matrix)))
    except (np.linalg.LinAlgError, ValueError):
        inverse = np.linalg.pinv(np.nan_to_num(scaled), rcond=1e-12)
    return inverse * scale[:, None] * scale[None, :]


def solve_information(matrix: Array, right: Array) -> Array:
    """Solution of ``matrix x = right`` on the same scale; the least one where the matrix is singular."""
    scaled, scale = _scaled(matrix)
    try:
        solved: Array = cho_solve(cho_factor(scaled, lower=True), right * scale)
    except (np.linalg.LinAlgError, ValueError):
        solved = np.linalg.lstsq(np.nan_to_num(scaled), np.nan_to_num(right * scale), rcond=1e-12)[0]
    return solved * scale
