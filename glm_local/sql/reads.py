"""Columns as SQL: each physical kind read as each canonical kind, by the rules of `READABLE`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Read, Scalar
from glm_local.expressions.expression_columns import ExpressionType
from glm_local.expressions.read_scalar import DATE_PATTERN, FALSE_WORDS, NUMBER_PATTERN, TRUE_WORDS, require_readable
from glm_local.sql.dialects import SqlDialect

Form = OneOf["double", "raw double", "whole", "big", "other"]
"""What the text of a number is: a double; a column of doubles, -0.0 and all; an integer of any width; a BIGINT."""


@dataclass(frozen=True)
class Sql:
    """A piece of SQL and what is known of its value."""

    text: str
    type: ExpressionType
    form: Form = "other"
    nullable: bool = True
    nan: bool = False
    false_when_null: bool = False
    single: bool = False
    value: Scalar = None
    """The constant, when it is one."""


def read_column(words: SqlDialect, node: Read, physical: ColumnKind, collated: bool = True) -> Sql:
    """SQL of a column read as a kind; missing is NULL, or NaN where `nan` says so."""
    require_readable(physical, node.kind, node.column)
    column = words.identifier(node.column)
    if physical == "text" and collated:
        column = words.plain_text(column)
    match node.kind:
        case "number":
            return _number(words, column, physical)
        case "integer":
            return _integer(words, column, physical)
        case "boolean":
            return Sql(_flag(words, column, physical), "flag")
        case "text":
            return Sql(_text(words, column, physical), "text")
        case "date":
            return Sql(_date(words, column, physical), "date")


def _number(words: SqlDialect, column: str, physical: ColumnKind) -> Sql:
    match physical:
        case "float64":
            return Sql(column, "number", "raw double", nan=True)
        case "float32":
            return Sql(words.cast(column, "DOUBLE"), "number", "raw double", nan=True, single=True)
        case "integer":
            return Sql(column, "number", "whole")
        case "boolean":
            return Sql(_zero_or_one(column), "number", "whole")
        case "date":
            return Sql(words.date_to_days(column), "number", "whole")
        case "decimal":
            return Sql(words.decimal_to_double(column), "number", "double")
        case _:
            number = words.try_cast(column, "DOUBLE")
            text = f"CASE WHEN {words.matches(column, NUMBER_PATTERN)} THEN {number} END"
            return Sql(text, "number", "raw double")


def _integer(words: SqlDialect, column: str, physical: ColumnKind) -> Sql:
    if physical == "integer":
        return Sql(column, "integer", "whole")
    if physical == "boolean":
        return Sql(_zero_or_one(column), "integer", "whole")
    if physical == "text":
        return Sql(words.text_to_integer(column), "integer", "big")
    if physical == "decimal":
        return Sql(words.decimal_to_integer(column), "integer", "big")
    wide = column if physical == "float64" else words.cast(column, "DOUBLE")
    return Sql(words.double_to_integer(wide), "integer", "big")


def _zero_or_one(column: str) -> str:
    return f"CASE WHEN {column} THEN 1 WHEN NOT {column} THEN 0 END"


def _flag(words: SqlDialect, column: str, physical: ColumnKind) -> str:
    if physical == "boolean":
        return column
    if physical != "text":
        return f"CASE WHEN {column} = 1 THEN TRUE WHEN {column} = 0 THEN FALSE END"
    true, false = (", ".join(words.text(word) for word in group) for group in (TRUE_WORDS, FALSE_WORDS))
    return f"CASE WHEN LOWER({column}) IN ({true}) THEN TRUE WHEN LOWER({column}) IN ({false}) THEN FALSE END"


def _text(words: SqlDialect, column: str, physical: ColumnKind) -> str:
    if physical == "boolean":
        true, false = words.text("true"), words.text("false")
        return f"CASE WHEN {column} THEN {true} WHEN NOT {column} THEN {false} END"
    return column if physical == "text" else words.cast(column, "TEXT")


def _date(words: SqlDialect, column: str, physical: ColumnKind) -> str:
    if physical == "timestamp":
        return words.timestamp_to_date(column)
    if physical == "date":
        return column
    # the year 0000 is a year to some databases and none to others
    is_date = f"{words.matches(column, DATE_PATTERN)} AND {column} >= {words.text('0001')}"
    return f"CASE WHEN {is_date} THEN {words.try_cast(column, 'DATE')} END"
