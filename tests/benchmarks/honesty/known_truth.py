"""Rows whose truth is known: some factors act, the others are noise of every kind."""

from __future__ import annotations

import numpy as np
import pandas as pd

FAMILIES = ("poisson", "binomial", "gamma", "tweedie")


def rows_of(
    rows: int, seed: int, true: int = 5, candidates: int = 20, family: str = "poisson", size: float = 0.25
) -> pd.DataFrame:
    """`true` factors t0, t1, … (steps of a number, or groups of six levels), noise n0, n1, … for the rest.

    Noise is a number, a category of 5 or of 40 levels, or a whole number of 12 values.
    """
    draw = np.random.default_rng(seed)
    columns: dict[str, object] = {"id": np.arange(rows)}
    effect = np.zeros(rows)
    for at in range(true):
        if at % 2 == 0:
            value = draw.uniform(size=rows)
            columns[f"t{at}"] = value.round(3)
            effect += size * (value > 0.3 + 0.1 * at)
        else:
            group = draw.integers(0, 6, rows)
            columns[f"t{at}"] = [f"l{one}" for one in group]
            effect += size * (group > 3)
    for at in range(candidates - true):
        columns[f"n{at}"] = noise(draw, rows, at)
    return pd.DataFrame(columns).assign(y=responses(draw, effect, family))


def noise(draw: np.random.Generator, rows: int, at: int) -> object:
    """A column that says nothing."""
    if at % 3 == 0:
        return draw.normal(size=rows).round(3)
    if at % 3 == 1:
        return [f"c{one}" for one in draw.integers(0, (5, 40)[at % 2], rows)]
    return draw.integers(0, 12, rows)


def responses(draw: np.random.Generator, effect: np.ndarray, family: str) -> np.ndarray:
    """Responses of a family with an effect on its usual scale (log, for binomial logit at about 3 %)."""
    if family == "binomial":
        return (draw.random(len(effect)) < 1 / (1 + np.exp(3.5 - effect))).astype(float)
    if family == "gamma":
        return draw.gamma(1.5, np.exp(effect) / 1.5)
    counts = draw.poisson(np.exp(effect - 1.6))
    if family == "poisson":
        return counts.astype(float)
    return np.array([draw.gamma(2.0, 0.5, one).sum() for one in counts])
