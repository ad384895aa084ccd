"""Specifications of glm-factor-optimizer 0.1.2 give the levels that package gave on a pandas frame.

The expected levels were recorded by running that package (pandas 2.3.3); none of it is needed here.
"""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local.errors import SpecError
from glm_local.expressions.column_reader import ArrayColumns
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.evaluate import evaluate
from glm_local.factors.compile_factor import CompiledFactor, compile_factor, compile_factors
from glm_local.factors.compiled_interaction import CompiledInteraction
from glm_local.factors.factor_spec import CategoricalSpec, InteractionSpec, NumericSpec
from glm_local.factors.fingerprint import fingerprint
from glm_local.factors.learn_factors import with_base
from glm_local.factors.legacy.spec import read_legacy_spec, read_legacy_specs
from glm_local.factors.spec_problems import read_factors

M, B1, B2, B3 = "missing", "bin_1", "bin_2", "bin_3"
UP, DOWN = math.inf, -math.inf
SCORE: dict[str, Any] = {
    "type": "numeric",
    "column": "score",
    "output": "score_bin",
    "method": "quantile",
    "edges": [0.999999999, 2.6666666666666665, 4.333333333333333, 6.000000001],
    "labels": [B1, B2, B3],
}


def bins(edges: list[float], labels: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "numeric",
        "column": "x",
        "edges": edges,
        "labels": labels or [f"bin_{i + 1}" for i in range(len(edges) - 1)],
    }


def groups(mapping: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {
        "type": "categorical",
        "column": "x",
        "mapping": mapping,
        "default": "other",
        "missing": "__missing__",
        "labels": sorted({str(one) for one in mapping.values()}),
        **others,
    }


def levels(document: dict[str, Any], values: Any, source: ColumnKind | None = None) -> list[str | None]:
    compiled = compile_factor(read_legacy_spec(document, source))
    assert isinstance(compiled, CompiledFactor)
    labels: list[Any] = list(compiled.labels)
    found = evaluate(compiled.with_outputs(labels), ArrayColumns({document["column"]: values}))
    return list(found.data)


def test_the_saved_numeric_specification_reads_with_its_names() -> None:
    spec = read_legacy_spec(SCORE)
    assert isinstance(spec, NumericSpec)
    assert (spec.name, spec.column, spec.labels) == ("score_bin", "score", (B1, B2, B3))
    assert levels(SCORE, np.array([1, 2, 3, 4, 5, 6])) == [B1, B1, B2, B2, B3, B3]
    assert read_factors([spec.document()]) == (spec,)
    assert any("share the level 'missing'" in note for note in spec.notes)


EDGES = [-1e-9, 0.1, 4.33, 100.000000001]
NUMBERS: list[tuple[ColumnKind, dict[str, Any], Any, list[str]]] = [
    (
        "float64",
        bins(EDGES),
        np.array(
            [
                math.nan,
                UP,
                DOWN,
                -0.0,
                0.0,
                -1e-9,
                np.nextafter(-1e-9, -1),
                0.1,
                np.nextafter(0.1, 1),
                4.33,
                100.000000001,
                np.nextafter(100.000000001, 200),
                50,
            ]
        ),
        [M, M, M, B1, B1, B1, M, B1, B2, B2, B3, M, B3],
    ),
    (
        "float32",
        bins(EDGES),
        np.array([math.nan, -1e-9, 0.1, 4.33, 100.000000001], dtype=np.float32),
        [M, B1, B2, B2, B3],
    ),
    ("integer", bins(EDGES), np.array([0, 1, 4, 5, 100, 101, -1]), [B1, B2, B2, B3, B3, M, M]),
    ("boolean", bins(EDGES), np.array([True, False]), [B2, B1]),
    ("boolean", bins(EDGES), pd.Series([True, None, False], dtype=object), [B2, M, B1]),
    ("decimal", bins(EDGES), pd.Series([Decimal("0.10"), Decimal("4.4"), None], dtype=object), [B1, B3, M]),
    (
        "text",
        bins(EDGES),
        pd.Series(["1", "abc", "1e1", "-1", "", "0x10", "1_0", "5d", "+3", ".5", "5.", None]),
        [B2, M, B3, M, M, M, M, M, B2, B2, B3, M],
    ),
    # constant column; a constant whose rounded ends meet; one infinity in training; ends left open by hand
    ("float64", bins([4.999999999, 5, 5.000000001]), np.array([5.0, 4, 6, 5.0000000005]), [B1, M, M, B2]),
    ("float64", bins([1e9, 1e9]), np.array([1e9, 1e9 + 1, 1, math.nan]), [B1, M, M, M]),
    ("float64", bins([0.999999999, 3.0]), np.array([1, 2, 3, 4, UP]), [B1, B1, B1, M, M]),
    ("float64", bins([DOWN, 5, UP]), np.array([5, DOWN, UP, math.nan]), [B1, B1, B2, M]),
    ("float64", bins([-1e-9, 0.1, 100.000000001]), np.array([0, 0.2, 100]), [B1, B2, B2]),
    ("integer", bins([1, 2, 3], [M, "a"]), np.array([1, 2, 3, 4]), [M, M, "a", M]),
]


@pytest.mark.parametrize(("source", "document", "values", "expected"), NUMBERS, ids=range(len(NUMBERS)))
def test_numbers_fall_in_the_bins_of_that_package(
    source: ColumnKind, document: dict[str, Any], values: Any, expected: list[str]
) -> None:
    assert levels(document, values, source) == expected


D = datetime.date
FLOATS = {
    "1.0": "g1",
    "2": "g2",
    "1e-05": "g2",
    "10000000.0": "g3",
    "1e+16": "g4",
    "inf": "g5",
    "123456789.0": "g6",
    "nan": "g7",
}
CATEGORIES: list[tuple[ColumnKind, dict[str, Any], Any, list[str]]] = [
    (
        "text",
        groups({"b": "group_01", "a": "group_02", "c": "group_02"}),
        ["b", "a", "c", "d", None],
        ["group_01", "group_02", "group_02", "other", "other"],
    ),
    (
        "text",
        groups({"a": "g1", "b": "g2", "": "g2", "é": "g1"}),
        ["a", "b", "", "é", "A", "a ", None, "__missing__", "nan"],
        ["g1", "g2", "g2", "g1", "other", "other", "other", "other", "other"],
    ),
    ("text", groups({"a": "g1", "__missing__": "g2"}), ["a", None, "__missing__"], ["g1", "g2", "g2"]),
    ("text", groups({"a": "g1", "__missing__": "g2"}, default="g1"), ["a", None, "z"], ["g1", "g2", "g1"]),
    (
        "text",
        groups({"a": "other", "b": "g2"}, missing="zz"),
        ["a", None, "zz", "b"],
        ["other", "other", "other", "g2"],
    ),
    ("text", groups({}), ["a", None], ["other", "other"]),
    ("text", groups({"a": None, "b": "g"}), ["a", "b"], ["other", "g"]),
    ("integer", groups({"1": "g1", "2": "g2", "1.0": "g3", "01": "g3"}), np.array([1, 2, 3]), ["g1", "g2", "other"]),
    ("integer", groups({"x": "g1", "__missing__": "g9"}), np.array([1, 2]), ["other", "other"]),
    ("float64", groups({"1": "g1", "2": "g2"}), np.array([1, 2, math.nan]), ["other", "other", "other"]),
    (
        "float64",
        groups(FLOATS),
        np.array([1, 2, 1e-5, 1e7, 1e16, UP, DOWN, 123456789, math.nan]),
        ["g1", "other", "g2", "g3", "g4", "g5", "other", "g6", "other"],
    ),
    (
        "float32",
        groups({"0.1": "g1", "0.10000000149011612": "g2", "0.5": "g3"}),
        np.array([0.1, 0.5, 0.2], dtype=np.float32),
        ["g2", "g3", "other"],
    ),
    ("boolean", groups({"True": "g1", "False": "g2", "true": "g3"}), np.array([True, False]), ["g1", "g2"]),
    ("boolean", groups({"True": "g1"}), pd.Series([True, False, None], dtype=object), ["g1", "other", "other"]),
    (
        "date",
        groups({"2020-01-01": "g1", "2020-1-2": "g2"}),
        pd.Series([D(2020, 1, 1), D(2020, 1, 2), None]),
        ["g1", "other", "other"],
    ),
    (
        "timestamp",
        groups({"2020-01-01 00:00:00": "g1", "2020-01-02": "g2"}),
        pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02", None])),
        ["g1", "other", "other"],
    ),
    (
        "decimal",
        groups({"2": "g1", "2.50": "g2"}),
        pd.Series([Decimal("2"), Decimal("2.50"), Decimal("3"), None]),
        ["g1", "g2", "other", "other"],
    ),
]


@pytest.mark.parametrize(("source", "document", "values", "expected"), CATEGORIES, ids=range(len(CATEGORIES)))
def test_categories_fall_in_the_groups_of_that_package(
    source: ColumnKind, document: dict[str, Any], values: Any, expected: list[str]
) -> None:
    column = pd.Series(values, dtype=object) if isinstance(values, list) else values
    assert levels(document, column, source) == expected


def notes(document: dict[str, Any], source: ColumnKind | None = None) -> str:
    return " ".join(read_legacy_spec(document, source).notes)


def test_every_habit_that_shapes_a_level_is_named() -> None:
    assert "below -1e-09 or above 100.000000001 share the level 'missing'" in notes(bins(EDGES))
    assert "only that very value" in notes(bins([1e9, 1e9]))
    assert "pandas.to_numeric" in notes(bins(EDGES), "text")
    assert "alphabetically first level" in notes(bins(EDGES))
    assert "whatever the saved field 'missing' says" in notes(groups({"a": "g"}, missing="zz"))
    assert "'1.0'" in notes(groups({"1.0": "g"}), "float64")
    never = notes(groups({"1.0": "g", "01": "g"}), "integer")
    assert "No integer value has the text '1.0', '01': never matched" in never
    assert "'-0.0' and '0.0' are one value here, in 'g1'" in notes(groups({"-0.0": "g2", "0.0": "g1"}), "float64")
    assert "'2.00' and '2' are one value here" in notes(groups({"2": "g1", "2.00": "g2"}), "decimal")
    assert "other times of that day match too" in notes(groups({"2020-01-01 00:00:00": "g1"}), "timestamp")


def test_groups_keep_the_order_of_the_labels() -> None:
    spec = read_legacy_spec(groups({"a": "group_02", "b": "group_01"}, output="seg_group"))
    assert isinstance(spec, CategoricalSpec)
    assert spec.name == "seg_group"
    compiled = compile_factor(spec)
    assert isinstance(compiled, CompiledFactor)
    assert compiled.levels == ("group_01", "group_02", "other")


REFUSED: list[tuple[dict[str, Any], ColumnKind | None, str, str]] = [
    ({"type": "spline"}, None, "/type", "It wrote numeric, categorical and interaction."),
    ({"kind": "numeric"}, None, "/type", 'Look for the field "type".'),
    (bins([3, 2, 5]), None, "/edges", "did you mean [2, 3, 5]?"),
    (bins([1, 2, 2]), None, "/edges", "is not increasing"),
    (bins([1]), None, "/edges", "two numbers or more"),
    ({**bins([1, 2]), "labels": ["a", "b"]}, None, "/labels", "are not 1 labels"),
    (bins([1, 2, 3], ["a", "a"]), None, "/labels", '"a" is there twice'),
    (bins([1, 2]), "timestamp", "/column", "unit depends on the pandas version"),
    (bins([1, 2]), "date", "/column", 'every date the level "missing"'),
    ({"type": "numeric", "edges": [1, 2], "labels": ["a"]}, None, "/column", "names no column"),
    ({"type": "categorical", "column": "x"}, None, "/mapping", "is not an object"),
    (groups({"a": ""}), None, "/mapping", "A level has a name."),
    (groups({"2020-01-01 08:00:00": "g"}), "timestamp", "/mapping", "has a time of day"),
    ({"type": "interaction", "columns": ["a"]}, None, "/columns", "are not two columns"),
]


@pytest.mark.parametrize(("document", "source", "where", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_that_package_could_not_apply_is_refused(
    document: dict[str, Any], source: ColumnKind | None, where: str, words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        read_legacy_spec(document, source)
    assert [problem.path for problem in caught.value.problems] == [where]
    assert words in str(caught.value)


def test_an_interaction_gives_the_strings_that_package_joined() -> None:
    saved = {
        "age": {**bins([0, 30, 99]), "column": "age", "output": "age_bin"},
        "seg": {**groups({"a": "group_01", "b": "group_02"}), "column": "seg", "output": "seg_group"},
        "age_bin__x__seg_group": {
            "type": "interaction",
            "columns": ["age_bin", "seg_group"],
            "method": "string_cross",
            "output": "age_bin__x__seg_group",
        },
    }
    specs = list(read_legacy_specs(saved))
    specs[:2] = [with_base(specs[0], B1), with_base(specs[1], "group_01")]
    members = compile_factors(read_factors(specs))
    one = members["age_bin__x__seg_group"]
    assert isinstance(one, CompiledInteraction)
    joined: list[Any] = [one.cell_name(cell) for cell in one.cells_of_codes(members)]  # type: ignore[arg-type]
    rows = ArrayColumns({"age": np.array([20, 40, 40, math.nan, 200]), "seg": pd.Series(["a", "b", "z", None, "a"])})
    assert list(evaluate(one.with_outputs(members, joined), rows).data) == [
        "bin_1|group_01",
        "bin_2|group_02",
        "bin_2|other",
        "missing|other",
        "missing|group_01",
    ]
    assert one.cell_index(members).names[:2] == ("bin_2|group_02", "bin_2|other")


def test_an_interaction_of_an_interaction_crosses_all_its_factors() -> None:
    saved = [{**bins([0, 1]), "output": name, "column": name} for name in ("a", "b", "c")] + [
        {"type": "interaction", "columns": ["a", "b"], "output": "a__x__b"},
        {"type": "interaction", "columns": ["a__x__b", "c"], "output": "a__x__b__x__c"},
    ]
    spec = read_legacy_specs(saved)[-1]
    assert isinstance(spec, InteractionSpec)
    assert spec.factors == ("a", "b", "c")


def test_sources_are_given_by_column() -> None:
    (spec,) = read_legacy_specs([groups({"1": "g"})], {"x": "integer"})
    assert isinstance(spec, CategoricalSpec)
    assert spec.source == "integer"
    assert fingerprint(spec) != fingerprint(read_legacy_spec(groups({"1": "g"})))
