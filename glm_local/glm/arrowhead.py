"""Symmetric matrices with one large diagonal block, as the levels of one factor have: eliminated, little is left.

Scaled to a unit diagonal such a matrix is ``[[I, C], [C', R]]``, the columns of its block first. Cholesky's factor in
that order is ``[[I, 0], [C', L]]`` with ``L L' = R - C' C``, so what is made of it costs the block's size times the
square of the rest, and its inverse, a diagonal and a thin product, the square of the columns times the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

Array = NDArray[np.float64]
Places = NDArray[np.intp]

FEWEST_COLUMNS = 200

SHARE_OF_REST = 3
"""Columns for every one outside the block from which on elimination is worth its products."""

SOUND = 1e-8
"""Share of a column's information left by those eliminated before it, from which on no rule of aliasing is near."""


@dataclass(frozen=True)
class Arrowhead:
    """A positive definite matrix, or the part of one that an order names, factored with its diagonal block first.

    Parameters
    ----------
    size
        Columns of the whole matrix.
    own, rest
        Columns of the block and the others, both in order.
    scale
        One over the root of the diagonal, shape (size,); 0 outside the order.
    coupling
        C, shape (own, rest).
    lower
        L, shape (rest, rest).
    """

    size: int
    own: Places
    rest: Places
    scale: Array
    coupling: Array
    lower: Array

    @classmethod
    def of(cls, matrix: Array, order: Places | None = None, last: int = 0) -> Arrowhead | None:
        """Factor a matrix; None where it has no large diagonal block, or a column is nearly one of the others.

        Parameters
        ----------
        order
            Columns that take part; None for all.
        last
            So many at the end of the order stay outside the block.
        """
        order = np.arange(len(matrix)) if order is None else order
        diagonal = np.diag(matrix)[order]
        if len(order) < FEWEST_COLUMNS or not (np.isfinite(diagonal) & (diagonal > 0)).all():
            return None
        start, stop = _diagonal_run(matrix, order[: len(order) - last], len(order) - len(order) // SHARE_OF_REST)
        if start == stop:
            return None
        own, rest = order[start:stop], np.concatenate([order[:start], order[stop:]])
        scale = np.zeros(len(matrix))
        scale[order] = 1 / np.sqrt(diagonal)
        coupling = matrix[np.ix_(own, rest)] * scale[own][:, None] * scale[rest]
        with np.errstate(all="ignore"):
            left = matrix[np.ix_(rest, rest)] * scale[rest][:, None] * scale[rest] - coupling.T @ coupling
        if not np.isfinite(left).all():
            return None
        try:
            lower = np.asarray(np.linalg.cholesky(left), dtype=np.float64)
        except np.linalg.LinAlgError:
            return None
        return cls(len(matrix), own, rest, scale, coupling, lower) if (np.diag(lower) ** 2 > SOUND).all() else None

    @cached_property
    def _halves(self) -> tuple[Array, Array]:
        """``C L'^-1`` and ``L'^-1``: the inverse is ``[[I + K K', -K Z'], [-Z K', Z Z']]``."""
        count = len(self.rest)
        if not count:
            return np.zeros((len(self.own), 0)), np.zeros((0, 0))
        inverse = solve_triangular(self.lower, np.eye(count), lower=True, trans="T")
        return solve_triangular(self.lower, self.coupling.T, lower=True).T, inverse

    def solve(self, right: Array) -> Array:
        """Solution of ``matrix x = right``, shape (size,)."""
        scaled = right * self.scale
        found = scaled.copy()
        if len(self.rest):
            half = solve_triangular(self.lower, scaled[self.rest] - self.coupling.T @ scaled[self.own], lower=True)
            found[self.rest] = solve_triangular(self.lower, half, lower=True, trans="T")
            found[self.own] -= self.coupling @ found[self.rest]
        return np.asarray(found * self.scale, dtype=np.float64)

    def unit(self) -> Array:
        """Diagonal of the inverse, shape (own,), before what the rest adds."""
        return np.asarray(self.scale[self.own] ** 2, dtype=np.float64)

    def thin(self) -> Array:
        """F, shape (size, rest): the inverse is ``F @ F.T`` with `unit` added on the diagonal of the block."""
        half, inverse = self._halves
        found = np.zeros((self.size, len(self.rest)))
        found[self.own], found[self.rest] = -half, inverse
        return found * self.scale[:, None]

    def inverse(self) -> Array:
        """Shape (size, size)."""
        thin = self.thin()
        found: Array = thin @ thin.T
        found[self.own, self.own] += self.unit()
        return found

    def inverse_diagonal(self) -> Array:
        """Diagonal of the inverse, shape (size,)."""
        thin = self.thin()
        found: Array = np.einsum("ij,ij->i", thin, thin)
        found[self.own] += self.unit()
        return found

    def shares(self) -> Array:
        """Share of a column's information that all others leave, shape (size,): no order leaves less; 0 outside."""
        half, inverse = self._halves
        found = np.zeros(self.size)
        found[self.own] = 1 / (1 + np.einsum("ij,ij->i", half, half))
        found[self.rest] = 1 / np.einsum("ij,ij->i", inverse, inverse)
        return found


@dataclass(frozen=True)
class EliminatedFactor:
    """What `glm_local.glm.information.OrderedFactor` tells, where no column is near to being aliased.

    `left` and `explained` are those of the last columns of the order; of the others `left` says no more than there is.
    """

    arrowhead: Arrowhead
    pivots: Places

    @cached_property
    def left(self) -> Array:
        """Share of a column's information that columns before it leave, shape (size,)."""
        found = self.arrowhead.shares()
        found[self.arrowhead.rest] = np.diag(self.arrowhead.lower) ** 2
        return found

    def explained(self, column: int) -> Array:
        """Coefficients, shape (size,), of the columns before one of the last in what they explain of it."""
        arrow = self.arrowhead
        at = int(np.flatnonzero(arrow.rest == column)[0])
        found = np.zeros(arrow.size)
        found[arrow.own] = arrow.coupling[:, at]
        if at:
            before = solve_triangular(arrow.lower[:at, :at], arrow.lower[at, :at], lower=True, trans="T")
            found[arrow.rest[:at]] = before
            found[arrow.own] -= arrow.coupling[:, :at] @ before
        return found


def eliminated_factor(matrix: Array, order: Places, tolerance: Array, last: int) -> EliminatedFactor | None:
    """Factor a matrix by elimination; None unless every column is kept by its tolerance in whatever order."""
    arrow = Arrowhead.of(matrix, order, last)
    if arrow is None or not (arrow.shares()[order] > 100 * tolerance[order]).all():
        return None
    return EliminatedFactor(arrow, order)


def _diagonal_run(matrix: Array, order: Places, least: int) -> tuple[int, int]:
    """Ends of the longest run of an order whose columns have nothing in common; an empty one if it is not that long."""
    start, best = 0, (0, 0)
    for at in range(len(order)):
        if len(order) - start < max(least, best[1] - best[0] + 1):
            break
        common = np.flatnonzero(matrix[order[at], order[start:at]])
        if len(common):
            start += int(common[-1]) + 1
        if at + 1 - start > best[1] - best[0]:
            best = start, at + 1
    return best if best[1] - best[0] >= least else (0, 0)
