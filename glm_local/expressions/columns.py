"""Column kinds: what a table holds (`ColumnKind`) and how a specification reads it (`ReadKind`)."""

from __future__ import annotations

from typing import Literal

ColumnKind = Literal[
    "boolean", "integer", "float32", "float64", "decimal", "text", "date", "timestamp", "mixed", "unsupported"
]
"""Physical kind of a column, as an engine reports it; objects of several kinds are mixed."""

MIXED = "holds values of several kinds (mixed: numbers beside text, say)"

ReadKind = Literal["number", "integer", "boolean", "text", "date"]
"""Canonical kind a specification reads a column as; the same value whatever the file made of it."""

READABLE: dict[ReadKind, tuple[ColumnKind, ...]] = {
    "number": ("boolean", "integer", "float32", "float64", "decimal", "text", "date"),
    "integer": ("boolean", "integer", "float32", "float64", "decimal", "text"),
    "boolean": ("boolean", "integer", "float32", "float64", "decimal", "text"),
    "text": ("boolean", "integer", "text", "date"),
    "date": ("date", "timestamp", "text"),
}
"""Which physical kinds each canonical kind can be read from; anything else is a data problem.

number   a double; NaN and NULL are one missing, -0.0 is 0.0; a date is days since 1970-01-01; text is
         parsed by one regular expression (never by a cast) and is missing when it does not match.
integer  a 64-bit integer; a float or decimal that is not whole is missing; text matches ``[+-]?digits[.0*]``.
boolean  true/false; numbers 0 and 1; text true/false/1/0 in any case; anything else is missing.
text     as it is, by code point; an integer by its digits, a boolean as true/false, a date as YYYY-MM-DD.
date     a calendar day; a timestamp is taken in UTC; text matches YYYY-MM-DD.
"""
