"""Targets that are the same on every row: no factor can explain anything, and at an end of the means nothing is fitted.

Told from the totals of the first pass; rows are looked at again (packed) only where those cannot tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glm_local.errors import Problem
from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.kernels import Additive, responses
from glm_local.glm.summary import Summary
from glm_local.rows.blocks import Block, BlockDesign, Blocks, Sums

NEAR, SAME = 1e-12, 1e-13

ENDLESS = ("log", "logit", "probit", "cloglog")
"""Links that put the ends of the means at infinity."""


@dataclass(frozen=True)
class UnlikeKernel(Additive):
    """Sums: rows whose response is not `value`."""

    value: float

    def begin(self) -> Sums:
        return [np.zeros(1)]

    def add(self, sums: Sums, block: Block) -> None:
        response, weight = responses(block)
        other = np.abs(response - self.value) > SAME * abs(self.value)
        if block.within is not None:
            other |= block.within > weight * (SAME * self.value) ** 2
        sums[0] += np.count_nonzero(other)


@dataclass(frozen=True)
class ConstantTarget:
    """The one value of a target, and whether a fit of it exists."""

    value: float
    possible: bool
    per: str

    @property
    def sentence(self) -> str:
        """What is said of it."""
        return f"The target{self.per} is {self.value:.12g} on every row: no factor can explain anything of it."

    def problem(self, family: Family) -> Problem:
        """Why there is no fit."""
        found = f"the target{self.per} is {self.value:.12g} on every row."
        rule = f"The {family} family has no estimate there: its mean would be at the end of what it can be."
        return Problem("/target", found, rule, "Look at the column and at where=.")


def constant_target(blocks: Blocks, summary: Summary, family: Family, link: Link) -> ConstantTarget | None:
    """The target's one value; None where it varies. One packed pass where its spread is that of rounding."""
    value = summary.amount / summary.weight if summary.weight else 0.0
    if not np.isfinite(value) or not np.isfinite(summary.square):
        return None
    if summary.square - summary.amount * value > NEAR * summary.square or summary.rows < 2:
        return None
    if summary.square and blocks.sum(UnlikeKernel(value), "constant target")[0][0]:
        return None
    rounded = float(np.round(value)) if abs(value - np.round(value)) <= SAME * abs(value) else value
    end = (rounded == 0 and family.domain in ("nonnegative", "unit")) or (rounded == 1 and family.domain == "unit")
    return ConstantTarget(rounded, not (end and link.name in ENDLESS), _per(blocks.design))


def _per(design: BlockDesign) -> str:
    return " per unit of exposure" if design.exposure is not None else ""
