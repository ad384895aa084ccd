"""Rows whose truth is known and whose spread is not the family's: overdispersed counts, keys with ten rows each."""

from __future__ import annotations

import numpy as np
import pandas as pd

KINDS = ("poisson", "negative binomial", "ten rows a key")
ROWS_OF_A_KEY = 10
FRAILTY = {"poisson": 0.0, "negative binomial": 1.5, "ten rows a key": 1.0}
"""Variance of the factor, of mean 1, that multiplies the mean of a row, or of all rows of a key."""


def shared_keys(
    seed: int, kind: str, rows: int, candidates: int = 4, effect: float = 0.0, mean: float = 0.4
) -> pd.DataFrame:
    """Counts, with the key `id` and candidates that say nothing of them but by `effect`.

    k0, k1, … (numbers and letters in turn) are the same on all rows of a key; r0, r1, … are not. The log of the mean
    is `effect` higher where k0 is above 0, and again where r0 is.
    """
    draw = np.random.default_rng(seed)
    keys = rows // ROWS_OF_A_KEY if kind == "ten rows a key" else rows
    key = np.repeat(np.arange(keys), rows // keys)
    columns: dict[str, object] = {"id": key}
    for at in range(candidates):
        columns[f"k{at}"] = _values(draw, keys, at)[key]
        columns[f"r{at}"] = _values(draw, len(key), at)
    frame = pd.DataFrame(columns)
    log_mean = np.log(mean) + effect * (frame["k0"] > 0) + effect * (frame["r0"] > 0)
    spread = FRAILTY[kind]
    frailty = draw.gamma(1 / spread, spread, keys)[key] if spread else 1.0
    return frame.assign(y=draw.poisson(np.exp(log_mean) * frailty).astype(float))


def _values(draw: np.random.Generator, size: int, at: int) -> np.ndarray:
    if at % 2 == 0:
        return draw.normal(size=size).round(3)
    return np.array(list("abcdefgh"))[draw.integers(0, 8, size)]
