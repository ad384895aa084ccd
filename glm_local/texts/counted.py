"""Counts in sentences: one row, but two rows."""

from __future__ import annotations


def counted(count: float, noun: str = "row", plural: str | None = None) -> str:
    """A count and its noun, in the singular for one.

    Examples
    --------
    >>> counted(1), counted(2340), counted(0, "pass", "passes")
    ('1 row', '2,340 rows', '0 passes')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
