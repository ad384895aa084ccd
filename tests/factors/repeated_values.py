"""Columns of repeated values, the bins they can have at most, and how their quantiles leave no bin empty."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from glm_local.expressions.expression import Read
from glm_local.factors.factors import numeric
from glm_local.factors.learn_factors import learn_factors

COUNTS: dict[str, tuple[tuple[int, ...], int]] = {
    "thirds": ((100, 100, 100), 3),
    "thirds, the middle heavy": ((99, 101, 100), 3),
    "top heavy": ((10, 30, 60), 3),
    "bottom heavy": ((60, 20, 20), 3),
    "two values, the larger more": ((100, 200), 2),
    "fifths": ((7, 7, 7, 7, 7), 5),
    "eighths, uneven": ((9, 11, 10, 10, 12, 8, 10, 11), 8),
    "a mass in the middle": ((10, 10, 60, 10, 10), 3),
}
"""Rows of the values 0, 1, 2 …, and how many bins quantiles for that many allow."""


def repeated() -> tuple[pd.DataFrame, dict[str, int]]:
    """One column per case (short ones end in missing), a weight of two for every row; the bins asked for and had."""
    rows = max(sum(counts) for counts, _ in COUNTS.values())
    columns: dict[str, Any] = {}
    for name, (counts, _) in COUNTS.items():
        values = np.repeat(np.arange(len(counts), dtype=float), counts)
        columns[name] = np.append(values, np.full(rows - len(values), np.nan))
    return pd.DataFrame(columns).assign(w=2.0), {name: bins for name, (_, bins) in COUNTS.items()}


def learned_bins(engine: Any, frame: Any, bins: dict[str, int], weighted: bool) -> dict[str, tuple[float, ...]]:
    """The edges each column learns by quantiles."""
    specs = [
        numeric(name, edges={"method": "quantile", "bins": count}, missing="own_level") for name, count in bins.items()
    ]
    learned: tuple[Any, ...] = learn_factors(engine, frame, specs, Read("w") if weighted else None)
    return {spec.name: spec.learned.edges for spec in learned}
