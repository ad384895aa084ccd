"""Cells of a crossing once rows are counted: which have a coefficient, and what the others become."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from glm_local.errors import SpecError
from glm_local.factors.compiled_factor import CompiledFactor
from glm_local.factors.compiled_interaction import BASE, REFUSED, CompiledInteraction
from glm_local.factors.level_names import POOLED_CELLS
from glm_local.factors.spec_problems import no_such_level
from glm_local.glm.level_count import LevelCount

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]

REST = "(its other cells)"
"""What a level has left without an effect of its own, in the name of a margin."""


def check_given_cells(compiled: CompiledInteraction, members: Sequence[CompiledFactor]) -> None:
    """Refuse cells of levels that the factors turn out not to have.

    Raises
    ------
    SpecError
        With every such level and the nearest one.
    """
    problems = [
        no_such_level(f"/factors/{compiled.name}/learned/cells/{at}", level, member.name, member.levels)
        for at, cell in enumerate(compiled.cells or ())
        for level, member in zip(cell, members, strict=True)
        if level not in member.levels
    ]
    if problems:
        raise SpecError(problems)


@dataclass(frozen=True)
class CrossCells:
    """The cells of a crossing and their training sums.

    Where a specification names its cells, these are the only ones with a coefficient: other cells that have rows follow
    the policy of unseen cells, in the fit as in the score.

    Parameters
    ----------
    compiled, members
        The crossing and the factors with levels it crosses.
    bases
        Position of each member's base level.
    sums
        Rows, weight and amount per cell, shape (3, cells).
    """

    compiled: CompiledInteraction
    members: tuple[CompiledFactor, ...]
    bases: tuple[int, ...]
    sums: Array

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Levels of the members."""
        return tuple(len(one.levels) for one in self.members)

    @cached_property
    def digits(self) -> Codes:
        """Level of every member per cell, shape (members, cells)."""
        return np.stack(np.unravel_index(np.arange(math.prod(self.sizes)), self.sizes))

    def levels(self, cell: int) -> tuple[str, ...]:
        """Level names of a cell."""
        return tuple(one.levels[int(at)] for one, at in zip(self.members, self.digits[:, cell], strict=True))

    def name(self, cell: int) -> str:
        """Name of a cell."""
        return self.compiled.cell_name(self.levels(cell))

    @cached_property
    def given(self) -> Flags:
        """Cells the specification names; all where it names none."""
        if self.compiled.cells is None:
            return np.ones(self.digits.shape[1], dtype=bool)
        check_given_cells(self.compiled, self.members)
        at = [{level: i for i, level in enumerate(one.levels)} for one in self.members]
        digits = [[at[j][cell[j]] for cell in self.compiled.cells] for j in range(len(self.members))]
        flags = np.zeros(self.digits.shape[1], dtype=bool)
        flags[np.ravel_multi_index([np.array(one, dtype=np.int64) for one in digits], self.sizes)] = True
        return flags

    @cached_property
    def known(self) -> Codes:
        """Cells that are given and have rows."""
        return np.flatnonzero(self.given & (self.sums[0] > 0))

    def becomes(self, base: int | None) -> tuple[Codes, int]:
        """The cell every cell is fitted as: itself, `BASE` or `REFUSED`; and the rows that are refused.

        Parameters
        ----------
        base
            Base cell of coding "cells"; None is net of margins.
        """
        cells = np.arange(self.digits.shape[1])
        at_base = self._at_bases if base is None else cells == base
        own = self.given & ~at_base
        found = np.where(own, cells, BASE)
        others = ~self.given & ~at_base
        found[others] = self._unseen(np.flatnonzero(own & (self.sums[0] > 0)))
        return found, int(self.sums[0][found == REFUSED].sum())

    def _unseen(self, own: Codes) -> int:
        if self.compiled.unseen != "cell":
            return REFUSED if self.compiled.unseen == "refuse" else BASE
        return next((cell for cell in own.tolist() if self.name(cell) == self.compiled.unseen_cell), BASE)

    def counts(self, becomes: Codes, columns: Codes) -> Iterator[LevelCount]:
        """A line for every cell of its own, with rows or given, then one for what is pooled.

        Parameters
        ----------
        columns
            Column of every cell; -1 where it has none.
        """
        joined, pooled = self.joined(becomes), self._pooled(becomes)
        named = self.compiled.cells is not None
        own = becomes == np.arange(len(becomes))
        shown = (self.sums[0] > 0) & ~pooled & (becomes != REFUSED)
        for cell in np.flatnonzero(shown | (own & named)).tolist():
            if own[cell]:
                status = "fitted" if columns[cell] >= 0 else "empty"
                yield self._line(self.name(cell), joined[:, cell], status, int(columns[cell]))
            elif becomes[cell] == BASE:
                yield self._line(self.name(cell), self.sums[:, cell], "base", apart=not named)
        pooled &= self.sums[0] > 0
        if pooled.any():
            yield self._line(POOLED_CELLS, self.sums[:, pooled].sum(axis=1), "pooled")

    def joined(self, becomes: Codes) -> Array:
        """Sums of every cell with those of cells that are fitted as it."""
        to, size = becomes >= 0, len(becomes)
        return np.stack([np.bincount(becomes[to], one[to], size) for one in self.sums])

    def _pooled(self, becomes: Codes) -> Flags:
        """Cells that would have an effect of their own, and have none because they were not given."""
        flags: Flags = (becomes == BASE) & ~self.given
        return flags & ~self._at_bases if self.compiled.coding == "net_of_margins" else flags

    @cached_property
    def _at_bases(self) -> Flags:
        """Cells with some member at its base level."""
        flags: Flags = (self.digits == np.array(self.bases)[:, None]).any(axis=0)
        return flags

    def margins(self, becomes: Codes) -> Iterator[LevelCount]:
        """What each combination of the other members' levels has left to its own effect, where cells were given."""
        if self.compiled.cells is None:
            return
        left = np.where(becomes == BASE, self.sums, 0.0)
        if self.compiled.coding == "cells":
            yield self._line(REST, left.sum(axis=1), "base")
            return
        for j in range(len(self.members)):
            others = [at for at in range(len(self.members)) if at != j]
            sizes = tuple(self.sizes[at] for at in others)
            group = np.ravel_multi_index([self.digits[at] for at in others], sizes)
            sums = np.stack([np.bincount(group, one, math.prod(sizes)) for one in left]).astype(np.float64)
            for at in range(math.prod(sizes)):
                digits = np.unravel_index(at, sizes)
                if all(digit != self.bases[member] for digit, member in zip(digits, others, strict=True)):
                    names: list[str] = [self.members[m].levels[int(d)] for m, d in zip(others, digits, strict=True)]
                    yield self._line(self.compiled.cell_name([*names[:j], REST, *names[j:]]), sums[:, at], "base")

    def _line(
        self, level: str, sums: Sequence[float] | Array, status: str, column: int = BASE, apart: bool = True
    ) -> LevelCount:
        rows, weight, amount = sums
        return LevelCount(self.compiled.name, level, int(rows), float(weight), float(amount), status, column, apart)
