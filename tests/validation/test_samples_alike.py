"""A study stops when its samples or folds differ beyond chance, and does not when they differ by it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local.errors import ConfigError, DataError
from glm_local.on_pandas.studies import GLMStudy


def rows(seed: int, count: int = 4_000, scale: float = 1.0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": np.arange(count),
            "house": draw.integers(0, count // 8, count),
            "area": draw.choice(["a", "b", "c"], count),
            "years": draw.uniform(0.1, 1, count),
        }
    )
    luck = draw.gamma(2, 0.5, count // 8)[frame["house"]]
    frame["claims"] = draw.poisson(0.2 * luck * frame["years"] * frame["area"].map({"a": 1, "b": 1.5, "c": 2}))
    frame["cost"] = scale * draw.pareto(1.2, count) + scale
    frame["margin"] = draw.normal(0, scale, count)
    return frame


def opened(frame: pd.DataFrame, **asked: Any) -> GLMStudy:
    known: dict[str, Any] = {"target": "claims", "exposure": "years", "key": "id", "candidates": ["area"]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study = GLMStudy(frame, name="s", user="u", **{**known, **asked})
        assert sum(study.samples.values()) == len(frame)
    return study


@pytest.mark.parametrize("key", ["claims", ["claims", "area"], "years"])
def test_a_key_that_holds_a_role_is_refused(key: Any) -> None:
    with pytest.raises(ConfigError, match="the key holds"):
        opened(rows(1), key=key)


@pytest.mark.parametrize("more", [["grade"], ["grade", "area"], ["area", "grade", "level"]])
def test_a_key_that_goes_with_the_target_stops_the_study_whatever_divides_samples(more: list[str]) -> None:
    frame = rows(2).assign(grade=lambda one: (one["claims"] > 0).map({True: "bad", False: "good"}))
    frame["level"] = frame["id"] % 10
    by_key = {"method": "stratified", "key": more, "strata": ["area"]}
    by_time = {"method": "time", "column": "id"}
    for split in (None, by_key, *([by_time] if len(more) < 3 else [])):
        with pytest.raises(DataError, match=r"samples are not alike|fold . has no row"):
            opened(frame, key=more, split=split)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_parts_made_by_chance_never_stop_a_study(seed: int, scale: float) -> None:
    frame = rows(seed, 1_500, scale)
    opened(frame, seed=seed)
    opened(frame, key="house", seed=seed)
    opened(frame, target="cost", exposure=None, family="gamma", seed=seed)
    opened(frame, target="margin", exposure=None, family="gaussian", seed=seed)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("keys", "spread"), [(60, 0.5), (150, 0.6), (400, 1.0), (2_000, 1.5)])
def test_rows_that_share_a_key_and_its_luck_never_stop_a_study(seed: int, keys: int, spread: float) -> None:
    draw = np.random.default_rng(1_000 * keys + seed)
    frame = pd.DataFrame({"fleet": draw.integers(0, keys, 20 * keys), "area": draw.choice(["a", "b"], 20 * keys)})
    frame["claims"] = draw.poisson(0.3 * np.exp(draw.normal(0, spread, keys))[frame["fleet"]])
    opened(frame, key="fleet", exposure=None, seed=seed)
    same = frame.assign(claims=frame.groupby("fleet")["claims"].transform("first"))
    if keys >= 400:
        opened(same, key="fleet", exposure=None, seed=seed)


@pytest.mark.parametrize("seed", range(10))
def test_samples_of_few_rows_never_stop_a_study(seed: int) -> None:
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": np.arange(40), "area": draw.choice(["a", "b"], 40), "bad": draw.random(40) < 0.3})
    study = opened(frame, target="bad", exposure=None, family="binomial", seed=seed, folds=2)
    assert study.samples["train"] > 10


def test_samples_by_time_may_differ_and_the_study_says_so() -> None:
    frame = rows(3)
    frame["claims"] = np.where(frame["id"] > 3_000, frame["claims"] + 2, frame["claims"])
    study = GLMStudy(
        frame,
        name="s",
        user="u",
        target="claims",
        exposure="years",
        key="id",
        candidates=["area"],
        split={"method": "time", "column": "id"},
    )
    with pytest.warns(UserWarning, match="samples are not alike: train has a mean target"):
        samples = study.samples
    assert samples["holdout"] == 800
    with pytest.raises(DataError, match="samples are not alike"):
        opened(frame, split={"method": "time", "column": "id", "on_unlike": "error"})
