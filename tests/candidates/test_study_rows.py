"""A study's rows on the pandas engine."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from glm_local.candidates.candidate import Candidate
from glm_local.candidates.pre_bins import learn_candidates
from glm_local.errors import DataError, SpecError
from glm_local.factors.spec_problems import read_factors
from glm_local.pandas_rows.pandas_engine import PandasEngine
from tests.doubles import OpaqueEngine, opaque
from tests.suites.candidates_suite import StudyRowsSuite, motor


class TestStudyRowsOnPandas(StudyRowsSuite):
    @pytest.fixture(autouse=True)
    def _engine(self) -> None:
        self.engine = PandasEngine()

    def frame_of(self, rows: pd.DataFrame) -> Any:
        return rows


class TestStudyRowsOnAnOpaqueEngine(StudyRowsSuite):
    @pytest.fixture(autouse=True)
    def _engine(self) -> None:
        self.engine = OpaqueEngine()

    def frame_of(self, rows: pd.DataFrame) -> Any:
        return opaque(rows)


def test_learning_candidates_takes_two_passes_whatever_their_number() -> None:
    engine = PandasEngine()
    learned = learn_candidates(engine, motor(), ["age", "town", "power", "noise", "exposure"])
    assert engine.passes.raw == 2
    assert [one.name for one in learned.candidates] == ["age", "town", "power", "noise", "exposure"]


def test_an_unknown_candidate_is_told_with_the_nearest_column() -> None:
    with pytest.raises(DataError, match="Nearest: 'town'"):
        learn_candidates(PandasEngine(), motor(), ["twon"])


def test_a_column_of_too_many_values_is_refused_by_name_and_spares_the_others() -> None:
    policies = motor(12_000).assign(key=lambda d: "k" + d["id"].astype(str))
    learned = learn_candidates(PandasEngine(), policies, ["key", "town"])
    assert "more than 10,000 values" in learned.refused["key"]
    assert [one.name for one in learned.candidates] == ["town"]


def test_a_value_called_missing_does_not_share_its_level_with_missing_values() -> None:
    policies = motor().assign(town=lambda d: d["town"].replace("d", "missing"))
    (town,) = learn_candidates(PandasEngine(), policies, ["town"]).candidates
    assert town.labels == ("a", "b", "c", "missing", "(missing)", "unseen")


def test_groups_of_fine_codes_become_edges_or_groups_of_values() -> None:
    age, town = learn_candidates(PandasEngine(), motor(), ["power", "town"]).candidates
    spec = age.spec([[0, 1, 2], list(range(3, age.ordered))], missing="base")
    assert spec.edges == (6,)  # type: ignore[union-attr]
    grouped = town.spec([[0, 2], [1], [3]], missing="own_level")
    assert grouped.document()["levels"] == [{"level": "a, c", "values": ["a", "c"]}, "b", "d"]


@pytest.mark.parametrize("groups", [[[0], [1]], [[0, 1, 2, 3], [3]], [[0, 1, 2, 3], []]])
def test_groups_that_are_no_partition_are_refused(groups: list[list[int]]) -> None:
    (town,) = learn_candidates(PandasEngine(), motor(), ["town"]).candidates
    with pytest.raises(SpecError, match="exactly one group"):
        town.spec(groups)


def test_a_numeric_factor_merges_neighbours_only() -> None:
    fine = read_factors([{"kind": "numeric", "name": "x", "column": "x", "edges": [1, 2], "missing": "own_level"}])[0]
    with pytest.raises(SpecError, match="neighbours"):
        Candidate("x", fine).spec([[0, 2], [1]])


@pytest.mark.parametrize("policy", ["refuse", "base", {"level": "a"}])
def test_a_candidate_keeps_missing_values_apart_and_says_where_policies_go(policy: object) -> None:
    asked = {"kind": "categorical", "name": "town", "levels": ["a", "b", "c", "d"], "missing": policy}
    with pytest.raises(DataError, match="BinningRules"):
        learn_candidates(PandasEngine(), motor(), [asked])


def test_a_special_value_lies_alone_in_a_pre_bin_however_rare() -> None:
    policies = motor()
    policies.loc[:2, "age"] = 999.5
    asked = {"kind": "numeric", "name": "age", "special": [999.5, -1]}
    (age,) = learn_candidates(PandasEngine(), policies, [asked]).candidates
    assert {"[999.5, 999.5]", "[-1, -1]"} <= set(age.labels)
    with pytest.raises(DataError, match="special"):
        learn_candidates(PandasEngine(), policies, [{"kind": "numeric", "name": "age", "special": ["x"]}])
