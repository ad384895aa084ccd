"""Smoothing by hand: merge, split, move, rename; wrong names are told the right ones."""

from __future__ import annotations

import pytest

from glm_local.binning.hand import merge_levels, move_edge, rename_level, split_level
from glm_local.errors import SpecError
from glm_local.factors.factor_spec import CategoricalSpec, LinearSpec, NumericSpec, OrdinalSpec
from glm_local.factors.level_names import level_names


def numeric(**changed) -> NumericSpec:
    return NumericSpec(**{"name": "age", "column": "Age", "edges": [20, 30, 40], "missing": "own_level", **changed})


def categorical(kind=CategoricalSpec, **changed) -> CategoricalSpec:
    levels = ["A", {"level": "BC", "values": ["B", "C"]}, "D"]
    return kind(**{"name": "area", "column": "Area", "levels": levels, "missing": "base", "unseen": "base", **changed})


def names(spec) -> list[str]:
    return level_names(spec.document()) or []


def test_neighbouring_intervals_become_one_and_name_themselves() -> None:
    merged = merge_levels(numeric(), ["(20, 30]", "(30, 40]"])
    assert merged.edges == (20, 40)
    assert names(merged) == ["(-inf, 20]", "(20, 40]", "(40, inf)", "missing"]


def test_a_merged_interval_may_get_a_name_of_its_own() -> None:
    assert names(merge_levels(numeric(), ["(30, 40]", "(20, 30]"], "middle"))[:3] == [
        "(-inf, 20]",
        "middle",
        "(40, inf)",
    ]


def test_missing_may_join_an_interval() -> None:
    merged = merge_levels(numeric(), ["(40, inf)", "missing"])
    assert merged.edges == (20, 30, 40)
    assert merged.missing.level == "(40, inf)"


def test_policies_and_base_follow_a_level_to_its_new_name() -> None:
    spec = numeric(missing={"level": "(20, 30]"}, base={"level": "(30, 40]"})
    merged = merge_levels(spec, ["(20, 30]", "(30, 40]"])
    assert (merged.missing.level, merged.base.level) == ("(20, 40]", "(20, 40]")
    moved = move_edge(spec, 30, 33)
    assert (moved.missing.level, moved.base.level) == ("(20, 33]", "(33, 40]")
    assert rename_level(spec, "(30, 40]", "prime").base.level == "prime"


@pytest.mark.parametrize("kind", [NumericSpec, OrdinalSpec])
def test_only_neighbours_merge_where_order_counts_and_the_error_names_what_lies_between(kind) -> None:
    spec, asked, between = (
        (numeric(), ["(-inf, 20]", "(30, 40]"], r"'\(20, 30\]'")
        if kind is NumericSpec
        else (categorical(OrdinalSpec), ["A", "D"], "'BC'")
    )
    with pytest.raises(SpecError, match=between):
        merge_levels(spec, asked)


def test_categories_merge_wherever_they_stand() -> None:
    merged = merge_levels(categorical(), ["D", "A"])
    assert names(merged) == ["A, D", "BC"]
    assert merged.levels[0].values == ("A", "D")


def test_an_interval_splits_at_an_edge_inside_it() -> None:
    assert split_level(numeric(), "(40, inf)", at=65).edges == (20, 30, 40, 65)
    with pytest.raises(SpecError, match=r"outside '\(20, 30\]'"):
        split_level(numeric(), "(20, 30]", at=30)
    labelled = numeric(labels=["young", "middle", "prime", "old"])
    assert names(split_level(labelled, "old", at=65, name="very old"))[3:5] == ["(40, 65]", "very old"]


def test_values_leave_a_group_and_the_rest_keeps_its_name() -> None:
    split = split_level(categorical(base={"level": "BC"}), "BC", values=["C"])
    assert names(split) == ["A", "BC", "C", "D"]
    assert split.base.level == "BC"
    with pytest.raises(SpecError, match=r"Nearest: 'B'|Known"):
        split_level(categorical(), "BC", values=["b"])
    with pytest.raises(SpecError, match="both sides"):
        split_level(categorical(), "BC", values=["B", "C"])


def test_missing_values_that_follow_a_split_level_follow_the_rest_of_it_and_a_base_must_be_named_anew() -> None:
    split = split_level(numeric(missing={"level": "(20, 30]"}), "(20, 30]", at=25)
    assert split.missing.level == "(20, 25]"
    assert split_level(categorical(missing={"level": "BC"}), "BC", values=["C"]).missing.level == "BC"
    with pytest.raises(SpecError, match="'base' names"):
        split_level(numeric(base={"level": "(20, 30]"}), "(20, 30]", at=25)


def test_an_edge_moves_between_its_neighbours_only() -> None:
    assert move_edge(numeric(), 30, 35.5).edges == (20, 35.5, 40)
    with pytest.raises(SpecError, match="20 and 40"):
        move_edge(numeric(), 30, 45)
    with pytest.raises(SpecError, match="Nearest: 30"):
        move_edge(numeric(), 31, 32)
    with pytest.raises(SpecError, match="categorical"):
        move_edge(categorical(), 30, 31)


def test_dates_are_edges_too() -> None:
    spec = numeric(source="date", edges=["2020-01-01", "2021-01-01"])
    assert move_edge(spec, "2021-01-01", "2021-06-30").edges == ("2020-01-01", "2021-06-30")
    with pytest.raises(SpecError, match="YYYY-MM-DD"):
        move_edge(spec, 18262, "2021-06-30")


def test_every_level_can_be_renamed_and_names_stay_distinct() -> None:
    assert names(rename_level(numeric(), "(20, 30]", "young"))[1] == "young"
    assert names(rename_level(numeric(), "missing", "not given"))[-1] == "not given"
    assert names(rename_level(categorical(), "A", "first"))[0] == "first"
    with pytest.raises(SpecError, match="names another level"):
        rename_level(categorical(), "A", "D")


def test_an_unknown_level_is_answered_with_the_nearest() -> None:
    for change in (lambda s: merge_levels(s, ["(20, 31]", "(30, 40]"]), lambda s: rename_level(s, "(20, 31]", "x")):
        with pytest.raises(SpecError, match=r"Nearest: '\(20, 30\]'"):
            change(numeric())


def test_what_was_learned_is_written_out_and_the_learned_base_dropped() -> None:
    spec = numeric(edges={"method": "quantile", "bins": 3}, learned={"edges": [20, 30], "base": "(20, 30]"})
    merged = merge_levels(spec, ["(-inf, 20]", "(20, 30]"])
    assert (merged.edges, merged.learned) == ((30,), None)


def test_levels_must_be_known_and_a_factor_have_levels() -> None:
    with pytest.raises(SpecError, match="not known yet"):
        merge_levels(numeric(edges={"method": "quantile", "bins": 3}), ["a", "b"])
    with pytest.raises(SpecError, match="linear"):
        merge_levels(LinearSpec(name="x", column="x", missing="mean"), ["a", "b"])
    with pytest.raises(SpecError, match="two levels or more"):
        merge_levels(numeric(), ["(20, 30]"])
