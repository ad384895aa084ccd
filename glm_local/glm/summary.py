"""The summary of the first pass: what is known of the rows before any step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.families.families import Family
from glm_local.glm.design_columns import DesignColumns
from glm_local.glm.kernels import (
    AMOUNT,
    AMOUNT_SQUARE,
    CONSTANT,
    NON_ZERO,
    ROWS,
    SHIFT,
    SQUARE,
    WEIGHT,
    WEIGHT_INVERSE,
    WEIGHT_SQUARE,
    SummaryKernel,
)
from glm_local.rows.blocks import FAULTS, Blocks, Sums

Array = NDArray[np.float64]

UNEQUAL = 1e10
"""Mean weight times mean inverse weight from which rows may be lost beside others."""


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
    weight_square: float
    weight_inverse: float
    amount_square: float
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
            float(totals[WEIGHT_SQUARE]),
            float(totals[WEIGHT_INVERSE]),
            float(totals[AMOUNT_SQUARE]),
            {name: int(n) for name, n in zip(FAULTS, faults, strict=True)},
            scales,
            moments,
            tuple(atoms),
        )

    def outweighed(self, columns: int) -> bool:
        """Whether fewer rows than columns hold nearly all weight, so that the others are lost in rounding."""
        with np.errstate(all="ignore"):
            effective = np.float64(self.weight) / self.weight_square * self.weight
            unequal = self.weight / self.rows * self.weight_inverse / self.rows
        return bool(effective < columns and not unequal < UNEQUAL)

    def by_code(self, columns: DesignColumns, which: int) -> dict[str, Array]:
        """Rows (0), weight (1) or amount (2) per code of every field and cross."""
        return columns.sums_by_code([table[which] for table in self.atoms])
