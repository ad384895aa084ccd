"""The SQL reader of expressions: one expression as the text of one SQL expression, without a database or a JVM.

Every text keeps the tree's meaning: missing is NULL (NaN becomes NULL before it decides anything), nothing raises in
Spark's ANSI mode, doubles are printed to the last bit, text compares by code point.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression, Scalar
from glm_local.sql.dialects import respell
from glm_local.sql.printer import Printer
from glm_local.sql.spark import spelling

__all__ = ["print_sql", "quote_identifier", "quote_literal"]


def print_sql(
    expression: Expression,
    kinds: Mapping[str, ColumnKind],
    dialect: str = "spark",
    collated: Collection[str] | None = None,
) -> str:
    """An expression as SQL text.

    Parameters
    ----------
    expression
        The tree.
    kinds
        Physical kind of each column it reads.
    dialect
        ``spark`` (or ``databricks``) and ``duckdb`` keep the whole meaning. Any other name is sqlglot's: there
        overflow, text that looks like a date and is none, and collations do what the database does.
    collated
        Text columns that may have a collation of their own (Spark compares them by code point all the same); None is
        any of them.

    Returns
    -------
    str
        number as DOUBLE without NaN, integer as BIGINT, text, date, or a flag; missing is NULL.

    Raises
    ------
    SpecError
        The tree breaks a typing rule.
    DataError
        A column is not in `kinds` or cannot be read as its kind.
    EngineError
        The dialect has no words for a node.

    Examples
    --------
    >>> from glm_local.expressions.expression import Bin, Read
    >>> print(print_sql(Bin(Read("age"), (25.0,), ("young", "old"), "?"), {"age": "integer"}))
    CASE WHEN `age` IS NULL THEN '?' WHEN `age` <= 25 THEN 'young' ELSE 'old' END
    """
    spelled = spelling(dialect)
    text = Printer(spelled.words, kinds, collated).result(expression)
    return text if spelled.write is None else respell(text, spelled.write)


def quote_identifier(name: str, dialect: str = "spark") -> str:
    """A column name as SQL, whatever characters it has.

    Examples
    --------
    >>> quote_identifier("a.`b"), quote_identifier("Größe %", "duckdb")
    ('`a.``b`', '"Größe %"')
    """
    spelled = spelling(dialect)
    text = spelled.words.identifier(name)
    return text if spelled.write is None else respell(text, spelled.write)


def quote_literal(value: Scalar, dialect: str = "spark") -> str:
    """A constant as SQL, to the last bit and whatever characters it has.

    Examples
    --------
    >>> quote_literal(0.1), quote_literal("O'Brien"), quote_literal("O'Brien", "duckdb")
    ('0.1D', "concat('O', char(39), 'Brien')", "'O''Brien'")
    """
    spelled = spelling(dialect)
    text = spelled.words.constant(value)
    return text if spelled.write is None else respell(text, spelled.write)
