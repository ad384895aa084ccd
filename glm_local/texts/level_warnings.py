"""What is said of levels that are thin, and of levels that were searched for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SEARCHED = "searched on the same rows"
"""What every interval and p-value of levels that were searched for is labelled, wherever it is shown."""


def thin_sentence(thin: Mapping[str, str], most: int = 5) -> str:
    """Thin levels by name and what they hold, in a sentence.

    Examples
    --------
    >>> thin_sentence({"purpose=retraining": "thin: 4.1 expected events, less than 10"})
    '1 level is thin: purpose=retraining (4.1 expected events, less than 10). What it shows is mostly chance.'
    """
    if not thin:
        return ""
    named = ", ".join(f"{term} ({words.removeprefix('thin: ')})" for term, words in list(thin.items())[:most])
    more = f" and {len(thin) - most} more" if len(thin) > most else ""
    verb, they = ("level is", "it shows") if len(thin) == 1 else ("levels are", "they show")
    return f"{len(thin)} {verb} thin: {named}{more}. What {they} is mostly chance."


def searched_warning(names: Iterable[str]) -> str:
    """What a reader must know of the intervals of some factors; empty for none.

    Examples
    --------
    >>> searched_warning([])
    ''
    """
    named = list(names)
    if not named:
        return ""
    return (
        f"Intervals and p-values of {', '.join(named)} are of levels {SEARCHED}: chosen because they differ there, "
        "they have intervals that are too narrow and p-values that are too small."
    )
