"""The words of SQL dialects: how each writes names, constants, casts, and arithmetic that never raises.

Spark and DuckDB are written natively; any other dialect is written in DuckDB's syntax with the constructs that dialect
has, and turned into its spelling by sqlglot.
"""

from __future__ import annotations

from typing import Literal as OneOf

from glm_local.errors import ConfigError, EngineError, nearest
from glm_local.expressions.expression import Scalar
from glm_local.expressions.expression_columns import date_days, scalar_type
from glm_local.expressions.read_scalar import INTEGER_PATTERN

SqlType = OneOf["DOUBLE", "BIGINT", "DATE", "TEXT", "BOOLEAN"]
NanStyle = OneOf["equal", "unequal", "none"]

DAY_MICROSECONDS = 86_400_000_000

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
        """A name, whatever characters it has."""
        return '"' + name.replace('"', '""') + '"'

    def text(self, value: str) -> str:
        """A text constant, whatever characters it has."""
        return "'" + value.replace("'", "''") + "'"

    def double(self, value: float) -> str:
        """A double to the last bit: the shortest decimal that reads back as the same number."""
        if value in (float("inf"), float("-inf")):
            return self.cast(self.text("Infinity" if value > 0 else "-Infinity"), "DOUBLE")
        shortest = repr(float(value))
        return shortest if self.double_suffix == "e0" and "e" in shortest else shortest + self.double_suffix

    def integer(self, value: int) -> str:
        """An integer constant."""
        return str(value)

    def flag(self, value: bool) -> str:
        """TRUE or FALSE."""
        return "TRUE" if value else "FALSE"

    def date(self, text: str) -> str:
        """A date constant from YYYY-MM-DD."""
        date_days(text)
        return f"DATE '{text}'"

    def null(self, kind: SqlType) -> str:
        """NULL of a type."""
        return self.cast("NULL", kind)

    def type_name(self, kind: SqlType) -> str:
        """The dialect's name of a type."""
        return kind

    # casts

    def cast(self, text: str, kind: SqlType) -> str:
        """A cast that cannot fail."""
        return f"CAST({text} AS {self.type_name(kind)})"

    def try_cast(self, text: str, kind: SqlType) -> str:
        """A cast that gives NULL where it fails."""
        return f"TRY_CAST({text} AS {self.type_name(kind)})"

    def decimal_to_double(self, text: str) -> str:
        """A decimal as the nearest double."""
        # through text: dividing the digits by a power of ten would round twice
        return self.cast(self.cast(text, "TEXT"), "DOUBLE")

    def decimal_to_integer(self, text: str) -> str:
        """A decimal as BIGINT; NULL where it is not whole or too large."""
        return self.text_to_integer(self.cast(text, "TEXT"))

    def text_to_integer(self, text: str) -> str:
        """Text as BIGINT; NULL where it is no integer."""
        digits = self.try_cast(f"SPLIT_PART({text}, '.', 1)", "BIGINT")
        return f"CASE WHEN {self.matches(text, INTEGER_PATTERN)} THEN {digits} END"

    def double_to_integer(self, text: str) -> str:
        """A double as BIGINT; NULL where it is not whole or too large."""
        low, high, whole = self.double(-(2.0**63)), self.double(2.0**63), self.try_cast(text, "BIGINT")
        return (
            f"CASE WHEN {text} >= {low} AND {text} < {high} AND {self.cast(whole, 'DOUBLE')} = {text} THEN {whole} END"
        )

    def date_to_days(self, text: str) -> str:
        """Days since 1970-01-01."""
        return f"({text} - DATE '1970-01-01')"

    def timestamp_to_date(self, text: str) -> str:
        """The calendar day of a timestamp in UTC."""
        if self.name != "duckdb":
            return self.cast(text, "DATE")
        day = f"((EPOCH_US({text}) % {DAY_MICROSECONDS}) + {DAY_MICROSECONDS}) % {DAY_MICROSECONDS}"
        return f"(DATE '1970-01-01' + CAST((EPOCH_US({text}) - {day}) // {DAY_MICROSECONDS} AS INTEGER))"

    # text

    def plain_text(self, text: str) -> str:
        """A text column compared by code point, whatever its collation."""
        return text

    def matches(self, text: str, pattern: str) -> str:
        """The whole text matches a pattern of `glm_local.expressions.read_scalar`."""
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
        """Test for NaN; NULL or false for NULL."""
        if self.name == "duckdb":
            return f"ISNAN({text})"
        if self.nan_style == "unequal":
            return f"{text} <> {text}"
        return f"{text} = {self.cast(self.text('NaN'), 'DOUBLE')}"

    def without_nan(self, text: str) -> str:
        """The number, NULL where it is NaN."""
        if self.nan_style == "none":
            return text
        if self.nan_style == "equal":
            return f"NULLIF({text}, {self.cast(self.text('NaN'), 'DOUBLE')})"
        return f"CASE WHEN {text} = {text} THEN {text} END"

    def divide(self, left: str, right: str) -> str:
        """Division of doubles; NULL by zero."""
        return f"({left} / NULLIF({right}, {self.double(0.0)}))"

    def whole_arithmetic(self, operator: str, left: str, right: str) -> str:
        """64-bit arithmetic; NULL on overflow (only Spark and DuckDB: elsewhere overflow raises)."""
        if self.name != "duckdb":
            return f"({self.cast(left, 'BIGINT')} {operator} {self.cast(right, 'BIGINT')})"
        return self.try_cast(f"CAST({left} AS HUGEINT) {operator} CAST({right} AS HUGEINT)", "BIGINT")

    def log(self, text: str) -> str:
        """Natural logarithm; NULL at 0 and below."""
        return f"CASE WHEN {text} > {self.double(0.0)} THEN LN({text}) END"

    def expm1(self, text: str) -> str:
        """exp(x) - 1 to the last digits: (u - 1) x / ln u with u = exp(x) near 0 (W. Kahan's formula)."""
        one, u = self.double(1.0), f"EXP({text})"
        far = f"{text} > {one} OR {text} < {self.double(-1.0)}"
        near = f"(({u} - {one}) * {text}) / LN({u})"
        return f"CASE WHEN {far} THEN {u} - {one} WHEN {u} = {one} THEN {text} ELSE {near} END"

    def sqrt(self, text: str) -> str:
        """Square root; NULL (or NaN) below 0."""
        return f"CASE WHEN {text} >= {self.double(0.0)} THEN SQRT({text}) END"

    def hash_bucket(self, text: str, prefix: str, buckets: int) -> str:
        """The first 32 bits of MD5 of prefix and text, modulo `buckets`."""
        key = f"({self.text(prefix)} || {text})"
        if self.name == "duckdb":
            return f"(CAST('0x' || SUBSTR(MD5({key}), 1, 8) AS BIGINT) % {buckets})"
        if self.name not in MD5_IS_HEX_OF_UTF8:
            raise EngineError.because(
                f"No MD5 of UTF-8 text is known for {self.name}.",
                "Buckets are the first 32 bits of MD5 of purpose|seed|key.",
                "Compute them on the engine, and store them as a column.",
            )
        digits = (
            f"(STRPOS('0123456789abcdef', SUBSTR(MD5({key}), {place + 1}, 1)) - 1) * {16 ** (7 - place)}"
            for place in range(8)
        )
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


def respell(text: str, dialect: str) -> str:
    """DuckDB's SQL text in another dialect's spelling, by sqlglot."""
    try:
        import sqlglot
    except ImportError:
        raise EngineError.because(
            "The package sqlglot is not installed.", f"It spells SQL for {dialect}.", "Run: pip install sqlglot."
        ) from None
    known = sorted(one.value for one in sqlglot.Dialects if one.value)
    if dialect.partition(",")[0].strip().lower() not in known:
        raise ConfigError.because(
            f"{dialect!r} is not a dialect.",
            f"It is one sqlglot knows by name: {', '.join(known)}.",
            nearest(dialect, known),
            "dialect",
        )
    try:
        return str(sqlglot.transpile(text, read="duckdb", write=dialect, identify=True)[0])
    except ValueError as cause:
        raise ConfigError.because(
            f"sqlglot could not write {dialect}: {cause}",
            "Its writer takes no such expression.",
            "Use spark, duckdb, postgres, snowflake, bigquery, tsql, …",
        ) from cause
