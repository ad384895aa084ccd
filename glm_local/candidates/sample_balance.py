"""Whether samples and folds are alike: what chance divides differs by chance.

Under a division by chance the sum of a sample's residuals r = amount - rate * weight has mean 0 and variance
share (1 - share) times the sum of r^2 over all rows (a sum of draws without replacement; Cochran 1977, 2.5). A key that
goes with the target, the target itself above all, gives samples whose rates differ by far more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.candidates.sample_codes import SAMPLES
from glm_local.contract.blocks import Block, Sums
from glm_local.errors import DataError, Problem
from glm_local.glm.kernels import Additive, responses

Array = NDArray[np.float64]

BEYOND_CHANCE = 8.0
"""Standard errors from which a difference is reported: far, as rows of one key may go together."""

SHARE, SPREAD = 0.1, 0.1
"""Least difference that matters: of a rate, or (rates that may be 0 or negative) in standard deviations of a row."""

ROWS, AMOUNT, WEIGHT, SQUARES, PRODUCTS, WEIGHT_SQUARES = range(6)


@dataclass(frozen=True)
class BalanceKernel(Additive):
    """Sums (6, samples): rows, amount, weight, amount^2, amount * weight, weight^2 by sample code."""

    atom: int
    sample_of: NDArray[np.intp]
    samples: int

    def begin(self) -> Sums:
        return [np.zeros((6, self.samples))]

    def add(self, sums: Sums, block: Block) -> None:
        code = self.sample_of[block.atoms[self.atom]]
        amount, (_, weight) = block.amount, responses(block)
        with np.errstate(over="ignore"):
            parts = (None, amount, weight, amount * amount, amount * weight, weight * weight)
        for total, part in zip(sums[0], parts, strict=True):
            total += np.bincount(code, part, self.samples)


@dataclass(frozen=True)
class Balance:
    """One part of some rows beside the rest: rates, and their distance in standard errors."""

    name: str
    rate: float
    other: float
    distance: float
    spreads: float

    @property
    def beyond_chance(self) -> bool:
        """Whether the difference is both beyond chance and large enough to matter."""
        least = min(abs(self.rate), abs(self.other))
        large = abs(self.rate - self.other) > SHARE * least if self.rate * self.other >= 0 else True
        return abs(self.distance) > BEYOND_CHANCE and large and (least > 0 or self.spreads > SPREAD)


def balances(sums: Array, folds: int, samples: bool) -> list[Balance]:
    """Folds of the training rows beside each other, and samples beside each other where `samples` says so.

    Parameters
    ----------
    sums
        Answer of `BalanceKernel`: training folds, validation, holdout.
    """
    found = [_balance(f"fold {fold + 1}", sums[:, [fold]], sums[:, :folds]) for fold in range(folds)]
    if samples:
        parts = [sums[:, :folds], sums[:, [folds]], sums[:, [folds + 1]]]
        found += [_balance(name, part, sums) for name, part in zip(SAMPLES, parts, strict=True)]
    return [one for one in found if one is not None]


def _balance(name: str, part: Array, whole: Array) -> Balance | None:
    own, every = part.sum(axis=1), whole.sum(axis=1)
    rest = every - own
    if not (own[ROWS] and rest[ROWS] and own[WEIGHT] > 0 and rest[WEIGHT] > 0):
        return None
    rate, share = every[AMOUNT] / every[WEIGHT], own[ROWS] / every[ROWS]
    squares = every[SQUARES] - 2 * rate * every[PRODUCTS] + rate**2 * every[WEIGHT_SQUARES]
    squares = max(squares, 1e-12 * every[SQUARES])
    if not (np.isfinite(squares) and squares > 0):
        return None
    excess = own[AMOUNT] - rate * own[WEIGHT]
    distance = excess / np.sqrt(share * (1 - share) * squares)
    spreads = abs(excess) / own[ROWS] / np.sqrt(squares / every[ROWS])
    return Balance(name, own[AMOUNT] / own[WEIGHT], rest[AMOUNT] / rest[WEIGHT], float(distance), float(spreads))


def check_balance(found: Sequence[Balance], key: Sequence[str], target: str) -> None:
    """Stop where samples or folds that chance should have made differ beyond it.

    Raises
    ------
    DataError
        With every such sample, its rate and that of the others.
    """
    problems = [
        Problem(
            "/split",
            f"{one.name} has a rate of {one.rate:.4g} ({target} by weight), the others {one.other:.4g}: "
            f"{abs(one.distance):.0f} standard errors apart.",
            f"Rows are divided through a hash of {', '.join(key) or 'their key'}; such parts differ by chance alone.",
            "Give a key of many values that says nothing of the target, or split by time or a column if that is meant.",
        )
        for one in found
        if one.beyond_chance
    ]
    if problems:
        raise DataError(problems, "the split")
