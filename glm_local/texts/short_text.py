"""Long fingerprints as people tell them apart."""

from __future__ import annotations

HASH_LETTERS = 12


def short_hash(text: object) -> str:
    """The first letters of a SHA-256; other texts as they are.

    Examples
    --------
    >>> short_hash("ab" * 32), short_hash("values")
    ('abababababab…', 'values')
    """
    said = str(text)
    return f"{said[:HASH_LETTERS]}…" if len(said) == 64 else said
