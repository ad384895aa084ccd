"""The rank of a row: a number that its key alone decides, alike on both engines and for any order of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from glm_local.errors import ConfigError, GlmError, nearest
from glm_local.expressions.columns import READABLE, ColumnKind
from glm_local.expressions.expression import (
    Arithmetic,
    Clip,
    Compare,
    Expression,
    Function,
    HashBucket,
    IfMissing,
    Literal,
    Read,
    When,
)

PURPOSE = "stratified sample"
COARSE = 1024
FINE = 2**32
WHOLE = 2.0**52
GREATEST = 2.0**62
STEP = 2.0**-30


@dataclass(frozen=True)
class RowKey:
    """Expressions that rank rows by their key.

    Parameters
    ----------
    stages
        Columns to add to the table first, one stage after the other.
    coarse, fine
        Integers in [0, COARSE) and [0, FINE); missing parts of a key count as one value.
    """

    stages: tuple[Mapping[str, Expression], ...]
    coarse: Expression
    fine: Expression

    @property
    def rank(self) -> Expression:
        """``coarse * FINE + fine``: 42 bits of hash."""
        return Arithmetic("+", Arithmetic("*", self.coarse, Literal(FINE)), self.fine)


def given_key(key: str | Sequence[str], columns: Mapping[str, ColumnKind], seed: int) -> RowKey:
    """Rank rows by one or more columns.

    Raises
    ------
    ConfigError
        No such column, or one of a kind without exact text.
    """
    names = [key] if isinstance(key, str) else list(key)
    for name in names or [""]:
        if name not in columns:
            raise ConfigError.because(
                f"{name!r} is not a column of the table.",
                "A sample's key is one or more columns.",
                nearest(name, list(columns)),
                path="key",
            )
        if columns[name] not in READABLE["text"]:
            raise ConfigError.because(
                f"column {name!r} is {columns[name]}.",
                "A key is integer, text, boolean or date, so that both engines hash the same text.",
                "Cast it first, or leave the key out to draw by all a row holds.",
                path="key",
            )
    return _ranked((), [Read(name, "text") for name in names], seed)


def content_key(columns: Mapping[str, ColumnKind], seed: int) -> RowKey:
    """Rank rows by all they hold: numbers to the nearest 2^-30, timestamps by their day, lists and such left out."""
    stages, parts = _content_parts(columns)
    return _ranked(stages, parts, seed)


def content_hash(columns: Mapping[str, ColumnKind], name: str) -> tuple[Mapping[str, Expression], ...]:
    """Columns to add, one stage after the other, the last of them `name`: an integer that all a row holds decides.

    Raises
    ------
    ConfigError
        No column can be hashed.
    """
    stages, parts = _content_parts(columns)
    if not parts:
        raise _nothing_to_hash()
    return tuple(one for one in (*stages, {name: _sum_of_hashes(parts, 1, 0)}) if one)


def _content_parts(columns: Mapping[str, ColumnKind]) -> tuple[Sequence[Mapping[str, Expression]], list[Expression]]:
    numbers = [name for name, kind in columns.items() if kind in ("float32", "float64", "decimal")]
    days = [name for name, kind in columns.items() if kind == "timestamp"]
    # A double has no one spelling, a whole number has: so it is made whole, then an integer, then text.
    whole: dict[str, Expression] = {f"__row key {at}": _whole(Read(name)) for at, name in enumerate(numbers)}
    integer = {column: Read(column, "integer") for column in whole}
    whole |= {f"__row key day {at}": Read(name, "date") for at, name in enumerate(days)}
    spelled = dict(zip([*numbers, *days], whole, strict=True))
    parts: list[Expression] = [
        Read(spelled.get(name, name), "text")
        for name, kind in columns.items()
        if name in spelled or kind in READABLE["text"]
    ]
    return (whole, integer), parts


def _whole(number: Expression) -> Expression:
    scaled = Arithmetic("*", number, Literal(1 / STEP))
    size = Clip(Function("abs", scaled), None, GREATEST)
    small = Compare("<", size, Literal(WHOLE))
    # Below 2^52 adding 2^52 rounds to a whole number; above it every double is whole.
    rounded = When(small, Arithmetic("-", Arithmetic("+", size, Literal(WHOLE)), Literal(WHOLE)), size)
    return When(Compare("<", scaled, Literal(0.0)), Arithmetic("-", Literal(0.0), rounded), rounded)


def _ranked(stages: Sequence[Mapping[str, Expression]], parts: Sequence[Expression], seed: int) -> RowKey:
    if not parts:
        raise _nothing_to_hash()
    first: Expression = parts[0]
    second: Expression = parts[0]
    if len(parts) > 1:
        # The sum of the columns' hashes names the row; hashed once more, no column moves the rank by itself.
        sums = {f"__row key sum {digit}": _sum_of_hashes(parts, digit, seed) for digit in (1, 2)}
        stages = (*stages, sums)
        first, second = (Read(name, "text") for name in sums)
    buckets = {
        "__row key coarse": _bucket(first, PURPOSE, seed, COARSE),
        "__row key fine": _bucket(second, f"{PURPOSE}/fine", seed, FINE),
    }
    coarse, fine = (Read(name, "integer") for name in buckets)
    return RowKey(tuple(one for one in (*stages, buckets) if one), coarse, fine)


def _nothing_to_hash() -> GlmError:
    return ConfigError.because(
        "the table has no column that can be hashed.",
        "Rows are told apart by a hash of what they hold.",
        "Add a column that names the row.",
        path="key",
    )


def _sum_of_hashes(parts: Sequence[Expression], digit: int, seed: int) -> Expression:
    hashes = [_bucket(part, f"{PURPOSE}/{digit}/{at}", seed, FINE) for at, part in enumerate(parts)]
    return reduce(lambda left, right: Arithmetic("+", left, right), hashes)


def _bucket(key: Expression, purpose: str, seed: int, buckets: int) -> Expression:
    return HashBucket(IfMissing(key, Literal("")), purpose, seed, buckets)
