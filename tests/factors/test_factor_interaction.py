"""A crossing gives every row one cell, every cell at most one coefficient, and scores by one look-up."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_local.errors import SpecError
from glm_local.expressions.column_reader import ArrayColumns
from glm_local.expressions.evaluate import evaluate
from glm_local.factors.compile_factor import Compiled, compile_factors
from glm_local.factors.compiled_interaction import CompiledInteraction
from glm_local.factors.factors import categorical, interaction, linear, numeric
from glm_local.factors.learn_factors import with_base, with_cells
from glm_local.factors.level_names import cell_name
from glm_local.factors.spec_problems import read_factors

AGE = numeric("age", edges=[30], labels=["young", "old"], missing="refuse", base={"level": "old"})
AREA = categorical("area", levels=["A", "B"], missing="own_level", unseen="base", base={"level": "A"})
BONUS = linear("bonus", missing="refuse")


def crossed(*specs: Any) -> tuple[CompiledInteraction, dict[str, Compiled]]:
    members = compile_factors(read_factors(specs))
    found = next(one for one in members.values() if isinstance(one, CompiledInteraction))
    return found, members


def by_cell(one: CompiledInteraction, members: dict[str, Compiled]) -> dict[tuple[str | None, ...], str]:
    """Cell to what it takes: a name, "base" or "refused"."""
    index = one.cell_index(members)
    names = [*index.names, "refused", "base"]
    return dict(zip(one.cells_of_codes(members), (names[i] for i in index.of_code), strict=False))


def test_net_of_margins_a_cell_with_a_factor_at_its_base_has_no_coefficient() -> None:
    one, members = crossed(AGE, AREA, interaction("x", ["age", "area"], unseen="refuse"))
    assert one.size(members) == 3 * 4  # young, old, refused; A, B, missing, unseen
    assert one.cell_index(members).names == ("young × B", "young × missing")
    cells = by_cell(one, members)
    assert cells["young", "A"] == cells["old", "B"] == cells["old", "missing"] == "base"
    assert cells[None, "B"] == "refused"


def test_of_cells_all_but_the_base_cell_have_a_coefficient() -> None:
    spec = interaction("x", ["age", "area"], unseen="base", coding="cells", base={"level": "old × A"})
    one, members = crossed(AGE, AREA, spec)
    assert one.cell_index(members).names == (
        "young × A",
        "young × B",
        "young × missing",
        "old × B",
        "old × missing",
    )


def test_a_cell_without_training_rows_follows_its_policy() -> None:
    cells = [["young", "A"], ["young", "missing"], ["old", "A"]]
    for unseen, expected in (
        ("base", "base"),
        ("refuse", "refused"),
        ({"level": "young × missing"}, "young × missing"),
    ):
        spec = with_cells(interaction("x", ["age", "area"], unseen=unseen), cells)
        one, members = crossed(AGE, AREA, spec)
        assert one.cell_index(members).names == ("young × missing",)
        found = by_cell(one, members)
        assert found["young", "B"] == expected
        assert found["old", "B"] == "base"  # margins alone tell it


def test_an_extra_that_goes_to_the_base_falls_in_the_cells_of_the_base_level() -> None:
    spec = interaction("x", ["age", "area"], unseen="base", coding="cells", base={"level": "old × B"})
    one, members = crossed(AGE, AREA, spec)
    terms = list(one.score_terms(members, {"young × A": 2.0}))
    rows = ArrayColumns({"age": np.array([20, 20, 20, math.nan]), "area": pd.Series(["A", "elsewhere", None, "A"])})
    np.testing.assert_array_equal(evaluate(terms[0], rows).data, [2.0, 2.0, 0.0, math.nan])


def test_the_base_levels_of_the_factors_must_be_known() -> None:
    free = AGE.document() | {"base": "largest_exposure"}
    one, members = crossed(free, AREA, interaction("x", ["age", "area"], unseen="base"))
    with pytest.raises(SpecError, match="the base level of 'age' is not known yet"):
        one.cell_index(members)
    told = with_base(read_factors([free])[0], "old")
    one, members = crossed(told, AREA, interaction("x", ["age", "area"], unseen="base"))
    assert one.cell_index(members).names == ("young × B", "young × missing")


def test_a_crossing_of_too_many_cells_is_refused() -> None:
    big = [
        categorical(name, levels=list(map(str, range(2001))), missing="base", unseen="base", base={"level": "0"})
        for name in ("a", "b")
    ]
    one, members = crossed(*big, interaction("x", ["a", "b"], unseen="base"))
    with pytest.raises(SpecError, match="At most 4,000,000 cells"):
        one.cell_index(members)


def test_names_of_cells_stay_distinct() -> None:
    cells = [("a × b", "c"), ("a", "b × c"), ("a \\", "b"), ("a", "\\ b"), ("a×", "b"), ("a", "×b")]
    assert len({cell_name(cell) for cell in cells}) == len(cells)


@given(st.lists(st.tuples(st.text("a× \\|"), st.text("a× \\|")), unique=True))
def test_no_two_cells_share_a_name(cells: list[tuple[str, str]]) -> None:
    for separator in (" × ", "|"):
        assert len({cell_name(cell, separator) for cell in cells}) == len(cells)


def test_a_linear_member_has_one_slope_per_cell_of_the_others() -> None:
    one, members = crossed(AGE, AREA, BONUS, interaction("x", ["age", "bonus"], unseen="base"))
    assert one.cell_index(members).names == ("young",)
    slopes = one.slopes(members)
    assert list(slopes) == ["young"]
    rows = ArrayColumns({"age": np.array([20, 40, 20, 40]), "bonus": np.array([3.0, 5.0, math.nan, math.nan])})
    np.testing.assert_array_equal(evaluate(slopes["young"], rows).data, [3.0, 0.0, math.nan, 0.0])
    (term,) = one.score_terms(members, {"young": 0.5})
    np.testing.assert_array_equal(evaluate(term, rows).data, [1.5, 0.0, math.nan, math.nan])


def test_two_factors_and_a_linear_one_give_a_slope_per_cell() -> None:
    specs = [
        AGE,
        AREA,
        BONUS,
        interaction("x", ["age", "bonus", "area"], unseen="base", coding="cells", base={"level": "old × A"}),
    ]
    one, members = crossed(*specs)
    slopes = one.slopes(members)
    assert list(slopes) == ["young × A", "young × B", "young × missing", "old × B", "old × missing"]
    rows = ArrayColumns({"age": np.array([20, 40]), "bonus": np.array([3.0, 5.0]), "area": pd.Series(["A", "B"])})
    assert evaluate(slopes["young × A"], rows).data.tolist() == [3.0, 0.0]
    assert evaluate(slopes["old × B"], rows).data.tolist() == [0.0, 5.0]


def test_slopes_of_all_cells_need_no_base() -> None:
    free = AREA.document() | {"base": "largest_exposure"}
    one, members = crossed(free, BONUS, interaction("x", ["area", "bonus"], unseen="base"))
    slopes = one.slopes_of_all_cells(members)
    assert list(slopes) == [("A",), ("B",), ("missing",)]
    rows = ArrayColumns({"area": pd.Series(["A", "B", "elsewhere"]), "bonus": np.array([3.0, 5.0, 7.0])})
    assert [evaluate(slope, rows).data.tolist() for slope in slopes.values()] == [[3, 0, 0], [0, 5, 0], [0, 0, 0]]


def test_slopes_belong_to_a_linear_member() -> None:
    one, members = crossed(AGE, AREA, interaction("x", ["age", "area"], unseen="base"))
    with pytest.raises(SpecError, match="has no linear member"):
        one.slopes(members)


def test_a_level_called_base_is_a_level() -> None:
    base = categorical("k", levels=["base", "refuse", "z"], missing="refuse", unseen="refuse", base={"level": "z"})
    spec = interaction("x", ["k", "bonus"], unseen={"level": "base"})
    one, members = crossed(base, BONUS, spec)
    assert by_cell(one, members) == {
        ("base",): "base",
        ("refuse",): "refuse",
        ("z",): "base",
        (None,): "refused",
    }
    assert one.cell_index(members).of_code.tolist() == [0, 1, -1, -2, -2]


@given(
    st.lists(st.tuples(st.sampled_from([10, 30, 31, None]), st.sampled_from(["A", "B", "C", None])), min_size=1),
    st.sampled_from(["net_of_margins", "cells"]),
    st.sampled_from(["base", "refuse"]),
)
def test_the_score_of_a_row_is_the_coefficient_of_its_cell(
    rows: list[tuple[int | None, str | None]], coding: Any, unseen: str
) -> None:
    extra = {"base": {"level": "old × A"}} if coding == "cells" else {}
    seen = [["young", "A"], ["young", "B"], ["old", "A"]]
    spec = with_cells(interaction("x", ["age", "area"], unseen=unseen, coding=coding, **extra), seen)
    one, members = crossed(AGE, AREA, spec)
    effects = {name: 1.0 + i for i, name in enumerate(one.cell_index(members).names)}
    (term,) = one.score_terms(members, effects)
    frame = ArrayColumns(
        {
            "age": np.array([math.nan if age is None else age for age, _ in rows], dtype=float),
            "area": pd.Series([area for _, area in rows], dtype=object),
        }
    )

    def expected(age: int | None, area: str | None) -> float:
        if age is None:
            return math.nan
        cell = ["young" if age <= 30 else "old", {"A": "A", "B": "B", None: "missing"}.get(area, "A")]
        at_base = "old" in cell or "A" in cell if coding == "net_of_margins" else cell == ["old", "A"]
        if at_base:
            return 0.0
        return effects[cell_name(cell)] if cell in seen else math.nan if unseen == "refuse" else 0.0

    np.testing.assert_array_equal(evaluate(term, frame).data, [expected(*row) for row in rows])
    codes = evaluate(one.code(members), frame)
    assert codes.missing is None
    assert all(0 <= code < one.size(members) for code in codes.data)


def test_crossed_codes_count_the_first_member_slowest() -> None:
    one, members = crossed(AGE, AREA, interaction("x", ["age", "area"], unseen="base"))
    assert one.cells_of_codes(members)[:5] == (
        ("young", "A"),
        ("young", "B"),
        ("young", "missing"),
        ("young", "A"),
        ("old", "A"),
    )
    assert len(one.cells_of_codes(members)) == len(list(itertools.product(range(3), range(4))))
