"""Canonical keys of categories: the same key whatever the engine or the file made of a value."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from typing import Literal

import numpy as np

from glm_local.expressions.columns import ColumnKind, ReadKind
from glm_local.expressions.read_scalar import read_scalar, scalar_kind

Key = bool | int | float | str
"""A canonical key: ``boolean`` bool, ``integer`` int, ``number`` float, ``text`` str, ``date`` YYYY-MM-DD."""

FLOAT32_DIGITS = 6
"""Decimals of up to six digits survive a float32 column."""

_NUMBERS: tuple[ColumnKind, ...] = ("integer", "float32", "float64", "decimal")
_OWN_KINDS: dict[ReadKind, tuple[ColumnKind, ...]] = {
    "number": _NUMBERS,
    "integer": _NUMBERS,
    "boolean": ("boolean",),
    "text": ("text",),
    "date": ("date", "timestamp", "text"),
}
"""Kinds of values that are meant as the kind itself: 20.0 is an integer, the text "20" is not."""


def category_key(value: object, kind: ReadKind) -> Key | None:
    """Return the canonical key of one value of the given kind; None when it is missing or of another kind.

    Parameters
    ----------
    value
        A Python, numpy or pandas scalar. NaN, NaT and None are missing.
    kind
        How the specification reads the column. ``number`` also takes ``"inf"`` and ``"-inf"``, as JSON spells
        them; a double that only exists because a float32 column held a short decimal is that decimal.

    Examples
    --------
    >>> from decimal import Decimal
    >>> category_key(np.float32(0.1), "number"), category_key(20.0, "integer"), category_key(True, "integer")
    (0.1, 20, None)
    >>> category_key(datetime.datetime(2024, 2, 29, 8), "date"), category_key(Decimal("2.00"), "number")
    ('2024-02-29', 2.0)
    """
    if kind == "number" and isinstance(value, str):
        return {"inf": math.inf, "-inf": -math.inf}.get(value)
    physical = scalar_kind(value)
    if physical is None or physical not in _OWN_KINDS[kind]:
        return None
    key = read_scalar(value, kind)
    if isinstance(key, datetime.date):
        return key.isoformat()
    return short_number(key) if isinstance(key, float) else key


def short_number(value: float) -> float:
    """Return the short decimal a float32 column stood for, or the value itself.

    Whole numbers are never touched, nor any double that has no float32 twin of at most six digits.

    Examples
    --------
    >>> short_number(0.10000000149011612), short_number(0.1), short_number(16777217.0)
    (0.1, 0.1, 16777217.0)
    """
    if not math.isfinite(value) or value.is_integer():
        return value + 0.0
    with np.errstate(over="ignore", under="ignore"):
        narrow = np.float32(value)
    if float(narrow) != value:
        return value
    text = np.format_float_scientific(narrow, unique=True, trim="-")
    digits = text.partition("e")[0].replace(".", "").lstrip("-")
    return float(text) if len(digits) <= FLOAT32_DIGITS else value


def stored_forms(key: Key, kind: ReadKind) -> tuple[Key, ...]:
    """Every value a column may hold for one canonical key: a number also as a float32 column stores it.

    Examples
    --------
    >>> stored_forms(0.1, "number"), stored_forms(2.0, "number"), stored_forms("A", "text")
    ((0.1, 0.10000000149011612), (2.0,), ('A',))
    """
    if kind != "number" or not isinstance(key, float) or not math.isfinite(key):
        return (key,)
    with np.errstate(over="ignore", under="ignore"):
        narrow = float(np.float32(key))
    return (key, narrow) if narrow != key and math.isfinite(narrow) and short_number(narrow) == key else (key,)


def json_value(key: Key) -> Key:
    """Return the key as JSON holds it: infinities are text."""
    return key if not isinstance(key, float) or math.isfinite(key) else ("inf" if key > 0 else "-inf")


def key_text(key: Key) -> str:
    """Return the name of a level of one value: its digits, ``true``, the text itself; empty text is ``""``.

    Examples
    --------
    >>> [key_text(key) for key in (True, 20, 20.0, 0.1, 1e300, "A", "")]
    ['true', '20', '20', '0.1', '1e+300', 'A', '""']
    """
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, str):
        return key or '""'
    return number_text(key)


def number_text(number: float) -> str:
    """Return the shortest text that reads back as the same number; whole numbers without a point."""
    if isinstance(number, float) and number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    return repr(number)


def sorted_keys(keys: Iterable[Key]) -> list[Key]:
    """Sort keys of one kind by value; text by code point."""
    return sorted(keys)  # type: ignore[type-var]


ValueKind = Literal["text", "integer", "boolean", "date", "number"]
"""What a category column may be read as."""
