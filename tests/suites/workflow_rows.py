"""Rows for tests of workflows: two columns that matter, others that do not."""

from __future__ import annotations

import numpy as np
import pandas as pd

REAL = ("score", "segment")


def policies(rows: int = 6_000, crossed: float = 0.0) -> pd.DataFrame:
    """Policies whose claims depend on `score` and `segment`; `crossed` is what both together add.

    `noise` and `street` (60 names) say nothing, nor does `gender`.
    """
    random = np.random.default_rng(1)
    score = random.uniform(0, 100, rows).round(1)
    segment = random.choice(["a", "b", "c", "d"], rows, p=[0.4, 0.3, 0.2, 0.1])
    years = random.uniform(0.3, 1.0, rows)
    rate = np.exp(-0.6 + 0.8 * (score > 60) + 0.6 * (segment == "c") + crossed * ((score > 60) & (segment == "b")))
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "claims": random.poisson(rate * years),
            "years": years,
            "score": score,
            "segment": segment,
            "noise": random.normal(size=rows),
            "gender": random.choice(["f", "m"], rows),
            "street": random.choice([f"street {at}" for at in range(60)], rows),
        }
    )
