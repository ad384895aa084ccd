"""The words of SQL dialects: how each writes names, constants, casts, and arithmetic that never raises.

Spark and DuckDB are written natively; any other dialect is written in DuckDB's syntax with the constructs that dialect
has, and turned into its spelling by sqlglot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal as OneOf

from glm_local.contract.expression import Scalar
from glm_local.contract.expression_columns import date_days, scalar_type
from glm_local.contract.read_scalar import INTEGER_PATTERN
from glm_local.errors import EngineError

SqlType = OneOf["DOUBLE", "BIGINT", "DATE", "TEXT", "BOOLEAN"]
NanStyle = OneOf["equal", "unequal", "none"]

DAY_MICROSECONDS = 86_400_000_000

NATIVE_SPARK = ("spark", "databricks")
NAN_EQUALS_ITSELF = ("postgres", "redshift", "snowflake", "materialize", "risingwave")
WITHOUT_NAN = ("tsql", "fabric", "mysql", "sqlite", "oracle", "doris", "starrocks", "teradata", "exasol")
WITHOUT_PATTERNS = ("tsql", "fabric", "sqlite")
MD5_IS_HEX_OF_UTF8 = ("postgres", "redshift", "snowflake", "mysql", "bigquery")


class SqlDialect:
    """DuckDB's words, and what the other dialects change in them.

    Parameters
    ----------
    name
        sqlglot's name of the dialect.
    """

    double_suffix = "e0"

    def __init__(self, name: str = "duckdb") -> None:
        self.name = name

    # names and constants

    def identifier(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def text(self, value: str) -> str:
        return "'" + value.replace("'", "''") + "'"

    def double(self, value: float) -> str:
        """A double to the last bit: the shortest decimal that reads back as the same number."""
        if value in (float("inf"), float("-inf")):
            return self.cast(self.text("Infinity" if value > 0 else "-Infinity"), "DOUBLE")
        shortest = repr(float(value))
        return shortest if self.double_suffix == "e0" and "e" in shortest else shortest + self.double_suffix

    def integer(self, value: int) -> str:
        return str(value)

    def flag(self, value: bool) -> str:
        return "TRUE" if value else "FALSE"

    def date(self, text: str) -> str:
        date_days(text)
        return f"DATE '{text}'"

    def null(self, kind: SqlType) -> str:
        return self.cast("NULL", kind)

    def type_name(self, kind: SqlType) -> str:
        return kind

    # casts

    def cast(self, text: str, kind: SqlType) -> str:
        return f"CAST({text} AS {self.type_name(kind)})"

    def try_cast(self, text: str, kind: SqlType) -> str:
        return f"TRY_CAST({text} AS {self.type_name(kind)})"

    def decimal_to_double(self, text: str) -> str:
        # through text: dividing the digits by a power of ten would round twice
        return self.cast(self.cast(text, "TEXT"), "DOUBLE")

    def decimal_to_integer(self, text: str) -> str:
        return self.text_to_integer(self.cast(text, "TEXT"))

    def text_to_integer(self, text: str) -> str:
        digits = self.try_cast(f"SPLIT_PART({text}, '.', 1)", "BIGINT")
        return f"CASE WHEN {self.matches(text, INTEGER_PATTERN)} THEN {digits} END"

    def double_to_integer(self, text: str) -> str:
        low, high, whole = self.double(-(2.0**63)), self.double(2.0**63), self.try_cast(text, "BIGINT")
        return (
            f"CASE WHEN {text} >= {low} AND {text} < {high} AND {self.cast(whole, 'DOUBLE')} = {text} THEN {whole} END"
        )

    def date_to_days(self, text: str) -> str:
        return f"({text} - DATE '1970-01-01')"

    def timestamp_to_date(self, text: str) -> str:
        if self.name != "duckdb":
            return self.cast(text, "DATE")
        day = f"((EPOCH_US({text}) % {DAY_MICROSECONDS}) + {DAY_MICROSECONDS}) % {DAY_MICROSECONDS}"
        return f"(DATE '1970-01-01' + CAST((EPOCH_US({text}) - {day}) // {DAY_MICROSECONDS} AS INTEGER))"

    # text

    def plain_text(self, text: str) -> str:
        """A text column compared by code point, whatever its collation."""
        return text

    def matches(self, text: str, pattern: str) -> str:
        """The whole text matches a pattern of `glm_local.contract.read_scalar`."""
        if self.name == "duckdb":
            return f"REGEXP_FULL_MATCH({text}, {self.text(pattern)})"
        if self.name in WITHOUT_PATTERNS:
            raise EngineError.because(
                f"{self.name} has no regular expressions.",
                "Text is read as a number or date only where it matches a pattern.",
                "Give the table a column of that type.",
            )
        return f"REGEXP_MATCHES({text}, {self.text(f'^({pattern})$')})"

    # numbers

    @property
    def nan_style(self) -> NanStyle:
        """Whether NaN equals itself, does not, or does not exist."""
        if self.name == "duckdb" or self.name in NAN_EQUALS_ITSELF:
            return "equal"
        return "none" if self.name in WITHOUT_NAN else "unequal"

    def is_nan(self, text: str) -> str:
        if self.name == "duckdb":
            return f"ISNAN({text})"
        return f"{text} <> {text}" if self.nan_style == "unequal" else f"{text} = {self.cast(self.text('NaN'), 'DOUBLE')}"

    def without_nan(self, text: str) -> str:
        """The number, NULL where it is NaN."""
        if self.nan_style == "none":
            return text
        if self.nan_style == "equal":
            return f"NULLIF({text}, {self.cast(self.text('NaN'), 'DOUBLE')})"
        return f"CASE WHEN {text} = {text} THEN {text} END"

    def divide(self, left: str, right: str) -> str:
        return f"({left} / NULLIF({right}, {self.double(0.0)}))"

    def whole_arithmetic(self, operator: str, left: str, right: str) -> str:
        """64-bit arithmetic; NULL on overflow (only Spark and DuckDB: elsewhere overflow raises)."""
        if self.name != "duckdb":
            return f"({self.cast(left, 'BIGINT')} {operator} {self.cast(right, 'BIGINT')})"
        return self.try_cast(f"CAST({left} AS HUGEINT) {operator} CAST({right} AS HUGEINT)", "BIGINT")

    def log(self, text: str) -> str:
        return f"CASE WHEN {text} > {self.double(0.0)} THEN LN({text}) END"

    def sqrt(self, text: str) -> str:
        return f"CASE WHEN {text} >= {self.double(0.0)} THEN SQRT({text}) END"

    def hash_bucket(self, text: str, prefix: str, buckets: int) -> str:
        key = f"({self.text(prefix)} || {text})"
        if self.name == "duckdb":
            return f"(CAST('0x' || SUBSTR(MD5({key}), 1, 8) AS BIGINT) % {buckets})"
        if self.name not in MD5_IS_HEX_OF_UTF8:
            raise EngineError.because(
                f"No MD5 of UTF-8 text is known for {self.name}.",
                "Buckets are the first 32 bits of MD5 of purpose|seed|key.",
                "Compute them on the engine, and store them as a column.",
            )
        digits = (f"(STRPOS('0123456789abcdef', SUBSTR(MD5({key}), {place + 1}, 1)) - 1) * {16 ** (7 - place)}"
                  for place in range(8))
        return f"(({' + '.join(digits)}) % {buckets})"

    # one value used often

    def let(self, name: str, value: str, body: str) -> str:
        """`body`, in which `name` stands for `value`."""
        if self.name == "duckdb":
            return f"LIST_TRANSFORM([{value}], LAMBDA {name}: {body})[1]"
        return f"(SELECT {body} FROM (SELECT {value} AS {name}) AS of_{name})"

    def constant(self, value: Scalar) -> str:
        """A constant of its own type; None and NaN are NULL."""
        kind = scalar_type(value)
        if kind == "nothing":
            return "NULL"
        if isinstance(value, bool):
            return self.flag(value)
        if isinstance(value, int):
            return self.integer(value)
        return self.double(value) if isinstance(value, float) else self.text(str(value))


class SparkDialect(SqlDialect):
    """Spark's words, the same with ANSI mode on or off and under any parser setting.

    Quotes and backslashes go through ``char``: how Spark reads them inside a literal depends on its version and on
    ``spark.sql.parser.escapedStringLiterals``. ``${`` is cut in two: Spark substitutes variables inside literals too.
    """

    double_suffix = "D"

    def identifier(self, name: str) -> str:
        quoted = "`" + name.replace("`", "``") + "`"
        return f"IDENTIFIER({self.text(quoted)})" if "${" in name else quoted

    def text(self, value: str) -> str:
        pieces = [piece for piece in re.split(r"(['\\]|(?<=\$)(?=\{))", value) if piece]
        spelled = [f"char({ord(piece)})" if piece in "'\\" else f"'{piece}'" for piece in pieces] or ["''"]
        return spelled[0] if len(spelled) == 1 else f"concat({', '.join(spelled)})"

    def type_name(self, kind: SqlType) -> str:
        return "STRING" if kind == "TEXT" else kind

    def decimal_to_double(self, text: str) -> str:
        return self.cast(text, "DOUBLE")

    def decimal_to_integer(self, text: str) -> str:
        return f"CASE WHEN {text} % 1 = 0 THEN {self.try_cast(text, 'BIGINT')} END"

    def text_to_integer(self, text: str) -> str:
        digits = self.try_cast(f"substring_index({text}, '.', 1)", "BIGINT")
        return f"CASE WHEN {self.matches(text, INTEGER_PATTERN)} THEN {digits} END"

    def date_to_days(self, text: str) -> str:
        return f"unix_date({text})"

    def timestamp_to_date(self, text: str) -> str:
        # a timestamp without zone is already a wall clock; one with zone must not pass through the session's zone
        micros = f"unix_micros(CAST({text} AS TIMESTAMP))"
        days = f"({micros} - pmod({micros}, {DAY_MICROSECONDS}L)) div {DAY_MICROSECONDS}L"
        of_instant = f"date_from_unix_date(CAST({days} AS INT))"
        return f"if(typeof({text}) = 'timestamp_ntz', CAST({text} AS DATE), {of_instant})"

    def plain_text(self, text: str) -> str:
        return f"{text} COLLATE UTF8_BINARY"

    def matches(self, text: str, pattern: str) -> str:
        # no $ at the end: Java's also matches before a last newline
        return f"{text} RLIKE {self.text(f'^({pattern})(?!(?s:.))')}"

    @property
    def nan_style(self) -> NanStyle:
        return "equal"

    def is_nan(self, text: str) -> str:
        return f"isnan({text})"

    def without_nan(self, text: str) -> str:
        return f"nanvl({text}, {self.null('DOUBLE')})"

    def divide(self, left: str, right: str) -> str:
        return f"try_divide({left}, {right})"

    def whole_arithmetic(self, operator: str, left: str, right: str) -> str:
        function = {"+": "try_add", "-": "try_subtract", "*": "try_multiply"}[operator]
        return f"{function}({self.cast(left, 'BIGINT')}, {self.cast(right, 'BIGINT')})"

    def log(self, text: str) -> str:
        return f"ln({text})"

    def hash_bucket(self, text: str, prefix: str, buckets: int) -> str:
        hexadecimal = f"substr(md5(CAST(concat({self.text(prefix)}, {text}) AS BINARY)), 1, 8)"
        return f"(CAST(conv({hexadecimal}, 16, 10) AS BIGINT) % {buckets}L)"

    def let(self, name: str, value: str, body: str) -> str:
        return f"transform(array({value}), {name} -> {body})[0]"


@dataclass(frozen=True)
class Spelling:
    """Which words to print with, and whether sqlglot then spells them for another dialect."""

    words: SqlDialect
    write: str | None


def spelling(dialect: str) -> Spelling:
    """Words of a dialect by its sqlglot name; EngineError when sqlglot does not know it."""
    if dialect in NATIVE_SPARK:
        return Spelling(SparkDialect(dialect), None)
    return Spelling(SqlDialect(dialect), None if dialect == "duckdb" else dialect)


def respell(text: str, dialect: str) -> str:
    """DuckDB's SQL text in another dialect's spelling, by sqlglot."""
    try:
        import sqlglot
    except ImportError:
        raise EngineError.because(
            "The package sqlglot is not installed.", f"It spells SQL for {dialect}.", "Run: pip install sqlglot."
        ) from None
    try:
        return sqlglot.transpile(text, read="duckdb", write=dialect, identify=True)[0]
    except ValueError as cause:
        raise EngineError.because(
            f"sqlglot could not write {dialect}: {cause}",
            "The dialect is one sqlglot knows by name.",
            "Use spark, duckdb, postgres, snowflake, bigquery, tsql, …",
        ) from cause
