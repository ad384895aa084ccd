"""Every bad specification is named with its path, the rule and a way out, and all problems come at once."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_local.errors import SpecError
from glm_local.factors.factor_spec import LinearSpec, NumericSpec
from glm_local.factors.factors import categorical, interaction, linear, numeric
from glm_local.factors.fingerprint import fingerprint
from glm_local.factors.spec_problems import factor_problems, read_factor, read_factors

NUMERIC: dict[str, Any] = {"kind": "numeric", "name": "age", "column": "Age", "edges": [20, 30], "missing": "refuse"}
CATEGORICAL: dict[str, Any] = {
    "kind": "categorical",
    "name": "area",
    "column": "Area",
    "levels": ["A", "B"],
    "missing": "own_level",
    "unseen": "base",
}
LINEAR: dict[str, Any] = {"kind": "linear", "name": "bm", "column": "BonusMalus", "missing": "refuse"}
CROSS: dict[str, Any] = {"kind": "interaction", "name": "x", "factors": ["age", "area"], "unseen": "base"}


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


BAD: list[tuple[Any, str, str]] = [
    # document, path of the one problem, words of its message
    ("Area", "", '"Area" is only a name'),
    (3, "", "3 is not an object"),
    (None, "", "null is not an object"),
    ({}, "/kind", "not given. Kinds are numeric, categorical, ordinal, linear, hinge, interaction."),
    ({"type": "numeric", "column": "x"}, "/kind", "read_legacy_spec"),
    ({"kind": "numerc"}, "/kind", "Nearest: 'numeric'."),
    ({"kind": ["numeric"]}, "/kind", "is not a kind of factor"),
    ({**NUMERIC, "version": 2}, "/version", "It reads version 1."),
    ({**NUMERIC, "version": True}, "/version", "It reads version 1."),
    ({**NUMERIC, "name": ""}, "/name", "is empty text"),
    ({**NUMERIC, "name": "(Intercept)"}, "/name", "is the name of the intercept"),
    ({**NUMERIC, "name": "a\ud800"}, "/name", "half a character"),
    ({**CATEGORICAL, "levels": ["a\ud800"]}, "/levels/0", "half a character"),
    ({**NUMERIC, "name": 7}, "/name", "7 is not text"),
    (without(NUMERIC, "name"), "/name", "Every factor has a name."),
    ({**NUMERIC, "column": None}, "/column", "A factor reads a column."),
    ({**NUMERIC, "colum": "Age"}, "/colum", "Nearest: 'column'."),
    ({**NUMERIC, "a/b": 1}, "/a~1b", "is not a field that is read here"),
    ({**NUMERIC, "notes": "n"}, "/notes", "is not a list of text"),
    ({**NUMERIC, "source": "text"}, "/source", 'It is one of "number", "integer", "date".'),
    (without(NUMERIC, "edges"), "/edges", "A numeric factor is cut at edges."),
    (
        {**NUMERIC, "edges": [25, 18, 65]},
        "/edges",
        "[25, 18, 65] is not increasing. Edges must rise; did you mean [18, 25, 65]?",
    ),
    ({**NUMERIC, "edges": [18, 18.0]}, "/edges", "did you mean [18]?"),
    ({**NUMERIC, "edges": [2**53, 2**53 + 1]}, "/edges", "is not increasing"),
    ({**NUMERIC, "edges": 25}, "/edges", "Write [25]."),
    ({**NUMERIC, "edges": "quantile"}, "/edges", '{"method": "quantile", "bins": 10}'),
    ({**NUMERIC, "edges": [18, float("nan")]}, "/edges/1", "nan is not finite"),
    ({**NUMERIC, "edges": [18, float("inf")]}, "/edges/1", "inf is not finite"),
    ({**NUMERIC, "edges": [18, "25"]}, "/edges/1", '"25" is not a number'),
    ({**NUMERIC, "edges": [True, 2]}, "/edges/0", "true is not a number"),
    ({**NUMERIC, "edges": [10**400]}, "/edges/0", "is not a number"),
    ({**NUMERIC, "edges": ["2024-01-01"]}, "/edges/0", 'Write "source": "date".'),
    ({**NUMERIC, "edges": [18], "source": "date"}, "/edges/0", "Write dates as text, YYYY-MM-DD."),
    ({**NUMERIC, "edges": ["2024-13-01"], "source": "date"}, "/edges/0", "is not a number"),
    ({**NUMERIC, "edges": ["2024-02-01", "2024-01-01"], "source": "date"}, "/edges", "is not increasing"),
    ({**NUMERIC, "edges": [datetime.datetime(2024, 1, 1, 5)], "source": "date"}, "/edges/0", "a time of day"),
    ({**NUMERIC, "edges": {"method": "median", "bins": 4}}, "/edges/method", "is not known here"),
    ({**NUMERIC, "edges": {"method": "quantile"}}, "/edges/bins", "not given"),
    ({**NUMERIC, "edges": {"method": "quantile", "bins": 2.5}}, "/edges/bins", "whole number, 1 to 1000"),
    ({**NUMERIC, "edges": {"method": "quantile", "bins": 0}}, "/edges/bins", "whole number, 1 to 1000"),
    ({**NUMERIC, "edges": {"method": "quantile", "bins": 4}, "labels": ["a"]}, "/labels", "edges are to be learned"),
    ({**NUMERIC, "labels": ["a", "b"]}, "/labels", "2 labels for 3 intervals."),
    ({**NUMERIC, "labels": ["a", "b", "a"]}, "/labels", '"a" is there twice'),
    ({**NUMERIC, "labels": ["a", "b", ""]}, "/labels/2", "is empty text"),
    ({**NUMERIC, "labels": "abc"}, "/labels", "is not a list"),
    ({**NUMERIC, "lower": 21, "below": "base"}, "/lower", "21 is above the first edge, 20."),
    ({**NUMERIC, "upper": 30, "above": "base"}, "/upper", "30 is not above the last edge, 30."),
    ({**NUMERIC, "edges": [], "lower": 3, "upper": 2, "below": "base", "above": "base"}, "/upper", "below lower, 3"),
    ({**NUMERIC, "lower": 18}, "/below", 'Say what values below lower become: a level, or "refuse".'),
    ({**NUMERIC, "above": "base"}, "/above", "is given without 'upper'"),
    ({**NUMERIC, "lower": "x", "below": "base"}, "/lower", '"x" is not a number'),
    (without(NUMERIC, "missing"), "/missing", 'not given. Say what missing becomes: a level, or "refuse".'),
    ({**NUMERIC, "missing": None}, "/missing", "not given"),
    ({**NUMERIC, "missing": "own_lvel"}, "/missing", "Nearest: 'own_level'."),
    ({**NUMERIC, "missing": 0}, "/missing", "0 is not a policy"),
    ({**NUMERIC, "missing": {"level": "(20, 31]"}}, "/missing/level", "Nearest: '(20, 30]'."),
    ({**NUMERIC, "missing": {"level": 1}}, "/missing/level", "1 is not text"),
    ({**NUMERIC, "missing": {"levl": "a"}}, "/missing", "is not a policy"),
    ({**NUMERIC, "labels": ["a", "b", "missing"], "missing": "own_level"}, "/missing", 'Write {"level": "missing"}'),
    ({**NUMERIC, "base": "(20, 30]"}, "/base", 'Write {"level": "(20, 30]"}.'),
    ({**NUMERIC, "base": {"level": "young"}}, "/base/level", '"young" is not a level of this factor'),
    ({**NUMERIC, "learned": {"edges": [1]}}, "/learned/edges", "What was asked for is not learned."),
    ({**NUMERIC, "learned": {"base": "zz"}}, "/learned/base", "is not a level of this factor"),
    ({**NUMERIC, "learned": {"bse": "zz"}}, "/learned/bse", "Nearest: 'base'."),
    ({**NUMERIC, "learned": 3}, "/learned", "is not an object"),
    (without(CATEGORICAL, "unseen"), "/unseen", "Say what values outside the levels become"),
    ({**CATEGORICAL, "levels": "all"}, "/levels", 'Write "learn"'),
    ({**CATEGORICAL, "levels": ["A", None]}, "/levels/1", "Missing has a policy of its own."),
    ({**CATEGORICAL, "levels": ["A", ["B"]]}, "/levels/1", "is not a value"),
    ({**CATEGORICAL, "levels": ["A", 3]}, "/levels/1", 'Write it as text, or "source": "integer".'),
    ({**CATEGORICAL, "levels": ["A", True]}, "/levels/1", '"source": "boolean"'),
    ({**CATEGORICAL, "levels": [1, "2"], "source": "integer"}, "/levels/1", '"2" is not of kind integer'),
    ({**CATEGORICAL, "levels": [1, 2.5], "source": "integer"}, "/levels/1", "Write it as a whole number."),
    ({**CATEGORICAL, "levels": [True, "false"], "source": "boolean"}, "/levels/1", "Write true or false"),
    ({**CATEGORICAL, "levels": ["2024-02-30"], "source": "date"}, "/levels/0", "Write YYYY-MM-DD."),
    ({**CATEGORICAL, "levels": [float("inf")], "source": "number"}, "/levels/0", 'Write "inf" in quotes.'),
    ({**CATEGORICAL, "levels": ["A", "A"]}, "/levels/1", "A value belongs to one level."),
    ({**CATEGORICAL, "levels": [1, 1.0], "source": "number"}, "/levels/1", "1.0 is also at /factors/0/levels/0."),
    (
        {**CATEGORICAL, "levels": ["A", {"level": "g", "values": ["B", "A"]}]},
        "/levels/1/values/1",
        '"A" is also at /factors/0/levels/0.',
    ),
    ({**CATEGORICAL, "levels": ["A", {"level": "A", "values": ["B"]}]}, "/levels", '"A" names two levels'),
    ({**CATEGORICAL, "levels": [{"level": "g", "values": []}]}, "/levels/0/values", "at least one value"),
    ({**CATEGORICAL, "levels": [{"level": "g", "values": "A"}]}, "/levels/0/values", "is not a list of values"),
    ({**CATEGORICAL, "levels": [{"values": ["A"]}]}, "/levels/0/level", "not given"),
    ({**CATEGORICAL, "levels": [{"level": "", "values": ["A"]}]}, "/levels/0/level", "is empty text"),
    ({**CATEGORICAL, "levels": [{"level": "g", "values": ["A"], "vals": 1}]}, "/levels/0/vals", "Nearest: 'values'."),
    ({**CATEGORICAL, "levels": ["", '""']}, "/levels", "names two levels"),
    ({**CATEGORICAL, "levels": ["A", "missing"]}, "/missing", '"missing" is an ordinary level already'),
    (
        {**CATEGORICAL, "missing": {"own_level": "other"}, "unseen": {"own_level": "other"}},
        "/unseen",
        "\"other\" is the level of 'missing' already",
    ),
    ({**CATEGORICAL, "missing": "base", "levels": []}, "/levels", "A factor has at least one level."),
    ({**CATEGORICAL, "unseen": {"level": "C"}}, "/unseen/level", '"C" is not a level of this factor'),
    ({**CATEGORICAL, "edges": [1]}, "/edges", "is not a field that is read here"),
    (without(LINEAR, "column"), "/column", "has a column or an expression, not both"),
    ({**LINEAR, "expression": {"log": "Density"}}, "/column", "is given next to an expression"),
    ({**without(LINEAR, "column"), "expression": {"lgo": "Density"}}, "/expression/lgo", "Nearest: 'log'."),
    ({**without(LINEAR, "column"), "expression": {"is_missing": "Density"}}, "/expression", "is flag, not a number"),
    (without(LINEAR, "missing"), "/missing", 'a number, "mean" or "refuse"'),
    ({**LINEAR, "missing": "own_level"}, "/missing", "A linear factor has no levels"),
    ({**LINEAR, "scale": 0}, "/scale", "0 is not above 0"),
    ({**LINEAR, "scale": "std"}, "/scale", 'It is a finite number or "sd".'),
    ({**LINEAR, "centre": float("nan")}, "/centre", "is not a number"),
    ({**LINEAR, "cap": {"lower": 5, "upper": 4}}, "/cap", "4 is below 5"),
    ({**LINEAR, "cap": [1, 2]}, "/cap", "is not an object"),
    ({**LINEAR, "learned": {"sd": 0}}, "/learned/sd", "is not above 0"),
    ({**LINEAR, "base": "largest_exposure"}, "/base", "is not a field that is read here"),
]


@pytest.mark.parametrize(("document", "where", "words"), BAD, ids=range(len(BAD)))
def test_a_bad_document_is_named_with_its_path_and_rule(document: Any, where: str, words: str) -> None:
    problems = factor_problems([document])
    assert [problem.path for problem in problems] == [f"/factors/0{where}"]
    assert words in str(problems[0])
    assert problems[0].found
    assert "pydantic" not in str(problems[0]).lower()


SETS: list[tuple[list[Any], str, str]] = [
    ([NUMERIC, {**CATEGORICAL, "name": "age"}], "/factors/1/name", "is also the name at /factors/0"),
    ([NUMERIC, CATEGORICAL, without(CROSS, "unseen")], "/factors/2/unseen", "cells without training rows"),
    ([NUMERIC, CATEGORICAL, {**CROSS, "unseen": "own_level"}], "/factors/2/unseen", "cannot be fitted"),
    ([NUMERIC, CATEGORICAL, {**CROSS, "factors": ["age", "aera"]}], "/factors/2/factors/1", "Nearest: 'area'."),
    ([NUMERIC, CATEGORICAL, {**CROSS, "factors": ["age"]}], "/factors/2/factors", "two factors or more"),
    ([NUMERIC, CATEGORICAL, {**CROSS, "factors": ["age", "age"]}], "/factors/2/factors", "is there twice"),
    ([NUMERIC, CATEGORICAL, {**CROSS, "coding": "net"}], "/factors/2/coding", "net_of_margins"),
    ([NUMERIC, CATEGORICAL, {**CROSS, "base": {"level": "a × b"}}], "/factors/2/base", '"coding": "cells"'),
    (
        [NUMERIC, CATEGORICAL, CROSS, {**CROSS, "name": "y", "factors": ["x", "age"]}],
        "/factors/3/factors/0",
        "is an interaction",
    ),
    (
        [LINEAR, {**LINEAR, "name": "b"}, {**CROSS, "factors": ["bm", "b"]}],
        "/factors/2/factors",
        "at most one linear factor",
    ),
    (
        [
            NUMERIC,
            CATEGORICAL,
            {**CATEGORICAL, "name": "c"},
            CROSS,
            {**CROSS, "name": "y", "factors": ["age", "c"]},
            {**CROSS, "name": "z", "factors": ["age", "area", "c"]},
        ],
        "/factors/5/coding",
        'the interaction of "area" and "c" is not in the model',
    ),
    (
        [NUMERIC, CATEGORICAL, {**CROSS, "learned": {"cells": [["(20, 30]", "Z"]]}}],
        "/factors/2/learned/cells/0",
        '"Z" is not a level of "area"',
    ),
    (
        [NUMERIC, CATEGORICAL, {**CROSS, "learned": {"cells": [["(20, 30]"]]}}],
        "/factors/2/learned/cells/0",
        "has 1 level",
    ),
]


@pytest.mark.parametrize(("documents", "where", "words"), SETS, ids=range(len(SETS)))
def test_a_bad_set_of_factors_is_named(documents: list[Any], where: str, words: str) -> None:
    problems = factor_problems(documents)
    assert [problem.path for problem in problems] == [where]
    assert words in str(problems[0])


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["own_level", "base", "refuse", "learn", "mean", "sd", "date", "integer", "2024-01-01", "A"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["level", "values", "own_level", "method", "bins", "edges", "levels", "base", "lower", "log"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
WHOLE = [
    {**NUMERIC, "lower": 1, "below": "base", "upper": 99, "above": "base", "labels": ["a", "b", "c"], "learned": {}},
    {**CATEGORICAL, "base": {"level": "A"}, "learned": {"base": "A"}, "source": "text"},
    {**CATEGORICAL, "kind": "ordinal", "levels": "learn", "learned": {"levels": ["A", "B"]}},
    {**LINEAR, "cap": {"lower": 1}, "centre": "mean", "scale": "sd", "learned": {"mean": 1, "sd": 2}},
    {**CROSS, "coding": "cells", "learned": {"cells": [["a", "A"]], "base": "a × A"}},
]


@given(st.sampled_from(WHOLE), st.data())
def test_whatever_a_document_holds_it_is_either_told_off_or_read(document: dict[str, Any], data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted({*document, "expression", "edges", "levels"})), max_size=3))
    changed = {**document, **{name: data.draw(json_values) for name in names}}
    factor_problems([changed], {"Age": "integer", "Area": "text"})
    if not factor_problems([changed]):
        spec = read_factor(changed)
        assert read_factor(spec.document()) == spec
        assert len(fingerprint(spec)) == 64


def test_every_problem_of_the_whole_set_comes_at_once() -> None:
    documents = [
        {**NUMERIC, "edges": [25, 18], "mising": "refuse", "lower": 3},
        "Area",
        {**CATEGORICAL, "column": "vehicel_age", "unseen": "bse", "levels": ["A", "A"]},
    ]
    with pytest.raises(SpecError) as caught:
        read_factors(documents, source="study.json")
    assert [problem.path for problem in caught.value.problems] == [
        "/factors/0/mising",
        "/factors/0/edges",
        "/factors/0/below",
        "/factors/1",
        "/factors/2/unseen",
        "/factors/2/levels/1",
    ]
    assert str(caught.value).startswith("6 problems in study.json\n  /factors/0/mising  ")
    assert caught.value.exit_code == 2


def test_columns_of_the_table_are_checked_beside_the_documents() -> None:
    columns = {"vehicle_age": "integer", "Area": "text", "Age": "timestamp", "age": "integer", "d": "float64"}
    documents = [
        {**NUMERIC, "column": "vehicel_age", "edges": [2, 1]},
        {**NUMERIC, "name": "b", "column": "Age"},
        {**CATEGORICAL, "column": "d"},
        {**LINEAR, "column": None, "expression": "dd"},
    ]
    problems = {problem.path: str(problem) for problem in factor_problems(documents, columns)}  # type: ignore[arg-type]
    assert "Nearest: 'vehicle_age'." in problems["/factors/0/column"]
    assert "only by case" in problems["/factors/1/column"]
    assert '"Area"' not in " ".join(problems.values())
    assert 'Write "source": "number" or "integer" or "boolean".' in problems["/factors/2/column"]
    assert "Nearest: 'd'." in problems["/factors/3/expression"]


def test_a_timestamp_is_refused_for_a_number_and_taken_as_a_date() -> None:
    found = factor_problems([NUMERIC], {"Age": "timestamp"})
    assert "is of kind timestamp" in str(found[0])
    dated = {**NUMERIC, "source": "date", "edges": ["2024-01-01"]}
    assert factor_problems([dated], {"Age": "timestamp"}) == []


def test_a_list_is_asked_for_when_something_else_is_given() -> None:
    for wrong in ("Area", NUMERIC, 3, None):
        assert "is not a list of factors" in str(factor_problems(wrong)[0])  # type: ignore[arg-type]


def test_level_names_are_any_text() -> None:
    hostile = ["'; DROP TABLE x; --", "a\\b", "é", " ", "a × b", '"', "\n", "<b>", "=1+1", "base"]
    spec = categorical("h", levels=hostile, missing="base", unseen="refuse")
    assert read_factor(spec.document()) == spec


def test_the_classes_themselves_refuse_a_bad_document() -> None:
    with pytest.raises(SpecError, match="did you mean"):
        NumericSpec(name="a", column="a", edges=[2, 1], missing="base")
    with pytest.raises(SpecError, match="holds kind 'linear'"):
        LinearSpec(kind="numeric", name="a", column="a", missing=0)


def test_a_specification_reads_back_from_its_document_as_it_was() -> None:
    specs = [
        numeric(
            "age",
            edges=[20, 25.5],
            lower=18,
            below="own_level",
            upper=90,
            above={"level": "(25.5, 90]"},
            missing={"own_level": "unknown"},
            base={"level": "(20, 25.5]"},
            notes=["why"],
        ),
        numeric("start", edges=["2020-01-01"], source="date", missing="base"),
        categorical("area", levels=["A", {"level": "rest", "values": ["B", "C"]}], missing="base", unseen="refuse"),
        categorical("flag", levels=[True, False], source="boolean", missing="base", unseen="base"),
        linear("density", expression={"log": "Density"}, cap=(0, None), centre="mean", scale="sd", missing="mean"),
        interaction("x", ["age", "area"], unseen="base"),
    ]
    again = read_factors([spec.document() for spec in specs])
    assert again == tuple(specs)
    assert read_factors(specs) == tuple(specs)
    assert [type(one.edges[0]) for one in again[:1]] == [int]  # type: ignore[union-attr]


def test_numpy_numbers_and_dates_are_taken_as_json_has_them() -> None:
    spec = numeric("a", edges=np.array([1, 2]), missing="base")
    assert spec.document()["edges"] == [1, 2]
    dated = numeric("a", edges=[datetime.date(2024, 1, 1)], source="date", missing="base")
    assert dated.document()["edges"] == ["2024-01-01"]
