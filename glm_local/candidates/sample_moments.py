"""Moments of the target by sample code, added up while rows are packed: what tells whether samples are alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.glm.kernels import Additive, responses
from glm_local.rows.blocks import Block, Sums
from glm_local.validation.likeness import MOMENTS


@dataclass(frozen=True)
class SampleMomentsKernel(Additive):
    """Sums (samples, 5): `MOMENTS` of amount and weight as blocks have them, by sample code."""

    atom: int
    sample_of: NDArray[np.intp]
    samples: int

    def begin(self) -> Sums:
        return [np.zeros((self.samples, len(MOMENTS)))]

    def add(self, sums: Sums, block: Block) -> None:
        code = self.sample_of[block.atoms[self.atom]]
        amount, (_, weight) = block.amount, responses(block)
        with np.errstate(over="ignore"):
            moments = (amount, weight, amount * amount, amount * weight, weight * weight)
        for at, moment in enumerate(moments):
            sums[0][:, at] += np.bincount(code, moment, self.samples)
