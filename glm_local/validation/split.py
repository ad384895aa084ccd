"""Split: which rows train, validate and are held out, as one expression that any engine evaluates alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Literal as OneOf

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import ConfigError, DataError, nearest
from glm_local.expressions.columns import READABLE, ColumnKind
from glm_local.expressions.expression import (
    Arithmetic,
    Bin,
    Compare,
    Expression,
    HashBucket,
    IfMissing,
    IsMissing,
    Literal,
    Lookup,
    Read,
    Scalar,
    When,
)
from glm_local.validation.key_choice import key_column

SAMPLES = ("train", "validation", "holdout")
BUCKETS = 1_000_000
STRATUM_BUCKETS = 10_000
STRATIFIED = "stratified split"
MISSING_KEY = "\u2400"
"""What a missing part of a key is hashed as."""

EXACT = "exact split"
EXACT_BUCKETS, EXACT_RANKS = 4_096, 2**32
MOST_LOST = 0.01

SplitMethod = OneOf["hash", "exact", "time", "stratified", "column", "none"]
UnlikeRule = OneOf["error", "warn"]
TimeRead = OneOf["number", "date"]


@dataclass(frozen=True)
class LearnedSplit:
    """What a split took from the data.

    Parameters
    ----------
    cut_points
        Time split: the last value of train and of validation.
    strata
        Stratified: per stratum column its values, in the order that numbers the strata (missing is a further one).
    bounds
        Stratified: stratum number, first bucket beyond train, first bucket beyond validation.
    ranks
        Exact: first rank of a key beyond train, first beyond validation.
    """

    cut_points: tuple[float | str, ...] = ()
    strata: tuple[tuple[str, ...], ...] = ()
    bounds: tuple[tuple[int, int, int], ...] = ()
    ranks: tuple[int, int] = (0, 0)


@arguments_checked
@dataclass(frozen=True)
class Split:
    """How rows are divided; read from JSON by `read_split`, made ready by `learn_split`.

    Parameters
    ----------
    method
        "hash": by MD5 of the key. "exact": in the order of its MD5, so that the fractions hold to the row (as far as
        keys allow: rows of one stay together). "time": earliest rows train, latest are held out. "stratified": by MD5
        of the key with bounds per stratum, so that every stratum has the fractions. "column": a column says it.
        "none": every row trains.
    fractions
        Shares of train, validation and holdout; each in [0, 1], together 1.
    key
        Column or columns that identify what stays together: a row key, or a group (policyholder, vehicle). Where the
        table has no such column, "*" is all a row holds and "row_number" its number in a stable source; studies and
        jobs add these, elsewhere `glm_local.validation.keyed_rows` does. NULL is a value like any other.
    seed
        Any integer, 0 included; another seed gives an independent split.
    column
        "time": the column of time (number, date or timestamp, the latter by its day). "column": the given sample.
    cut_points
        "time": last value of train and of validation, given; otherwise learned from the fractions.
    strata
        "stratified": the columns whose combinations are balanced. They must be constant within a key.
    values
        "column": which values mean which sample.
    max_lost_share
        Largest share of rows that may be in no sample (no time, a value nobody listed) before that is an error.
    on_unlike
        What samples are whose rates of the target differ beyond chance: "error" or "warn". None is "warn" by time and
        by column, which may differ for a reason, and "error" by hash, which may not.
    learned
        Set by `learn_split`.
    """

    method: SplitMethod
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
    key: tuple[str, ...] = ()
    seed: int = 0
    column: str | None = None
    cut_points: tuple[float | str, ...] = ()
    strata: tuple[str, ...] = ()
    values: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    learned: LearnedSplit | None = None
    max_lost_share: float = MOST_LOST
    on_unlike: UnlikeRule | None = None

    @property
    def needs_learning(self) -> bool:
        """Whether `learn_split` has to look at the rows first."""
        asked = self.method in ("stratified", "exact") or (self.method == "time" and not self.cut_points)
        return asked and self.learned is None

    def sample(self, columns: Mapping[str, ColumnKind]) -> Expression:
        """``text`` expression "train", "validation" or "holdout" of a row; missing where the row has no time.

        Parameters
        ----------
        columns
            Column kinds of the table (`Engine.columns`).

        Raises
        ------
        ConfigError
            The split is not learned yet, or a column is not there.
        DataError
            A column cannot serve (a fractional number is no key).
        """
        if self.needs_learning:
            raise ConfigError.because(
                f"the {self.method} split has not seen the rows.",
                "Its bounds are learned from them.",
                "Call learn_split(engine, frame, split) first.",
                path="/split",
            )
        if self.method == "hash":
            return by_bounds(key_bucket(self.key, columns, "split", self.seed, BUCKETS), self.bounds(BUCKETS))
        if self.method == "exact":
            assert self.learned is not None
            return by_bounds(exact_rank(self.key, columns, self.seed), self.learned.ranks)
        if self.method == "none":
            return Literal("train")
        if self.method == "time":
            return self._by_time(columns)
        return self._by_stratum(columns) if self.method == "stratified" else self._by_column(columns)

    def bounds(self, total: int) -> tuple[int, int]:
        """Where train and validation end on a scale of `total`."""
        train, validation, _ = self.fractions
        return round(train * total), round((train + validation) * total)

    def time_read(self, columns: Mapping[str, ColumnKind]) -> Read:
        """The time column: numbers as numbers, everything else as days."""
        column = existing(self.column or "", columns, "/split/column")
        kind: TimeRead = "number" if columns[column] in ("integer", "float32", "float64", "decimal") else "date"
        if columns[column] not in READABLE[kind]:
            raise DataError.because(
                f"column {column!r} is {columns[column]}.",
                "Time is a number, a date, a timestamp or text YYYY-MM-DD.",
                "Name another column, or cast it.",
                path="/split/column",
            )
        return Read(column, kind)

    def _by_time(self, columns: Mapping[str, ColumnKind]) -> Expression:
        time = self.time_read(columns)
        first, last = self.learned.cut_points if self.learned else self.cut_points
        convert = float if time.kind == "number" else str
        early, middle = (Compare("<=", time, Literal(convert(cut))) for cut in (first, last))
        # A row without a time is before no cut, and must not be held out for that.
        return When(IsMissing(time), Literal(None), _sample_of(early, middle))

    def _by_stratum(self, columns: Mapping[str, ColumnKind]) -> Expression:
        assert self.learned is not None
        bucket = key_bucket(self.key, columns, STRATIFIED, self.seed, STRATUM_BUCKETS)
        number = stratum_number(self.strata, self.learned.strata, columns)
        numbers = tuple(bound[0] for bound in self.learned.bounds)
        ends = [tuple(bound[i] for bound in self.learned.bounds) for i in (1, 2)]
        early, middle = (
            Compare("<", bucket, Lookup(number, numbers, end, usual, usual))
            for end, usual in zip(ends, self.bounds(STRATUM_BUCKETS), strict=True)
        )
        return _sample_of(early, middle)

    def _by_column(self, columns: Mapping[str, ColumnKind]) -> Expression:
        column = existing(self.column or "", columns, "/split/column")
        keys = tuple(_as_text(value) for name in SAMPLES for value in self.values.get(name, ()))
        samples = tuple(name for name in SAMPLES for _ in self.values.get(name, ()))
        return Lookup(text_read(column, columns, "/split/column"), keys, samples, None, None)


def _sample_of(train: Expression, validation: Expression) -> Expression:
    train_name, validation_name, holdout = (Literal(name) for name in SAMPLES)
    return When(train, train_name, When(validation, validation_name, holdout))


def exact_rank(key: Sequence[str], columns: Mapping[str, ColumnKind], seed: int) -> Expression:
    """Integer rank of a row's key, 44 bits of hash."""
    bucket, within = exact_parts(key, columns, seed)
    return Arithmetic("+", Arithmetic("*", bucket, Literal(EXACT_RANKS)), within)


def exact_parts(key: Sequence[str], columns: Mapping[str, ColumnKind], seed: int) -> tuple[Expression, Expression]:
    """The rank's bucket, and the rank within it."""
    bucket = key_bucket(key, columns, EXACT, seed, EXACT_BUCKETS)
    return bucket, key_bucket(key, columns, f"{EXACT} rank", seed, EXACT_RANKS)


def by_bounds(bucket: Expression, bounds: tuple[int, int]) -> Expression:
    """The sample of an integer bucket: below the first bound train, below the second validation, else holdout."""
    first, second = bounds
    edges = sorted({bound - 0.5 for bound in bounds})
    middle = ("validation",) if second > first else ()
    return Bin(bucket, tuple(edges), ("train", *middle, "holdout"), None)


def key_bucket(
    key: Sequence[str], columns: Mapping[str, ColumnKind], purpose: str, seed: int, buckets: int
) -> Expression:
    """Integer bucket of a key of one or more columns, never missing: NULL is a value like any other.

    One column: MD5 of ``purpose|seed|value``. Several: each part is hashed under a purpose of its own and the buckets
    are added modulo `buckets`, which is as even as each part is.
    """
    names = [key_column(name, columns) for name in key]
    parts = [IfMissing(text_read(column, columns, "/split/key"), Literal(MISSING_KEY)) for column in names]
    if len(parts) == 1:
        return HashBucket(parts[0], purpose, seed, buckets)
    hashes: list[Expression] = [HashBucket(part, f"{purpose}/{at}", seed, buckets) for at, part in enumerate(parts)]
    return _modulo(reduce(lambda left, right: Arithmetic("+", left, right), hashes), buckets, len(hashes))


def stratum_number(
    strata: Sequence[str], values: Sequence[Sequence[str]], columns: Mapping[str, ColumnKind]
) -> Expression:
    """Mixed-radix number of a row's stratum; missing for a value that was not there when the split was learned."""
    total: Expression | None = None
    for column, known in zip(strata, values, strict=True):
        read = text_read(column, columns, "/split/strata")
        digit = Lookup(read, tuple(known), tuple(range(len(known))), len(known), None)
        size = Literal(len(known) + 1)
        total = digit if total is None else Arithmetic("+", Arithmetic("*", total, size), digit)
    assert total is not None
    return total


def text_read(column: str, columns: Mapping[str, ColumnKind], path: str) -> Read:
    """The column as text, if its values have one spelling."""
    existing(column, columns, path)
    if columns[column] not in READABLE["text"]:
        raise DataError.because(
            f"column {column!r} is {columns[column]}.",
            "A key, a stratum or a sample is text, an integer, a boolean or a date: fractions have no one spelling.",
            "Cast it, or name another column.",
            path=path,
        )
    return Read(column, "text")


def existing(column: str, columns: Mapping[str, ColumnKind], path: str) -> str:
    """The column's name, if the table has it."""
    if column not in columns:
        raise ConfigError.because(
            f"{column!r} is not a column of the table.",
            "A split reads columns of the table.",
            nearest(column, list(columns)),
            path=path,
        )
    return column


def _modulo(total: Expression, buckets: int, parts: int) -> Expression:
    """A sum of `parts` buckets modulo `buckets`; naming the sum once a part, not twice with every part added."""
    whole = range(parts)
    edges = tuple(at * buckets - 0.5 for at in whole[1:])
    return Arithmetic("-", total, Bin(total, edges, tuple(at * buckets for at in whole), None))


def _as_text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
