"""The condition number of a design: how many digits rounding of its columns leaves to coefficients and predictions."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from glm_local.glm.basis import Basis

Array = NDArray[np.float64]

MANY = 1e8
"""Condition number from which on a model says that digits are lost: half of those a number has."""

_STEPS = 40


def condition_number(basis: Basis, kept: NDArray[np.intp], information: Array, root: Array) -> float | None:
    """Ratio of the largest to the smallest singular value of the weighted design, each column scaled to length 1.

    Parameters
    ----------
    kept
        Columns that are not aliased.
    information
        Of their inner columns.
    root
        F of their given columns: ``F @ F.T`` is the inverse of the given columns' information.

    Returns
    -------
    Two digits of it: what follows is of no use, and differs between machines. None where there is no inverse.
    """
    try:
        weighted = np.linalg.cholesky(information).T @ _inverse(basis, kept)
    except np.linalg.LinAlgError:
        return None
    lengths = np.sqrt(np.sum(weighted**2, axis=0))
    with np.errstate(all="ignore"):
        number = _norm(weighted / lengths) * _norm(root * lengths[:, None])
    return float(f"{max(number, 1.0):.2g}") if math.isfinite(number) else None


def lost_digits(condition: float | None) -> list[str]:
    """What to say of a design that leaves fewer than half of a number's digits."""
    if condition is None or condition < MANY:
        return []
    left = max(0, math.floor(16 - math.log10(condition)))
    return [
        f"Columns of the design nearly depend on each other (condition number {condition:.1e}): about {left} of 16 "
        "digits are left to predictions. Centre and scale numeric factors, or leave out nearly equal ones."
    ]


def _inverse(basis: Basis, kept: NDArray[np.intp]) -> Array:
    """The inverse of the kept part of ``B``: the identity but for numerics."""
    numeric = np.isin(kept, basis.columns.numerics)
    square = basis.square()[np.ix_(kept, kept)]
    inverse = np.eye(len(kept))
    inside = np.linalg.inv(square[np.ix_(numeric, numeric)])
    inverse[np.ix_(numeric, numeric)] = inside
    inverse[np.ix_(~numeric, numeric)] = -square[np.ix_(~numeric, numeric)] @ inside
    return inverse


def _norm(matrix: Array) -> float:
    """Largest singular value, by power iteration from a start that no symmetry of a design has."""
    vector = np.cos(np.arange(1.0, matrix.shape[1] + 1))
    size = 0.0
    for _ in range(_STEPS):
        vector = matrix.T @ (matrix @ (vector / np.linalg.norm(vector)))
        size = float(np.linalg.norm(vector))
    return math.sqrt(size)
