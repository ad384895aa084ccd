"""Double lift and drift: ties together, weighted, one pass; an index that says its own noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local.diagnostics import double_lift, drift, stability_index
from glm_local.errors import ConfigError, DataError
from glm_local.pandas_rows.pandas_engine import PandasEngine


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    draw, n = np.random.default_rng(8), 20_000
    held = pd.DataFrame({"e": draw.uniform(0.2, 1, n), "w": draw.uniform(0.5, 2, n), "x": draw.normal(size=n)})
    held["truth"] = held["e"] * np.exp(-1 + 0.4 * held["x"])
    held["flat"] = held["e"] * 0.4
    held["y"] = draw.poisson(held["truth"]).astype(float)
    held["sample"] = draw.choice(["train", "validation"], n)
    held["bin"] = [f"bin_{i}" for i in draw.integers(1, 13, n)]
    held["mix"] = np.where(draw.random(n) < np.where(held["sample"] == "train", 0.5, 0.75), "a", "b")
    return held


def test_the_better_of_two_predictions_follows_what_happened(frame: pd.DataFrame) -> None:
    engine = PandasEngine()
    table = double_lift(engine, frame, "flat", "truth", target="y", exposure="e", weight="w")
    assert engine.passes.raw == 1
    assert table["band"].tolist() == list(range(1, 11))
    assert table.attrs["distance"]["all"]["b"] < 0.2 * table.attrs["distance"]["all"]["a"]
    assert table["actual_relative"].is_monotonic_increasing
    w, e, y = (frame[name].to_numpy() for name in ("w", "e", "y"))
    assert table["exposure"].sum() == pytest.approx((w * e).sum())
    assert (table["actual_rate"] * table["exposure"]).sum() == pytest.approx((w * y).sum())
    assert (table["rate_b"] * table["exposure"]).sum() == pytest.approx((w * frame["truth"]).sum())
    assert np.allclose(table["exposure"], (w * e).sum() / 10, rtol=0.02)
    assert "ties stay together" in table.attrs["definition"]


def test_swapping_the_predictions_mirrors_the_table(frame: pd.DataFrame) -> None:
    here = double_lift(PandasEngine(), frame, "flat", "truth", target="y", exposure="e")
    there = double_lift(PandasEngine(), frame, "truth", "flat", target="y", exposure="e").iloc[::-1]
    assert np.allclose(here["actual_relative"], there["actual_relative"], rtol=0.05)
    assert here.attrs["distance"]["all"]["a"] == pytest.approx(there.attrs["distance"]["all"]["b"], rel=0.05)


def test_equal_ratios_are_one_band(frame: pd.DataFrame) -> None:
    three = frame.assign(other=frame["flat"] * np.array([1.0, 1.2, 0.8])[np.arange(len(frame)) % 3])
    table = double_lift(PandasEngine(), three, "flat", "other", target="y", exposure="e")
    assert len(table) == 3
    assert table["lowest"].tolist() == pytest.approx([0.8, 1.0, 1.2], rel=1e-3)
    same = double_lift(PandasEngine(), frame, "flat", "flat", target="y")
    assert len(same) == 1
    assert same["actual_relative"].tolist() == [1.0]


def test_samples_are_told_apart_and_rows_left_out_are_counted(frame: pd.DataFrame) -> None:
    gone = frame.copy()
    gone.loc[:4, "truth"] = np.nan
    gone.loc[5:7, "y"] = np.nan
    table = double_lift(PandasEngine(), gone, "flat", "truth", target="y", sample="sample", bands=5)
    assert table.groupby("sample").size().to_dict() == {"train": 5, "validation": 5}
    assert table.attrs["left_out"] == {
        "a": {"target missing": 3},
        "b": {"target missing": 3, "prediction missing": 5},
    }
    assert table["rows"].sum() == len(frame) - 8


def test_predictions_of_any_sign_are_compared_by_their_difference() -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"y": draw.normal(size=500), "a": draw.normal(size=500), "b": draw.normal(size=500)})
    table = double_lift(PandasEngine(), frame, "a", "b", target="y", family="gaussian", measure="difference", bands=4)
    assert (table["lowest"] <= table["highest"]).all()
    assert table["lowest"].iloc[0] < 0 < table["highest"].iloc[-1]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"bands": 1}, ConfigError, "2 or more"),
        ({"measure": "log"}, ConfigError, "ratio"),
        ({"prediction_b": "trut"}, ConfigError, "Nearest: 'truth'"),
        ({"target": "x"}, DataError, "poisson family does not have"),
    ],
)
def test_a_wrong_double_lift_is_told(
    options: dict[str, Any], error: type[Exception], said: str, frame: pd.DataFrame
) -> None:
    asked = {"prediction_a": "flat", "prediction_b": "truth", "target": "y"} | options
    with pytest.raises(error, match=said):
        double_lift(PandasEngine(), frame, **asked)
    with pytest.raises(DataError, match="No row has both"):
        double_lift(PandasEngine(), frame.assign(truth=np.nan), "flat", "truth", target="y")


def test_the_index_is_the_sum_over_levels_of_share_differences_times_log_ratios() -> None:
    p, q = np.array([50.0, 30, 20]), np.array([200.0, 150, 150])
    index = stability_index(p, q, (100.0, 500.0))
    a, b = p / 100, q / 500
    assert index.value == pytest.approx(((b - a) * np.log(b / a)).sum())
    assert index.scale == pytest.approx(1 / 100 + 1 / 500)
    back = stability_index(q, p, (500.0, 100.0))
    assert back.value == pytest.approx(index.value)
    assert stability_index(p, 3 * p, (100.0, 300.0)).value == pytest.approx(0, abs=1e-15)


def test_a_level_that_one_sample_lacks_has_the_share_of_half_a_row_there() -> None:
    index = stability_index(np.array([100.0, 0, 0]), np.array([90.0, 10, 0]), (100.0, 100.0))
    expected = (0.9 - 1) * np.log(0.9) + (0.1 - 0.005) * np.log(0.1 / 0.005)
    assert index.value == pytest.approx(expected)
    assert index.levels == 2


def test_without_drift_the_index_passes_its_noise_level_in_one_of_twenty_samples() -> None:
    draw, shares = np.random.default_rng(4), np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    beyond, chances = 0, []
    for _ in range(1_000):
        first, second = draw.multinomial(2_000, shares).astype(float), draw.multinomial(1_000, shares).astype(float)
        index = stability_index(first, second, (2_000.0, 1_000.0))
        beyond += index.value > index.noise_level
        chances.append(index.p_value)
    assert 30 <= beyond <= 72
    assert np.quantile(chances, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.06)


def test_drift_finds_the_factor_that_moved_in_one_pass(frame: pd.DataFrame) -> None:
    engine = PandasEngine()
    roles: dict[str, Any] = {"target": "y", "prediction": "truth", "exposure": "e", "weight": "w"}
    found = drift(engine, frame, ["bin", "mix"], sample="sample", **roles)
    assert engine.passes.raw == 1
    assert found.table["factor"].tolist() == ["mix", "bin"]
    assert found.table["verdict"].tolist() == ["shift", "stable"]
    levels = found.levels[found.levels["factor"] == "bin"]
    assert levels["level"].tolist() == [f"bin_{i}" for i in range(1, 13)]
    train = frame[frame["sample"] == "train"]
    volume = (train["w"] * train["e"]).groupby(train["mix"]).sum()
    mix = found.levels[found.levels["factor"] == "mix"].set_index("level")
    assert np.allclose(mix["share_reference"], volume / volume.sum())
    ae = (train["w"] * train["y"]).groupby(train["mix"]).sum() / (train["w"] * train["truth"]).groupby(
        train["mix"]
    ).sum()
    assert np.allclose(mix["ae_reference"], ae)
    assert np.allclose(mix["ae_shift"], mix["ae_compared"] / mix["ae_reference"])
    assert "half an average row" in found.definition


def test_two_frames_are_compared_as_two_samples_are(frame: pd.DataFrame) -> None:
    parts = dict(list(frame.groupby("sample")))
    engine = PandasEngine()
    there = drift(engine, parts["train"], ["bin", "mix"], other=parts["validation"], exposure="e")
    assert engine.passes.raw == 2
    here = drift(engine, frame, ["bin", "mix"], sample="sample", exposure="e")
    pd.testing.assert_frame_equal(here.levels, there.levels)
    pd.testing.assert_frame_equal(here.table, there.table)


def test_a_factor_learns_its_bins_from_the_reference(frame: pd.DataFrame) -> None:
    spec = {
        "kind": "numeric",
        "name": "x",
        "column": "x",
        "edges": {"method": "quantile", "bins": 4},
        "missing": "refuse",
    }
    moved = frame.assign(x=np.where(frame["sample"] == "train", frame["x"], frame["x"] + 1))
    found = drift(PandasEngine(), moved, spec, sample="sample")
    assert found.levels["share_reference"].tolist()[:4] == pytest.approx([0.25] * 4, abs=1e-3)
    assert found.table["verdict"].tolist() == ["shift"]


def test_levels_are_natural_and_missing_is_one(frame: pd.DataFrame) -> None:
    years = frame.assign(year=pd.array([None if i % 4 == 0 else 8 + i % 4 for i in range(len(frame))], "Int64"))
    found = drift(PandasEngine(), years, {"year": "year"}, sample="sample")
    assert found.levels["level"].tolist() == ["9", "10", "11", "(missing)"]
    gone = years.assign(e=np.where(years.index < 10, np.nan, years["e"]))
    left = drift(PandasEngine(), gone, "year", sample="sample", exposure="e").left_out
    assert sum(left.values()) == 10


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({}, ConfigError, "two samples"),
        ({"sample": "sample", "other": pd.DataFrame()}, ConfigError, "two samples"),
        ({"sample": "sample", "compared": "holdout"}, DataError, "'holdout' has no row"),
        ({"sample": "smaple"}, ConfigError, "Nearest: 'sample'"),
        ({"sample": "sample", "factors": "x"}, ConfigError, "at most 400 levels"),
        ({"sample": "sample", "factors": "bim"}, ConfigError, "Nearest: 'bin'"),
    ],
)
def test_a_wrong_drift_is_told(options: dict[str, Any], error: type[Exception], said: str, frame: pd.DataFrame) -> None:
    with pytest.raises(error, match=said):
        drift(PandasEngine(), frame, **({"factors": "bin"} | options))
