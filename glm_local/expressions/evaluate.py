"""The numpy reader of expressions: values of all rows at once, equal sub-expressions computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.column_reader import ColumnReader
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
    When,
)
from glm_local.expressions.expression_columns import ExpressionType, Types, children, lookup_key, output_type
from glm_local.expressions.hash_bucket import key_digests
from glm_local.expressions.values import Array, Values, as_number, as_type, constant, constants
from glm_local.numbers.normal_cdf import normal_cdf

SMALL_RANGE = 65_536
"""Integer columns spanning fewer values than this are binned and looked up by one table look-up."""

FEW_EDGES = 24
"""Up to so many edges counting comparisons beats a binary search per row."""


def evaluate(expression: Expression, columns: ColumnReader) -> Values:
    """Values of one expression over all rows; see `evaluate_all`."""
    return evaluate_all([expression], columns)[0]


def evaluate_all(expressions: Sequence[Expression], columns: ColumnReader) -> list[Values]:
    """Values of several expressions over the same rows.

    Equal sub-expressions, the reading of columns first of all, are computed once and kept until the call ends.

    Raises
    ------
    SpecError
        An expression breaks a typing rule.
    DataError
        A column is not there or cannot be read as its kind.
    """
    work = _Evaluation(columns)
    for expression in expressions:
        work.register(expression)
    with np.errstate(all="ignore"):
        return [work.result(expression) for expression in expressions]


@dataclass
class _Evaluation:
    """One evaluation: types, identities of equal nodes, how often each is used, and the values worth keeping."""

    columns: ColumnReader
    types: Types = field(default_factory=Types)
    numbers: dict[int, int] = field(default_factory=dict)
    known: dict[tuple[object, ...], int] = field(default_factory=dict)
    uses: dict[int, int] = field(default_factory=dict)
    kept: dict[int, Values] = field(default_factory=dict)

    def register(self, expression: Expression) -> None:
        """Check types, and number the nodes so that equal ones share a number."""
        self.types.of(expression)
        self._number(expression)

    def _number(self, node: Expression) -> int:
        if id(node) not in self.numbers:
            below = tuple(self._number(child) for child in children(node))
            # repr tells 1 from 1.0 from True, which compare equal but are different constants
            own = tuple(
                repr(value)
                for one in fields(node)
                if not isinstance(value := getattr(node, one.name), Expression) and one.name != "parts"
            )
            self.numbers[id(node)] = self.known.setdefault((type(node).__name__, below, own), len(self.known))
        number = self.numbers[id(node)]
        self.uses[number] = self.uses.get(number, 0) + 1
        return number

    def result(self, expression: Expression) -> Values:
        return as_type(self.of(expression), self.types.of(expression)).rows(self.columns.rows)

    def of(self, node: Expression) -> Values:
        number = self.numbers[id(node)]
        if number in self.kept:
            return self.kept[number]
        values = _READERS[type(node)](self, node)
        if self.uses[number] > 1:
            self.kept[number] = values
        return values

    def number(self, node: Expression) -> Array:
        return as_number(self.of(node))

    def true(self, node: Expression) -> NDArray[np.bool_]:
        """True where a flag is true and not missing."""
        values = as_type(self.of(node), "flag")
        return values.data if values.missing is None else values.data & ~values.missing


def _read(work: _Evaluation, node: Read) -> Values:
    return work.columns.read(node.column, node.kind)


def _literal(work: _Evaluation, node: Literal) -> Values:
    return constant(node.value, work.types.inner(node))


def _arithmetic(work: _Evaluation, node: Arithmetic) -> Values:
    if work.types.inner(node) == "integer":
        return _whole_arithmetic(node.operator, work.of(node.left), work.of(node.right))
    left, right = work.number(node.left), work.number(node.right)
    if node.operator == "/":
        return Values(np.where(right == 0.0, np.nan, left / right))
    return Values(_OPERATIONS[node.operator](left, right))


def _whole_arithmetic(operator: str, left: Values, right: Values) -> Values:
    """64-bit arithmetic; a result that does not fit is missing."""
    operation = _OPERATIONS[operator]
    missing = _either_missing(left, right)
    a, b = left.data, right.data
    reach = operation(_reach(a), -_reach(b) if operator == "-" else _reach(b))
    if reach < 2**63:
        return _masked(operation(a, b), missing)
    exact = np.asarray(operation(a.astype(object), b.astype(object)), dtype=object)
    beyond = np.asarray((exact < -(2**63)) | (exact >= 2**63), dtype=bool)
    missing = beyond if missing is None else beyond | missing
    return _masked(np.where(beyond, 0, exact).astype(np.int64), missing)


def _masked(data: Array, missing: NDArray[np.bool_] | None) -> Values:
    return Values(data, None if missing is None else np.broadcast_to(missing, np.shape(data)))


def _reach(data: Array) -> int:
    return max(abs(int(data.min())), abs(int(data.max()))) if data.size else 0


def _function(work: _Evaluation, node: Function) -> Values:
    x = work.number(node.argument)
    if node.name == "log":
        return Values(np.where(x > 0.0, np.log(x), np.nan))
    if node.name == "normal_cdf":
        return Values(normal_cdf(x, np.exp, lambda flag, yes, no: np.where(flag, yes(), no())))
    return Values({"exp": np.exp, "expm1": np.expm1, "sqrt": np.sqrt, "abs": np.abs}[node.name](x))


def _power(work: _Evaluation, node: Power) -> Values:
    x, exponent = work.number(node.base), float(node.exponent)
    exists = ~np.isnan(x)
    if exponent < 0.0:
        exists &= x != 0.0
    if not exponent.is_integer():
        exists &= x >= 0.0
    return Values(np.where(exists, np.power(x, exponent), np.nan))


def _clip(work: _Evaluation, node: Clip) -> Values:
    x = work.number(node.argument)
    if node.lower is not None:
        x = np.where(x < node.lower, float(node.lower), x)
    if node.upper is not None:
        x = np.where(x > node.upper, float(node.upper), x)
    return Values(x)


def _if_missing(work: _Evaluation, node: IfMissing) -> Values:
    argument = work.of(node.argument)
    return _choose(work, ~argument.absent, node, node.argument, node.value)


def _when(work: _Evaluation, node: When) -> Values:
    return _choose(work, work.true(node.condition), node, node.then, node.otherwise)


def _choose(
    work: _Evaluation, flag: NDArray[np.bool_], node: Expression, then: Expression, otherwise: Expression
) -> Values:
    kind = work.types.inner(node)
    yes, no = as_type(work.of(then), kind), as_type(work.of(otherwise), kind)
    if kind == "text":
        codes = np.where(no.codes < 0, -1, no.codes.astype(np.int64) + len(yes.words))
        return Values.text(np.where(flag, yes.codes, codes), np.concatenate([yes.words, no.words]))
    data = np.where(flag, yes.data, no.data)
    if kind not in ("integer", "flag") or (yes.missing is None and no.missing is None):
        return Values(data)
    return Values(data, np.where(flag, yes.absent, no.absent))


def _is_missing(work: _Evaluation, node: IsMissing) -> Values:
    return Values(work.of(node.argument).absent)


def _compare(work: _Evaluation, node: Compare) -> Values:
    left, right = work.of(node.left), work.of(node.right)
    sides = {work.types.inner(node.left), work.types.inner(node.right)}
    present = ~(left.absent | right.absent)
    comparison = _COMPARISONS[node.operator]
    if "date" in sides:
        left, right = as_type(left, "date"), as_type(right, "date")
        return Values(comparison(left.data, right.data) & ~(left.absent | right.absent))
    if "text" in sides:
        return Values(comparison(*_text_ranks(as_type(left, "text"), as_type(right, "text"))) & present)
    if sides & {"number", "nothing"} and "flag" not in sides:
        return Values(comparison(as_number(left), as_number(right)) & present)
    kind: ExpressionType = "flag" if "flag" in sides else "integer"
    return Values(comparison(as_type(left, kind).data, as_type(right, kind).data) & present)


def _text_ranks(left: Values, right: Values) -> tuple[Array, Array]:
    """Both texts as ranks among all their words, in code point order."""
    rank = {word: place for place, word in enumerate(sorted({*left.words, *right.words} - {None}))}
    tables = [np.array([*(rank.get(word, -1) for word in side.words), -1]) for side in (left, right)]
    return tables[0].take(left.codes), tables[1].take(right.codes)


def _all_of(work: _Evaluation, node: AllOf) -> Values:
    return Values(reduce(np.logical_and, (work.true(part) for part in node.parts), np.array(True)))


def _any_of(work: _Evaluation, node: AnyOf) -> Values:
    return Values(reduce(np.logical_or, (work.true(part) for part in node.parts), np.array(False)))


def _not(work: _Evaluation, node: Not) -> Values:
    part = as_type(work.of(node.part), "flag")
    return Values(~part.data if part.missing is None else ~part.data & ~part.missing)


def _bin(work: _Evaluation, node: Bin) -> Values:
    values = work.of(node.argument)
    outputs = constants((*node.outputs, node.missing), output_type((*node.outputs, node.missing), "bin"))
    edges = np.asarray(node.edges, dtype=np.float64)
    if values.whole is not None:
        return _by_whole(values.whole, lambda x: outputs.take(np.searchsorted(edges, x.astype(np.float64))))
    x = as_number(values)
    if len(edges) > FEW_EDGES:
        places = np.searchsorted(edges, x)
    else:
        places = np.zeros(x.shape, dtype=np.uint8)
        for edge in edges:
            places += x > edge
    gone = np.isnan(x)
    if gone.any():
        places = np.where(gone, places.dtype.type(len(edges) + 1), places)
    return outputs.take(places)


def _by_whole(whole: Array, read: Callable[[Array], Values]) -> Values:
    """What `read` makes of an integer array, through a table of all values in its range when that is small."""
    if whole.size <= 1_000:
        return read(whole)
    low, high = int(whole.min()), int(whole.max())
    if high - low >= min(SMALL_RANGE, 4 * whole.size) or whole.dtype == np.uint64:
        return read(whole)
    table = read(np.arange(low, high + 1, dtype=np.int64))
    return table.take(np.subtract(whole, low, dtype=np.int64) if low else whole)


def _lookup(work: _Evaluation, node: Lookup) -> Values:
    values, kind = work.of(node.argument), work.types.inner(node.argument)
    every = (*node.outputs, node.unseen, node.missing)
    outputs, unseen = constants(every, output_type(every, "lookup")), len(node.keys)
    if kind == "nothing":
        return outputs.take(np.full(values.data.shape, -1))
    keys = [lookup_key(key, kind) for key in node.keys]
    if kind == "text":
        place = dict(zip(keys, range(unseen), strict=True))
        places = np.array([*(place.get(word, unseen) for word in values.words), -1])
        return outputs.take(places).take(values.codes)
    if values.whole is not None:
        return _by_whole(values.whole, lambda x: outputs.take(_key_places(x.astype(np.float64), keys, float)))
    if kind == "number":
        rounded = [float(np.float32(key)) for key in keys] if values.single else keys  # type: ignore[arg-type]
        places = _key_places(as_number(values), rounded, float)
    else:
        places = _key_places(values.data.astype(np.int64), keys, np.int64)
    return outputs.take(np.where(values.absent, -1, places))


def _key_places(x: Array, keys: Sequence[Any], dtype: type) -> Array:
    """Position of each value among the keys; the number of keys where it is none of them."""
    if not keys:
        return np.zeros(x.shape, dtype=np.int64)
    table: Array = np.asarray(keys, dtype=dtype)
    order = np.argsort(table, kind="stable")
    near = order.take(np.minimum(np.searchsorted(table[order], x), len(keys) - 1))
    return np.where(table[near] == x, near, len(keys))


def _hash_bucket(work: _Evaluation, node: HashBucket) -> Values:
    key = as_type(work.of(node.key), "text")
    digests = key_digests(node.purpose, node.seed, ["" if word is None else word for word in key.words])
    found = np.append(digests % node.buckets, 0).take(key.codes)
    return Values(found, key.missing)


def _either_missing(left: Values, right: Values) -> NDArray[np.bool_] | None:
    if left.missing is None or right.missing is None:
        return right.missing if left.missing is None else left.missing
    return left.missing | right.missing


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_READERS: dict[type, Callable[[_Evaluation, Any], Values]] = {
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
