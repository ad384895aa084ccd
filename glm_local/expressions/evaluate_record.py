"""The one-record reader of expressions: a dict in, one value out, without arrays."""

from __future__ import annotations

import datetime
import math
import operator
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from glm_local.errors import DataError, nearest
from glm_local.expressions.columns import ColumnKind
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
from glm_local.expressions.expression_columns import ExpressionType, Types, lookup_key, output_type
from glm_local.expressions.hash_bucket import hash_bucket
from glm_local.expressions.read_scalar import Value, read_scalar
from glm_local.numbers.normal_cdf import normal_cdf

Record = Mapping[str, object]
Reader = Callable[[Record], Value]
"""Reads one record; inside a tree dates are `datetime.date`."""

RecordReader = Callable[[Record], Scalar]
"""A whole expression as a function of one record."""


def evaluate_record(expression: Expression, record: Record, kinds: Mapping[str, ColumnKind] | None = None) -> Scalar:
    """Value of an expression on one record; None is missing, a date is text YYYY-MM-DD.

    Parameters
    ----------
    expression
        The tree.
    record
        Column to value: Python and numpy scalars, Decimal, dates; None, NaN, NaT and NA are missing.
    kinds
        Physical kinds of columns; only ``float32`` matters, which rounds a Python float to what the column holds.

    Raises
    ------
    DataError
        A column is not in the record, or its value cannot be read as its kind.

    Examples
    --------
    >>> evaluate_record(Bin(Read("age"), (30.0,), ("young", "old"), None), {"age": 31})
    'old'
    """
    return record_reader(expression, kinds)(record)


def record_reader(expression: Expression, kinds: Mapping[str, ColumnKind] | None = None) -> RecordReader:
    """The expression as a function of one record, for scoring many: `evaluate_record` without the preparation."""
    maker = _ReaderMaker(kinds or {})
    inner, kind = maker.typed(expression, maker.types.of(expression)), maker.types.of(expression)

    def read(record: Record) -> Scalar:
        value = inner(record)
        if isinstance(value, datetime.date):
            return value.isoformat()
        return None if kind == "number" and value != value else value

    return read


class _ReaderMaker:
    """Turns nodes into functions of one record."""

    def __init__(self, kinds: Mapping[str, ColumnKind]) -> None:
        self.kinds = kinds
        self.types = Types()

    def typed(self, node: Expression, kind: ExpressionType) -> Reader:
        """Reader of a node where a branch asks for a type: integers become numbers, text constants dates."""
        inner, own = self.of(node), self.types.inner(node)
        if kind == "number" and own == "integer":
            return lambda record: _float_of(inner(record))
        if kind == "number" and own == "date":
            return lambda record: _days_of(inner(record))
        if kind == "date" and own == "text":
            assert isinstance(node, Literal)
            day = datetime.date.fromisoformat(str(node.value))
            return lambda record: day
        return inner

    def number(self, node: Expression) -> Callable[[Record], float]:
        """Reader of a number, NaN where missing."""
        inner = self.typed(node, "number")

        def read(record: Record) -> float:
            value: Any = inner(record)
            return math.nan if value is None else value

        return read

    def true(self, node: Expression) -> Callable[[Record], bool]:
        inner = self.of(node)
        return lambda record: inner(record) is True

    def of(self, node: Expression) -> Reader:
        maker: Callable[[_ReaderMaker, Any], Reader] = _MAKERS[type(node)]
        return maker(self, node)


def _single(value: Any) -> np.float32:
    # beyond its range a float32 is infinite, which is what the column holds and nothing to warn of
    with np.errstate(over="ignore"):
        return np.float32(value)


def _float_of(value: Any) -> float | None:
    return None if value is None else float(value)


def _days_of(value: Any) -> float | None:
    return None if value is None else float(value.toordinal() - 719163)


def _missing_nan(value: Value) -> Value:
    return None if value is None or value != value else value


def _read(maker: _ReaderMaker, node: Read) -> Reader:
    column, kind, single = node.column, node.kind, maker.kinds.get(node.column) == "float32"

    def read(record: Record) -> Value:
        try:
            value = record[column]
        except KeyError:
            hint = nearest(column, list(record))
            raise DataError.because(f"{column!r} is not in the record.", "", hint, path=column) from None
        if single and isinstance(value, float):
            value = _single(value)
        return read_scalar(value, kind, column)

    return read


def _literal(maker: _ReaderMaker, node: Literal) -> Reader:
    value = _missing_nan(node.value)
    return lambda record: value


def _arithmetic(maker: _ReaderMaker, node: Arithmetic) -> Reader:
    if maker.types.inner(node) == "integer":
        return _whole_arithmetic(maker, node)
    left, right, operation = maker.number(node.left), maker.number(node.right), _OPERATIONS[node.operator]
    if node.operator != "/":
        return lambda record: operation(left(record), right(record))

    def divide(record: Record) -> float:
        below = right(record)
        return math.nan if below == 0.0 else left(record) / below

    return divide


def _whole_arithmetic(maker: _ReaderMaker, node: Arithmetic) -> Reader:
    left, right, operation = maker.of(node.left), maker.of(node.right), _OPERATIONS[node.operator]

    def read(record: Record) -> Value:
        a, b = left(record), right(record)
        if a is None or b is None:
            return None
        result = operation(a, b)
        return result if -(2**63) <= result < 2**63 else None

    return read


def _function(maker: _ReaderMaker, node: Function) -> Reader:
    argument, function = maker.number(node.argument), _FUNCTIONS[node.name]
    return lambda record: function(argument(record))


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _expm1(x: float) -> float:
    try:
        return math.expm1(x)
    except OverflowError:
        return math.inf


def _normal_cdf(x: float) -> float:
    return float(normal_cdf(x, _exp, lambda flag, yes, no: yes() if flag else no()))


def _power(maker: _ReaderMaker, node: Power) -> Reader:
    base, exponent = maker.number(node.base), float(node.exponent)
    whole = exponent.is_integer()

    def read(record: Record) -> float:
        x = base(record)
        if x != x or (x == 0.0 and exponent < 0.0) or (x < 0.0 and not whole):
            return math.nan
        with np.errstate(all="ignore"):
            return float(np.power(np.float64(x), exponent))

    return read


def _clip(maker: _ReaderMaker, node: Clip) -> Reader:
    argument, lower, upper = maker.number(node.argument), node.lower, node.upper

    def read(record: Record) -> float:
        x = argument(record)
        if lower is not None and x < lower:
            return float(lower)
        return float(upper) if upper is not None and x > upper else x

    return read


def _if_missing(maker: _ReaderMaker, node: IfMissing) -> Reader:
    kind = maker.types.inner(node)
    argument, value = maker.typed(node.argument, kind), maker.typed(node.value, kind)

    def read(record: Record) -> Value:
        found = _missing_nan(argument(record))
        return value(record) if found is None else found

    return read


def _is_missing(maker: _ReaderMaker, node: IsMissing) -> Reader:
    argument = maker.of(node.argument)
    return lambda record: _missing_nan(argument(record)) is None


def _compare(maker: _ReaderMaker, node: Compare) -> Reader:
    sides = {maker.types.inner(node.left), maker.types.inner(node.right)}
    kind: ExpressionType = "date" if "date" in sides else "number" if "number" in sides else "nothing"
    left, right = maker.typed(node.left, kind), maker.typed(node.right, kind)
    comparison = _COMPARISONS[node.operator]

    def read(record: Record) -> bool:
        a, b = _missing_nan(left(record)), _missing_nan(right(record))
        return a is not None and b is not None and bool(comparison(a, b))

    return read


def _all_of(maker: _ReaderMaker, node: AllOf) -> Reader:
    parts = [maker.true(part) for part in node.parts]
    return lambda record: all(part(record) for part in parts)


def _any_of(maker: _ReaderMaker, node: AnyOf) -> Reader:
    parts = [maker.true(part) for part in node.parts]
    return lambda record: any(part(record) for part in parts)


def _not(maker: _ReaderMaker, node: Not) -> Reader:
    part = maker.of(node.part)
    return lambda record: part(record) is False


def _when(maker: _ReaderMaker, node: When) -> Reader:
    kind, condition = maker.types.inner(node), maker.true(node.condition)
    then, otherwise = maker.typed(node.then, kind), maker.typed(node.otherwise, kind)
    return lambda record: then(record) if condition(record) else otherwise(record)


def _bin(maker: _ReaderMaker, node: Bin) -> Reader:
    argument, edges = maker.number(node.argument), [float(edge) for edge in node.edges]
    *outputs, missing = _outputs((*node.outputs, node.missing))

    def read(record: Record) -> Value:
        x = argument(record)
        return missing if x != x else outputs[bisect_left(edges, x)]

    return read


def _lookup(maker: _ReaderMaker, node: Lookup) -> Reader:
    argument, kind = maker.of(node.argument), maker.types.inner(node.argument)
    *outputs, missing, unseen = _outputs((*node.outputs, node.missing, node.unseen))
    table = dict(zip((lookup_key(key, kind) for key in node.keys), outputs, strict=True))
    single = kind == "number" and isinstance(node.argument, Read)
    column = node.argument.column if isinstance(node.argument, Read) else ""
    declared = maker.kinds.get(column) == "float32"
    rounded: dict[Any, Value] = {}
    if single:
        for key, output in table.items():
            rounded.setdefault(float(_single(key)), output)

    def read(record: Record) -> Value:
        value: Any = _missing_nan(argument(record))
        if value is None:
            return missing
        if single and (declared or isinstance(record[column], np.float32 | np.float16)):
            return rounded.get(value, unseen)
        return table.get((value - _EPOCH).days if kind == "date" else value, unseen)

    return read


def _outputs(outputs: tuple[Scalar, ...]) -> list[Value]:
    kind = output_type(outputs, "outputs")
    clean = [_missing_nan(value) for value in outputs]
    if kind == "number":
        return [None if value is None else float(value) for value in clean]  # type: ignore[arg-type]
    return clean


def _hash_bucket(maker: _ReaderMaker, node: HashBucket) -> Reader:
    key = maker.of(node.key)

    def read(record: Record) -> Value:
        word = key(record)
        return None if word is None else hash_bucket(str(word), node.purpose, node.seed, node.buckets)

    return read


_EPOCH = datetime.date(1970, 1, 1)
_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "log": lambda x: math.log(x) if x > 0.0 else math.nan,
    "exp": _exp,
    "expm1": _expm1,
    "sqrt": lambda x: math.sqrt(x) if x >= 0.0 else math.nan,
    "abs": abs,
    "normal_cdf": _normal_cdf,
}
_MAKERS: dict[type, Callable[[_ReaderMaker, Any], Reader]] = {
    Read: _read,
    Literal: _literal,
    Arithmetic: _arithmetic,
    Function: _function,
    Power: _power,
    Clip: _clip,
    IfMissing: _if_missing,
    IsMissing: _is_missing,
    Compare: _compare,
    AllOf: _all_of,
    AnyOf: _any_of,
    Not: _not,
    When: _when,
    Bin: _bin,
    Lookup: _lookup,
    HashBucket: _hash_bucket,
}
