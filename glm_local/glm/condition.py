"""The condition number of a design: how many digits rounding of its columns leaves to coefficients and predictions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.glm.arrowhead import Arrowhead
from glm_local.glm.basis import Basis
from glm_local.glm.information import positive_definite

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
    return _two_digits(number)


def condition_by_elimination(
    basis: Basis, kept: NDArray[np.intp], information: Array, arrow: Arrowhead, given: Array
) -> float | None:
    """The same number, of a design most of whose columns have nothing in common: no product of whole matrices.

    Parameters
    ----------
    arrow
        Of the information that steps are made of, whose block holds no numeric.
    given
        F of the given columns: ``F @ F.T``, with ``arrow.unit()`` added on the diagonal of the block, is the inverse
        of their information.
    """
    if Arrowhead.of(information) is None and not positive_definite(information):
        return None
    own, rest = arrow.own, arrow.rest
    diagonal, coupling, others = (
        np.diag(information)[own],
        information[np.ix_(own, rest)],
        information[np.ix_(rest, rest)],
    )
    inverse = _InverseBasis.of(basis, kept)

    def of_design(vector: Array) -> Array:
        inner, found = inverse.times(vector / lengths), np.empty_like(vector)
        found[own] = diagonal * inner[own] + coupling @ inner[rest]
        found[rest] = coupling.T @ inner[own] + others @ inner[rest]
        return inverse.transposed(found) / lengths

    def of_inverse(vector: Array) -> Array:
        stretched = vector * lengths
        found = given @ (given.T @ stretched)
        found[own] += arrow.unit() * stretched[own]
        return np.asarray(found * lengths, dtype=np.float64)

    squares = np.diag(information).copy()
    squares[inverse.numerics] = np.sum(inverse.columns * (information @ inverse.columns), axis=0)
    lengths = np.sqrt(squares)
    with np.errstate(all="ignore"):
        number = _largest(of_design, len(kept)) * _largest(of_inverse, len(kept))
    return _two_digits(number)


def _two_digits(number: float) -> float | None:
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


@dataclass(frozen=True)
class _InverseBasis:
    """The inverse of the kept part of ``B`` by its columns for numerics, shape (kept, q); others are the identity's."""

    numerics: NDArray[np.intp]
    columns: Array

    @classmethod
    def of(cls, basis: Basis, kept: NDArray[np.intp]) -> _InverseBasis:
        which = np.isin(basis.columns.numerics, kept)
        at = np.searchsorted(kept, basis.columns.numerics[which])
        matrix = basis.matrix[kept][:, which]
        inside = np.linalg.inv(matrix[at])
        columns = -matrix @ inside
        columns[at] = inside
        return cls(at, columns)

    def times(self, vector: Array) -> Array:
        levels = vector.copy()
        levels[self.numerics] = 0.0
        return np.asarray(levels + self.columns @ vector[self.numerics], dtype=np.float64)

    def transposed(self, vector: Array) -> Array:
        found = vector.copy()
        found[self.numerics] = self.columns.T @ vector
        return found


def _norm(matrix: Array) -> float:
    """Largest singular value."""
    return _largest(lambda vector: np.asarray(matrix.T @ (matrix @ vector)), matrix.shape[1])


def _largest(square: Callable[[Array], Array], size: int) -> float:
    """Root of a square's largest eigenvalue, by power iteration from a start that no symmetry of a design has."""
    vector = np.cos(np.arange(1.0, size + 1))
    length = 0.0
    for _ in range(_STEPS):
        vector = square(vector / np.linalg.norm(vector))
        length = float(np.linalg.norm(vector))
    return math.sqrt(length)
