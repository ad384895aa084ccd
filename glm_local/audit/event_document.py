"""The JSON that a row of the audit carries, read as something that could have been written by anybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glm_local.audit.fill_rows import Cell
from glm_local.errors import Problem, StoreError
from glm_local.texts.read_json import read_object


def event_document(row: Mapping[str, Cell], column: str = "payload") -> dict[str, Any]:
    """Return a JSON column of a row; an empty one is an empty object.

    Raises
    ------
    StoreError
        When it is no JSON object.
    """
    text = row.get(column)
    try:
        return read_object(str(text)) if text else {}
    except ValueError as error:
        place = ", ".join(f"{name} {row[name]}" for name in ("study_id", "run_id", "seq", "step") if name in row)
        raise StoreError(
            Problem(
                place or column,
                f"The {column} cannot be read: {error}.",
                "What the audit keeps as JSON is one object.",
                "Something was changed: glm audit verify names it; take the store from a copy.",
            )
        ) from error
