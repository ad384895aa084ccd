"""Compiled factors give every row one code, whatever the row holds, in both row readers."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_local.errors import SpecError
from glm_local.expressions.column_reader import ArrayColumns
from glm_local.expressions.evaluate import evaluate
from glm_local.expressions.evaluate_record import evaluate_record
from glm_local.expressions.expression_columns import type_of
from glm_local.factors.compile_factor import Compiled, CompiledFactor, CompiledLinear, compile_factor
from glm_local.factors.factor_spec import NumericSpec
from glm_local.factors.factors import categorical, linear, numeric, ordinal

UP, DOWN = math.inf, -math.inf


def factor(compiled: Compiled) -> CompiledFactor:
    assert isinstance(compiled, CompiledFactor)
    return compiled


def codes(compiled: CompiledFactor, values: Any, column: str = "x") -> list[int]:
    found = evaluate(compiled.code, ArrayColumns({column: values}))
    assert found.missing is None
    return [int(code) for code in found.data]


def levels(compiled: CompiledFactor, values: Any) -> list[str]:
    """Level of each value, or the cause of its extra code."""
    names = [*compiled.levels, *(f"{extra.cause}: {extra.policy}" for extra in compiled.extras)]
    return [names[code] for code in codes(compiled, values)]


def test_intervals_are_closed_on_the_right() -> None:
    compiled = factor(compile_factor(numeric("x", edges=[20, 25.5], missing="base")))
    assert compiled.levels == ("(-inf, 20]", "(20, 25.5]", "(25.5, inf)")
    values = np.array([20, np.nextafter(20, UP), 25.5, np.nextafter(25.5, DOWN), np.nextafter(25.5, UP), DOWN, UP])
    assert codes(compiled, values) == [0, 1, 1, 1, 2, 0, 2]


def test_lower_and_upper_belong_to_the_intervals_and_what_is_beyond_to_its_policy() -> None:
    compiled = factor(
        compile_factor(
            numeric(
                "x",
                edges=[20],
                lower=18,
                below="own_level",
                upper=90,
                above="refuse",
                missing={"level": "(20, 90]"},
            )
        )
    )
    assert compiled.levels == ("[18, 20]", "(20, 90]", "below")
    assert [(extra.cause, extra.policy) for extra in compiled.extras] == [("above", "refuse")]
    values = np.array([18, np.nextafter(18, DOWN), 90, np.nextafter(90, UP), DOWN, UP, math.nan, 20])
    assert codes(compiled, values) == [0, 2, 1, 3, 2, 3, 1, 0]


def test_a_lower_limit_that_is_an_edge_makes_a_level_of_one_value() -> None:
    compiled = factor(compile_factor(numeric("x", edges=[0, 10], lower=0, below="refuse", missing="refuse")))
    assert compiled.levels[0] == "[0, 0]"
    assert codes(compiled, np.array([0.0, -0.0, 5e-324, -5e-324])) == [0, 0, 1, 4]


def test_every_cause_keeps_a_code_of_its_own_until_the_base_is_known() -> None:
    compiled = factor(
        compile_factor(
            numeric(
                "x",
                edges=[],
                lower=0,
                below="base",
                upper=1,
                above="base",
                missing="refuse",
            )
        )
    )
    assert compiled.levels == ("[0, 1]",)
    assert [extra.cause for extra in compiled.extras] == ["missing", "below", "above"]
    assert codes(compiled, np.array([0.5, math.nan, -1, 2])) == [0, 1, 2, 3]
    assert compiled.size == 4
    assert compiled.goes_to_base


def test_without_edges_there_is_one_level() -> None:
    assert levels(factor(compile_factor(numeric("x", edges=[], missing="own_level"))), np.array([1, math.nan])) == [
        "(-inf, inf)",
        "missing",
    ]


def test_labels_name_the_intervals() -> None:
    spec = numeric("x", edges=[1], labels=["low", "high"], missing={"own_level": "unknown"}, base={"level": "high"})
    compiled = factor(compile_factor(spec))
    assert compiled.levels == ("low", "high", "unknown")
    assert compiled.base == "high"
    assert compiled.labels == ("low", "high", "unknown")


def test_dates_are_cut_by_the_day() -> None:
    spec = numeric(
        "x", edges=["2020-02-29", "2021-01-01"], lower="2020-01-01", below="own_level", source="date", missing="base"
    )
    compiled = factor(compile_factor(spec))
    assert compiled.levels == ("[2020-01-01, 2020-02-29]", "(2020-02-29, 2021-01-01]", "(2021-01-01, inf)", "below")
    days = ["2020-02-29", "2020-03-01", "2021-01-01", "2021-01-02", "2019-12-31", "2020-01-01", None]
    expected = [0, 1, 1, 2, 3, 0, 4]
    assert codes(compiled, pd.Series(days, dtype=object)) == expected
    assert codes(compiled, pd.to_datetime(pd.Series(days)) + pd.Timedelta(hours=23)) == expected
    dates = [None if day is None else datetime.date.fromisoformat(day) for day in days]
    assert codes(compiled, pd.Series(dates, dtype=object)) == expected
    assert [evaluate_record(compiled.code, {"x": day}) for day in dates] == expected


CATEGORIES: list[tuple[str, list[Any], list[Any], list[str]]] = [
    # source, levels, values of a column, level of each (missing: own level, unseen: base)
    (
        "text",
        ["A", "é", "", " ", "a'b\\\"`", "base"],
        ["A", "é", "", " ", "a'b\\\"`", "a", "A ", "e\u0301", None, "base"],
        ["A", "é", '""', " ", "a'b\\\"`", "unseen: base", "unseen: base", "unseen: base", "missing", "base"],
    ),
    ("text", ["1", "true"], [1, 2, 1], ["1", "unseen: base", "1"]),
    ("text", ["1", "true"], [True, False, True], ["true", "unseen: base", "true"]),
    ("text", ["2020-01-01"], [datetime.date(2020, 1, 1), None], ["2020-01-01", "missing"]),
    ("integer", [1, -2, 2**62], [1, -2, 2**62, 3], ["1", "-2", str(2**62), "unseen: base"]),
    ("integer", [1, 2], [1.0, 2.5, math.nan, math.inf, 3.0], ["1", "missing", "missing", "missing", "unseen: base"]),
    ("integer", [1, 2], ["1", "2.0", " 1", "x", None], ["1", "2", "missing", "missing", "missing"]),
    ("integer", [1], [Decimal("1.00"), Decimal("1.50"), None], ["1", "missing", "missing"]),
    ("boolean", [True, False], [True, False, None], ["true", "false", "missing"]),
    ("boolean", [True], [1, 0, 2], ["true", "unseen: base", "missing"]),
    ("boolean", [True], ["TRUE", "0", "no"], ["true", "unseen: base", "missing"]),
    (
        "number",
        [0, 0.1, "inf", 1e300],
        [0.0, -0.0, 0.1, 0.1 + 2**-55, math.inf, -math.inf, 1e300, math.nan],
        ["0", "0", "0.1", "unseen: base", "inf", "unseen: base", "1e+300", "missing"],
    ),
    ("number", [0.1, 2], [Decimal("0.10"), Decimal("2")], ["0.1", "2"]),
    (
        "date",
        ["2020-01-01"],
        [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2), None],
        ["2020-01-01", "unseen: base", "missing"],
    ),
    ("date", ["2020-01-01"], ["2020-01-01", "2020-1-1", "x"], ["2020-01-01", "missing", "missing"]),
]


@pytest.mark.parametrize(("source", "named", "values", "expected"), CATEGORIES, ids=range(len(CATEGORIES)))
def test_a_category_is_the_same_whatever_the_file_made_of_it(
    source: Any, named: list[Any], values: list[Any], expected: list[str]
) -> None:
    spec = categorical("x", levels=named, source=source, missing="own_level", unseen="base")
    compiled = factor(compile_factor(spec))
    plain = np.array(values) if all(isinstance(value, float) for value in values) else pd.Series(values)
    assert levels(compiled, plain) == expected
    names = [*compiled.levels, "unseen: base"]
    assert [names[evaluate_record(compiled.code, {"x": value})] for value in values] == expected  # type: ignore[index]


def test_a_short_decimal_is_found_in_a_float32_column() -> None:
    for named in (0.1, float(np.float32(0.1))):  # typed, or learned from such a column
        spec = categorical("x", levels=[named, 2], source="number", missing="base", unseen="refuse")
        compiled = factor(compile_factor(spec))
        assert compiled.levels == ("0.1", "2")
        for values in (
            np.array([0.1, 2]),
            np.array([0.1, 2], dtype=np.float32),
            np.array([0.1, 2], dtype=np.float32).astype(np.float64),
        ):
            assert codes(compiled, values) == [0, 1]


def test_groups_and_policies_share_levels() -> None:
    spec = ordinal(
        "x",
        levels=[{"level": "low", "values": [1, 2]}, 3],
        source="integer",
        missing={"level": "low"},
        unseen={"own_level": "other"},
    )
    compiled = factor(compile_factor(spec))
    assert compiled.levels == ("low", "3", "other")
    assert compiled.extras == ()
    assert codes(compiled, pd.array([1, 2, 3, 4, None], dtype="Int64")) == [0, 0, 1, 2, 0]


def test_ten_thousand_levels_compile_and_are_found() -> None:
    named = [f"{i:05d}" for i in range(10_000)]
    compiled = factor(compile_factor(categorical("x", levels=named, missing="base", unseen="base")))
    assert codes(compiled, np.array(["00000", "09999", "10000"], dtype=object)) == [0, 9_999, 10_001]


def test_a_linear_term_is_capped_then_filled_then_centred_and_scaled() -> None:
    spec = linear("x", cap=(0, 10), missing=20, centre=5, scale=2)
    value = compile_factor(spec)
    assert isinstance(value, CompiledLinear)
    found = evaluate(value.value, ArrayColumns({"x": np.array([-1, 3, 99, math.nan])}))
    assert found.data.tolist() == [-2.5, -1.0, 2.5, 7.5]


def test_a_refused_missing_value_stays_missing() -> None:
    value = compile_factor(linear("x", expression={"log": "Density"}, missing="refuse"))
    assert isinstance(value, CompiledLinear)
    found = evaluate(value.value, ArrayColumns({"Density": np.array([1.0, 0.0, -1.0, math.nan])})).data
    assert found[0] == 0
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize("source", ["number", "integer", "date"])
def test_a_linear_term_is_a_number_whatever_it_reads(source: str) -> None:
    value = compile_factor(linear("x", source=source, missing=0, centre=1))
    assert isinstance(value, CompiledLinear)
    assert type_of(value.value) == "number"


def test_what_is_still_to_be_learned_is_not_compiled() -> None:
    for spec in (
        numeric("x", edges={"method": "quantile", "bins": 4}, missing="base"),
        categorical("x", missing="base", unseen="base"),
        linear("x", missing="mean"),
        linear("x", missing=0, scale="sd"),
    ):
        assert not spec.is_resolved
        with pytest.raises(SpecError, match="Run learn_factors"):
            compile_factor(spec)


def test_outputs_must_be_as_many_as_codes() -> None:
    compiled = factor(compile_factor(numeric("x", edges=[1], missing="base")))
    with pytest.raises(ValueError, match="2 outputs for 3 codes"):
        compiled.with_outputs([1.0, 2.0])


policies = st.sampled_from(["own_level", "base", "refuse", {"own_level": "named"}])
doubles = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)


@st.composite
def numeric_specs(draw: st.DrawFn) -> NumericSpec:
    edges = sorted({edge + 0.0 for edge in draw(st.lists(doubles, max_size=6))})
    limits: dict[str, Any] = {}
    if draw(st.booleans()):
        lowest = edges[0] if edges else 1e300
        limits["lower"] = draw(doubles.filter(lambda x: x <= lowest))
        limits["below"] = draw(st.sampled_from(["base", "refuse"]))
    if draw(st.booleans()):
        highest = max([*edges, limits.get("lower", -1e301)])
        limits["upper"] = draw(doubles.filter(lambda x: x > highest))
        limits["above"] = draw(st.sampled_from(["base", "own_level"]))
    return numeric("x", edges=edges, missing=draw(policies), **limits)


def expected_code(spec: NumericSpec, compiled: CompiledFactor, value: float | None) -> int:
    """The code by the words of the documentation, one comparison after the other."""
    causes = {extra.cause: len(compiled.levels) + i for i, extra in enumerate(compiled.extras)}
    own = {"missing": "missing", "above": "above"}
    edges = [float(edge) for edge in spec.edges]  # type: ignore[union-attr]

    def of_cause(cause: str) -> int:
        policy = getattr(spec, cause)
        name = own[cause] if isinstance(policy, str) and policy == "own_level" else getattr(policy, "own_level", "")
        return causes[cause] if cause in causes else compiled.levels.index(name)  # type: ignore[index]

    if value is None or math.isnan(value):
        return of_cause("missing")
    if spec.lower is not None and value < spec.lower:  # type: ignore[operator]
        return of_cause("below")
    if spec.upper is not None and value > spec.upper:  # type: ignore[operator]
        return of_cause("above")
    return sum(edge < value for edge in edges)


@given(numeric_specs(), st.lists(st.floats() | st.none(), max_size=8))
def test_any_number_has_the_code_the_documentation_says(spec: NumericSpec, drawn: list[float | None]) -> None:
    compiled = factor(compile_factor(spec))
    ends = [float(one) for one in (*spec.edges, spec.lower or 0.0, spec.upper or 0.0)]  # type: ignore[union-attr, arg-type]
    values = [
        *drawn,
        None,
        UP,
        DOWN,
        -0.0,
        *ends,
        *(math.nextafter(end, UP) for end in ends),
        *(math.nextafter(end, DOWN) for end in ends),
    ]
    column = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    found = codes(compiled, column)
    assert found == [expected_code(spec, compiled, value) for value in values]
    assert all(0 <= code < compiled.size for code in found)
    assert found == [evaluate_record(compiled.code, {"x": value}) for value in values]
    labels: list[Any] = [f"level {i}" for i in range(compiled.size)]
    named = evaluate(compiled.with_outputs(labels), ArrayColumns({"x": column}))
    assert named.data.tolist() == [labels[code] for code in found]


keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@given(
    st.lists(keys, min_size=1, max_size=8, unique=True),
    st.lists(keys | st.none(), max_size=10),
    st.sampled_from(["base", "refuse"]),
    st.sampled_from(["base", "refuse"]),
)
def test_any_text_has_one_code(named: list[str], drawn: list[str | None], missing: str, unseen: str) -> None:
    if '""' in named and "" in named:
        named.remove('""')
    compiled = factor(compile_factor(categorical("x", levels=named, missing=missing, unseen=unseen)))
    values = [*drawn, *named, None]
    at = {name: i for i, name in enumerate(named)}
    expected = [len(named) if value is None else at.get(value, len(named) + 1) for value in values]
    assert codes(compiled, pd.Series(values, dtype=object)) == expected
    assert [evaluate_record(compiled.code, {"x": value}) for value in values] == expected
    shares: list[Any] = [i / 7 for i in range(compiled.size)]
    shares[len(named)] = None
    scores = evaluate(compiled.with_outputs(shares), ArrayColumns({"x": pd.Series(values, dtype=object)})).data
    np.testing.assert_array_equal(scores, [math.nan if shares[code] is None else shares[code] for code in expected])
