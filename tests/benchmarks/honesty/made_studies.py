"""Rows with a known truth: thin candidates, planted pairs, pairs with thin cells."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from glm_local.candidates.open_rows import open_rows
from glm_local.candidates.study_rows import StudyRows
from glm_local.glm.request import FitRequest
from glm_local.on_pandas.studies import GLMStudy
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.validation.split import Split

Family = Literal["poisson", "binomial"]
LEVELS = 6


def packed(frame: pd.DataFrame, candidates: list[str], family: str = "poisson") -> StudyRows[Any]:
    """A frame with a row id as a study's packed rows, all of them training rows."""
    split = Split("hash", (1.0, 0.0, 0.0), key=("id",))
    request = FitRequest(target="y", factors=(), family=family)
    return open_rows(PandasEngine(), frame, request, candidates, split, ("id",))[0]


def responses(draw: np.random.Generator, family: Family, mean: Any) -> Any:
    """Counts or flags of some means."""
    return (draw.poisson(mean) if family == "poisson" else draw.random(len(mean)) < np.minimum(mean, 1)).astype(float)


def thin_candidate(seed: int, events: float, slope: float, rows: int = 4_000) -> pd.DataFrame:
    """Counts with so many events in all; the log of the rate rises with a normal candidate."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=rows)
    rate = np.exp(slope * x - slope**2 / 2) * events / rows
    return pd.DataFrame({"id": np.arange(rows), "x": x, "y": draw.poisson(rate).astype(float)})


def planted_pair(seed: int, effect: float, events: float = 1_900, rows: int = 20_000) -> pd.DataFrame:
    """Two normal candidates that act by the product of their signs alone: neither has an effect of its own."""
    draw = np.random.default_rng(seed)
    x, z = draw.normal(size=(2, rows))
    rate = np.exp(effect * np.sign(x) * np.sign(z)) / np.cosh(effect) * events / rows
    return pd.DataFrame({"id": np.arange(rows), "x": x, "z": z, "y": draw.poisson(rate).astype(float)})


def thin_cells(seed: int, family: Family, effect: float = 0.0, rows: int = 12_000) -> pd.DataFrame:
    """Two factors of six levels; one combination has 15 rows, and where `effect` is 0 nothing acts.

    The effect is plus or minus by the product of the levels' signs: neither factor has one of its own.
    """
    draw = np.random.default_rng(seed)
    a, b = (draw.choice(LEVELS, rows, p=[0.28, 0.2, 0.16, 0.14, 0.12, 0.1]) for _ in range(2))
    both = (a == 4) & (b == 2)
    a = np.where(both & (np.cumsum(both) > 15), 0, a)
    signs = np.array([1, -1, 1, -1, 1, -1])
    mean = 0.08 * np.exp(effect * signs[a] * signs[b])
    names = pd.Series([f"a{at}" for at in range(LEVELS)]), pd.Series([f"b{at}" for at in range(LEVELS)])
    columns = {"a": names[0].to_numpy()[a], "b": names[1].to_numpy()[b], "y": responses(draw, family, mean)}
    return pd.DataFrame({"id": np.arange(rows), **columns})


def level_factor(name: str) -> dict[str, Any]:
    """Every value a level."""
    return {"kind": "categorical", "name": name, "column": name, "missing": "base", "unseen": "base"}


def study_of(frame: pd.DataFrame, family: Family) -> GLMStudy:
    """A study with both factors accepted, all values as levels."""
    study = GLMStudy(frame, target="y", family=family, key="id", user="ann", name="made", candidates=["a", "b"])
    for name in ("a", "b"):
        study.accept(name, level_factor(name), "made")
    return study


def joint_frame(seed: int, rows: int = 12_000) -> pd.DataFrame:
    """Counts of two factors that act, each and together."""
    draw = np.random.default_rng(seed)
    a, b = draw.choice(list("pqr"), rows), draw.choice(list("uvw"), rows)
    eta = -1.5 + 0.6 * (a == "q") + 0.5 * (b == "v") + 0.8 * ((a == "q") & (b == "v"))
    return pd.DataFrame({"id": np.arange(rows), "a": a, "b": b, "y": draw.poisson(np.exp(eta)).astype(float)})
