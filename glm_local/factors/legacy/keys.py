"""Category keys of glm-factor-optimizer 0.1.2: the Python text of a value, which depends on the column's kind."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

import numpy as np

from glm_local.expressions.category_key import Key, ValueKind, category_key, json_value
from glm_local.expressions.columns import ColumnKind

MISSING_KEY = "__missing__"
SOURCES: dict[ColumnKind, ValueKind] = {
    "text": "text",
    "integer": "integer",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "date",
    "float64": "number",
    "float32": "number",
    "decimal": "number",
}
"""Physical kind to the kind its categories are read as here."""

KEY_RULES: dict[ColumnKind, str] = {
    "float64": "Numbers were matched by their Python text ('1.0', '1e-05'), so an integer column read with missing "
    "values did not match '1'; here they are matched by value, and -0.0 is 0.0.",
    "float32": "float32 numbers were matched by the text of the widened double ('0.10000000149011612'); '0.1' was not "
    "matched. Here they are matched by value.",
    "decimal": "Decimals were matched by their digits ('2' was not '2.00'); here they are matched by value.",
    "integer": "A nullable Int64 column with missing values was matched as '1' or as '1.0', by the pandas version.",
    "boolean": "Flags were matched as 'True' and 'False'.",
    "timestamp": "Timestamps were matched by their text with the time of day ('2020-01-01 00:00:00'); here they are "
    "matched by their day, so other times of that day match too.",
    "text": f"The text {MISSING_KEY!r} in a column counts as missing.",
}
"""What to know of each kind."""


def values_by_group(
    mapping: Mapping[str, str], physical: ColumnKind
) -> tuple[dict[str, list[Key]], list[str], list[str]]:
    """Return values by group, keys that no row of such a column has, and notes on keys that mean one value."""
    values: dict[str, list[Key]] = {}
    group_of: dict[Key, tuple[str, str]] = {}
    unreachable: list[str] = []
    notes: list[str] = []
    for key in sorted(mapping, key=lambda one: one.startswith("-0")):  # 0.0 before -0.0
        typed = _typed(key, physical)
        value = None if typed is None else category_key(typed, SOURCES[physical])
        if value is None:
            unreachable += [] if key == MISSING_KEY else [key]
            continue
        first, group = group_of.setdefault(value, (key, mapping[key]))
        if first == key:
            values.setdefault(group, []).append(json_value(value))
        elif group != mapping[key]:
            notes.append(f"{key!r} and {first!r} are one value here, in {group!r}; that package told them apart.")
    return values, unreachable, notes


def _typed(key: str, physical: ColumnKind) -> object:
    """The value of a column of this kind whose Python text is `key`; None when there is none."""
    try:
        match physical:
            case "boolean":
                return {"True": True, "False": False}.get(key)
            case "integer":
                return int(key) if str(int(key)) == key else None
            case "float64" | "float32":
                number = float(key)
                stored = number if physical == "float64" else float(np.float32(number))
                return number if repr(number) == key and (stored == number) else None
            case "decimal":
                return Decimal(key) if str(Decimal(key)) == key else None
            case "date":
                return key if datetime.date.fromisoformat(key).isoformat() == key else None
            case "timestamp":
                moment = moment_of(key)
                return None if moment is None else moment.date()
    except (ValueError, InvalidOperation, OverflowError):
        return None
    return key


def moment_of(key: str) -> datetime.datetime | None:
    """Return the moment whose pandas text is `key`, or None."""
    try:
        moment = datetime.datetime.fromisoformat(key)
    except ValueError:
        return None
    return moment if str(moment) == key else None
