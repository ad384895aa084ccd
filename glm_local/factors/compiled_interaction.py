"""A compiled interaction: which cell a row falls in, which cells have a coefficient, and their scores."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glm_local.errors import SpecError
from glm_local.expressions.expression import Arithmetic, Compare, Expression, Lookup, Scalar, When
from glm_local.expressions.expression import Literal as Constant
from glm_local.factors.compiled_factor import CompiledFactor, CompiledLinear
from glm_local.factors.level_names import cell_name
from glm_local.rows.blocks import mixed_radix

BASE, REFUSED = -1, -2
LARGEST_CROSSING = 4_000_000

Codes = NDArray[np.int64]

Members = Mapping[str, object]
"""Compiled factors of the model by name; an interaction picks its own."""


@dataclass(frozen=True)
class CellIndex:
    """The cells that have a coefficient, and which one each crossed code takes.

    Parameters
    ----------
    names
        Cell names in the order of their codes.
    of_code
        int64 of shape (crossed size,): position in `names`, or -1 (base: no effect), or -2 (refused).
    """

    names: tuple[str, ...]
    of_code: Codes


@dataclass(frozen=True)
class CompiledInteraction:
    """Factors crossed; `members` in the order of the specification.

    Parameters
    ----------
    name, members, coding
        As specified; at most one member is linear, then every cell of the others has a slope.
    unseen, unseen_cell
        What other cells than `cells` become: no effect, an error, or what `unseen_cell` has.
    cells
        Cells with a coefficient, as level names of the members that have levels; None before the data are seen.
    base
        Base cell of coding "cells"; None before it is known, and net of margins.
    separator
        Between level names in the name of a cell.

    Notes
    -----
    Rows refused by a member are refused here. A member's extras that go to the base take its base level. Net of
    margins, a cell with some factor at its base has no effect whether it was seen or not.
    """

    name: str
    members: tuple[str, ...]
    coding: Literal["net_of_margins", "cells"]
    unseen: Literal["base", "refuse", "cell"]
    unseen_cell: str | None = None
    cells: tuple[tuple[str, ...], ...] | None = None
    base: str | None = None
    separator: str = " × "

    def crossed(self, members: Members) -> tuple[CompiledFactor, ...]:
        """The members that have levels."""
        found = (members[name] for name in self.members)
        return tuple(one for one in found if isinstance(one, CompiledFactor))

    def linear(self, members: Members) -> CompiledLinear | None:
        """The linear member, or None."""
        found = (members[name] for name in self.members)
        return next((one for one in found if isinstance(one, CompiledLinear)), None)

    def size(self, members: Members) -> int:
        """Number of crossed codes: the product of the members' sizes."""
        return math.prod(one.size for one in self.crossed(members))

    def code(self, members: Members) -> Expression:
        """Integer in ``[0, size)``: the members' codes as digits, the first the slowest; never missing."""
        return mixed_radix([(one.code, one.size) for one in self.crossed(members)])

    def cell_name(self, cell: Sequence[str]) -> str:
        """Name of a cell."""
        return cell_name(cell, self.separator)

    def cells_of_codes(self, members: Members) -> tuple[tuple[str | None, ...], ...]:
        """Level names per crossed code, in code order; None for a member that refuses the row.

        Raises
        ------
        SpecError
            When there are too many codes, or a needed base level is not known yet.
        """
        crossed = self._checked(members)
        return tuple(itertools.product(*(one.labels for one in crossed)))

    def _checked(self, members: Members) -> tuple[CompiledFactor, ...]:
        crossed = self.crossed(members)
        if self.size(members) > LARGEST_CROSSING:
            raise SpecError.because(
                f"the interaction {self.name!r} has {self.size(members):,} cells.",
                f"At most {LARGEST_CROSSING:,} cells are in an interaction.",
                "Group the levels of its factors first.",
            )
        for one in crossed:
            if one.base is None and (self.coding == "net_of_margins" or one.goes_to_base):
                raise SpecError.because(
                    f"the base level of {one.name!r} is not known yet.",
                    f"The interaction {self.name!r} needs it to tell its base cells.",
                    f'Choose one in {one.name!r}: "base": {{"level": "..."}}, or learn it first.',
                )
        return crossed

    def cell_index(self, members: Members) -> CellIndex:
        """Return which cells have a coefficient and which of them every crossed code takes.

        Raises
        ------
        SpecError
            When there are too many codes, or a needed base level is not known yet.
        """
        crossed = self._checked(members)
        digits = np.unravel_index(np.arange(self.size(members)), [one.size for one in crossed])
        levels = np.stack([_level_of_code(one)[digit] for one, digit in zip(crossed, digits, strict=True)])
        counts = [len(one.levels) for one in crossed]
        refused = (levels == REFUSED).any(axis=0)
        cell = np.ravel_multi_index(tuple(np.maximum(levels, 0)), counts)
        base = self._at_base(crossed, levels, cell, counts)
        seen = np.ones_like(base) if self.cells is None else np.isin(cell, self._places(crossed, self.cells, counts))
        own, place = np.unique(cell[seen & ~base & ~refused], return_inverse=True)
        of_code = np.full(cell.shape, BASE)
        of_code[seen & ~base & ~refused] = place
        names = self._names(crossed, own, counts)
        of_code[~seen & ~base] = self._unseen(names)
        of_code[refused] = REFUSED
        return CellIndex(names, of_code)

    def _at_base(
        self, crossed: Sequence[CompiledFactor], levels: Codes, cell: Codes, counts: Sequence[int]
    ) -> NDArray[np.bool_]:
        if self.coding == "net_of_margins":
            bases = np.array([one.levels.index(str(one.base)) for one in crossed])
            at_base: NDArray[np.bool_] = (levels == bases[:, None]).any(axis=0)
            return at_base
        if self.base is None:
            return np.zeros(cell.shape, dtype=bool)
        cells = itertools.product(*(one.levels for one in crossed)) if self.cells is None else self.cells
        named = [one for one in cells if self.cell_name(one) == self.base]
        return np.isin(cell, self._places(crossed, named, counts))

    def _places(
        self, crossed: Sequence[CompiledFactor], cells: Sequence[tuple[str, ...]], counts: Sequence[int]
    ) -> Codes:
        """Cells as numbers, their levels as digits."""
        at = [{level: i for i, level in enumerate(one.levels)} for one in crossed]
        digits = [np.array([at[j][cell[j]] for cell in cells], dtype=np.int64) for j in range(len(crossed))]
        return np.ravel_multi_index(digits, counts)

    def _names(self, crossed: Sequence[CompiledFactor], cells: Codes, counts: Sequence[int]) -> tuple[str, ...]:
        digits = zip(*(digit.tolist() for digit in np.unravel_index(cells, counts)), strict=True)
        return tuple(self.cell_name([one.levels[i] for one, i in zip(crossed, cell, strict=True)]) for cell in digits)

    def _unseen(self, names: Sequence[str]) -> int:
        if self.unseen == "cell":
            return names.index(self.unseen_cell) if self.unseen_cell in names else BASE
        return REFUSED if self.unseen == "refuse" else BASE

    def with_outputs(self, members: Members, outputs: Sequence[Scalar]) -> Expression:
        """Return ``outputs[code]`` as one look-up; the most frequent output costs nothing."""
        crossed = self.crossed(members)
        if len(crossed) == 1:
            return crossed[0].with_outputs(outputs)
        common = Counter(outputs).most_common(1)[0][0]
        keys = tuple(code for code, output in enumerate(outputs) if output != common)
        if not keys:
            return Constant(common)
        return Lookup(self.code(members), keys, tuple(outputs[key] for key in keys), None, common)

    def slopes_of_all_cells(self, members: Members) -> dict[tuple[str, ...], Expression]:
        """Numeric columns for every cell of levels, before bases are known; a fit keeps those it needs.

        Rows that a member sends to its base level are in no cell: net of margins such a row has no slope anyway.
        """
        crossed, linear = self.crossed(members), self._linear(members)
        counts, sizes = [len(one.levels) for one in crossed], [one.size for one in crossed]
        cells = itertools.product(*(range(count) for count in counts))
        every = np.arange(self.size(members))
        return {
            tuple(one.levels[i] for one, i in zip(crossed, cell, strict=True)): When(
                self._inside(members, every == np.ravel_multi_index(cell, sizes)), linear.value, Constant(0.0)
            )
            for cell in cells
        }

    def _linear(self, members: Members) -> CompiledLinear:
        linear = self.linear(members)
        if linear is None:
            raise SpecError.because(
                f"the interaction {self.name!r} has no linear member.",
                "Slopes belong to a linear factor.",
                "Use cell_index for the cells of factors with levels.",
            )
        return linear

    def slopes(self, members: Members) -> dict[str, Expression]:
        """Numeric columns of an interaction with a linear member: its value in a cell, 0 outside, by cell name.

        The value's missing counts only inside the cell; refused codes are 0, since their member refuses them.
        """
        linear, index = self._linear(members), self.cell_index(members)
        return {
            name: When(self._inside(members, index.of_code == i), linear.value, Constant(0.0))
            for i, name in enumerate(index.names)
        }

    def _inside(self, members: Members, codes: NDArray[np.bool_]) -> Expression:
        return Compare("==", self.with_outputs(members, [int(one) for one in codes]), Constant(1))

    def score_terms(self, members: Members, effects: Mapping[str, float]) -> Iterator[Expression]:
        """Contribution to the linear predictor from coefficients by cell name; a cell that is not named adds 0."""
        index = self.cell_index(members)
        by_position: list[Scalar] = [effects.get(name, 0.0) for name in index.names]
        outputs = [*by_position, None, 0.0]  # -1 is base, -2 refused
        term = self.with_outputs(members, [outputs[i] for i in index.of_code])
        linear = self.linear(members)
        yield term if linear is None else Arithmetic("*", term, linear.value)


def _level_of_code(one: CompiledFactor) -> Codes:
    """Level of every code of a member: extras take the base level or are refused."""
    base = one.levels.index(one.base) if one.base is not None else REFUSED
    extras = [base if extra.policy == "base" else REFUSED for extra in one.extras]
    return np.array([*range(len(one.levels)), *extras], dtype=np.int64)
