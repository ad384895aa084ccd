"""A filter as a text, ``"age >= 18 and area in ['A']"``, read by Python's grammar into an expression; nothing runs.

Columns are names (`` `a column` `` where it is none), texts stand in quotes. ``==``, ``!=``, ``<``, ``<=``, ``>``,
``>=``, ``in``, ``not in``, ``and``, ``or``, ``not`` (also ``&``, ``|``, ``~``), ``+``, ``-``, ``*``, ``/``,
``x.isna()`` and ``x.notna()``; ``None`` beside ``==`` is missing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from glm_local.errors import GlmError, Problem, SpecError
from glm_local.expressions.columns import ColumnKind, ReadKind
from glm_local.expressions.depth import require_shallow_expression
from glm_local.expressions.expression import (
    AllOf,
    AnyOf,
    Arithmetic,
    Compare,
    Expression,
    IsMissing,
    Literal,
    Not,
    Read,
)
from glm_local.expressions.expression_columns import type_of
from glm_local.expressions.expression_json import expression_from_json

Filter = Expression | Mapping[str, Any] | str | None
"""What is taken as a filter; None is every row."""

LONGEST = 10_000
"""Characters of a filter written as text."""

_COMPARISONS: dict[type[ast.cmpop], Any] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_ARITHMETIC: dict[type[ast.operator], Any] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_MISSING_VERBS = ("isna", "isnull", "notna", "notnull")
_OWN_KINDS: dict[ColumnKind, ReadKind] = {"text": "text", "boolean": "boolean", "date": "date", "timestamp": "date"}
_RULE = "A filter is true or false: comparisons of columns and constants, joined by and, or, not."
_WAY_OUT = """Write "age > 0 and area in ['A', 'B']", or {"greater": ["age", 0]}."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def filter_expression(
    asked: Filter, path: str = "/where", kinds: Mapping[str, ColumnKind] | None = None
) -> Expression | None:
    """A filter as an expression that is true or false.

    Parameters
    ----------
    asked
        None, an expression or its document, a text by the grammar above, or the name of a column of flags.
    kinds
        Of the table's columns; a name alone is read as a flag where it is known to be one.

    Raises
    ------
    SpecError
        It is none of these.

    Examples
    --------
    >>> filter_expression("x > 0")
    Compare(operator='>', left=Read(column='x', kind='number'), right=Literal(value=0))
    """
    if asked is None:
        return None
    known = kinds or {}
    if isinstance(asked, str):
        found = _named(asked, known) or _Text(asked, path, known).read()
    elif isinstance(asked, Mapping):
        found = expression_from_json(asked, path)
        found = _named(found.column, known) or found if isinstance(found, Read) else found
    elif isinstance(asked, Expression):
        found = asked
    else:
        raise _wrong(path, f"{_shown(asked)} is a {type(asked).__name__}.")
    kind = type_of(require_shallow_expression(found, path))
    if kind != "flag":
        raise _wrong(path, f"{_shown(asked)} is a {kind}.")
    return found


def _named(column: str, kinds: Mapping[str, ColumnKind]) -> Expression | None:
    return Read(column, "boolean") if kinds.get(column) == "boolean" else None


def _wrong(path: str, found: str) -> GlmError:
    return SpecError(Problem(path, found, _RULE, _WAY_OUT))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


class _Text:
    """Reads one text; columns that are no Python names stand in back quotes."""

    def __init__(self, text: str, path: str, kinds: Mapping[str, ColumnKind]) -> None:
        self.text, self.path, self.kinds = text, path, kinds
        self.quoted: dict[str, str] = {}

    def read(self) -> Expression:
        if len(self.text) > LONGEST:
            raise _wrong(self.path, f"a text of {len(self.text):,} characters.")
        plain = re.sub("`([^`]+)`", self._quote, self.text.strip())
        try:
            match ast.parse(plain).body:
                case [ast.Expr(value=ast.Name() as name)]:
                    return self.value(name, "number")
                case [ast.Expr(value=body)]:
                    return self.flag(body)
            raise _wrong(self.path, f"{_shown(self.text)} is no single expression.")
        except GlmError:
            raise
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise _wrong(self.path, f"{_shown(self.text)} cannot be read.") from None

    def _quote(self, found: re.Match[str]) -> str:
        name = f"_quoted_{len(self.quoted)}"
        self.quoted[name] = found[1]
        return name

    def refuse(self, node: ast.AST) -> GlmError:
        return _wrong(self.path, f"{_shown(ast.unparse(node))} in {_shown(self.text)} is not read here.")

    def flag(self, node: ast.expr) -> Expression:
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = tuple(self.flag(one) for one in values)
                return AllOf(parts) if isinstance(op, ast.And) else AnyOf(parts)
            case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() as op, right=right):
                both = (self.flag(left), self.flag(right))
                return AllOf(both) if isinstance(op, ast.BitAnd) else AnyOf(both)
            case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
                return Not(self.flag(operand))
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [left, *others]
                steps = [self.compare(one, op, two) for one, op, two in zip(sides, ops, others, strict=False)]
                return steps[0] if len(steps) == 1 else AllOf(tuple(steps))
            case ast.Call(func=ast.Attribute(value=value, attr=attribute), args=[]) if attribute in _MISSING_VERBS:
                missing = IsMissing(self.value(value, self.own_kind(value)))
                return Not(missing) if attribute.startswith("not") else missing
            case ast.Constant(value=bool() as value):
                return Literal(value)
            case ast.Name():
                return self.value(node, "boolean")
        raise self.refuse(node)

    def compare(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Expression:
        if isinstance(operator, ast.In | ast.NotIn):
            found = self.member(left, right)
            return Not(found) if isinstance(operator, ast.NotIn) else found
        constants = [one.value for one in (left, right) if isinstance(one, ast.Constant)]
        if None in constants:
            return self.missing(right if isinstance(left, ast.Constant) else left, operator)
        if type(operator) not in _COMPARISONS:
            raise self.refuse(left)
        kind = self.kind(left, right, constants)
        return Compare(_COMPARISONS[type(operator)], self.value(left, kind), self.value(right, kind))

    def missing(self, column: ast.expr, operator: ast.cmpop) -> Expression:
        if not isinstance(operator, ast.Is | ast.IsNot | ast.Eq | ast.NotEq):
            raise self.refuse(column)
        found = IsMissing(self.value(column, self.own_kind(column)))
        return Not(found) if isinstance(operator, ast.IsNot | ast.NotEq) else found

    def member(self, column: ast.expr, values: ast.expr) -> Expression:
        if not isinstance(values, ast.List | ast.Tuple | ast.Set):
            raise self.refuse(values)
        return AnyOf(tuple(self.compare(column, ast.Eq(), one) for one in values.elts))

    def kind(self, left: ast.expr, right: ast.expr, constants: list[Any]) -> ReadKind:
        """How columns of a comparison are read: as the constant beside them is written, else as what they are."""
        own = {self.own_kind(one) for one in (left, right) if isinstance(one, ast.Name)}
        if not constants:
            return next(iter(own)) if len(own) == 1 else "number"
        if all(isinstance(one, str) for one in constants):
            return "date" if own == {"date"} and all(map(_DATE.fullmatch, constants)) else "text"
        return "boolean" if any(isinstance(one, bool) for one in constants) else "number"

    def own_kind(self, node: ast.expr) -> ReadKind:
        """How a column is read that nothing stands beside."""
        if not isinstance(node, ast.Name):
            return "number"
        return _OWN_KINDS.get(self.kinds.get(self.quoted.get(node.id, node.id), "float64"), "number")

    def value(self, node: ast.expr, kind: ReadKind) -> Expression:
        match node:
            case ast.Name(id=name):
                return Read(self.quoted.get(name, name), kind)
            case ast.Constant(value=str() | bool() | int() | float() as value):
                return Literal(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return Literal(-value)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Arithmetic("-", Literal(0.0), self.value(operand, "number"))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return Arithmetic(_ARITHMETIC[type(op)], self.value(left, "number"), self.value(right, "number"))
        raise self.refuse(node)
