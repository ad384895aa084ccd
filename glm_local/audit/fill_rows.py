"""Rows of the audit made to fit their table: types, rules, canonical JSON, digests; every problem at once."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from hashlib import sha256

import numpy as np
import pyarrow as pa

from glm_local.audit.tables import AuditColumn, AuditTable
from glm_local.errors import GlmError, Problem, StoreError, nearest
from glm_local.texts.plain_json import canonical_json, plain_json

Cell = str | int | float | bool | datetime.datetime | None
Row = dict[str, Cell]


def sha256_text(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, as 64 hexadecimal digits.

    Examples
    --------
    >>> sha256_text("")[:8]
    'e3b0c442'
    """
    return sha256(text.encode("utf-8")).hexdigest()


def payload_json(value: object) -> str:
    """Return canonical JSON of any payload: NaN is null, infinities and times are text.

    Examples
    --------
    >>> payload_json({"b": float("nan"), "a": (1, 2.5)})
    '{"a":[1,2.5],"b":null}'
    """
    return canonical_json(_finite(plain_json(value)))


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    if isinstance(value, datetime.datetime):
        return utc_text(value) if value.tzinfo else value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def utc_text(at: datetime.datetime) -> str:
    """Return a time as UTC text with microseconds, the form that is hashed.

    Examples
    --------
    >>> utc_text(datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC))
    '2026-01-02T00:00:00.000000Z'
    """
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def row_digest(row: Mapping[str, Cell], hash_column: str) -> str:
    """Return the SHA-256 of a row without `hash_column`.

    Hashed is the JSON object of the columns that are not NULL, keys sorted, no spaces, ASCII; doubles by their shortest
    decimal, times by `utc_text`. A column added later is NULL in old rows and leaves their digests as they were.
    """
    said = {
        name: utc_text(value) if isinstance(value, datetime.datetime) else value
        for name, value in row.items()
        if value is not None and name != hash_column
    }
    return sha256_text(json.dumps(said, sort_keys=True, separators=(",", ":")))


def fill_rows(table: AuditTable, rows: Sequence[Mapping[str, object]]) -> list[Row]:
    """Return `rows` with every column of `table` but the row's hash, in canonical values.

    Parameters
    ----------
    rows
        Column to value; a column left out is NULL, a JSON column takes any plain value, NaN is NULL. SHA-256 columns of
        JSON columns are filled in.

    Raises
    ------
    StoreError
        With one problem per value that breaks a rule.
    """
    problems: list[Problem] = []
    filled = [_fill(table, row, f"{table.name}/{at}", problems) for at, row in enumerate(rows)]
    if problems:
        raise StoreError(problems, source=f"rows for {table.name}" if len(problems) > 1 else "")
    return filled


def _fill(table: AuditTable, row: Mapping[str, object], path: str, problems: list[Problem]) -> Row:
    filled: Row = {}
    for name in row:
        if name not in table.by_name:
            hint = nearest(name, list(table.by_name))
            problems.append(Problem(f"{path}/{name}", f"{name!r} is not a column of {table.name}.", "", hint))
    for column in table.columns[:-1]:
        if column.name.endswith("_sha256") and column.name.removesuffix("_sha256") in table.by_name:
            document = filled[column.name.removesuffix("_sha256")]
            filled[column.name] = None if document is None else sha256_text(str(document))
            continue
        found, rule = "", ""
        try:
            filled[column.name] = value = _cell(column, row.get(column.name))
            found, rule = _broken_rule(column, value)
        except (TypeError, ValueError, GlmError) as error:
            filled[column.name], found, rule = None, f"{error}", f"Column {column.name} is {column.type}."
        if found:
            problems.append(Problem(f"{path}/{column.name}", found, rule, f"It is: {column.comment}."))
    return filled


def _cell(column: AuditColumn, value: object) -> Cell:
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value) and column.type != "json"):
        return None
    if column.type == "json":
        return payload_json(value)
    value = value.item() if isinstance(value, np.generic) else value
    if column.type == "text" and isinstance(value, str):
        return value.encode("utf-8").decode("utf-8")
    if column.type == "flag" and isinstance(value, bool):
        return value
    if column.type == "time" and isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if column.type == "number":
            return float(value)
        if column.type == "integer" and value == int(value):
            return int(value)
    kind = "a time without a zone" if isinstance(value, datetime.datetime) else f"{value!r}"
    raise TypeError(f"{kind} does not fit.")


def _broken_rule(column: AuditColumn, value: Cell) -> tuple[str, str]:
    if value is None:
        return ("Nothing was given.", f"Column {column.name} is required.") if column.required else ("", "")
    if column.least is not None and isinstance(value, int | float) and value < column.least:
        return f"{value} is too small.", f"Column {column.name} is at least {column.least}."
    if column.length is not None and len(str(value)) != column.length:
        return f"{value!r} has {len(str(value))} characters.", f"Column {column.name} has {column.length}."
    if column.required and value == "":
        return "The text is empty.", f"Column {column.name} is required."
    return "", ""


def with_digest(table: AuditTable, row: Row) -> Row:
    """Return a filled row with its hash column."""
    return {**row, table.hash_column: row_digest(row, table.hash_column)}


def to_arrow(table: AuditTable, rows: Sequence[Mapping[str, Cell]]) -> pa.Table:
    """Return rows as an Arrow table of the audit table's schema."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=table.arrow_schema)


def from_arrow(rows: pa.Table) -> list[Row]:
    """Return an Arrow table's rows as values that hash as they were hashed when written."""
    return [{name: _in_utc(value) for name, value in row.items()} for row in rows.to_pylist()]


def _in_utc(value: Cell) -> Cell:
    return value.astimezone(datetime.UTC) if isinstance(value, datetime.datetime) else value
