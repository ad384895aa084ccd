"""The inner columns of a fit: numerics centred and scaled and, where they nearly depend on others, swept by those.

Normal equations square the condition of their columns, so a fit iterates on inner columns ``Y = X B`` that are far
from dependent and goes back to the given ones by ``B`` at its end. ``B`` is any invertible matrix: what counts is that
blocks apply it without rounding, so that inner columns are exactly what it says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from glm_local.glm.design_columns import DesignColumns
from glm_local.glm.exact_products import add_products, exact_sum, split
from glm_local.rows.blocks import Block

Array = NDArray[np.float64]

PIECE = 8_192  # rows whose halves and sums fit the processor's cache


@dataclass(frozen=True)
class Mixture:
    """Inner numerics that are sums of several given columns.

    Parameters
    ----------
    at
        Which inner numerics, shape (m,).
    powers
        Powers of two that given numerics are divided by first, shape (q,): exact, and nothing overflows.
    weights
        Of the divided numerics, shape (q, m).
    constants
        What the intercept adds, shape (m,).
    tables
        What an atom's codes add, as high and low parts of shape (m, size) each; None for an atom that adds nothing.
    """

    at: NDArray[np.int64]
    powers: Array
    weights: Array
    constants: Array
    tables: tuple[tuple[Array, Array] | None, ...]

    def values(self, block: Block, numerics: Array) -> Array:
        """Shape (m, rows)."""
        result = np.empty((len(self.at), block.rows))
        for first in range(0, block.rows, PIECE):
            piece = slice(first, first + PIECE)
            codes = [atom[piece].astype(np.intp) for atom in block.atoms]
            divided = numerics[:, piece] / self.powers[:, None]
            halves = [split(one) for one in divided]
            for k in range(len(self.at)):
                result[k, piece] = self._one(k, codes, divided, halves)
        return result

    def _one(self, k: int, codes: list[NDArray[np.intp]], numerics: Array, halves: list[tuple[Array, Array]]) -> Array:
        high, low = np.full(numerics.shape[1], self.constants[k]), np.zeros(numerics.shape[1])
        for at in np.flatnonzero(self.weights[:, k]):
            add_products(high, low, numerics[at], halves[at], float(self.weights[at, k]))
        for code, parts in zip(codes, self.tables, strict=False):
            if parts is not None:
                high, lost = exact_sum(high, parts[0][k][code])
                low += lost + parts[1][k][code]
        total: Array = high + low
        return total


@dataclass(frozen=True)
class InnerNumerics:
    """What a kernel needs to make inner numerics of a block: ``(x - centre) / scale``, or a mixture."""

    rows: NDArray[np.int64]
    centre: Array
    scale: Array
    mixture: Mixture | None = None

    def of(self, block: Block) -> Array:
        """Shape (q, rows)."""
        used = block.numerics if len(self.rows) == len(block.numerics) else block.numerics[self.rows]
        inner: Array = (used - self.centre[:, None]) / self.scale[:, None]
        if self.mixture is not None:
            inner[self.mixture.at] = self.mixture.values(block, used)
        return inner


@dataclass(frozen=True)
class Basis:
    """Inner numerics as combinations of given columns: inner numeric j is ``X @ matrix[:, j]``.

    Parameters
    ----------
    centre, scale
        Of numerics that are only centred and scaled, shape (q,).
    root
        Root mean square of the given numerics, shape (q,).
    matrix
        Shape (columns, q).
    mixed
        Numerics that are more than centred and scaled, shape (q,).
    """

    columns: DesignColumns
    centre: Array
    scale: Array
    root: Array
    matrix: Array
    mixed: NDArray[np.bool_]

    @classmethod
    def given(cls, columns: DesignColumns) -> Basis:
        """The given numerics themselves."""
        q = len(columns.numerics)
        return cls._plain(columns, np.zeros(q), np.ones(q), np.ones(q))

    @classmethod
    def standardised(cls, columns: DesignColumns, rows: int, moments: Array) -> Basis:
        """Mean 0 (given an intercept) and a spread of about 1, by the sums of x and of x^2 over the rows."""
        if not len(columns.numerics) or not rows:
            return cls.given(columns)
        moments = moments[:, columns.numeric_rows] / rows
        root = np.sqrt(moments[1])
        if not columns.has_intercept:
            return cls._plain(columns, np.zeros(len(root)), np.where(root > 0, root, 1.0), root)
        # Raw moments say nothing of a spread below 1e-7 of the mean: a sweep finds it and scales again.
        spread = np.maximum(np.sqrt(np.maximum(moments[1] - moments[0] ** 2, 0.0)), 1e-7 * root)
        return cls._plain(columns, moments[0], np.where(spread > 0, spread, 1.0), root)

    @classmethod
    def _plain(cls, columns: DesignColumns, centre: Array, scale: Array, root: Array) -> Basis:
        q = len(columns.numerics)
        matrix = np.zeros((len(columns), q))
        matrix[columns.numerics, np.arange(q)] = 1 / scale
        if columns.has_intercept:
            matrix[0] = -centre / scale
        return cls(columns, centre, scale, root, matrix, np.zeros(q, dtype=bool))

    def with_matrix(self, matrix: Array, changed: NDArray[np.bool_]) -> Basis:
        """The basis with other combinations for some numerics."""
        return replace(self, matrix=matrix, mixed=self.mixed | changed)

    def without(self, dropped: NDArray[np.bool_]) -> Basis:
        """The basis with nothing in place of some numerics."""
        return self.with_matrix(np.where(dropped, 0.0, self.matrix), dropped) if dropped.any() else self

    def square(self) -> Array:
        """The whole ``B``, shape (columns, columns): given coefficients are ``B @ inner``."""
        square = np.eye(len(self.columns))
        square[:, self.columns.numerics] = self.matrix
        return square

    def inner(self, given: Array) -> Array:
        """Inner coefficients of given ones; those of numerics without an inner column are left out."""
        alive, numerics = self.matrix.any(axis=0), self.columns.numerics
        at, part = numerics[alive], self.matrix[:, alive]
        found = np.linalg.solve(part[at], given[at])
        inner: Array = given - part @ found
        inner[numerics] = 0.0
        inner[at] = found
        return inner

    def outer(self, inner: Array) -> Array:
        """Given coefficients of inner ones, ``B @ inner``: shape (columns,) or (columns, k)."""
        levels = inner.copy()
        levels[self.columns.numerics] = 0.0
        given: Array = levels + self.matrix @ inner[self.columns.numerics]
        return given

    def outer_of(self, kept: NDArray[np.intp], inner: Array) -> Array:
        """Of kept columns alone: ``B[kept, kept] @ inner``, shape (kept, k)."""
        if not len(self.columns.numerics):
            return inner
        whole = np.zeros((len(self.columns), inner.shape[1]))
        whole[kept] = inner
        return self.outer(whole)[kept]

    def penalty(self, ridge: float) -> Array:
        """Matrix for inner coefficients of a ridge penalty on the given ones, intercept excluded."""
        matrix, numerics = self.matrix.copy(), self.columns.numerics
        penalty = np.eye(len(self.columns))
        if self.columns.has_intercept:
            matrix[0] = penalty[0, 0] = 0.0
        squares = matrix.T @ matrix
        matrix[numerics] = 0.0
        penalty[:, numerics], penalty[numerics] = matrix, matrix.T
        penalty[np.ix_(numerics, numerics)] = squares
        return ridge * penalty

    @cached_property
    def numerics(self) -> InnerNumerics:
        """What kernels carry."""
        at = np.flatnonzero(self.mixed)
        mixture = self._mixture(at) if len(at) else None
        return InnerNumerics(self.columns.numeric_rows, self.centre, self.scale, mixture)

    def _mixture(self, at: NDArray[np.intp]) -> Mixture:
        weights = self.matrix[:, at]
        powers = np.exp2(np.round(np.log2(np.where(self.root > 0, self.root, 1.0))))
        constants = weights[0] if self.columns.has_intercept else np.zeros(len(at))
        return Mixture(
            at.astype(np.int64),
            powers,
            weights[self.columns.numerics] * powers[:, None],
            constants.copy(),
            tuple(self._tables(weights)),
        )

    def _tables(self, weights: Array) -> list[tuple[Array, Array] | None]:
        padded = np.vstack([weights, np.zeros((1, weights.shape[1]))]).T  # column -1 picks the 0
        tables: list[tuple[Array, Array] | None] = []
        for atom in self.columns.design.atoms:
            high, low = np.zeros((len(padded), atom.size)), np.zeros((len(padded), atom.size))
            for name in atom.members:
                part = padded[:, self.columns.column_of_code[name]][:, atom.member_codes(name)]
                high, lost = exact_sum(high, part)
                low += lost
            tables.append((high, low) if high.any() or low.any() else None)
        return tables
