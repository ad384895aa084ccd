"""The summary of the first pass: what is known of the rows before any step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.contract.blocks import FAULTS, Blocks, Sums
from glm_local.glm.design_columns import DesignColumns
from glm_local.glm.families import Family
from glm_local.glm.kernels import AMOUNT, CONSTANT, NON_ZERO, ROWS, SHIFT, SQUARE, WEIGHT, SummaryKernel

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Summary:
    """What the first pass says: totals, faults, moments, and rows, weight and amount by atom code."""

    rows: int
    weight: float
    amount: float
    constant: float
    non_zero: int
    square: float
    shift: float
    faults: Mapping[str, int]
    log_scale: Array
    moments: Array
    atoms: tuple[Array, ...]

    @classmethod
    def of(cls, blocks: Blocks, family: Family) -> Summary:
        """One pass, the one that builds the blocks."""
        design = blocks.design
        kernel = SummaryKernel(family, tuple(atom.size for atom in design.atoms), len(design.numerics))
        return cls.from_sums(blocks.sum(kernel, "summary"))

    @classmethod
    def from_sums(cls, sums: Sums) -> Summary:
        """Name the answer of `SummaryKernel`."""
        totals, faults, scales, moments, *atoms = sums
        return cls(
            int(totals[ROWS]),
            float(totals[WEIGHT]),
            float(totals[AMOUNT]),
            float(totals[CONSTANT]),
            int(totals[NON_ZERO]),
            float(totals[SQUARE]),
            float(totals[SHIFT]),
            {name: int(n) for name, n in zip(FAULTS, faults, strict=True)},
            scales,
            moments,
            tuple(atoms),
        )

    def by_code(self, columns: DesignColumns, which: int) -> dict[str, Array]:
        """Rows (0), weight (1) or amount (2) per code of every field and cross."""
        return columns.sums_by_code([table[which] for table in self.atoms])
