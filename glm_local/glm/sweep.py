"""Sweeping numerics by other columns until none nearly depends on others, and R's rule of what is aliased.

A sweep takes what the information of a pass tells of nearness: a direction of less than 1e-5 of a column's length is
not told by it, but once what others explain is taken away, the next pass tells it (Gram-Schmidt, repeated).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.glm.basis import Basis
from glm_local.glm.information import ALIAS_TOLERANCE, column_factor

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

ALIASED = 1e-11
"""Share of its own length below which what is left of a column, once swept by others, is rounding (as R's `glm`)."""

WELL, RESOLVED = 1e-4, 1e-10
"""Shares of a numeric's information left by others: enough to iterate on, and enough to sweep others by."""

MOST_SWEEPS = 8
SIGNIFICANT = 1e-8


@dataclass(frozen=True)
class Sweep:
    """Where the sweeping stands.

    Parameters
    ----------
    basis
        To take the next pass with, or to iterate on when `settled`.
    dropped
        Aliased columns, shape (columns,); final when `settled`.
    change
        Inner numerics of `basis` in inner columns of the basis before: shape (columns, q); None for no change.
    renewed
        Numerics that begin anew, shape (columns,).
    settled
        Whether every numeric can be iterated on.
    count
        Sweeps so far.
    """

    basis: Basis
    dropped: Flags
    change: Array | None = None
    renewed: Flags | None = None
    settled: bool = False
    count: int = 0

    def coefficients(self, before: Array) -> Array:
        """Inner coefficients that give the predictor they gave before this step."""
        if self.renewed is not None:
            return np.where(self.renewed, 0.0, before)
        if self.change is None or not before[self.basis.columns.numerics].any():
            return before
        numerics = self.basis.columns.numerics
        found = np.linalg.solve(self.change[numerics], before[numerics])
        inner: Array = before - self.change @ found
        inner[numerics] = found
        return inner

    @classmethod
    def begin(cls, basis: Basis) -> Sweep:
        """Nothing swept, nothing dropped."""
        return cls(basis, np.zeros(len(basis.columns), dtype=bool))

    def next(self, information: Array, initial: Basis, alias: bool = True) -> Sweep:
        """Take one more step by the information of a pass with `basis`.

        Parameters
        ----------
        initial
            The basis before any sweep.
        alias
            Whether columns may be dropped (False under a ridge penalty).
        """
        return _Step(self, information, initial, alias).taken()


class _Step:
    """One look at an information matrix."""

    def __init__(self, sweep: Sweep, information: Array, initial: Basis, alias: bool) -> None:
        self.sweep, self.basis, self.initial, self.alias = sweep, sweep.basis, initial, alias
        columns = self.basis.columns
        self.numerics, self.p = columns.numerics, len(columns)
        self.diagonal = np.diag(information)
        self.reference = float(information[0, 0] if columns.has_intercept else self.diagonal.max(initial=0.0))
        self.unit = 1 / np.sqrt(np.where(self.diagonal > 0, self.diagonal, 1.0))
        self.numeric = np.zeros(self.p, dtype=bool)
        self.numeric[self.numerics] = True
        self.dead = self._dead() & ~sweep.dropped
        tolerance, order = np.where(self.numeric, RESOLVED, ALIAS_TOLERANCE), self._order()
        self.factor = column_factor(information, order, tolerance, int(self.numeric[order].sum()))

    def _dead(self) -> Flags:
        """Numerics of which nothing is left."""
        own = np.abs(self.basis.matrix[self.numerics, np.arange(len(self.numerics))]) * self.basis.root
        left = np.sqrt(np.maximum(self.diagonal[self.numerics], 0.0) / self.reference) if self.reference > 0 else own
        dead = np.zeros(self.p, dtype=bool)
        dead[self.numerics] = ~(left > ALIASED * own)
        return dead

    def _order(self) -> NDArray[np.intp]:
        """Levels first, which cannot be swept, then numerics that live."""
        out = self.sweep.dropped | self.dead | (self.diagonal <= 0)
        return np.concatenate([np.flatnonzero(~out & ~self.numeric), np.flatnonzero(~out & self.numeric)])

    def taken(self) -> Sweep:
        weak, count = self._weak(), self.sweep.count + 1
        if weak.any() and count <= MOST_SWEEPS:
            basis, change = self._swept(weak)
            return Sweep(basis, self.sweep.dropped, change, count=count)
        if not self.alias:
            return Sweep(self.basis, self.sweep.dropped, settled=True)
        self.dead |= self.numeric & ~self.sweep.dropped & ~self._in_pivots()
        dropped = self._dropped()
        back = self.dead & ~dropped
        if back.any() or self.basis.matrix[dropped][:, ~dropped[self.numerics]].any():
            return Sweep(self.initial, dropped, renewed=self.numeric)  # levels are dropped in place of numerics
        return Sweep(self.basis.without(dropped[self.numerics]), dropped, settled=True)

    def _in_pivots(self) -> Flags:
        inside = np.zeros(self.p, dtype=bool)
        inside[self.factor.pivots] = True
        return inside

    def _weak(self) -> Flags:
        """Living numerics too near to others, or of a scale far from 1."""
        ratio = self.diagonal / self.reference if self.reference > 0 else np.ones(self.p)
        living = self.numeric & ~self.dead & ~self.sweep.dropped
        return living & ((self.factor.left < WELL) | (ratio < 1e-4) | (ratio > 1e8))

    def _swept(self, weak: Flags) -> tuple[Basis, Array]:
        change = np.zeros((self.p, len(self.numerics)))
        change[self.numerics, np.arange(len(self.numerics))] = 1.0
        length, which = np.sqrt(self.reference), weak[self.numerics]
        for at in np.flatnonzero(which).tolist():
            j = int(self.numerics[at])
            combination = -self.factor.explained(j) * self.unit
            combination[j] = self.unit[j]
            change[:, at] = combination * length / np.sqrt(max(self.factor.left[j], 1e-15))
        matrix = self.basis.outer(change)
        return self.basis.with_matrix(np.where(which, matrix, self.basis.matrix), which), change

    def _dropped(self) -> Flags:
        """The last column in the model of every dependence."""
        levels = np.flatnonzero(~self.numeric & ~self.sweep.dropped & ~self._in_pivots())
        dropped = self.sweep.dropped | self.dead
        dropped[levels] = True
        if not self._replaceable():
            return dropped
        lengths = 1 / self.unit
        lengths[self.numerics] = np.where(self.basis.root > 0, self.basis.root, 1.0) * np.sqrt(self.reference)
        dead = np.flatnonzero(self.dead[self.numerics])
        dependences = [self.basis.matrix[:, at] * lengths for at in dead]
        for k in levels.tolist():
            combination = -self.factor.explained(k)
            combination[k] = 1.0
            dependences.append(combination)
        last = self.sweep.dropped.copy()
        last[_last_of_each(dependences)] = True
        return last

    def _replaceable(self) -> bool:
        """Whether a dead numeric stands before a level that it depends on."""
        later = np.flatnonzero(~self.numeric)
        return bool(self.dead.any() and len(later) and later[-1] > np.flatnonzero(self.dead)[0])


def _last_of_each(dependences: Sequence[Array]) -> list[int]:
    """Row of the last significant entry of each vector, once later vectors' rows are eliminated from the others."""
    vectors = [one / max(np.abs(one).max(), 1e-300) for one in dependences]
    rows: list[int] = []
    while vectors:
        last = [int(np.flatnonzero(np.abs(one) > SIGNIFICANT)[-1]) for one in vectors]
        row = max(last)
        vectors.sort(key=lambda one: abs(one[row]), reverse=True)
        pivot, *others = vectors
        rows.append(row)
        vectors = [one - pivot * (one[row] / pivot[row]) for one in others]
        for one in vectors:
            one[row] = 0.0
    return rows
