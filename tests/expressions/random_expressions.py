"""Random expressions over the hostile frame, as hypothesis strategies; without exp, log and powers they are exact."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from glm_local.expressions.expression import (
    AllOf,
    AnyOf,
    Arithmetic,
    Bin,
    Clip,
    Compare,
    Expression,
    Function,
    HashBucket,
    IfMissing,
    IsMissing,
    Literal,
    Lookup,
    Not,
    Read,
    When,
)
from tests.frames import DOUBLES, WHOLES, WORDS

NUMBER_COLUMNS = ("x", "y", "single", "whole", "small", "full", "tenth", "wide", "word", "flag", "day", "a.b`c", "v1")
SIGNS = ("==", "!=", "<", "<=", ">", ">=")

doubles = st.sampled_from([value for value in DOUBLES if value is not None and value == value]) | st.floats(
    allow_nan=False
)
finite = st.sampled_from([-7.25, -1.0, 0.0, 0.1, 0.3, 1.5, 2.0, 3.0, 25.0, 1e308]) | st.floats(-1e6, 1e6)
whole = st.sampled_from([value for value in WHOLES if value is not None]) | st.integers(-(2**63), 2**63 - 1)
words = st.sampled_from([word for word in WORDS if word is not None]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=4
)
days = st.dates().map(lambda day: day.isoformat())

CONSTANTS: dict[str, st.SearchStrategy[Any]] = {
    "number": doubles,
    "integer": whole,
    "text": words,
    "flag": st.booleans(),
}


def reads(kind: str) -> st.SearchStrategy[Expression]:
    columns: dict[str, tuple[str, ...]] = {
        "number": NUMBER_COLUMNS,
        "integer": ("whole", "other", "small", "full", "word", "tenth", "wide", "x", "single", "flag", "Größe %"),
        "text": ("word", "term", "whole", "flag", "day"),
        "flag": ("flag", "sign", "word", "whole", "x"),
        "date": ("day", "moment", "clock", "word"),
    }
    kinds: dict[str, Any] = {"flag": "boolean"}
    return st.sampled_from(columns[kind]).map(lambda column: Read(column, kinds.get(kind, kind)))


def constants(kind: str) -> st.SearchStrategy[Expression]:
    return st.none().map(Literal) | CONSTANTS[kind].map(Literal) if kind in CONSTANTS else reads(kind)


@st.composite
def tables(draw: st.DrawFn, kind: str, depth: int) -> Expression:
    """A bin or a lookup that gives one type."""
    outputs = st.none() | CONSTANTS[kind]
    if draw(st.booleans()):
        edges = tuple(sorted(set(draw(st.lists(finite, max_size=12)))))
        given = draw(st.lists(outputs, min_size=len(edges) + 2, max_size=len(edges) + 2))
        return Bin(draw(expressions("number", depth - 1)), edges, tuple(given[1:]), given[0])
    of = draw(st.sampled_from(["text", "integer", "number", "flag", "date"]))
    keys = draw(st.lists(days if of == "date" else CONSTANTS[of], max_size=14, unique=True))
    given = draw(st.lists(outputs, min_size=len(keys) + 2, max_size=len(keys) + 2))
    return Lookup(draw(expressions(of, depth - 1)), tuple(keys), tuple(given[2:]), given[0], given[1])


@cache
def expressions(kind: str, depth: int = 3) -> st.SearchStrategy[Expression]:
    """Expressions of one type, at most `depth` nodes deep."""
    leaves = reads(kind) | constants(kind)
    if depth <= 0:
        return leaves
    return leaves | _joined(kind, depth) | _own(kind, depth)


def _joined(kind: str, depth: int) -> st.SearchStrategy[Expression]:
    below = st.deferred(lambda: expressions(kind, depth - 1))
    flags = st.deferred(lambda: expressions("flag", depth - 1))
    choices = st.builds(When, flags, below, below) | st.builds(IfMissing, below, below)
    return choices if kind == "date" else choices | tables(kind, depth)


def _own(kind: str, depth: int) -> st.SearchStrategy[Expression]:
    numbers = st.deferred(lambda: expressions("number", depth - 1))
    integers = st.deferred(lambda: expressions("integer", depth - 1))
    texts = st.deferred(lambda: expressions("text", depth - 1))
    flags = st.deferred(lambda: expressions("flag", depth - 1))
    if kind == "number":
        signs = st.sampled_from(["+", "-", "*", "/"])
        bounds = st.tuples(st.none() | finite, st.none() | finite).map(_rising)
        return (
            st.builds(Arithmetic, signs, numbers | integers, numbers | integers).map(_as_number)
            | st.builds(lambda of, two: Clip(of, *two), numbers, bounds)
            | st.builds(Function, st.sampled_from(["abs", "sqrt"]), numbers)
        )
    if kind == "integer":
        buckets = st.builds(HashBucket, texts, words, st.integers(-9, 9), st.integers(1, 2**32))
        return st.builds(Arithmetic, st.sampled_from(["+", "-", "*"]), integers, integers) | buckets
    if kind == "flag":
        pairs = [(one, one) for one in ("number", "integer", "text", "flag", "date")] + [("number", "integer")]
        compared = st.sampled_from(pairs).flatmap(
            lambda two: st.builds(
                Compare, st.sampled_from(SIGNS), expressions(two[0], depth - 1), expressions(two[1], depth - 1)
            )
        )
        parts = st.lists(flags, max_size=3).map(tuple)
        missing = st.sampled_from(["number", "integer", "text", "flag", "date"]).flatmap(
            lambda one: st.builds(IsMissing, expressions(one, depth - 1))
        )
        return compared | st.builds(AllOf, parts) | st.builds(AnyOf, parts) | st.builds(Not, flags) | missing
    return reads(kind)


def _rising(bounds: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    low, high = bounds
    return (high, low) if low is not None and high is not None and low > high else bounds


def _as_number(node: Arithmetic) -> Expression:
    """Integer arithmetic made a number by an addition."""
    return Arithmetic("+", node, Literal(0.5))


any_expression = st.sampled_from(["number", "integer", "text", "flag", "date"]).flatmap(expressions)
