"""Sums per fine code and sample under a model, for all candidates in one pass over packed rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glm_local.families.families import Family
from glm_local.glm.design_columns import collapse
from glm_local.glm.kernels import responses
from glm_local.inference.recode import Recode
from glm_local.inference.row_means import RowMeans
from glm_local.rows.blocks import Block, BlockDesign, Sums, add_sums

Array = NDArray[np.float64]
Measure = Literal["rows", "weight", "amount", "fitted", "deviance", "variance", "a", "b"]
"""rows; sum of w; of w y; of w m; of w d(y, m); of w V(m); of w y m^(1-p) and of w m^(2-p) (variance power p)."""

STATIC: tuple[Measure, ...] = ("rows", "weight", "amount")


@dataclass(frozen=True)
class Model:
    """What a kernel over fine blocks needs of a model: how to recode a block, and the means of the recoded one."""

    recode: Recode
    means: RowMeans


@dataclass(frozen=True)
class CodeSumsKernel:
    """Sums by atom code and sample.

    Parameters
    ----------
    family
        Of the model.
    model
        None where no measure needs means.
    atoms
        Index and size of the fine atoms asked for.
    sample
        Fine atom that holds the sample, and the sample of each of its codes.
    samples
        Number of samples.
    measures
        What is added up.
    """

    family: Family
    model: Model | None
    atoms: tuple[tuple[int, int], ...]
    sample: tuple[int, NDArray[np.intp]]
    samples: int
    measures: tuple[Measure, ...]

    def begin(self) -> Sums:
        """Per atom zeros of shape (measures, size * samples)."""
        return [np.zeros((len(self.measures), size * self.samples)) for _, size in self.atoms]

    def add(self, sums: Sums, block: Block) -> None:
        """Add one fine block."""
        if not block.rows:
            return
        at, sample_of = self.sample
        sample = np.take(sample_of, block.atoms[at])
        values = self._values(block)
        for table, (atom, size) in zip(sums, self.atoms, strict=True):
            index = block.atoms[atom] * np.intp(self.samples) + sample
            for row, value in zip(table, values, strict=True):
                row += np.bincount(index, value, size * self.samples)

    def _values(self, block: Block) -> list[Array | None]:
        response, weight = responses(block)
        means = np.ones(0) if self.model is None else self.model.means.means(self.model.recode.block(block))
        values: list[Array | None] = []
        for measure in self.measures:
            with np.errstate(all="ignore"):
                values.append(self._value(measure, block, response, weight, means))
        return values

    def _value(self, measure: Measure, block: Block, response: Array, weight: Array, mean: Array) -> Array | None:
        power = self.family.power
        if measure == "rows":
            return None
        if measure == "weight":
            return weight
        if measure == "amount" or (measure == "a" and power == 1):
            return block.amount
        if measure == "fitted" or (measure == "b" and power == 1):
            return weight * mean
        if measure == "deviance":
            return weight * np.asarray(self.family.unit_deviance(response, mean))
        if measure == "variance":
            return weight * np.asarray(self.family.variance(mean))
        assert power is not None
        return block.amount * mean ** (1 - power) if measure == "a" else weight * mean ** (2 - power)

    def finish(self, sums: Sums) -> Sums:
        """As they are."""
        return sums

    def merge(self, parts: Sequence[Sums]) -> Sums:
        """Added up."""
        return add_sums(parts)


@dataclass(frozen=True)
class CodeSums:
    """The answer of `CodeSumsKernel`, by field."""

    design: BlockDesign
    measures: tuple[Measure, ...]
    samples: int
    atoms: tuple[int, ...]
    sums: Sums

    def of(self, field: str, measure: Measure) -> Array:
        """Shape (codes, samples) of one field of the fine design."""
        atom = self.design.atom_of(field)
        table = self.sums[self.atoms.index(atom)][self.measures.index(measure)]
        shaped = table.reshape(self.design.atoms[atom].size, self.samples)
        one = self.design.atoms[atom]
        return collapse(shaped, one, one.members.index(field))
