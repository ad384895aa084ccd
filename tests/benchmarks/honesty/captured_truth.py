"""Made-up Poisson rows as portfolios have them: steps, smooth numbers, groups of few and of many levels, and noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tests.benchmarks.honesty.known_truth import noise

Array = NDArray[np.float64]

CANDIDATES = 20
RATE = 0.185
"""Mean response: some 17 % of rows have an event."""
STEPS = (0.0, 0.15, 0.3)
SIX_SHARES = (0.30, 0.22, 0.18, 0.14, 0.10, 0.06)
SIX_EFFECTS = (0.0, 0.0, 0.0, 0.15, 0.15, 0.3)
FORTY_SHARES = tuple(1 / (at + 6) for at in range(40))
FORTY_EFFECTS = tuple(np.repeat([-0.2, -0.07, 0.07, 0.2], 10).tolist())
LEVEL_ROWS = 50_000
"""Rows the level of a truth is taken from."""
TRUE = ("steps", "slope", "valley", "six", "forty")


@dataclass(frozen=True)
class Truth:
    """What acts in one study, on the log scale.

    Parameters
    ----------
    cuts
        Of the number that acts by steps.
    bottom
        Where the valley is lowest.
    effects
        Per level of the categories `six` and `forty`, in the order of their names.
    size
        What all effects are multiplied by.
    level
        Log of the mean of a row whose effects are all 0.
    """

    cuts: tuple[float, float]
    bottom: float
    effects: dict[str, tuple[float, ...]]
    size: float = 1.0
    level: float = math.log(RATE)

    def effect(self, columns: dict[str, Any]) -> pd.DataFrame:
        """Effect of each true factor; one column per factor."""
        slope, valley = np.asarray(columns["slope"]), np.asarray(columns["valley"])
        parts = {
            "steps": np.array(STEPS)[np.searchsorted(self.cuts, columns["steps"], side="left")],
            "slope": 0.4 * np.exp(-slope / 8),
            "valley": 0.4 * ((valley - self.bottom) / 31) ** 2,
            **{name: np.array(self.effects[name])[_number(columns[name])] for name in ("six", "forty")},
        }
        return self.size * pd.DataFrame(parts)


@dataclass(frozen=True)
class KnownRows:
    """Rows, the effect of each true factor, and the true mean."""

    frame: pd.DataFrame
    effects: pd.DataFrame
    mean: Array

    def of(self, kept: Any) -> KnownRows:
        """Some of the rows, by a mask."""
        frame, effects = (table[kept].reset_index(drop=True) for table in (self.frame, self.effects))
        return KnownRows(frame, effects, self.mean[np.asarray(kept)])


def truth_of(seed: int, size: float = 1.0) -> Truth:
    """Cuts, bottom and groups of a seed; the shapes and their sizes are always the same."""
    draw = np.random.default_rng((seed, 3))
    cuts = (float(draw.uniform(0.2, 0.45)), float(draw.uniform(0.6, 0.85)))
    effects = {"six": SIX_EFFECTS, "forty": FORTY_EFFECTS}
    mixed = {name: tuple(draw.permutation(values).tolist()) for name, values in effects.items()}
    shape = Truth(cuts, float(draw.uniform(40, 55)), mixed, size)
    ratio = np.exp(shape.effect(true_columns(draw, LEVEL_ROWS)).sum(axis=1)).mean()
    return replace(shape, level=math.log(RATE / ratio))


def known_rows(truth: Truth, rows: int, seed: Sequence[int], candidates: int = CANDIDATES) -> KnownRows:
    """Rows of a truth, five true factors and noise beside; independent columns, `y` Poisson, `id` a key."""
    draw = np.random.default_rng(seed)
    columns = true_columns(draw, rows)
    effects = truth.effect(columns)
    columns |= {f"n{at}": noise(draw, rows, at) for at in range(candidates - len(TRUE))}
    mean = np.exp(truth.level + effects.sum(axis=1).to_numpy())
    frame = pd.DataFrame({"id": np.arange(rows), **columns, "y": draw.poisson(mean).astype(float)})
    return KnownRows(frame, effects, mean)


def true_columns(draw: np.random.Generator, rows: int) -> dict[str, Any]:
    """The columns that act."""
    return {
        "steps": draw.uniform(size=rows).round(3),
        "slope": np.minimum(draw.gamma(2.0, 5.0, rows), 40).round(1),
        "valley": (18 + 62 * draw.beta(2, 2, rows)).round(1),
        "six": _levels(draw, SIX_SHARES, rows),
        "forty": _levels(draw, FORTY_SHARES, rows),
    }


def candidates_of(frame: pd.DataFrame) -> list[str]:
    """Columns under review."""
    return [name for name in frame if name in TRUE or (name[0] == "n" and name[1:].isdigit())]


def gain(mean: Array, fitted: Array, constant: float) -> float:
    """Poisson deviance of a constant less that of fitted means, expected on rows of these true means.

    The response is in the difference by its mean alone: what is taken out is the luck of the rows that judge.
    """
    return float(2 * (mean * np.log(fitted / constant) - fitted + constant).sum())


def _levels(draw: np.random.Generator, shares: Sequence[float], rows: int) -> Array:
    names = np.array([f"l{at:02}" for at in range(len(shares))], dtype=object)
    return names[draw.choice(len(shares), rows, p=np.array(shares) / sum(shares))]


def _number(names: Any) -> Any:
    return np.array([int(name[1:]) for name in names])
