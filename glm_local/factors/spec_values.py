"""Checks of single values in a specification: each yields the problems of one value at one JSON path."""

from __future__ import annotations

import datetime
import json
import math
import reprlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from glm_local.errors import Problem, nearest
from glm_local.expressions.category_key import category_key

Check = Callable[[Any, str], Iterator[Problem]]

LARGEST = 1.7976931348623157e308


def shown(value: object) -> str:
    """Return a value as JSON shows it, shortened to stay on a line."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = reprlib.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def is_number(value: object) -> bool:
    """Whether a value is a finite number (true and false are not)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= LARGEST  # NaN is not


def is_date(value: object) -> bool:
    """Whether a value is text of the form YYYY-MM-DD that names a day."""
    return isinstance(value, str) and category_key(value, "date") == value


def any_text(value: Any, path: str) -> Iterator[Problem]:
    """Text with at least one character."""
    if not isinstance(value, str):
        yield Problem(path, f"{shown(value)} is not text.", "Text is expected here.", 'Put it in quotes: "...".')
    elif not value:
        yield Problem(path, "is empty text.", "A name has at least one character.", "Give a name.")
    else:
        yield from whole_characters(value, path)


def whole_characters(value: str, path: str) -> Iterator[Problem]:
    """Text that every file and engine can hold."""
    if any("\ud800" <= one <= "\udfff" for one in value):
        yield Problem(
            path,
            f"{json.dumps(value)} holds half a character.",
            "Text is encoded as UTF-8.",
            "Remove the lone surrogate.",
        )


def anything(value: Any, path: str) -> Iterator[Problem]:
    """No rule."""
    yield from ()


def number(value: Any, path: str) -> Iterator[Problem]:
    """A finite number."""
    if isinstance(value, float) and not math.isfinite(value):
        yield Problem(
            path,
            f"{value!r} is not finite.",
            "Numbers in a spec are finite.",
            "Leave the field out when there is no limit.",
        )
    elif not is_number(value):
        yield Problem(
            path,
            f"{shown(value)} is not a number.",
            "A finite number is expected here.",
            "Write it without quotes: 20 or 0.5.",
        )


def edge(value: Any, path: str) -> Iterator[Problem]:
    """A finite number, or a date as text."""
    if isinstance(value, datetime.datetime):
        yield Problem(
            path,
            f"{value} has a time of day.",
            "Edges of a date factor are days.",
            f"Write {shown(value.date().isoformat())}.",
        )
    elif not is_date(value):
        yield from number(value, path)


def one_of(*options: str) -> Check:
    """One of some words."""

    def check(value: Any, path: str) -> Iterator[Problem]:
        if not isinstance(value, str) or value not in options:
            known = ", ".join(shown(option) for option in options)
            yield Problem(path, f"{shown(value)} is not known here.", f"It is one of {known}.", near(value, options))

    return check


def number_or(*words: str) -> Check:
    """A finite number or one of some words."""

    def check(value: Any, path: str) -> Iterator[Problem]:
        if not is_number(value) and value not in words:
            known = " or ".join(shown(word) for word in words)
            yield Problem(
                path, f"{shown(value)} is not a number.", f"It is a finite number or {known}.", near(value, words)
            )

    return check


def near(value: object, options: Sequence[str]) -> str:
    """Return a hint for a word that is not known; nothing for what is no word."""
    return nearest(value, options) if isinstance(value, str) else ""


def near_or(value: object, options: Sequence[str], otherwise: str) -> str:
    """Return the word that is nearly `value`; where there is none, another way out for what is a word."""
    hint = near(value, options)
    return hint if hint.startswith("Nearest") else otherwise if isinstance(value, str) else ""


def version(value: Any, path: str) -> Iterator[Problem]:
    """The one version there is."""
    if isinstance(value, bool) or value != 1:
        yield Problem(
            path,
            f"{shown(value)} is not a version this package reads.",
            "It reads version 1.",
            "Use the package that wrote the file, or write version 1.",
        )


def texts(value: Any, path: str) -> Iterator[Problem]:
    """A list of distinct, non-empty texts."""
    if not isinstance(value, list):
        yield Problem(path, f"{shown(value)} is not a list.", "A list of text is expected here.", 'Write ["..."].')
        return
    for i, one in enumerate(value):
        yield from any_text(one, f"{path}/{i}")
    counted = Counter(one for one in value if isinstance(one, str))
    for name in sorted(one for one, times in counted.items() if times > 1):
        yield Problem(path, f"{shown(name)} is there twice.", "Names in a list are distinct.", "Rename or remove one.")


def notes(value: Any, path: str) -> Iterator[Problem]:
    """A list of texts, equal ones allowed."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        yield Problem(path, f"{shown(value)} is not a list of text.", "Notes are a list of text.", 'Write ["..."].')


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with given fields and no other."""
    fields = {**required, **(optional or {})}

    def check(value: Any, path: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem(
                path,
                f"{shown(value)} is not an object.",
                "An object is expected here.",
                f"Its fields: {', '.join(fields)}.",
            )
            return
        yield from unknown_fields(value, fields, path)
        for name in required:
            if value.get(name) is None:
                yield Problem(f"{path}/{name}", "not given.", f"{name!r} is needed here.", f"Add {name!r}.")
        for name, one in value.items():
            if name in fields and one is not None:
                yield from fields[name](one, f"{path}/{name}")

    return check


def unknown_fields(document: Mapping[str, Any], fields: Mapping[str, object], path: str) -> Iterator[Problem]:
    """Fields that nobody reads: a typing error would go unnoticed."""
    for name in document:
        if name not in fields:
            yield Problem(
                f"{path}/{pointer(name)}",
                "is not a field that is read here.",
                "Unknown fields are refused, since a typing error would otherwise pass.",
                nearest(name, list(fields)),
            )


def pointer(name: str) -> str:
    """Return a name as one step of a JSON path."""
    return name.replace("~", "~0").replace("/", "~1")


_POLICIES = ("own_level", "base", "refuse")
_NAMED_LEVEL = record({"level": any_text})
_OWN_LEVEL = record({"own_level": any_text})


def policy(value: Any, path: str) -> Iterator[Problem]:
    """What a cause becomes."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("level", "own_level"):
        yield from (_NAMED_LEVEL if "level" in value else _OWN_LEVEL)(value, path)
    elif not isinstance(value, str) or value not in _POLICIES:
        yield Problem(
            path,
            f"{shown(value)} is not a policy.",
            'A policy is "own_level", "base", "refuse", {"level": "an existing level"} or {"own_level": "a new name"}.',
            near(value, _POLICIES),
        )


def cell_policy(value: Any, path: str) -> Iterator[Problem]:
    """What a crossed cell without training rows becomes."""
    own = value == "own_level" or (isinstance(value, dict) and "own_level" in value)
    if own:
        yield Problem(
            path,
            f"{shown(value)} cannot be fitted.",
            "Cells without training rows have no rows to fit an effect of their own.",
            'Write "base", "refuse" or {"level": "an existing cell"}.',
        )
    elif isinstance(value, dict):
        yield from _NAMED_LEVEL(value, path)
    elif value not in ("base", "refuse"):
        yield Problem(
            path,
            f"{shown(value)} is not a policy for cells.",
            'It is "base", "refuse" or {"level": "an existing cell"}.',
            near(value, ("base", "refuse")),
        )


def base_rule(value: Any, path: str) -> Iterator[Problem]:
    """Which level is the reference."""
    if isinstance(value, dict):
        yield from _NAMED_LEVEL(value, path)
    elif value != "largest_exposure":
        way_out = near_or(value, ("largest_exposure",), f'Write {{"level": {shown(value)}}}.')
        yield Problem(
            path,
            f"{shown(value)} is not a base rule.",
            'The base is "largest_exposure" or {"level": "an existing level"}.',
            way_out,
        )
