"""Rows with an infinity among few values and among many, whose rate is its own."""

from __future__ import annotations

import numpy as np
import pandas as pd


def infinite_rows(value: float, share: float, few: bool, rows: int = 6_000) -> pd.DataFrame:
    """Rate .8 where `x` is the value, .2 elsewhere."""
    draw = np.random.default_rng(11)
    x = draw.integers(1, 6, rows).astype(float) if few else draw.uniform(0, 100, rows)
    special = draw.random(rows) < share
    bad = draw.random(rows) < np.where(special, 0.8, 0.2)
    return pd.DataFrame({"id": np.arange(rows), "x": np.where(special, value, x), "bad": bad.astype(float)})
