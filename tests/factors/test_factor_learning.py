"""What factors learn of the training rows, from at most three passes over them."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_local import fit_glm
from glm_local.errors import DataError
from glm_local.expressions.expression import Compare, Literal, Read
from glm_local.factors.factor_spec import FactorSpec
from glm_local.factors.factors import categorical, interaction, linear, numeric, ordinal
from glm_local.factors.learn_factors import learn, learn_factors, with_base, with_cells
from glm_local.factors.level_names import level_names
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.rows.cells import DesignTable
from tests.factors.far_values import far_rows, learned_moments
from tests.factors.repeated_values import learned_bins, repeated

FRAME = pd.DataFrame(
    {
        "Area": ["B", "A", None, "é", "", "A"],
        "Power": pd.array([7, 5, None, 5, 9, 6], dtype="Int64"),
        "New": [True, False, None, True, True, False],
        "Start": [datetime.date(2021, 1, d) for d in (1, 2, 3, 4, 5, 6)],
        "Value": [1.0, 2.0, 3.0, 4.0, math.nan, 100.0],
        "Rate": np.array([0.1, 0.5, 0.1, np.nan, np.inf, 2.0], dtype=np.float32),
        "Exposure": [1.0, 1.0, 1.0, 1.0, 1.0, 4.0],
    }
)
OPEN: dict[str, Any] = {"missing": "base", "unseen": "base"}


def learned(*specs: FactorSpec, frame: pd.DataFrame = FRAME, **others: Any) -> list[Any]:
    return [
        spec.learned.model_dump(exclude_none=True) for spec in learn_factors(PandasEngine(), frame, specs, **others)
    ]  # type: ignore[union-attr]


def test_levels_are_the_values_of_the_column_sorted() -> None:
    found = learned(
        categorical("Area", **OPEN),
        ordinal("Power", source="integer", **OPEN),
        categorical("New", source="boolean", **OPEN),
        categorical("Start", source="date", **OPEN),
        categorical("Rate", source="number", **OPEN),
    )
    assert [one["levels"] for one in found] == [
        ("", "A", "B", "é"),
        (5, 6, 7, 9),
        (False, True),
        tuple(f"2021-01-0{d}" for d in range(1, 7)),
        (0.1, 0.5, 2.0, "inf"),
    ]
    assert [type(one) for one in found[1]["levels"]] == [int] * 4


def test_quantile_edges_leave_no_interval_empty() -> None:
    spec = numeric("Value", edges={"method": "quantile", "bins": 2}, missing="base")
    assert learned(spec)[0]["edges"] == (3.0,)
    zeros = pd.DataFrame({"Value": [0.0] * 9 + [5.0]})
    assert learned(numeric("Value", edges={"method": "quantile", "bins": 5}, missing="base"), frame=zeros)[0][
        "edges"
    ] == (0.0,)
    constant = pd.DataFrame({"Value": [7.0, 7.0]})
    assert learned(spec, frame=constant)[0]["edges"] == ()


def test_uniform_edges_have_equal_widths_between_the_limits() -> None:
    spec = numeric(
        "Value", edges={"method": "uniform", "bins": 3}, lower=0, below="base", upper=50, above="base", missing="base"
    )
    assert learned(spec)[0]["edges"] == (2.0, 3.0)


def test_edges_of_dates_are_dates_and_of_integers_integers() -> None:
    rule = {"method": "quantile", "bins": 2}
    found = learned(
        numeric("Start", edges=rule, source="date", missing="base"),
        numeric("Power", edges=rule, source="integer", missing="base"),
    )
    assert found[0]["edges"] == ("2021-01-03",)
    assert found[1]["edges"] == (6,)
    assert isinstance(found[1]["edges"][0], int)


def test_mean_and_spread_are_those_of_the_capped_value_weighted_where_known() -> None:
    spec = linear("Value", cap=(None, 4), centre="mean", scale="sd", missing="mean")
    values, weights = np.array([1, 2, 3, 4, 4.0]), np.array([1, 1, 1, 1, 4.0])
    mean = float(np.average(values, weights=weights))
    spread = float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
    (found,) = learned(spec, weight=Read("Exposure"))
    assert found["mean"] == pytest.approx(mean, rel=1e-14)
    assert found["sd"] == pytest.approx(spread, rel=1e-14)
    assert learned(linear("Value", centre="mean", missing=0))[0] == {"mean": 22.0}


def test_spreads_of_columns_far_from_0_keep_their_digits() -> None:
    frame, moments = far_rows()
    engine = PandasEngine()
    for name, found in learned_moments(engine, frame).items():
        assert found == pytest.approx(moments[name], rel=1e-12)
    assert engine.passes.raw == 2  # one more than for columns around 0: around their means


def test_only_chosen_rows_count() -> None:
    first = Compare("<=", Read("Value"), Literal(2.0))
    found = learned(categorical("Area", **OPEN), linear("Value", missing="mean"), where=first)
    assert found == [{"levels": ("A", "B")}, {"mean": 1.5}]


def test_all_factors_learn_from_two_passes_and_none_when_there_is_nothing_to_learn() -> None:
    engine = PandasEngine()
    asked = [
        categorical("Area", **OPEN),
        ordinal("Power", source="integer", **OPEN),
        linear("Value", missing="mean"),
        numeric("v", "Value", edges={"method": "quantile", "bins": 3}, missing="base"),
        numeric("w", "Rate", edges={"method": "quantile", "bins": 7}, missing="base"),
    ]
    known = learn_factors(engine, FRAME, asked)
    assert [one.verb for one in engine.passes.passes] == ["cells", "quantiles"]
    assert all(spec.is_resolved for spec in known)
    assert learn_factors(engine, FRAME, known) == known
    assert engine.passes.raw == 2


def test_a_spread_far_below_its_mean_takes_one_pass_more_and_no_fit_more_than_three_to_learn() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"t": 1.7e9 + rng.normal(0, 100.0, 500), "a": rng.choice(list("xyz"), 500)})
    frame["v"], frame["y"] = rng.random(500), rng.poisson(2.0, 500)
    specs = [
        linear("t", centre="mean", scale="sd", missing="refuse"),
        categorical("a", missing="refuse", unseen="base"),
        numeric("v", edges={"method": "quantile", "bins": 4}, missing="refuse"),
    ]
    engine = PandasEngine()
    learn_factors(engine, frame, specs)
    assert [one.verb for one in engine.passes.passes] == ["cells", "cells", "quantiles"]
    found = fit_glm(frame, target="y", factors=specs, solver="blocks").document
    assert found.convergence.raw_passes == 3 + 1


def test_a_column_with_more_than_ten_thousand_values_is_a_data_error() -> None:
    frame = pd.DataFrame({"Area": [f"{i}" for i in range(10_001)]})
    with pytest.raises(DataError, match=r"more than 10,000 values.*Write its levels as groups"):
        learn_factors(PandasEngine(), frame, [categorical("Area", **OPEN)])
    assert len(learned(categorical("Area", **OPEN), frame=frame[:10_000])[0]["levels"]) == 10_000


def test_a_column_without_a_known_value_is_a_data_error() -> None:
    frame = pd.DataFrame({"x": pd.Series([None, math.nan], dtype=float)})
    specs: list[FactorSpec] = [
        categorical("x", source="number", **OPEN),
        linear("x", missing="mean"),
        numeric("x", edges={"method": "quantile", "bins": 3}, missing="base"),
    ]
    for spec in specs:
        with pytest.raises(DataError, match="no training row has a known value for 'x'"):
            learn_factors(PandasEngine(), frame, [spec])


def test_values_that_do_not_vary_or_are_too_large_are_data_errors() -> None:
    with pytest.raises(DataError, match="does not vary"):
        learned(linear("x", scale="sd", missing=0), frame=pd.DataFrame({"x": [0.1] * 7}))
    with pytest.raises(DataError, match="too large to average"):
        learned(linear("x", centre="mean", missing=0), frame=pd.DataFrame({"x": [1e300, 1e300]}))


@pytest.mark.parametrize(
    ("method", "values", "wanted"),
    [
        ("quantile", [-math.inf, 1, 2, 3, 4], ["-inf", "(-inf, 2]", "(2, inf)"]),
        ("quantile", [1, 2, 3, 4, math.inf, math.inf], ["(-inf, 3]", "(3, inf)", "inf"]),
        ("quantile", [-math.inf] * 9 + [1] + [math.inf] * 9, ["-inf", "(-inf, inf)", "inf"]),
        ("uniform", [-math.inf, 0, 10, 3, math.inf], ["-inf", "(-inf, 5]", "(5, inf)", "inf"]),
        ("uniform", [0, 7, math.inf], ["(-inf, 3.5]", "(3.5, inf)", "inf"]),
    ],
)
def test_learned_edges_leave_infinities_alone(method: str, values: list[float], wanted: list[str]) -> None:
    asked = numeric("x", edges={"method": method, "bins": 2}, missing="base")
    found = learn_factors(PandasEngine(), pd.DataFrame({"x": values}), [asked])[0]
    assert level_names(found.document()) == wanted


def test_a_value_named_like_a_level_of_its_own_is_a_data_error_with_a_way_out() -> None:
    frame = pd.DataFrame({"Area": ["A", "missing"]})
    with pytest.raises(DataError, match=r'\{"own_level": "another name"\}'):
        learn_factors(PandasEngine(), frame, [categorical("Area", missing="own_level", unseen="base")])


def test_a_base_that_was_asked_for_must_be_among_what_is_learned() -> None:
    with pytest.raises(DataError, match='"Z" is not a level of this factor'):
        learn_factors(PandasEngine(), FRAME, [categorical("Area", base={"level": "Z"}, **OPEN)])


def test_base_and_cells_are_put_in_by_the_fit() -> None:
    spec = with_base(numeric("x", edges=[1], missing="own_level"), "missing")
    assert spec.document()["learned"] == {"base": "missing"}
    with pytest.raises(DataError, match="is not a level"):
        with_base(spec, "elsewhere")
    crossing = with_cells(interaction("c", ["a", "b"], unseen="base"), [("a1", "b1")])
    assert crossing.document()["learned"] == {"cells": [["a1", "b1"]]}


def test_the_answer_of_any_engine_goes_in() -> None:
    table = DesignTable(
        {"value": np.array(["2021-01-02", "2021-01-01", None], dtype=object)},
        {"value": np.array([False, False, True])},
        np.array([1, 1, 1]),
        {},
    )
    spec = learn(categorical("d", source="date", **OPEN), table)
    assert spec.document()["learned"] == {"levels": ["2021-01-01", "2021-01-02"]}
    days = DesignTable(
        {"value": np.array(["2021-01-02", "NaT"], dtype="datetime64[D]")},
        {"value": np.array([False, True])},
        np.array([1, 1]),
        {},
    )
    assert learn(categorical("d", source="date", **OPEN), days).document()["learned"] == {"levels": ["2021-01-02"]}


@pytest.mark.parametrize("weighted", [False, True])
def test_quantiles_of_repeated_values_give_the_finest_bins_they_allow(weighted: bool) -> None:
    frame, bins = repeated()
    for name, edges in learned_bins(PandasEngine(), frame, bins, weighted).items():
        rows = np.bincount(np.searchsorted(edges, frame[name].dropna(), side="left"), minlength=len(edges) + 1)
        assert len(rows) == bins[name], (name, edges)
        assert rows.all(), (name, edges)


@settings(max_examples=150)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=9), st.integers(1, 9), st.booleans())
def test_no_bin_of_quantiles_is_empty_and_no_cut_between_values_is_lost(
    counts: list[int], bins: int, weighted: bool
) -> None:
    values = np.repeat(np.arange(len(counts), dtype=float), counts)
    edges = learned_bins(PandasEngine(), pd.DataFrame({"x": values, "w": 0.5}), {"x": bins}, weighted)["x"]
    rows = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    assert rows.all()
    assert len(edges) < bins or bins == 1
    cuts = np.quantile(values, np.arange(1, bins) / bins)
    between = set(np.floor(cuts[cuts != np.floor(cuts)]))
    on = set(cuts[(cuts == np.floor(cuts)) & (cuts > 0) & (cuts < len(counts) - 1)])
    assert len(edges) >= min(len(between | on), len(counts) - 1)
