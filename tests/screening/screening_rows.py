"""Small studies to screen: rows with known truths, packed on any engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from glm_local.candidates.open_rows import open_rows
from glm_local.candidates.study_rows import StudyRows
from glm_local.factors.factor_spec import FactorSpec
from glm_local.glm.request import FitRequest
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.rows.engine import Engine
from glm_local.validation.split import Split

ALL_TRAIN = (1.0, 0.0, 0.0)


def study_rows(
    frame: Any,
    candidates: Sequence[Any],
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    engine: Engine[Any] | None = None,
    folds: int = 5,
    **roles: Any,
) -> StudyRows[Any]:
    """Rows of a frame with a column `id`, split by it."""
    split = Split("hash", fractions, key=("id",))
    request = FitRequest(**{"target": "y", "factors": (), **roles})
    return open_rows(engine or PandasEngine(), frame, request, candidates, split, ("id",), folds=folds)[0]


def every_level(rows: StudyRows[Any], name: str, groups: int | None = None) -> FactorSpec:
    """A factor with every fine code a level, or with so many runs of them."""
    candidate = rows.candidates[name]
    codes = np.arange(candidate.ordered)
    parts = codes[:, None] if groups is None else np.array_split(codes, groups)
    return candidate.spec([part.tolist() for part in parts])


def claims(rows: int, seed: int, effect: float = 0.0) -> pd.DataFrame:
    """Counts by two model factors; `strong` acts with `effect`, the others say nothing new.

    `near` follows the model factor `area` closely, `gaps` has missing values, `many` has 400 thin categories.
    """
    draw = np.random.default_rng(seed)
    area, age = draw.integers(0, 5, rows), draw.normal(size=rows)
    frame = pd.DataFrame(
        {
            "id": np.arange(rows),
            "area": [f"area {one}" for one in area],
            "age": age,
            "exposure": draw.uniform(0.1, 1, rows),
            "strong": draw.choice(list("abc"), rows),
            "near": np.clip(area + draw.integers(-1, 3, rows), 0, 6),
            "wave": draw.normal(size=rows) + 0.8 * age,
            "gaps": np.where(draw.random(rows) < 0.1, np.nan, draw.normal(size=rows)),
            "group": draw.choice(list("uvwxyz"), rows, p=[0.5, 0.2, 0.15, 0.1, 0.04, 0.01]),
            "many": [f"m{one}" for one in draw.integers(0, 400, rows)],
        }
    )
    rate = np.exp(-1 + 0.15 * area + 0.2 * np.tanh(age) + effect * (frame["strong"] == "c"))
    return frame.assign(y=draw.poisson(frame["exposure"] * rate).astype(float), rate=rate)
