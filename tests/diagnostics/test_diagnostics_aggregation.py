"""Aggregate and rate tables: every function, weights everywhere, missing is never 0, groups in their own order."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local.diagnostics import aggregate_rate_table, aggregate_table, aggregation
from glm_local.errors import ConfigError, DataError, EngineError, SpecError
from glm_local.expressions.expression import Arithmetic, Compare, Literal, Read
from glm_local.pandas_rows.pandas_engine import PandasEngine

AGE: dict[str, Any] = {
    "kind": "numeric",
    "name": "age band",
    "column": "age",
    "edges": [25, 40, 60],
    "missing": "own_level",
    "labels": ["young", "mid", "late", "old"],
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    draw, n = np.random.default_rng(5), 3_000
    held = pd.DataFrame(
        {
            "bin": [f"bin_{i}" for i in draw.integers(1, 13, n)],
            "area": draw.choice(["n", "s", None], n),
            "age": draw.choice([18.0, 25, 33, 50, 70, np.nan], n),
            "y": draw.poisson(0.4, n).astype(float),
            "e": draw.uniform(0.1, 1, n),
            "w": draw.uniform(0.5, 2, n),
            "year": draw.integers(2019, 2022, n),
        }
    )
    held["m"] = 0.4 * held["e"]
    held.loc[draw.random(n) < 0.05, "y"] = np.nan
    return held


def table_of(frame: pd.DataFrame, by: Any, sums: Any, **options: Any) -> pd.DataFrame:
    return aggregate_table(PandasEngine(), frame, by, sums, **options)


def test_sums_means_counts_and_extremes_are_those_of_pandas_in_one_pass(frame: pd.DataFrame) -> None:
    engine = PandasEngine()
    asked = {
        "total": ("y", "sum"),
        "average": ("y", "mean"),
        "there": ("y", "count"),
        "least": ("y", "min"),
        "most": ("y", "max"),
        "values": ("y", "count_distinct"),
    }
    found = aggregate_table(engine, frame, ["area", "year"], asked)
    assert engine.passes.raw == 1
    groups = frame.groupby(["area", "year"], dropna=False)["y"]
    expected = groups.agg(["size", "sum", "mean", "count", "min", "max", "nunique"]).reset_index()
    assert found["area"].tolist() == ["n"] * 3 + ["s"] * 3 + [None] * 3
    assert found["year"].tolist() == [2019, 2020, 2021] * 3
    np.testing.assert_allclose(found.iloc[:, 2:].to_numpy(float), expected.iloc[:, 2:].to_numpy(float))


SPREADS = {name: ("y", name) for name in ("size", "std", "var", "median", "first", "last")}


def test_sizes_spreads_medians_and_first_values_are_those_of_pandas(frame: pd.DataFrame) -> None:
    engine = PandasEngine()
    held = frame.assign(row=np.arange(len(frame)), y=1e3 + frame["y"] + frame["m"])
    found = aggregate_table(engine, held, ["area", "year"], SPREADS, order="row")
    assert engine.passes.raw == 2
    expected = held.groupby(["area", "year"], dropna=False)["y"].agg(list(SPREADS)).reset_index()
    np.testing.assert_allclose(found[list(SPREADS)].to_numpy(float), expected[list(SPREADS)].to_numpy(float), rtol=1e-9)
    unsaid = table_of(held, ["area", "year"], {"first": ("y", "first"), "last": ("y", "last")})
    pd.testing.assert_frame_equal(unsaid[["first", "last"]], found[["first", "last"]])
    backwards = table_of(held.assign(row=-held["row"]), "year", {"y": ("y", "first")}, order="row")
    assert backwards["y"].tolist() == held.groupby("year")["y"].last().tolist()


@pytest.mark.parametrize("by", [None, []])
def test_without_groups_all_rows_are_one(by: Any, frame: pd.DataFrame) -> None:
    line = table_of(frame.assign(row=np.arange(len(frame))), by, SPREADS, order="row").iloc[0]
    y = frame["y"].dropna()
    assert line["rows"] == line["size"] == len(frame)
    assert (line["median"], line["first"], line["last"]) == (y.median(), y.iloc[0], y.iloc[-1])
    assert (line["std"], line["var"]) == pytest.approx((y.std(), y.var()))
    rates = aggregate_rate_table(PandasEngine(), frame, None, actual="y", exposure="e")
    assert rates["rows"].tolist() == [len(y)]


def test_a_spread_needs_two_values_and_keeps_its_digits_beside_a_group_far_away() -> None:
    far = pd.DataFrame(
        {"g": ["a"] * 4 + ["b"] * 4 + ["c"], "y": [1.0, 2, 3, 4, 1e12 + 1, 1e12 + 2, 1e12 + 3, 1e12 + 4, 5]}
    )
    found = table_of(far, "g", {"var": ("y", "var"), "std": ("y", "stddev"), "median": ("y", "median")})
    assert found["var"].iloc[:2].tolist() == pytest.approx([5 / 3, 5 / 3], rel=1e-12)
    assert found["median"].tolist() == [2.5, 1e12 + 2.5, 5.0]
    assert found.loc[2, ["var", "std"]].isna().all()


def test_avg_works_with_groups_and_without(frame: pd.DataFrame) -> None:
    grouped = table_of(frame, "area", {"m": ("m", "avg")})
    alone = table_of(frame, [], {"m": ("m", "avg")})
    np.testing.assert_allclose(grouped["m"], frame.groupby("area", dropna=False)["m"].mean())
    assert len(alone) == 1
    assert alone["m"].iloc[0] == pytest.approx(frame["m"].mean())
    assert alone["rows"].tolist() == [3_000]


def test_a_group_without_a_value_has_no_sum_rather_than_zero() -> None:
    gone = pd.DataFrame({"g": ["a", "b"], "y": [np.nan, 2.0]})
    functions = {name: ("y", name) for name in ("sum", "mean", "min", "max", "count", "count_distinct")}
    lines = table_of(gone, "g", functions).set_index("g")
    assert lines.loc["a", ["sum", "mean", "min", "max"]].isna().all()
    assert lines.loc["a", ["rows", "count", "count_distinct"]].tolist() == [1, 0, 0]
    assert lines.loc["b", ["sum", "mean", "min", "max"]].tolist() == [2, 2, 2, 2]
    assert table_of(gone.head(1), "g", functions)["max"].isna().all()


def test_a_weight_weighs_sums_and_means_alike(frame: pd.DataFrame) -> None:
    found = table_of(frame, "year", {"total": ("y", "sum"), "mean": ("y", "mean"), "n": ("y", "count")}, weight="w")
    for _, line in found.iterrows():
        part = frame[(frame["year"] == line["year"]) & frame["y"].notna()]
        assert line["total"] == pytest.approx((part["w"] * part["y"]).sum())
        assert line["mean"] == pytest.approx(np.average(part["y"], weights=part["w"]))
        assert line["n"] == len(part)


def test_bins_come_in_their_order_not_in_that_of_letters(frame: pd.DataFrame) -> None:
    found = table_of(frame, "bin", {"y": ("y", "sum")})
    assert found["bin"].tolist() == [f"bin_{i}" for i in range(1, 13)]


def test_a_factor_keeps_the_order_of_its_levels(frame: pd.DataFrame) -> None:
    found = table_of(frame, [AGE, "year"], {"y": ("y", "sum")}, where=Compare("==", Read("year"), Literal(2020.0)))
    assert found["age band"].tolist() == ["young", "mid", "late", "old", "missing"]
    assert found["rows"].sum() == (frame["year"] == 2020).sum()


def test_expressions_group_and_are_added_up(frame: pd.DataFrame) -> None:
    late = Compare(">", Read("year"), Literal(2020.0))
    assert table_of(frame, {"double": {"multiply": ["year", 2]}}, {})["double"].tolist() == [4038.0, 4040.0, 4042.0]
    found = table_of(
        frame, {"late": late, "area": "area"}, {"twice": (Arithmetic("*", Read("m"), Literal(2.0)), "sum")}
    )
    assert found["late"].tolist() == [False] * 3 + [True] * 3
    assert found["twice"].sum() == pytest.approx(2 * frame["m"].sum())


def test_a_group_may_have_any_name() -> None:
    odd = pd.DataFrame({"__group": [1, 1, 2], "sample": [3.0, 1, 2], "a.b": ["x", "y", "x"]})
    found = table_of(odd, ["__group", "a.b"], {"least": ("sample", "min"), "n": ("sample", "count_distinct")})
    assert found["least"].tolist() == [3, 1, 2]


def test_extremes_are_of_any_kind() -> None:
    kinds = pd.DataFrame(
        {
            "g": [1, 1, 2],
            "word": ["b", "a", None],
            "flag": [True, False, True],
            "whole": [2**60, 5, 7],
            "day": [datetime.date(2024, 1, 2), datetime.date(2023, 1, 1), datetime.date(2025, 1, 1)],
        }
    )
    asked = {f"{at} {name}": (name, at) for name in ("word", "flag", "whole", "day") for at in ("min", "max")}
    line = table_of(kinds, "g", asked).iloc[0]
    assert line["max whole"] == 2**60
    assert (line["min word"], line["max word"], line["min day"]) == ("a", "b", "2023-01-01")
    assert table_of(kinds, "g", {"n": ("word", "count"), "k": ("word", "nunique")})["n"].tolist() == [2, 0]


def test_extremes_of_too_many_values_are_refused_with_the_way_out(
    frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregation, "MOST_VALUES", 100)
    with pytest.raises(EngineError, match=r"Rows answer with sums.*Round the column"):
        table_of(frame, "area", {"least": ("w", "min")})


@pytest.mark.parametrize(
    ("by", "sums", "error", "said"),
    [
        ("area", {"y": ("y", "mode")}, ConfigError, "not a function of a table"),
        ("area", {"y": "y"}, ConfigError, 'Write \\("y", "sum"\\)'),
        ("area", {"y": ("z", "sum")}, ConfigError, "'z' is not a column"),
        ("aera", {"y": ("y", "sum")}, ConfigError, "Nearest: 'area'"),
        (["area", "area"], {}, ConfigError, "named twice"),
        ("area", {"rows": ("y", "sum")}, ConfigError, "would be named 'rows'"),
        (3, {}, ConfigError, "columns, factors, or expressions"),
        ([Read("y")], {}, ConfigError, "has no name"),
        ({**AGE, "edges": [3, 1]}, {}, SpecError, "not increasing"),
    ],
)
def test_a_wrong_question_is_told_with_the_way_out(
    by: Any, sums: Any, error: type[Exception], said: str, frame: pd.DataFrame
) -> None:
    with pytest.raises(error, match=said):
        table_of(frame, by, sums)


def test_a_rate_table_is_weighted_in_every_column(frame: pd.DataFrame) -> None:
    engine = PandasEngine()
    found = aggregate_rate_table(engine, frame, "bin", actual="y", exposure="e", weight="w", predicted="m")
    assert engine.passes.raw == 1
    assert list(found.columns) == [
        "bin",
        "rows",
        "left_out",
        "weight",
        "exposure",
        "actual",
        "predicted",
        "actual_rate",
        "predicted_rate",
        "actual_to_predicted",
    ]
    used = frame[frame["y"].notna()]
    for _, line in found.iterrows():
        part = used[used["bin"] == line["bin"]]
        w, y, e, m = (part[name].to_numpy() for name in "wyem")
        assert line["rows"] == len(part)
        assert line["left_out"] == ((frame["bin"] == line["bin"]) & frame["y"].isna()).sum()
        assert line["weight"] == pytest.approx(w.sum())
        assert line["actual_rate"] == pytest.approx((w * y).sum() / (w * e).sum())
        assert line["predicted_rate"] == pytest.approx((w * m).sum() / (w * e).sum())
        assert line["actual_to_predicted"] == pytest.approx((w * y).sum() / (w * m).sum())


def test_the_predecessors_rate_fixture_is_met() -> None:
    small = pd.DataFrame(
        {"group": ["a", "a", "b"], "actual": [1.0, 0, 2], "expected": [0.5, 0.5, 4], "measure": [1, 1, 2]}
    )
    found = aggregate_rate_table(
        PandasEngine(), small, "group", actual="actual", exposure="measure", predicted="expected"
    ).set_index("group")
    assert found["actual_rate"].to_dict() == {"a": 0.5, "b": 1.0}
    assert found["actual_to_predicted"].to_dict() == {"a": 1.0, "b": 0.5}


def test_without_exposure_a_rate_is_a_mean_and_without_prediction_there_is_no_column_of_it(frame: pd.DataFrame) -> None:
    found = aggregate_rate_table(PandasEngine(), frame, "area", actual="y")
    np.testing.assert_allclose(found["actual_rate"], frame.groupby("area", dropna=False)["y"].mean())
    assert not any("predicted" in name for name in found)


def test_a_group_of_which_nothing_can_be_used_is_shown_with_nothing() -> None:
    bad = pd.DataFrame({"g": ["a", "b", "b"], "y": [np.nan, 1.0, np.inf], "e": [1.0, 0.0, 1.0]})
    found = aggregate_rate_table(PandasEngine(), bad, "g", actual="y", exposure="e")
    assert found["left_out"].tolist() == [1, 2]
    assert found["actual_rate"].isna().all()


def test_a_group_named_as_a_column_of_the_table_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match="Name it otherwise"):
        aggregate_rate_table(PandasEngine(), frame.rename(columns={"area": "rows"}), "rows", actual="y")
    with pytest.raises(DataError):
        aggregate_table(PandasEngine(), pd.DataFrame({"l": [[1]]}), "l", {})
