"""Samples and diagnostics never look at rows: they work on frames that nobody can look into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import diagnostics, sampling
from glm_local.pandas_rows.pandas_engine import PandasEngine
from tests.doubles import OpaqueEngine, opaque

ROLES: dict[str, Any] = {"target": "y", "exposure": "e"}
NEUTRAL: dict[str, Callable[[Any, Any], pd.DataFrame]] = {
    "aggregate_table": lambda engine, frame: diagnostics.aggregate_table(engine, frame, "g", {"y": ("y", "max")}),
    "aggregate_rate_table": lambda engine, frame: diagnostics.aggregate_rate_table(engine, frame, "g", actual="y"),
    "by_factor_report": lambda engine, frame: diagnostics.by_factor_report(engine, frame, "g", prediction="m", **ROLES),
    "summary": lambda engine, frame: diagnostics.summary(engine, frame, prediction="m", **ROLES),
    "lift": lambda engine, frame: diagnostics.lift(engine, frame, prediction="m", **ROLES),
    "calibration": lambda engine, frame: diagnostics.calibration(engine, frame, prediction="m", **ROLES),
    "train_validation_comparison": lambda engine, frame: diagnostics.train_validation_comparison(
        engine, frame, prediction="m", sample="half", **ROLES
    ),
    "model_version_comparison": lambda engine, frame: diagnostics.model_version_comparison(
        engine, frame, {"a": "m", "b": "e"}, family="poisson", **ROLES
    ),
    "double_lift": lambda engine, frame: diagnostics.double_lift(engine, frame, "m", "e", **ROLES),
    "drift": lambda engine, frame: diagnostics.drift(engine, frame, "g", other=frame, exposure="e").levels,
    "draw_sample": lambda engine, frame: sampling.draw_sample(engine, frame, "g", size=40).table,
    "missing_strata": lambda engine, frame: sampling.missing_strata(engine, frame, frame, "g"),
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    draw, n = np.random.default_rng(1), 400
    return pd.DataFrame(
        {
            "g": draw.choice(list("abc"), n),
            "e": draw.uniform(0.2, 1, n),
            "m": draw.uniform(0.1, 1, n),
            "half": draw.choice(["train", "validation"], n),
            "y": draw.poisson(0.4, n).astype(float),
        }
    )


@pytest.mark.parametrize("name", NEUTRAL)
def test_a_locked_frame_gives_the_same_table(name: str, frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(NEUTRAL[name](OpaqueEngine(), opaque(frame)), NEUTRAL[name](PandasEngine(), frame))
