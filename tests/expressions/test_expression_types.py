"""Rules a tree must keep: types that fit, edges that rise, keys that are distinct."""

from __future__ import annotations

from typing import Any

import pytest

from glm_local.errors import SpecError
from glm_local.expressions.expression import (
    AllOf,
    Arithmetic,
    Bin,
    Clip,
    Compare,
    Expression,
    Function,
    HashBucket,
    IfMissing,
    Literal,
    Lookup,
    Not,
    Power,
    Read,
    When,
)
from glm_local.expressions.expression_columns import columns_of, reads_of, type_of

X, TEXT, WHOLE, DAY, FLAG = (
    Read("x"),
    Read("t", "text"),
    Read("i", "integer"),
    Read("d", "date"),
    Read("f", "boolean"),
)
THREE_PARTS = 3


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        (X, "number"),
        (FLAG, "flag"),
        (Literal(1), "integer"),
        (Literal(1.0), "number"),
        (Literal(True), "flag"),
        (Literal(None), "number"),
        (Arithmetic("+", WHOLE, Literal(1)), "integer"),
        (Arithmetic("/", WHOLE, WHOLE), "number"),
        (Arithmetic("+", WHOLE, Literal(1.0)), "number"),
        (Arithmetic("-", DAY, DAY), "number"),
        (When(FLAG, Literal(1), Literal(None)), "integer"),
        (When(FLAG, Literal(1), Literal(2.5)), "number"),
        (When(FLAG, DAY, Literal("2024-01-01")), "date"),
        (IfMissing(TEXT, Literal("?")), "text"),
        (Bin(X, (1.0,), (0, 1.5), None), "number"),
        (Bin(X, (1.0,), ("a", None), None), "text"),
        (Lookup(TEXT, ("a",), (True,), None, False), "flag"),
        (HashBucket(TEXT, "p", 1, 2), "integer"),
        (Compare("==", DAY, Literal("2024-01-01")), "flag"),
    ],
)
def test_every_tree_has_one_type(expression: Expression, kind: str) -> None:
    assert type_of(expression) == kind


@pytest.mark.parametrize(
    "expression",
    [
        Arithmetic("+", TEXT, Literal(1)),
        Arithmetic("+", FLAG, Literal(1)),
        Function("log", TEXT),
        Power(X, float("inf")),
        Clip(X, 2.0, 1.0),
        Clip(X, float("nan")),
        Compare("==", TEXT, X),
        Compare("==", DAY, TEXT),
        Compare("==", DAY, Literal("2024-02-30")),
        Compare("==", FLAG, WHOLE),
        AllOf((X,)),
        Not(TEXT),
        When(X, Literal(1), Literal(2)),
        When(FLAG, Literal(1), Literal("a")),
        IfMissing(X, Literal("a")),
        Bin(TEXT, (1.0,), (0, 1), 2),
        Bin(X, (1.0, 1.0), (0, 1, 2), 3),
        Bin(X, (2.0, 1.0), (0, 1, 2), 3),
        Bin(X, (float("inf"),), (0, 1), 2),
        Bin(X, (1.0,), (0, 1, 2), 3),
        Bin(X, (1.0,), (0, "a"), None),
        Bin(X, (1.0,), (True, 1), None),
        Lookup(TEXT, ("a", "a"), (0, 1), 2, 3),
        Lookup(TEXT, ("a",), (0, 1), 2, 3),
        Lookup(TEXT, (1,), (0,), 2, 3),
        Lookup(TEXT, (None,), (0,), 2, 3),
        Lookup(WHOLE, (1.5,), (0,), 2, 3),
        Lookup(WHOLE, (True,), (0,), 2, 3),
        Lookup(X, (float("nan"),), (0,), 2, 3),
        Lookup(DAY, ("yesterday",), (0,), 2, 3),
        Lookup(DAY, ("20240101",), (0,), 2, 3),
        HashBucket(X, "p", 1, 2),
        HashBucket(TEXT, "p", 1, 0),
        Literal(2**63),
        Literal("\ud800"),
        Literal(1j),  # type: ignore[arg-type]
    ],
)
def test_a_tree_that_breaks_a_rule_says_which(expression: Expression) -> None:
    with pytest.raises(SpecError) as caught:
        type_of(expression)
    problem = caught.value.problems[0]
    assert all((problem.found, problem.rule, problem.way_out))


def test_columns_are_listed_once_with_their_kind() -> None:
    tree = Arithmetic("+", X, When(Compare("==", TEXT, Literal("a")), X, Read("t")))
    assert columns_of(tree) == {"x": "number", "t": "text"}
    assert reads_of(tree) == (X, TEXT, Read("t"))


def test_equal_looking_constants_are_not_one() -> None:
    from glm_local.expressions.column_reader import ArrayColumns
    from glm_local.expressions.evaluate import evaluate_all

    constants: list[Any] = [1, 1.0, True, 0.0, -0.0]
    found = evaluate_all([Literal(value) for value in constants], ArrayColumns({"x": [0]}))
    assert [repr(values.data.tolist()[0]) for values in found] == [repr(value) for value in constants]
