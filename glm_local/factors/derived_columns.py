"""Derived columns: columns made of others by expression, put into the expressions that read them.

A model fitted on derived columns keeps their expressions, so that its score reads raw rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from glm_local.errors import SpecError
from glm_local.expressions.columns import ColumnKind, ReadKind
from glm_local.expressions.expression import Arithmetic, Expression, Literal, Read, When
from glm_local.expressions.expression_columns import ExpressionType, type_of
from glm_local.expressions.expression_json import expression_from_json
from glm_local.factors.spec_values import pointer

DERIVED_KINDS: dict[ExpressionType, ColumnKind] = {
    "number": "float64",
    "integer": "integer",
    "flag": "boolean",
    "text": "text",
    "date": "date",
}
"""Kind a derived column has as a column of the table."""

_AS_NUMBER: dict[ExpressionType, Callable[[Expression], Expression]] = {
    "number": lambda one: one,
    "integer": lambda one: Arithmetic("*", one, Literal(1.0)),
    "flag": lambda one: When(one, Literal(1.0), Literal(0.0)),
    "date": lambda one: Arithmetic("+", one, Literal(0.0)),
}
_AS_INTEGER: dict[ExpressionType, Callable[[Expression], Expression]] = {
    "integer": lambda one: one,
    "flag": lambda one: When(one, Literal(1), Literal(0)),
}
_READS: dict[ReadKind, dict[ExpressionType, Callable[[Expression], Expression]]] = {
    "number": _AS_NUMBER,
    "integer": _AS_INTEGER,
    "boolean": {"flag": lambda one: one},
    "text": {"text": lambda one: one},
    "date": {"date": lambda one: one},
}


def read_derived(documents: Mapping[str, Any], path: str = "/derived") -> dict[str, Expression]:
    """Name to expression of some derived columns.

    Raises
    ------
    SpecError
        A document is not an expression.
    """
    return {name: expression_from_json(one, f"{path}/{pointer(name)}") for name, one in documents.items()}


def readable_derived(expression: Expression, kind: ReadKind) -> bool:
    """Whether a derived column can be read as a kind: as its own, an integer or a flag as number, a date as days."""
    return type_of(expression) in _READS[kind]


def inline_derived(expression: Expression, derived: Mapping[str, Expression]) -> Expression:
    """The expression with every read of a derived column replaced by what the column is made of.

    Derived columns read the table's own columns, never each other.

    Raises
    ------
    SpecError
        A derived column is read as a kind it is not.

    Examples
    --------
    >>> inline_derived(Read("twice"), {"twice": Arithmetic("*", Read("x"), Literal(2.0))})
    Arithmetic(operator='*', left=Read(column='x', kind='number'), right=Literal(value=2.0))
    """
    if not derived:
        return expression
    done: dict[int, Expression] = {}

    def inlined(node: Expression) -> Expression:
        if id(node) not in done:
            done[id(node)] = _as_read(node, derived) if isinstance(node, Read) else _rebuilt(node, inlined)
        return done[id(node)]

    return inlined(expression)


def _as_read(read: Read, derived: Mapping[str, Expression]) -> Expression:
    made = derived.get(read.column)
    if made is None:
        return read
    kind = type_of(made)
    if kind not in _READS[read.kind]:
        raise SpecError.because(
            f"derived column {read.column!r} is {kind}, read as {read.kind}.",
            "A derived column is read as what it is.",
            f"Make it a {read.kind}, or read it as {kind}.",
            f"/derived/{pointer(read.column)}",
        )
    return _READS[read.kind][kind](made)


def _rebuilt(node: Expression, inlined: Callable[[Expression], Expression]) -> Expression:
    changed: dict[str, Any] = {}
    for one in dataclasses.fields(node):
        value = getattr(node, one.name)
        if isinstance(value, Expression):
            changed[one.name] = inlined(value)
        elif one.name == "parts":
            changed[one.name] = tuple(inlined(part) for part in value)
    return dataclasses.replace(node, **changed) if changed else node
