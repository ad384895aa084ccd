"""Training sums of a level, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LevelCount:
    """Training rows, weight and amount of one level, and what it became.

    `apart` tells whether its rows alone decide an effect; a base cell shares that with the cells pooled beside it.
    """

    factor: str
    level: str
    rows: int
    weight: float
    amount: float
    status: str
    column: int
    apart: bool = True
