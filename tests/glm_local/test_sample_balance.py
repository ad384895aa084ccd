"""A study stops when its samples or folds differ beyond chance, and does not when they differ by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local.errors import DataError
from glm_local.studies import GLMStudy


def rows(seed: int, count: int = 4_000, scale: float = 1.0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "id": np.arange(count), "house": draw.integers(0, count // 8, count),
        "area": draw.choice(["a", "b", "c"], count), "years": draw.uniform(0.1, 1, count),
    })  # fmt: skip
    luck = draw.gamma(2, 0.5, count // 8)[frame["house"]]
    frame["claims"] = draw.poisson(0.2 * luck * frame["years"] * frame["area"].map({"a": 1, "b": 1.5, "c": 2}))
    frame["cost"] = scale * draw.pareto(1.2, count) + scale
    frame["margin"] = draw.normal(0, scale, count)
    return frame


def opened(frame: pd.DataFrame, **asked: Any) -> GLMStudy:
    known: dict[str, Any] = {"target": "claims", "exposure": "years", "key": "id", "candidates": ["area"]}
    study = GLMStudy(frame, name="s", user="u", **{**known, **asked})
    assert sum(study.samples.values()) == len(frame)
    return study


@pytest.mark.parametrize("key", ["claims", ["claims", "area"]])
def test_a_key_that_holds_the_target_stops_the_study(key: Any) -> None:
    with pytest.raises(DataError, match="standard errors apart"):
        opened(rows(1), key=key)


def test_a_key_that_goes_with_the_target_stops_the_study_whatever_divides_samples() -> None:
    frame = rows(2).assign(grade=lambda one: (one["claims"] > 0).map({True: "bad", False: "good"}))
    for split in (None, {"method": "time", "column": "id"}, {"method": "stratified", "key": "grade", "strata": ["area"]}):
        with pytest.raises(DataError, match=r"fold|validation|holdout"):
            opened(frame, key="grade", split=split)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_parts_made_by_chance_never_stop_a_study(seed: int, scale: float) -> None:
    frame = rows(seed, 1_500, scale)
    opened(frame, seed=seed)
    opened(frame, key="house", seed=seed)
    opened(frame, target="cost", exposure=None, family="gamma", seed=seed)
    opened(frame, target="margin", exposure=None, family="gaussian", seed=seed)


def test_samples_by_time_may_differ() -> None:
    frame = rows(3)
    frame["claims"] = np.where(frame["id"] > 3_000, frame["claims"] + 2, frame["claims"])
    study = opened(frame, split={"method": "time", "column": "id"})
    assert study.setup.split.method == "time"
