"""The rows, the job and the study of `written_before`: small, by a seeded generator, the same for every version."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

JOB = """[job]
name = "tariff"
study = "tariff"
seed = 7

[data]
path = "policies.csv"

[roles]
target = "claims"
exposure = "exposure"
key = "policy"

[split]
method = "hash"
fractions = { train = 0.7, holdout = 0.3 }

[model]
family = "poisson"

[[factors]]
kind = "numeric"
name = "age"
column = "age"
source = "integer"
edges = [27]
missing = "refuse"

[[factors]]
kind = "categorical"
name = "area"
column = "area"
missing = "refuse"
unseen = "base"
base = { level = "A" }

[[factors]]
kind = "linear"
name = "value"
column = "value"
centre = "mean"
scale = "sd"
missing = "mean"

[report]
bands = 2

[output]
directory = "artifacts"
"""

AREA: dict[str, Any] = {
    "kind": "categorical",
    "name": "area",
    "column": "area",
    "missing": "base",
    "unseen": "base",
    "levels": [{"level": "low", "values": ["A", "B"]}, "C"],
}


def policies(rows: int = 400) -> pd.DataFrame:
    """Claim counts with exposure: the young and area C have more, value is missing here and there."""
    draw = np.random.default_rng(7)
    age, area = draw.integers(18, 80, rows), draw.choice(["A", "B", "C"], rows, p=[0.5, 0.3, 0.2])
    exposure, value = draw.uniform(0.2, 1.0, rows).round(3), draw.choice([5.0, 10.0, 20.0, 40.0], rows)
    claims = draw.poisson(exposure * np.exp(-0.5 + 0.9 * (age < 28) + 0.8 * (area == "C")))
    value[::37] = np.nan
    return pd.DataFrame(
        {"policy": np.arange(rows), "claims": claims, "exposure": exposure, "age": age, "area": area, "value": value}
    )
