"""Made rows for the binning benchmarks: numbers only, no package but numpy, so that peers' interpreters read them too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

BIN_PENALTY, SMALL_PENALTY, SMALL_SIZE, FREE_BINS = 0.001, 0.01, 100.0, 8
"""Defaults of glm-factor-optimizer's search."""

TRENDS = ("none", "ascending", "descending", "peak", "valley")
PRE_BINS = (100, 200)
LEAST_SHARE, MOST_BINS = 0.02, 10


@dataclass(frozen=True)
class SearchCase:
    """One of glm-factor-optimizer's five search cases: its trials, its pre-bins (0: a categorical of 60 levels)."""

    name: str
    pre_bins: int
    trials: int


SEARCH_CASES = (
    SearchCase("numeric, 10 pre-bins, 50 trials", 10, 50),
    SearchCase("numeric, 20 pre-bins, 50 trials", 20, 50),
    SearchCase("numeric, 50 pre-bins, 50 trials", 50, 50),
    SearchCase("numeric, 50 pre-bins, 200 trials", 50, 200),
    SearchCase("categorical, 60 levels, 50 trials", 0, 50),
)


def defaults(rows: int, seed: int = 1) -> tuple[Any, Any]:
    """A score and whether the loan defaulted; the rate rises, falls and rises again."""
    draw = np.random.default_rng(seed)
    score = draw.random(rows)
    odds = -2 + 1.2 * np.sin(4 * score) + 0.3 * score
    return score, (draw.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)


def claims(rows: int, seed: int = 2) -> dict[str, Any]:
    """Claim counts with exposure: a number with two steps, a kind of 60 levels; three quarters are training rows."""
    draw = np.random.default_rng(seed)
    # Clipped: a validation value beyond the training range would be "missing" to the peer.
    number, kind = draw.normal(size=rows).clip(-2.5, 2.5), draw.integers(0, 60, rows)
    effects = draw.normal(0, 0.3, 60)
    exposure = draw.uniform(0.3, 1.0, rows)
    shift = 0.25 * (number > 0.4) - 0.2 * (number < -0.7) + effects[kind]
    count = draw.poisson(exposure * np.exp(-1.9 + shift)).astype(float)
    return {"number": number, "kind": kind, "exposure": exposure, "claims": count, "train": 3 * rows // 4}


def kind_names(kind: Any) -> Any:
    return np.array([f"k{at:02}" for at in range(60)])[kind]
