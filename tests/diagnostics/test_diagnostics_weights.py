"""Weights weigh everything: a row of weight two is two rows in every table of every tool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_local.on_pandas import frame_verbs as verbs

ROLES: dict[str, Any] = {"target": "y", "exposure": "e", "weight": "w"}
TOOLS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "aggregate": lambda f: verbs.aggregate_table(f, "g", {"s": ("y", "sum"), "m": ("y", "mean")}, weight="w"),
    "spreads": lambda f: verbs.aggregate_table(
        f, "g", {name: ("m", name) for name in ("std", "var", "median", "min")}, weight="w"
    ),
    "rates": lambda f: verbs.aggregate_rate_table(f, "g", actual="y", exposure="e", weight="w", predicted="m"),
    "by factor": lambda f: verbs.by_factor_report(f, "g", prediction="m", **ROLES),
    "summary": lambda f: verbs.summary(f, prediction="m", **ROLES),
    "calibration": lambda f: verbs.calibration(f, prediction="m", bands=3, **ROLES),
    "lift": lambda f: verbs.lift(f, prediction="m", bands=3, **ROLES),
    "versions": lambda f: verbs.model_version_comparison(f, {"a": "m", "b": "m2"}, family="poisson", **ROLES),
    "double lift": lambda f: verbs.double_lift(f, "m", "m2", bands=3, **ROLES),
    "drift": lambda f: verbs.drift(f, "g", sample="half", reference="x", compared="z", prediction="m", **ROLES).levels,
}
COUNTS_OF_ROWS = ("rows", "pearson_dispersion", "rows_reference", "rows_compared")
"""Rows are rows, whatever they weigh; and a dispersion is per row."""


def tables_agree(here: pd.DataFrame, there: pd.DataFrame) -> None:
    kept = [name for name in here if name not in COUNTS_OF_ROWS]
    pd.testing.assert_frame_equal(here[kept], there[kept], check_exact=False, rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    draw, n = np.random.default_rng(1), 600
    held = pd.DataFrame(
        {
            "g": draw.choice(list("abc"), n),
            "e": draw.uniform(0.2, 1, n),
            "w": draw.integers(1, 5, n).astype(float),
            "half": draw.choice(["x", "z"], n),
            "m": draw.uniform(0.1, 1, n),
            "m2": draw.uniform(0.1, 1, n),
        }
    )
    held["y"] = draw.poisson(held["m"]).astype(float)
    return held


@pytest.mark.parametrize("tool", TOOLS)
def test_a_row_of_weight_two_is_two_rows(tool: str, frame: pd.DataFrame) -> None:
    rows = frame.loc[frame.index.repeat(frame["w"].astype(int))].assign(w=1.0).reset_index(drop=True)
    tables_agree(TOOLS[tool](frame), TOOLS[tool](rows))


@pytest.mark.parametrize("tool", TOOLS)
def test_the_order_of_rows_plays_no_part(tool: str, frame: pd.DataFrame) -> None:
    tables_agree(TOOLS[tool](frame), TOOLS[tool](frame.sample(frac=1, random_state=3)))


@settings(max_examples=25)
@given(st.floats(0.01, 100), st.sampled_from([one for one in TOOLS if one not in ("aggregate", "spreads")]))
def test_the_scale_of_weights_moves_totals_and_no_rate(scale: float, tool: str) -> None:
    draw = np.random.default_rng(7)
    held = pd.DataFrame(
        {
            "g": draw.choice(list("ab"), 80),
            "e": draw.uniform(0.2, 1, 80),
            "w": draw.uniform(0.5, 2, 80),
            "half": ["x", "z"] * 40,
            "m": draw.uniform(0.1, 1, 80),
            "m2": draw.uniform(0.1, 1, 80),
            "y": draw.poisson(0.5, 80).astype(float),
        }
    )
    here, there = TOOLS[tool](held), TOOLS[tool](held.assign(w=held["w"] * scale))
    for name in (
        "actual_rate",
        "predicted_rate",
        "actual_to_predicted",
        "mean_deviance",
        "mae",
        "gini",
        "psi_part",
        "actual_relative",
        "rate_a",
        "share_reference",
        "ae_shift",
    ):
        if name in here:
            assert np.allclose(here[name], there[name], rtol=1e-9, equal_nan=True), name
