"""Expressions as JSON: short forms, and every problem of a document at once."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from glm_local.errors import SpecError
from glm_local.expressions.expression import Arithmetic, Bin, Clip, Expression, Function, Literal, Lookup, Power, Read
from glm_local.expressions.expression_document import expression_to_json
from glm_local.expressions.expression_json import expression_from_json
from tests.expressions.cases import CASES


@pytest.mark.parametrize(
    ("document", "meant"),
    [
        ("Density", Read("Density")),
        ({"column": "Area", "read": "text"}, Read("Area", "text")),
        (2, Literal(2)),
        (2.5, Literal(2.5)),
        ({"value": "a"}, Literal("a")),
        ({"value": None}, Literal(None)),
        ({"infinity": "-"}, Literal(-math.inf)),
        ({"log": "Density"}, Function("log", Read("Density"))),
        ({"multiply": ["a", "b", 2]}, Arithmetic("*", Arithmetic("*", Read("a"), Read("b")), Literal(2))),
        ({"power": ["a", 2]}, Power(Read("a"), 2)),
        ({"clip": {"of": "a", "upper": 150}}, Clip(Read("a"), None, 150)),
        ({"clip": {"of": "a", "lower": None, "upper": 1}}, Clip(Read("a"), None, 1)),
        (
            {
                "map": {
                    "of": {"column": "Area", "read": "text"},
                    "values": {"A": 1, "B": 2},
                    "missing": None,
                    "unseen": 0,
                }
            },
            Lookup(Read("Area", "text"), ("A", "B"), (1, 2), None, 0),
        ),
        (
            {
                "map": {
                    "of": {"column": "n", "read": "integer"},
                    "values": {"1": "one"},
                    "missing": None,
                    "unseen": None,
                }
            },
            Lookup(Read("n", "integer"), (1,), ("one",), None, None),
        ),
        (
            {"bin": {"of": "a", "edges": [1, 2], "outputs": [0, 1, 2], "missing": None}},
            Bin(Read("a"), (1.0, 2.0), (0, 1, 2), None),
        ),
    ],
)
def test_a_document_reads_as_its_tree(document: object, meant: Expression) -> None:
    assert repr(expression_from_json(document)) == repr(meant)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_survives_json(case: Any) -> None:
    text = json.dumps(expression_to_json(case.expression), allow_nan=False)
    meant = repr(case.expression).replace("Literal(value=nan)", "Literal(value=None)")
    assert repr(expression_from_json(json.loads(text))) == meant


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({"logg": "a"}, ["/e/logg"]),
        ({"add": ["a"]}, ["/e/add"]),
        ({"subtract": ["a", "b", "c"]}, ["/e/subtract"]),
        ({"add": [{"exxp": "a"}, {"clip": {"lower": 1}}]}, ["/e/add/0/exxp", "/e/add/1/clip/of"]),
        ({"column": "a", "read": "numbr"}, ["/e/read"]),
        ({"column": 3}, ["/e/column"]),
        ({"column": "a", "kind": "text"}, ["/e/kind"]),
        ({"clip": {"of": "a", "uper": 3}}, ["/e/clip/uper"]),
        ({"power": ["a", "b"]}, ["/e/power/1"]),
        ({"power": "a"}, ["/e/power"]),
        (None, ["/e"]),
        ([], ["/e"]),
        ({}, ["/e"]),
        ({"when": {"condition": True}}, ["/e/when/then", "/e/when/otherwise"]),
        (
            {"bin": {"of": "a", "edges": ["x"], "outputs": [[]], "missing": None}},
            ["/e/bin/edges/0", "/e/bin/outputs/0"],
        ),
        ({"map": {"of": "a", "values": {"x": 1}, "missing": None, "unseen": None}}, ["/e/map/values/x"]),
        ({"map": {"of": "a", "values": [[1]], "missing": None, "unseen": None}}, ["/e/map/values"]),
        ({"map": {"of": "a", "values": 3, "missing": None, "unseen": None}}, ["/e/map/values"]),
        ({"hash_bucket": {"of": "a", "purpose": "p", "seed": "x", "buckets": 2}}, ["/e/hash_bucket/seed"]),
        ({"log": {"column": "a", "read": "text"}}, ["/e"]),
    ],
)
def test_every_problem_of_a_document_is_told_with_its_path(document: object, paths: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        expression_from_json(document, "/e")
    assert [problem.path for problem in caught.value.problems] == paths


def test_a_near_name_is_proposed() -> None:
    with pytest.raises(SpecError, match="Nearest: 'multiply'"):
        expression_from_json({"multipy": ["a", "b"]})
