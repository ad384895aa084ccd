"""From evaluated rows to blocks: which expressions a design needs, and cutting their arrays into blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.errors import EngineError, GlmError
from glm_local.expressions.expression import Expression
from glm_local.rows.blocks import ROWS_PER_BLOCK, Block, BlockDesign, make_block

Floats = NDArray[np.float64]
Codes = NDArray[np.integer]

ROLES = ("response", "weight", "exposure", "offset")


@dataclass(frozen=True)
class RowArrays:
    """Evaluated rows of a design: one code array per atom, NaN where a number is missing."""

    atoms: Sequence[Codes]
    numerics: Sequence[Floats]
    response: Floats
    weight: Floats | None = None
    exposure: Floats | None = None
    offset: Floats | None = None

    def between(self, start: int, stop: int) -> RowArrays:
        """Return a stretch of the rows (views)."""
        cut = slice(start, stop)
        roles = (None if one is None else one[cut] for one in (self.weight, self.exposure, self.offset))
        return RowArrays([a[cut] for a in self.atoms], [n[cut] for n in self.numerics], self.response[cut], *roles)

    def blocks(self, design: BlockDesign) -> Iterator[Block]:
        """Cut the rows into blocks of 65,536."""
        for start in range(0, len(self.response), ROWS_PER_BLOCK):
            part = self.between(start, start + ROWS_PER_BLOCK)
            yield make_block(design, part.atoms, part.numerics, part.response, part.weight, part.exposure, part.offset)


def design_numbers(design: BlockDesign) -> dict[str, Expression]:
    """Return the ``number`` expressions a design needs, by numeric name or role: ``numeric:x``, ``response``, …."""
    numbers = {f"numeric:{name}": expression for name, expression in design.numerics.items()}
    roles = {role: getattr(design, role) for role in ROLES}
    return numbers | {role: expression for role, expression in roles.items() if expression is not None}


def row_arrays(design: BlockDesign, atoms: Sequence[Codes], numbers: dict[str, Floats]) -> RowArrays:
    """Put evaluated atoms and `design_numbers` together."""
    numerics = [numbers[f"numeric:{name}"] for name in design.numerics]
    return RowArrays(atoms, numerics, *(numbers.get(role) for role in ROLES))  # type: ignore[arg-type]


def code_missing(names: str) -> GlmError:
    """Return the error of a row whose code is missing or outside its field (or atom)."""
    return EngineError.because(
        f"A row has no code, or one out of range, in ({names}).",
        "A field's code is an integer in [0, size), never missing.",
        "Compile the factor again: its expression must give every row a code.",
        path=names,
    )
