"""Spark's words, and the choice of words by the name of a dialect."""

from __future__ import annotations

import re
from dataclasses import dataclass

from glm_local.expressions.read_scalar import INTEGER_PATTERN
from glm_local.sql.dialects import DAY_MICROSECONDS, NanStyle, SqlDialect, SqlType

NATIVE_SPARK = ("spark", "databricks")


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
        return f"{function}({self._whole(left)}, {self._whole(right)})"

    def _whole(self, text: str) -> str:
        """Spark makes a * (b * 0) to (a * b) * 0, which overflows; it does not see through |."""
        cast = self.cast(text, "BIGINT")
        return f"({cast} | 0L)" if text.startswith(("try_add(", "try_multiply(")) else cast

    def log(self, text: str) -> str:
        return f"ln({text})"

    def expm1(self, text: str) -> str:
        return f"expm1({text})"

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
