"""What an expression reads and what it is: its columns, the type of its result, and the rules a tree must keep."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Literal as OneOf

from glm_local.errors import SpecError
from glm_local.expressions.columns import ReadKind
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
    Power,
    Read,
    Scalar,
    When,
)

ExpressionType = OneOf["number", "integer", "flag", "text", "date", "nothing"]
"""Type of a result; ``nothing`` is a constant None, which takes the type of whatever stands beside it."""

READ_TYPES: dict[ReadKind, ExpressionType] = {
    "number": "number",
    "integer": "integer",
    "boolean": "flag",
    "text": "text",
    "date": "date",
}
NUMERIC: tuple[ExpressionType, ...] = ("number", "integer", "date", "nothing")
"""Types arithmetic takes; a date counts as its days since 1970-01-01."""


def children(node: Expression) -> tuple[Expression, ...]:
    """The expressions directly below a node, left to right."""
    found: list[Expression] = []
    for one in fields(node):
        value = getattr(node, one.name)
        if isinstance(value, Expression):
            found.append(value)
        elif one.name == "parts":
            found.extend(value)
    return tuple(found)


def walk(expression: Expression) -> Iterator[Expression]:
    """Every node of the tree, a node before what is below it."""
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def reads_of(expression: Expression) -> tuple[Read, ...]:
    """Every distinct `Read` of the tree, in order of first appearance."""
    return tuple(dict.fromkeys(node for node in walk(expression) if isinstance(node, Read)))


def columns_of(expression: Expression) -> dict[str, ReadKind]:
    """Columns an expression reads and the kind each is read as (the first, where it is read as several).

    Examples
    --------
    >>> columns_of(Compare(">", Read("age"), Read("limit", "integer")))
    {'age': 'number', 'limit': 'integer'}
    """
    kinds: dict[str, ReadKind] = {}
    for read in reads_of(expression):
        kinds.setdefault(read.column, read.kind)
    return kinds


def type_of(expression: Expression) -> ExpressionType:
    """Type of the result: number, integer, flag, text or date (a bare None is a number).

    Raises
    ------
    SpecError
        The tree breaks a rule of `glm_local.expressions.expression`: types that do not fit, edges that do not rise,
        keys that repeat.

    Examples
    --------
    >>> type_of(Arithmetic("/", Read("a", "integer"), Literal(2)))
    'number'
    """
    return Types().of(expression)


@dataclass
class Types:
    """Types of nodes, each checked once; `memo` is by identity, so it must not outlive the tree."""

    memo: dict[int, ExpressionType] = field(default_factory=dict)

    def of(self, expression: Expression) -> ExpressionType:
        """Type of a whole result; a None constant counts as number."""
        found = self.inner(expression)
        return "number" if found == "nothing" else found

    def inner(self, node: Expression) -> ExpressionType:
        """Type of a node inside a tree, where a None constant is still ``nothing``."""
        known = self.memo.get(id(node))
        if known is None:
            known = self.memo[id(node)] = self._check(node)
        return known

    def _check(self, node: Expression) -> ExpressionType:
        below = [self.inner(child) for child in children(node)]
        if isinstance(node, Compare | IfMissing | When) and "date" in below:
            below = [_date_beside(child, found) for child, found in zip(children(node), below, strict=True)]
        match node:
            case Read(kind=kind):
                return READ_TYPES[kind]
            case Literal(value=value):
                return scalar_type(value)
            case Arithmetic(operator=operator):
                _require(below, NUMERIC, "arithmetic")
                whole = operator != "/" and all(one == "integer" for one in below)
                return "integer" if whole else "number"
            case Function() | Power() | Clip():
                _require(below, NUMERIC, type(node).__name__.lower())
                _check_numbers(node)
                return "number"
            case IfMissing():
                return unify(below, "if_missing")
            case Compare():
                unify(below, f"the comparison {node.operator}")
                return "flag"
            case IsMissing():
                return "flag"
            case AllOf() | AnyOf() | Not():
                _require(below, ("flag", "nothing"), type(node).__name__)
                return "flag"
            case When():
                _require(below[:1], ("flag", "nothing"), "the condition of when")
                return unify(below[1:], "when")
            case Bin():
                return _bin_type(node, below[0])
            case Lookup():
                return _lookup_type(node, below[0])
            case HashBucket():
                _require(below, ("text", "nothing"), "hash_bucket")
                if not 1 <= node.buckets <= 2**32:
                    raise SpecError.because(f"{node.buckets} buckets.", "There are 1 to 4294967296.", "Give a count.")
                return "integer"


def scalar_type(value: Scalar) -> ExpressionType:
    """Type of a constant; None and NaN are ``nothing``."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "nothing"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise SpecError.because(f"{value} does not fit in 64 bits.", "Integers have 64 bits.", "Write a float.")
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return _text_type(value)
    raise SpecError.because(
        f"{value!r} is a {type(value).__name__}.", "A constant is a number, text, flag or None.", "Convert it."
    )


def _text_type(value: str) -> ExpressionType:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise SpecError.because(
            f"{value!r} is half a character.", "Text must be encodable as UTF-8.", "Drop the lone surrogate."
        ) from None
    return "text"


def unify(types: Sequence[ExpressionType], where: str) -> ExpressionType:
    """The one type of several branches: integers beside numbers become numbers, None takes any type."""
    distinct = set(types) - {"nothing"}
    if not distinct:
        return "nothing"
    if len(distinct) == 1:
        return distinct.pop()
    if distinct == {"number", "integer"}:
        return "number"
    found = " and ".join(sorted(distinct))
    raise SpecError.because(f"{where} joins {found}.", "Both sides must have one type.", "Read both as one kind.")


def output_type(outputs: Sequence[Scalar], where: str) -> ExpressionType:
    """The one type of a list of constants."""
    kinds = {type(value) for value in outputs}
    if kinds == {int} and min(outputs) >= -(2**63) and max(outputs) < 2**63:  # type: ignore[operator, type-var]
        return "integer"
    return unify([scalar_type(value) for value in outputs], where)


def date_days(text: str) -> int:
    """Days from 1970-01-01 to a date written YYYY-MM-DD.

    Examples
    --------
    >>> date_days("1970-01-02")
    1
    """
    try:
        if len(text) != 10:
            raise ValueError(text)
        return datetime.date.fromisoformat(text).toordinal() - 719163
    except (ValueError, TypeError):
        raise SpecError.because(f"{text!r} is not a date.", "A date is written YYYY-MM-DD.", "Correct it.") from None


def _date_beside(node: Expression, found: ExpressionType) -> ExpressionType:
    """A constant text beside a date is a date, as dates are written as text."""
    if isinstance(node, Literal) and isinstance(node.value, str):
        date_days(node.value)
        return "date"
    return found


def _require(types: Sequence[ExpressionType], allowed: Sequence[ExpressionType], where: str) -> None:
    for found in types:
        if found not in allowed:
            wanted = " or ".join(one for one in allowed if one != "nothing")
            raise SpecError.because(f"{where} of a {found}.", f"It takes a {wanted}.", "Read the column as that kind.")


def _check_numbers(node: Function | Power | Clip) -> None:
    match node:
        case Power(exponent=exponent) if not math.isfinite(exponent):
            raise SpecError.because(f"Exponent {exponent}.", "An exponent is finite.", "Give a number.")
        case Clip(lower=lower, upper=upper):
            bounds = [bound for bound in (lower, upper) if bound is not None]
            if any(math.isnan(bound) for bound in bounds) or bounds != sorted(bounds):
                raise SpecError.because(f"Bounds {bounds}.", "The lower is not above the upper.", "Swap them.")
        case _:
            return


def _bin_type(node: Bin, argument: ExpressionType) -> ExpressionType:
    _require([argument], NUMERIC, "bin")
    if len(node.outputs) != len(node.edges) + 1:
        raise SpecError.because(
            f"{len(node.edges)} edges and {len(node.outputs)} outputs.", "n edges make n + 1 intervals.", "Add or drop."
        )
    rises = all(low < high for low, high in zip(node.edges, node.edges[1:], strict=False))
    if not rises or not all(math.isfinite(edge) for edge in node.edges):
        raise SpecError.because(f"Edges {list(node.edges)}.", "Edges are finite and rise strictly.", "Sort them.")
    return output_type((*node.outputs, node.missing), "bin")


def _lookup_type(node: Lookup, argument: ExpressionType) -> ExpressionType:
    if len(node.outputs) != len(node.keys):
        raise SpecError.because(
            f"{len(node.keys)} keys and {len(node.outputs)} outputs.", "Each key has one output.", "Add or drop."
        )
    if len(set(node.keys)) != len(node.keys):
        twice = sorted(repr(key) for key, times in Counter(node.keys).items() if times > 1)
        raise SpecError.because(f"{', '.join(twice[:3])} given twice.", "Keys are distinct.", "Drop one.")
    for key in node.keys:
        lookup_key(key, argument)
    return output_type((*node.outputs, node.missing, node.unseen), "lookup")


def lookup_key(key: Scalar, argument: ExpressionType) -> Scalar:
    """A key as the value it is compared with: float for number, days for date; SpecError when it cannot match."""
    found = scalar_type(key)
    if argument == "date" and isinstance(key, str):
        return date_days(key)
    if argument == "nothing" and found != "nothing":
        return key
    if argument == "number" and found in ("integer", "number"):
        return float(key) + 0.0  # type: ignore[arg-type]
    if argument == "integer" and isinstance(key, float) and key.is_integer():
        return int(key)
    if found == argument:
        return key
    raise SpecError.because(
        f"Key {key!r} is {'missing' if found == 'nothing' else found}, the column is read as {argument}.",
        "Keys have the type of what they are compared with and are never missing.",
        "Read the column as another kind, or rewrite the key.",
    )
