"""Nodes as SQL: how each node of an expression is written in a dialect's words, and what is known of its value."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

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
from glm_local.expressions.expression_columns import ExpressionType, Types, output_type
from glm_local.numbers.normal_cdf import normal_cdf
from glm_local.sql.dialects import SqlDialect, SqlType
from glm_local.sql.formula import Formula, choose
from glm_local.sql.lookup_keys import EXACT, lookup_keys
from glm_local.sql.reads import Sql, read_column
from glm_local.sql.trees import bin_tree, chain, linear_lookup, lookup_tree

LONG_TEXT, LONG_COPIES = 120, 3_000
"""An argument longer than the first is named once when its copies would be longer than the second."""

SQL_TYPES: dict[ExpressionType, SqlType] = {
    "number": "DOUBLE",
    "integer": "BIGINT",
    "flag": "BOOLEAN",
    "text": "TEXT",
    "date": "DATE",
    "nothing": "DOUBLE",
}


@dataclass
class Printer:
    """Prints one expression; `names` counts the names given to long arguments."""

    words: SqlDialect
    kinds: Mapping[str, ColumnKind]
    collated: Collection[str] | None = None
    types: Types = field(default_factory=Types)
    names: int = 0

    def result(self, expression: Expression) -> str:
        """The whole expression in the form promised to the outside."""
        kind = self.types.of(expression)
        printed = self.typed(expression, kind)
        match kind:
            case "number":
                return self.present(printed)
            case "integer":
                return printed.text if printed.form == "big" else self.words.cast(printed.text, "BIGINT")
            case "flag":
                return self.settled(printed).text
            case _:
                return printed.text

    def of(self, node: Expression) -> Sql:
        """A node in whatever form is shortest."""
        return _PRINTERS[type(node)](self, node)

    def typed(self, node: Expression, kind: ExpressionType) -> Sql:
        """A node as a branch of a given type: doubles for number, a NULL of the right type for a None constant."""
        printed = self.of(node)
        if printed.type == "nothing":
            return Sql(self.words.null(SQL_TYPES[kind]), kind, "big" if kind == "integer" else "double")
        if kind == "date" and printed.type == "text":
            return Sql(self.words.date(str(printed.value)), "date", nullable=False)
        if kind == "number":
            return replace(printed, text=self.double(printed), type="number", form="double", value=None)
        return printed

    def number(self, node: Expression) -> Sql:
        """A node as something arithmetic can compare: days for a date, else as it is."""
        printed = self.of(node)
        if printed.type == "nothing":
            return Sql(self.words.null("DOUBLE"), "number", "double")
        if printed.type == "date":
            return Sql(self.words.date_to_days(printed.text), "number", "whole", nullable=printed.nullable)
        return printed

    def double(self, printed: Sql) -> str:
        """Text of a number as a double, -0.0 read as 0.0."""
        if printed.type == "date":
            return self.words.cast(self.words.date_to_days(printed.text), "DOUBLE")
        if printed.form in ("whole", "big"):
            if isinstance(printed.value, int):
                return self.words.double(float(printed.value))
            return self.words.cast(printed.text, "DOUBLE")
        if printed.form == "raw double":
            return f"({printed.text} + {self.words.double(0.0)})"
        return printed.text

    def present(self, printed: Sql) -> str:
        """Text of a number with NaN turned into NULL."""
        return self.words.without_nan(printed.text) if printed.nan else printed.text

    def settled(self, printed: Sql) -> Sql:
        """A flag whose NULL means false, made false."""
        if not printed.false_when_null:
            return printed
        return Sql(f"COALESCE({printed.text}, {self.words.flag(False)})", "flag", nullable=False)

    def often(self, text: str, copies: int, body: Callable[[str], str]) -> str:
        """`body` of an argument used several times: repeated when short, else named."""
        if len(text) <= LONG_TEXT or len(text) * copies <= LONG_COPIES:
            return body(text)
        name = self._fresh_name()
        written = body(name)
        return self.words.let(name, text, written) if name in written else written

    def _fresh_name(self) -> str:
        taken = {name.lower() for name in self.kinds}
        while True:
            self.names += 1
            if (name := f"v{self.names}") not in taken:
                return name

    def unless_missing(self, printed: Sql, missing: str, text: str, body: str) -> str:
        """`missing` where the argument `text` is missing, else `body`."""
        tests = [f"{text} IS NULL"] if printed.nullable else []
        if printed.nan and self.words.nan_style != "none":
            tests.append(self.words.is_nan(text))
        return chain(" OR ".join(tests), missing, body) if tests and missing != body else body

    def outputs(self, outputs: Sequence[Scalar]) -> tuple[list[str], ExpressionType]:
        """Constants of one list, all of one type."""
        kind = output_type(outputs, "outputs")
        if kind == "number":
            outputs = [float(value) if isinstance(value, int) else value for value in outputs]
        if kind == "nothing":
            return [self.words.null("DOUBLE")] * len(outputs), kind
        return [self.words.constant(value) for value in outputs], kind


def _read(printer: Printer, node: Read) -> Sql:
    if node.column not in printer.kinds:
        hint = nearest(node.column, list(printer.kinds))
        raise DataError.because(f"{node.column!r} is not a column of the table.", "", hint, path=node.column)
    collated = printer.collated is None or node.column in printer.collated
    return read_column(printer.words, node, printer.kinds[node.column], collated)


def _literal(printer: Printer, node: Literal) -> Sql:
    kind = printer.types.inner(node)
    form: Any = {"integer": "whole", "number": "double"}.get(kind, "other")
    return Sql(printer.words.constant(node.value), kind, form, nullable=kind == "nothing", value=node.value)


def _arithmetic(printer: Printer, node: Arithmetic) -> Sql:
    left, right = printer.number(node.left), printer.number(node.right)
    if printer.types.inner(node) == "integer":
        return Sql(printer.words.whole_arithmetic(node.operator, left.text, right.text), "integer", "big")
    a, b, words = printer.double(left), printer.double(right), printer.words
    nullable = left.nullable or right.nullable or node.operator == "/"
    text = words.divide(a, b) if node.operator == "/" else f"({a} {node.operator} {b})"
    return Sql(text, "number", "double", nullable=nullable, nan=True)


def _function(printer: Printer, node: Function) -> Sql:
    argument, words = printer.number(node.argument), printer.words
    x = printer.double(argument)
    match node.name:
        case "log":
            return Sql(printer.often(x, 2, words.log), "number", "double", nan=argument.nan)
        case "sqrt":
            return Sql(printer.often(x, 2, words.sqrt), "number", "double", nan=argument.nan)
        case "exp":
            return Sql(f"EXP({x})", "number", "double", argument.nullable, argument.nan)
        case "expm1":
            return Sql(printer.often(x, 6, words.expm1), "number", "double", argument.nullable, argument.nan)
        case "abs":
            return Sql(f"ABS({x})", "number", "double", argument.nullable, argument.nan)
        case "normal_cdf":
            present = printer.present(replace(argument, text=x))
            return Sql(printer.often(present, 60, lambda text: _normal_cdf(words, text)), "number", "double")


def _normal_cdf(words: SqlDialect, text: str) -> str:
    return str(normal_cdf(Formula(text, words), Formula.exp, choose).text)


def _power(printer: Printer, node: Power) -> Sql:
    base, words, exponent = printer.number(node.base), printer.words, float(node.exponent)
    x = printer.present(replace(base, text=printer.double(base)))
    power = f"POWER({{0}}, {words.double(exponent)})"
    if exponent == 0.0:
        text = f"CASE WHEN {x} IS NOT NULL THEN {words.double(1.0)} END"
    elif exponent.is_integer() and exponent > 0.0:
        text = power.format(x)
    else:
        test = "<>" if exponent.is_integer() else ">" if exponent < 0.0 else ">="
        guarded = f"CASE WHEN {{0}} {test} {words.double(0.0)} THEN {power} END"
        text = printer.often(x, 2, guarded.format)
    return Sql(text, "number", "double")


def _clip(printer: Printer, node: Clip) -> Sql:
    argument = printer.number(node.argument)
    x, words = printer.double(argument), printer.words

    def body(text: str) -> str:
        clipped = text
        if node.upper is not None:
            # where NaN is the largest number it must not be moved to the upper bound
            present = f" AND NOT {words.is_nan(text)}" if argument.nan and words.nan_style == "equal" else ""
            upper = words.double(float(node.upper))
            clipped = chain(f"{text} > {upper}{present}", upper, clipped)
        if node.lower is not None:
            lower = words.double(float(node.lower))
            clipped = chain(f"{text} < {lower}", lower, clipped)
        return clipped

    return Sql(printer.often(x, 4, body), "number", "double", argument.nullable, argument.nan)


def _if_missing(printer: Printer, node: IfMissing) -> Sql:
    kind = printer.types.inner(node)
    argument, value = printer.typed(node.argument, kind), printer.typed(node.value, kind)
    if kind == "flag":
        argument, value = printer.settled(argument), printer.settled(value)
    text = f"COALESCE({printer.present(argument)}, {value.text})"
    return replace(value, text=text, form="double" if kind == "number" else _common_form(argument, value), value=None)


def _when(printer: Printer, node: When) -> Sql:
    kind = printer.types.inner(node)
    then, otherwise = printer.typed(node.then, kind), printer.typed(node.otherwise, kind)
    if kind == "flag":
        then, otherwise = printer.settled(then), printer.settled(otherwise)
    condition = printer.typed(node.condition, "flag").text
    text = f"CASE WHEN {condition} THEN {then.text} ELSE {otherwise.text} END"
    nullable, nan = then.nullable or otherwise.nullable, then.nan or otherwise.nan
    return Sql(text, kind, _common_form(then, otherwise), nullable, nan)


def _common_form(one: Sql, other: Sql) -> Any:
    return one.form if one.form == other.form else "whole"


def _is_missing(printer: Printer, node: IsMissing) -> Sql:
    argument = printer.of(node.argument)
    if argument.false_when_null or not (argument.nullable or argument.nan):
        return Sql(printer.words.flag(False), "flag", nullable=False)
    return Sql(f"({printer.present(argument)} IS NULL)", "flag", nullable=False)


def _compare(printer: Printer, node: Compare) -> Sql:
    sides = {printer.types.inner(node.left), printer.types.inner(node.right)}
    if "nothing" in sides:
        return Sql(printer.words.flag(False), "flag", nullable=False)
    left, right = printer.of(node.left), printer.of(node.right)
    if "date" in sides:
        left, right = printer.typed(node.left, "date"), printer.typed(node.right, "date")
    elif "flag" in sides:
        left, right = (printer.settled(printer.typed(side, "flag")) for side in (node.left, node.right))
    elif "number" in sides and {left.form, right.form} <= {"whole", "big"}:
        left, right = printer.typed(node.left, "number"), printer.typed(node.right, "number")
    sign = {"==": "=", "!=": "<>"}.get(node.operator, node.operator)
    a, b = (
        side.text if _false_for_nan(sign, side, other, place) else printer.present(side)
        for place, (side, other) in enumerate(((left, right), (right, left)))
    )
    text = f"({a} {sign} {b})"
    nullable = left.nullable or right.nullable or left.nan or right.nan
    return Sql(text, "flag", nullable=nullable, false_when_null=nullable)


def _false_for_nan(sign: str, side: Sql, other: Sql, place: int) -> bool:
    """The comparison is false where this side is NaN, be NaN the largest number or unequal to all."""
    return not other.nan and sign in (("=", "<", "<=") if place == 0 else ("=", ">", ">="))


def _all_of(printer: Printer, node: AllOf) -> Sql:
    return _joined(printer, node.parts, "AND", True)


def _any_of(printer: Printer, node: AnyOf) -> Sql:
    return _joined(printer, node.parts, "OR", False)


def _joined(printer: Printer, parts: Sequence[Expression], word: str, empty: bool) -> Sql:
    printed = [printer.typed(part, "flag") for part in parts]
    if not printed:
        return Sql(printer.words.flag(empty), "flag", nullable=False)
    nullable = any(part.nullable for part in printed)
    text = f"({f' {word} '.join(part.text for part in printed)})"
    return Sql(text, "flag", nullable=nullable, false_when_null=nullable)


def _not(printer: Printer, node: Not) -> Sql:
    part = printer.settled(printer.typed(node.part, "flag"))
    return Sql(f"(NOT {part.text})", "flag", nullable=part.nullable, false_when_null=part.nullable)


def _bin(printer: Printer, node: Bin) -> Sql:
    argument = printer.number(node.argument)
    (*outputs, missing), kind = printer.outputs((*node.outputs, node.missing))
    edges = [_edge(printer.words, edge, argument.form in ("whole", "big")) for edge in node.edges]

    def body(text: str) -> str:
        return printer.unless_missing(argument, missing, text, bin_tree(text, edges, outputs))

    return _of_outputs(printer, printer.often(argument.text, len(edges) + 2, body), kind)


def _edge(words: SqlDialect, edge: float, whole: bool) -> str:
    """An edge; of integers the integer below it, which divides them alike."""
    return words.integer(math.floor(edge)) if whole and abs(edge) < EXACT else words.double(float(edge))


def _of_outputs(printer: Printer, text: str, kind: ExpressionType) -> Sql:
    forms: dict[ExpressionType, Any] = {"number": "double", "nothing": "double", "integer": "whole"}
    # a tree that came down to a bare NULL has no type, which Spark takes nowhere
    typed = printer.words.null(SQL_TYPES[kind]) if text == "NULL" else text
    return Sql(typed, kind, forms.get(kind, "other"))


def _lookup(printer: Printer, node: Lookup) -> Sql:
    kind = printer.types.inner(node.argument)
    argument = printer.settled(printer.of(node.argument))
    (*outputs, missing, unseen), output_kind = printer.outputs((*node.outputs, node.missing, node.unseen))
    if kind == "nothing":
        return _of_outputs(printer, missing, output_kind)
    x, keys, outputs = lookup_keys(printer.words, printer.double, argument, node.keys, kind, outputs)

    def body(text: str) -> str:
        ordered = kind != "text" or printer.words.name in ("spark", "databricks", "duckdb")
        tree = (
            lookup_tree(text, keys, outputs, unseen)
            if ordered
            else linear_lookup(text, [key for _, key in keys], outputs, unseen)
        )
        return printer.unless_missing(argument, missing, text, tree)

    return _of_outputs(printer, printer.often(x, min(len(keys), 20) + 2, body), output_kind)


def _hash_bucket(printer: Printer, node: HashBucket) -> Sql:
    key = printer.typed(node.key, "text")
    text = printer.words.hash_bucket(key.text, f"{node.purpose}|{node.seed}|", node.buckets)
    return Sql(text, "integer", "big" if printer.words.name != "bigquery" else "whole", nullable=key.nullable)


_PRINTERS: dict[type, Callable[[Printer, Any], Sql]] = {
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
