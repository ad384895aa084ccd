"""Design columns: which coefficient each factor code takes, and sums per atom turned into sums per column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from glm_local.rows.blocks import Atom, BlockDesign

INTERCEPT = "(Intercept)"


@dataclass(frozen=True)
class Column:
    """One column of the design matrix: a factor's level, a numeric term (level None), or the intercept."""

    term: str
    level: str | None = None

    def __str__(self) -> str:
        return self.term if self.level is None else f"{self.term}={self.level}"


@dataclass(frozen=True)
class DesignColumns:
    """The columns of a design matrix that is never built.

    Parameters
    ----------
    design
        What the blocks hold.
    columns
        In model order; the intercept first when there is one.
    column_of_code
        Field or cross to int64 array of its size: the column a code takes, -1 for none (base levels).
    numeric_columns
        Numeric name to column; a numeric of the design that is not named takes no part.
    constants
        Field to what each of its codes adds to the linear predictor beside its column: pinned levels.
    """

    design: BlockDesign
    columns: tuple[Column, ...]
    column_of_code: Mapping[str, NDArray[np.int64]]
    numeric_columns: Mapping[str, int]
    constants: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def has_intercept(self) -> bool:
        return bool(self.columns) and self.columns[0].term == INTERCEPT

    def __len__(self) -> int:
        return len(self.columns)

    @cached_property
    def numerics(self) -> NDArray[np.int64]:
        """Columns of the numerics that take part, in block order."""
        used = [self.numeric_columns[name] for name in self.design.numerics if name in self.numeric_columns]
        return np.array(used, dtype=np.int64)

    @cached_property
    def numeric_rows(self) -> NDArray[np.int64]:
        """Where those numerics lie in a block's `numerics`."""
        return np.array(
            [i for i, name in enumerate(self.design.numerics) if name in self.numeric_columns], dtype=np.int64
        )

    @cached_property
    def _members(self) -> list[list[tuple[int, NDArray[np.int64]]]]:
        return [[(at, self.column_of_code[name]) for at, name in enumerate(atom.members)] for atom in self.design.atoms]

    def tables(self, coefficients: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Contribution of every atom code to the linear predictor: one array of shape (atom size,) per atom."""
        padded = np.append(coefficients, 0.0)  # column -1 picks the 0
        return tuple(
            sum(
                (self._contribution(name, padded)[atom.member_codes(name)] for name in atom.members),
                np.zeros(atom.size),
            )
            for atom in self.design.atoms
        )

    def _contribution(self, name: str, padded: NDArray[np.float64]) -> NDArray[np.float64]:
        part: NDArray[np.float64] = padded[self.column_of_code[name]]
        return part + self.constants[name] if name in self.constants else part

    def add_margins(self, total: NDArray[np.float64], at: int, margin: NDArray[np.float64]) -> None:
        """Add sums per code of atom `at`, shape (size,) or (size, k), onto `total`, (columns,) or (columns, k)."""
        atom = self.design.atoms[at]
        for member, columns in self._members[at]:
            _scatter(total, columns, collapse(margin, atom, member))

    def add_pair(self, matrix: NDArray[np.float64], first: int, second: int, table: NDArray[np.float64]) -> None:
        """Add weights per pair of atom codes, shape (size, size), onto the symmetric `matrix` of columns."""
        one, two = self.design.atoms[first], self.design.atoms[second]
        for i, rows in self._members[first]:
            half = collapse(table, one, i)
            for j, columns in self._members[second]:
                pair = collapse(half.T, two, j).T
                keep_rows, keep_columns = rows >= 0, columns >= 0
                part = pair[np.ix_(keep_rows, keep_columns)]
                at = np.ix_(rows[keep_rows], columns[keep_columns])
                np.add.at(matrix, at, part)
                np.add.at(matrix.T, at, part)

    def add_within(self, matrix: NDArray[np.float64], at: int, margin: NDArray[np.float64]) -> None:
        """Add weights per code of one atom onto the block of its own members (they are joint in its code)."""
        atom = self.design.atoms[at]
        for i, rows in self._members[at]:
            diagonal = collapse(margin, atom, i)
            keep = rows >= 0
            np.add.at(matrix, (rows[keep], rows[keep]), diagonal[keep])
            for j, columns in self._members[at]:
                if j <= i:
                    continue
                both = _collapse_pair(margin, atom, i, j)
                keep_rows, keep_columns = rows >= 0, columns >= 0
                part = both[np.ix_(keep_rows, keep_columns)]
                at_columns = np.ix_(rows[keep_rows], columns[keep_columns])
                np.add.at(matrix, at_columns, part)
                np.add.at(matrix.T, at_columns, part)

    def sums_by_code(self, margins: Sequence[NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        """Sums per code of every field and cross from sums per atom code."""
        return {
            name: collapse(margins[at], atom, i)
            for at, atom in enumerate(self.design.atoms)
            for i, name in enumerate(atom.members)
        }


def collapse(table: NDArray[np.float64], atom: Atom, member: int) -> NDArray[np.float64]:
    """Sum an array, shape (atom size, …), over axis 0 from atom codes to one member's codes."""
    before = int(np.prod(atom.sizes[:member], dtype=np.int64))
    after = int(np.prod(atom.sizes[member + 1 :], dtype=np.int64))
    if before == after == 1:
        return table
    shaped = table.reshape(before, atom.sizes[member], after, *table.shape[1:])
    collapsed: NDArray[np.float64] = shaped.sum(axis=(0, 2))
    return collapsed


def _collapse_pair(margin: NDArray[np.float64], atom: Atom, i: int, j: int) -> NDArray[np.float64]:
    others = tuple(k for k in range(len(atom.sizes)) if k not in (i, j))
    pair: NDArray[np.float64] = margin.reshape(atom.sizes).sum(axis=others)
    return pair


def _scatter(total: NDArray[np.float64], columns: NDArray[np.int64], values: NDArray[np.float64]) -> None:
    keep = columns >= 0
    np.add.at(total, columns[keep], values[keep])
