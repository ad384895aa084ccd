"""Stratified samples: exact sizes, weights that restore the rows, the same rows for any order; strata left out."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_local.errors import ConfigError, DataError, EngineError
from glm_local.on_pandas.frame_verbs import missing_strata, stratified_sample
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.sampling import draw_sample
from glm_local.sampling import missing_strata as neutral_missing_strata
from glm_local.sampling import stratified as room


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    draw, n = np.random.default_rng(3), 6_000
    return pd.DataFrame(
        {
            "policy": np.arange(n),
            "holder": draw.integers(0, 900, n),
            "x": draw.normal(size=n),
            "area": draw.choice(["n", "s", None, "ü"], n, p=[0.6, 0.3, 0.05, 0.05]),
            "year": draw.integers(2019, 2022, n),
            "young": draw.random(n) < 0.1,
            "rate": draw.choice([0.1, 0.25, np.nan], n),
        }
    )


def sizes(sample: pd.DataFrame, by: str | list[str]) -> dict[object, int]:
    return sample.groupby(by, dropna=False).size().to_dict()


def test_the_predecessors_fixture_is_met_without_and_with_a_key() -> None:
    plain = pd.DataFrame({"group": ["a"] * 10 + ["b"] * 20 + ["c"] * 30, "row": range(60)})
    for key in (None, "row", ["row", "group"]):
        sample = stratified_sample(plain, "group", size=12, min_per_stratum=2, key=key)
        assert sizes(sample, "group") == {"a": 3, "b": 4, "c": 5}
        assert sample.groupby("group")["sample_weight"].sum().tolist() == pytest.approx([10, 20, 30])


def test_rows_that_are_all_alike_are_divided_to_the_row() -> None:
    alike = pd.DataFrame({"group": ["a"] * 10 + ["b"] * 20 + ["c"] * 30, "x": 1.0})
    sample = stratified_sample(alike, "group", size=12, min_per_stratum=2)
    assert sizes(sample, "group") == {"a": 3, "b": 4, "c": 5}
    assert list(sample.columns) == ["group", "x", "sample_weight"]


@pytest.mark.parametrize("strata", ["area", "year", "young", "rate", ["area", "year"], ["young", "rate", "area"], []])
def test_every_stratum_gives_what_it_is_asked_and_weights_restore_its_rows(
    frame: pd.DataFrame, strata: str | list[str]
) -> None:
    by = [strata] if isinstance(strata, str) else strata
    sample = stratified_sample(frame, strata, fraction=0.07, min_per_stratum=3, key="policy")
    keys = by or [lambda _: 0]
    held = frame.groupby(keys, dropna=False).size()
    drawn = sample.groupby(keys, dropna=False)
    pd.testing.assert_series_equal(drawn["sample_weight"].sum(), held.astype(float), check_names=False)
    asked = np.minimum(np.maximum(np.ceil(held * 0.07 - 1e-9), 3), held)
    assert (drawn.size() == asked).all()


def test_the_sample_does_not_depend_on_the_order_of_rows(frame: pd.DataFrame) -> None:
    mixed = frame.sample(frac=1, random_state=1)
    for key in ("policy", "holder", None):
        here = stratified_sample(frame, "area", size=300, key=key)
        there = stratified_sample(mixed, "area", size=300, key=key)
        pd.testing.assert_frame_equal(there.sort_values("policy"), here)


def test_columns_that_come_later_do_not_change_what_a_key_draws(frame: pd.DataFrame) -> None:
    here = stratified_sample(frame, "area", size=300, key="policy")
    there = stratified_sample(frame.assign(more=1.5), "area", size=300, key="policy")
    assert here["policy"].tolist() == there["policy"].tolist()


def test_seeds_draw_independently(frame: pd.DataFrame) -> None:
    first, second = (
        set(stratified_sample(frame, [], size=1_200, key="policy", seed=seed)["policy"]) for seed in (0, 1)
    )
    assert len(first & second) == pytest.approx(240, abs=60)


def test_a_seed_of_zero_is_a_seed(frame: pd.DataFrame) -> None:
    zero, usual, other = (
        stratified_sample(frame, "area", size=100, key="policy", **one)["policy"].tolist()  # type: ignore[arg-type]
        for one in ({"seed": 0}, {}, {"seed": 42})
    )
    assert zero == usual != other


def test_no_column_moves_the_draw_when_rows_are_drawn_by_all_they_hold(frame: pd.DataFrame) -> None:
    sample = stratified_sample(frame, [], size=2_000)
    for column in ("young", "year", "area"):
        shares = frame[column].value_counts(normalize=True, dropna=False)
        found = sample[column].value_counts(normalize=True, dropna=False)
        assert np.abs(shares - found.reindex(shares.index)).max() < 0.04
    assert abs(sample["x"].mean() - frame["x"].mean()) < 0.07


def test_equal_keys_are_drawn_together_and_weights_still_restore_the_rows(frame: pd.DataFrame) -> None:
    sample = stratified_sample(frame, "young", size=1_000, key="holder")
    for young, drawn in sample.groupby("young"):
        held = frame[frame["young"] == young]
        assert len(held[held["holder"].isin(drawn["holder"])]) == len(drawn)
        assert drawn["sample_weight"].sum() == pytest.approx(len(held))
    assert len(sample) == pytest.approx(1_000, abs=20)


def test_a_key_that_one_stratum_shares_is_drawn_whole_rather_than_not_at_all() -> None:
    one = pd.DataFrame({"group": ["a"] * 50 + ["b"] * 50, "key": ["same"] * 50 + [str(i) for i in range(50)]})
    sample = stratified_sample(one, "group", size=10, key="key")
    assert sizes(sample, "group") == {"a": 50, "b": 5}
    assert sample.groupby("group")["sample_weight"].sum().tolist() == pytest.approx([50, 50])


def test_many_keys_take_two_passes_and_draw_the_same_rows(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"size": 500, "key": "policy", "min_per_stratum": 2}
    one, two = PandasEngine(), PandasEngine()
    here = draw_sample(one, frame, "area", **asked)  # type: ignore[arg-type]
    monkeypatch.setattr(room, "MOST_KEYS_AT_ONCE", 100)
    there = draw_sample(two, frame, "area", **asked)  # type: ignore[arg-type]
    assert (one.passes.raw, two.passes.raw) == (1, 2)
    pd.testing.assert_frame_equal(here.marked, there.marked)
    pd.testing.assert_frame_equal(here.table, there.table)
    for key in (None, "holder"):
        small = draw_sample(two, frame, "area", size=500, key=key)
        monkeypatch.setattr(room, "MOST_KEYS_AT_ONCE", 50_000)
        pd.testing.assert_frame_equal(draw_sample(one, frame, "area", size=500, key=key).table, small.table)
        monkeypatch.setattr(room, "MOST_KEYS_AT_ONCE", 100)


def test_too_many_strata_are_named_as_the_cause(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_KEYS_AT_ONCE", 100)
    monkeypatch.setattr(room, "MOST_CELLS", 200)
    with pytest.raises(EngineError, match="too many strata"):
        stratified_sample(frame, "holder", size=5_000, key="policy")


def test_columns_may_have_any_name() -> None:
    odd = pd.DataFrame({"coarse": list("aabb") * 5, "fine": list("abab") * 5, "a.b": range(20)})
    sample = stratified_sample(odd, ["coarse", "fine"], size=8)
    assert sizes(sample, ["coarse", "fine"]) == {("a", "a"): 2, ("a", "b"): 2, ("b", "a"): 2, ("b", "b"): 2}
    with pytest.raises(ConfigError, match="named 'rows'"):
        missing_strata(odd.rename(columns={"fine": "rows"}), odd.rename(columns={"fine": "rows"}), "rows")


def test_anything_that_is_a_table_can_be_drawn_from(frame: pd.DataFrame, tmp_path: Path) -> None:
    plain = frame[["policy", "year", "x"]]
    path = tmp_path / "rows.parquet"
    plain.to_parquet(path)
    here = stratified_sample(plain, "year", size=60)
    assert stratified_sample(path, "year", size=60)["policy"].tolist() == here["policy"].tolist()
    assert missing_strata(path, here, "year").empty


def test_more_combinations_than_can_be_numbered_are_told() -> None:
    wide = pd.DataFrame({f"c{i}": np.arange(2_000) for i in range(6)})
    with pytest.raises(ConfigError, match=r"2\^62 ways"):
        stratified_sample(wide, list(wide.columns), size=2_000)


def test_missing_is_a_stratum_and_zero_may_leave_one_out(frame: pd.DataFrame) -> None:
    assert stratified_sample(frame, "area", size=50, key="policy")["area"].isna().any()
    few = stratified_sample(frame, "area", size=2, min_per_stratum=0, key="policy")
    assert len(few) == 2


def test_an_empty_table_gives_an_empty_sample(frame: pd.DataFrame) -> None:
    sample = stratified_sample(frame.head(0), "area", size=5)
    assert len(sample) == 0
    assert "sample_weight" in sample


def test_every_kind_of_column_can_be_drawn_by() -> None:
    kinds = pd.DataFrame(
        {
            "day": pd.Series([datetime.date(2024, 1, d) for d in range(1, 21)], dtype="date32[day][pyarrow]"),
            "at": pd.date_range("2024-01-01", periods=20, freq="h"),
            "huge": [1e300] * 10 + [-1e300] * 10,
            "tiny": np.arange(20) * 1e-9,
            "infinite": [np.inf, -np.inf] * 10,
            "whole": pd.array([None, *range(19)], "Int64"),
            "list": [[1]] * 20,
        }
    )
    for key in (None, "day", "whole"):
        assert len(stratified_sample(kinds, "at", size=7, key=key)) == 7
    with pytest.raises(DataError, match="unsupported"):
        stratified_sample(kinds, "list", size=7)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "a size or a fraction"),
        ({"size": 5, "fraction": 0.5}, "a size or a fraction"),
        ({"size": 0}, "whole number of rows"),
        ({"size": 2.5}, "whole number"),
        ({"fraction": 1.5}, "above 0 and at most 1"),
        ({"size": 5, "min_per_stratum": -1}, "whole number"),
        ({"size": 5, "seed": None}, "seed"),
        ({"size": 5, "weight_column": "x"}, "already"),
        ({"size": 5, "key": "polizy"}, "Nearest: 'policy'"),
        ({"size": 5, "key": "x"}, "hash the same text"),
        ({"size": 5, "key": []}, "key is one or more columns"),
        ({"size": 2}, "strata with at least"),
    ],
)
def test_a_wrong_argument_is_told_with_the_way_out(options: dict[str, object], said: str, frame: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match=said):
        stratified_sample(frame, "area", **options)  # type: ignore[arg-type]


def test_a_stratum_column_that_is_not_there_is_told_with_the_nearest(frame: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match="Nearest: 'area'"):
        stratified_sample(frame, "aera", size=5)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 40)), min_size=1, max_size=120),
    st.integers(0, 4),
    st.data(),
)
def test_weights_add_up_to_the_rows_of_every_stratum(
    rows: list[tuple[str, int]], least: int, data: st.DataObject
) -> None:
    table = pd.DataFrame(rows, columns=["group", "value"])
    held = table.groupby("group").size()
    needed = int(np.minimum(held, least).sum())
    size = data.draw(st.integers(max(needed, 1), len(table)))
    sample = stratified_sample(table, "group", size=size, min_per_stratum=least, seed=data.draw(st.integers(-5, 5)))
    assert len(sample) == size
    weights = sample.groupby("group")["sample_weight"].sum()
    assert np.allclose(weights, held.loc[weights.index])
    together = stratified_sample(table, "group", size=size, min_per_stratum=least, key="value")
    weights = together.groupby("group")["sample_weight"].sum()
    assert np.allclose(weights, held.loc[weights.index])


def test_strata_that_a_sample_has_no_row_of_are_listed_with_their_rows(frame: pd.DataFrame) -> None:
    sample = frame[(frame["area"] != "ü") & (frame["year"] != 2020)]
    engine = PandasEngine()
    missing = neutral_missing_strata(engine, frame, sample, ["area", "year"])
    assert engine.passes.raw == 2
    assert list(missing.columns) == ["area", "year", "rows"]
    absent = {(area, year) for area in ("n", "s", None) for year in (2020,)} | {("ü", y) for y in (2019, 2020, 2021)}
    assert set(zip(missing["area"], missing["year"], strict=True)) == absent
    held = frame.groupby(["area", "year"], dropna=False).size()
    assert missing.set_index(["area", "year"])["rows"]["n", 2020] == held["n", 2020]
    assert missing_strata(frame, frame, "area").empty


def test_a_stratified_sample_misses_no_stratum(frame: pd.DataFrame) -> None:
    sample = stratified_sample(frame, ["area", "year"], size=60, key="policy")
    assert missing_strata(frame, sample, ["area", "year"]).empty
