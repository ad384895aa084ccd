"""What both Delta writers say when they refuse, said in one way."""

from __future__ import annotations

import re
from collections.abc import Sequence

from glm_local.audit.tables import TABLES
from glm_local.errors import Problem, StoreError

_BROKEN_RULE = ("failed validation check", "non-nullable", "DELTA_VIOLATE_CONSTRAINT", "DELTA_NOT_NULL_CONSTRAINT")
_APPEND_ONLY = ("append-only", "DELTA_CANNOT_MODIFY_APPEND_ONLY")
_OTHER_COLUMNS = ("not found in schema", "SchemaMismatch", "DELTA_METADATA_MISMATCH", "DELTA_FAILED_TO_MERGE_FIELDS")
_BUSY = ("Failed to commit transaction", "DELTA_MAX_COMMIT_RETRIES_EXCEEDED")
_PROTOCOL = ("DELTA_UNSUPPORTED_FEATURES", "reader features", "writer features", "DELTA_FEATURES_PROTOCOL")


def cannot_write(table: str, error: BaseException) -> StoreError:
    """Return the store's error for what a writer said about an append."""
    said = _said(error)
    if _any(_BROKEN_RULE, said):
        rules = "; ".join(TABLES[table].checks.values())
        return _error(
            f"Rows break a rule of table {table}: {said}",
            f"Its rules: {rules}.",
            "Give rows that keep them; fill_rows says which value does not.",
        )
    if _any(_APPEND_ONLY, said):
        found = f"Something tried to change rows of table {table}."
        return _error(found, "Audit tables only grow.", "Append what corrects it; nothing is ever taken back.")
    if _any(_OTHER_COLUMNS, said):
        columns = ", ".join(TABLES[table].by_name)
        return _error(f"Rows do not fit table {table}: {said}", f"Its columns: {columns}.", "Write with this version.")
    if _any(_BUSY, said):
        found = f"Table {table} is so busy that every try to commit failed."
        return _error(found, "Commits are tried often.", "Run again with the same run id; nothing is written twice.")
    if _any(_PROTOCOL, said):
        return _error(
            f"Table {table} uses Delta features this writer does not know: {said}",
            "Audit tables keep reader version 1 and writer version 3.",
            "Write it through the other package, or copy its rows to a new store.",
        )
    return _error(f"Table {table} cannot be written: {said}", "", "Check the path, the space and the rights.")


def cannot_read(table: str, where: str, error: BaseException, bad_files: Sequence[str] = ()) -> StoreError:
    """Return the store's error for a table that cannot be read, naming the files that are to blame."""
    return StoreError(
        Problem(
            where,
            f"Table {table} cannot be read: {', '.join(bad_files) or _said(error)}.",
            "Every file of the table must be there and whole.",
            "Run verify, which names what was changed, and take the files from a copy.",
        )
    )


def run_closed(run_id: str, step: str) -> StoreError:
    """Return the error for a step that is new to a run that has finished."""
    return StoreError(
        Problem(
            f"run {run_id}",
            f"The run is finished, step {step!r} is new to it.",
            "A finished run is closed; running it again adds nothing.",
            "Start a run with a new id.",
        )
    )


def _said(error: BaseException) -> str:
    """What an error says without its stack: Java's ends with a line per cause, Rust's with numbered frames."""
    lines = [line.strip() for line in str(error).splitlines()]
    telling = [line for line in lines if line and not re.match(r"at |\.\.\.|Caused by|\d+: ", line)]
    causes = [line for line in lines if line.startswith("Caused by")]
    return " ".join(" ".join([*telling[:6], *causes[-2:]]).split())[:600]


def _any(marks: Sequence[str], said: str) -> bool:
    return any(mark.lower() in said.lower() for mark in marks)


def _error(found: str, rule: str, way_out: str) -> StoreError:
    return StoreError(Problem("", found, rule, way_out))
