"""Large lookups as broadcast joins: a CASE of hundreds of branches takes Spark minutes, a join seconds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.functions import broadcast, expr

from glm_local.expressions.columns import ColumnKind, ReadKind
from glm_local.expressions.expression import Expression, IsMissing, Lookup, Read, Scalar
from glm_local.expressions.expression_columns import ExpressionType, lookup_key, type_of
from glm_local.sql.statement import print_sql, quote_identifier, quote_literal
from glm_spark.spark_frames import collated_columns

LARGEST_CASE = 40

ARROW_TYPES: dict[ExpressionType, pa.DataType] = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "text": pa.string(),
    "flag": pa.bool_(),
    "date": pa.date32(),
}
READS: dict[ExpressionType, tuple[ReadKind, ColumnKind, str]] = {
    "number": ("number", "float64", "double"),
    "integer": ("integer", "integer", "bigint"),
    "text": ("text", "text", "string"),
    "flag": ("boolean", "boolean", "boolean"),
    "date": ("date", "date", "date"),
}


@dataclass(frozen=True)
class Joined:
    """A frame with one more column per large lookup, its kinds, and the expressions that read them instead."""

    frame: DataFrame
    kinds: dict[str, ColumnKind]
    expressions: tuple[Expression, ...]
    collated: frozenset[str]

    def sql(self, expression: Expression) -> str:
        """Text of an expression over the frame."""
        return print_sql(expression, self.kinds, collated=self.collated)


def join_lookups(
    frame: DataFrame, kinds: Mapping[str, ColumnKind], expressions: Sequence[Expression], largest: int = LARGEST_CASE
) -> Joined:
    """Replace every `Lookup` of more than `largest` keys by a left join with a small broadcast table.

    Lookups inside the arguments of others are joined first. Rows, their number and their order within partitions
    stay what they were: keys are distinct.
    """
    joiner = _Joiner(frame, dict(kinds), largest)
    rewritten = tuple(_rewritten(one, joiner.replace) for one in expressions)
    return Joined(joiner.frame, joiner.kinds, rewritten, joiner.collated)


class _Joiner:
    def __init__(self, frame: DataFrame, kinds: dict[str, ColumnKind], largest: int) -> None:
        self.frame, self.kinds, self._largest = frame, kinds, largest
        self.collated = collated_columns(frame)
        self._known: dict[str, Read] = {}

    def replace(self, node: Expression) -> Expression:
        if not isinstance(node, Lookup) or len(node.keys) <= self._largest:
            return node
        text = repr(node)
        if text not in self._known:
            self._known[text] = self._join(node)
        return self._known[text]

    def _join(self, node: Lookup) -> Read:
        name = self._free_name()
        read, kind, sql_type = READS[type_of(node)]
        key, value, hit = (f"{name} {part}" for part in ("key", "value", "hit"))
        table = broadcast(self.frame.sparkSession.createDataFrame(_lookup_table(node, key, value, hit)))
        argument = print_sql(node.argument, self.kinds, collated=self.collated)
        is_missing = print_sql(IsMissing(node.argument), self.kinds, collated=self.collated)
        joined = self.frame.join(table, expr(f"({argument}) = {quote_identifier(key)}"), "left")
        missing, unseen = (_constant(one, sql_type) for one in (node.missing, node.unseen))
        outcome = (
            f"CASE WHEN {is_missing} THEN {missing} "
            f"WHEN {quote_identifier(hit)} THEN {quote_identifier(value)} ELSE {unseen} END"
        )
        kept = [quote_identifier(column) for column in self.frame.columns]
        self.frame = joined.selectExpr(*kept, f"{outcome} AS {quote_identifier(name)}")
        self.kinds[name] = kind
        return Read(name, read)

    def _free_name(self) -> str:
        taken = {column.lower() for column in self.kinds}
        at = len(self._known)
        while f"lookup {at}" in taken:
            at += 1
        return f"lookup {at}"


def _lookup_table(node: Lookup, key: str, value: str, hit: str) -> pa.Table:
    argument = type_of(node.argument)
    keys = [lookup_key(one, argument) for one in node.keys]
    key_type = ARROW_TYPES[argument]
    key_array = pa.array(keys, pa.int32()).cast(key_type) if argument == "date" else pa.array(keys, key_type)
    result = type_of(node)
    outputs = [float(one) if result == "number" and one is not None else one for one in node.outputs]
    columns = {
        key: key_array,
        value: pa.array(outputs, ARROW_TYPES[result], from_pandas=True),
        hit: pa.array([True] * len(keys)),
    }
    return pa.table(columns)


def _constant(value: Scalar, sql_type: str) -> str:
    return f"CAST({'NULL' if value is None else quote_literal(value)} AS {sql_type})"


def _rewritten(node: Expression, replace: Callable[[Expression], Expression]) -> Expression:
    changed: dict[str, object] = {}
    for one in dataclasses.fields(node):
        value = getattr(node, one.name)
        if isinstance(value, Expression):
            below: object = _rewritten(value, replace)
        elif one.name == "parts":
            below = tuple(_rewritten(part, replace) for part in value)
        else:
            continue
        if below is not value:
            changed[one.name] = below
    return replace(dataclasses.replace(node, **changed) if changed else node)  # type: ignore[arg-type]
