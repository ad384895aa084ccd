"""What is wrong with the samples a split made: rows in none of them, rates that differ beyond chance."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from glm_local.errors import Problem
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression
from glm_local.texts.counted import counted
from glm_local.validation.likeness import PARTS, Unlike
from glm_local.validation.split import Split, key_bucket

BY_CHANCE = ("hash", "exact", "stratified")
"""Methods whose samples differ by chance only; time and a user's column may have a reason."""

Key = Sequence[str]


def part_of_key(key: Key, columns: Mapping[str, ColumnKind], seed: int) -> Expression | None:
    """Which part of a sample's keys a row's key is in, by a hash that no sample or fold is made by."""
    return key_bucket(key, columns, "part", seed, PARTS) if key else None


def may_lose(split: Split) -> bool:
    """Whether a split may leave rows in no sample: those without a time, or with a value that means no sample."""
    return split.method in ("time", "column")


def lost_problem(split: Split, lost: int, rows: int, path: str = "") -> Problem | None:
    """The problem of too many rows in no sample."""
    if lost <= split.max_lost_share * rows:
        return None
    columns = {"time": "/split/column", "column": "/split/values"}
    return Problem(
        path or columns.get(split.method, "/split"),
        f"{lost:,} of {counted(rows)} ({lost / rows:.2%}) are in no sample: {_why_lost(split)}.",
        f"At most {split.max_lost_share:.2%} of the rows may be lost to a split.",
        "Fill the column, list its values, leave such rows out with a filter, or say how many may go: "
        f'"max_lost_share": {min(round(lost / rows + 0.005, 2), 1.0):g}.',
    )


def lost_warning(split: Split, lost: int, rows: int) -> str:
    """A sentence on the rows that may be lost; empty when none is."""
    return f"{lost:,} of {counted(rows)} are in no sample: {_why_lost(split)}." if lost else ""


def _why_lost(split: Split) -> str:
    if split.method == "time":
        return f"no time in {split.column!r}"
    return f"no value of {split.column!r} that split.values lists" if split.method == "column" else "no sample is said"


def unlike_problem(unlike: Sequence[Unlike], split: Split, key: Key, path: str = "/split") -> Problem:
    """The problem of samples or folds that are not alike."""
    named = "; ".join(map(str, unlike[:3])) + ("; …" if len(unlike) > 3 else "")
    by = f"The key is {', '.join(key)}" if key else f"Rows are divided by {split.column!r}"
    return Problem(
        path,
        f"samples are not alike: {named}. {by}.",
        "Samples and folds differ by chance only: what is fitted on one is to be proven on another.",
        "Does the key hold something that depends on the target, or few values with many rows each? Name a key that "
        'identifies a row or a small group (key = "row_number" takes the order of a file). If they are meant to '
        'differ, say so: "on_unlike": "warn" in the split.',
    )


def samples_stop(split: Split) -> bool:
    """Whether unlike samples of a split stop the work, or are told and go on."""
    return split.on_unlike == "error" or (split.on_unlike is None and split.method in BY_CHANCE)


def stops(split: Split, unlike: Collection[Unlike], folds: Collection[str] = ()) -> bool:
    """The same where folds are looked at, too, which are always made by hash."""
    by_hash = split.on_unlike is None and any(one.sample in folds for one in unlike)
    return bool(unlike) and (samples_stop(split) or by_hash)
