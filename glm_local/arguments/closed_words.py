"""What arguments take: words of a `Literal`, flags, numbers, texts and lists, as annotations say."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from glm_local.errors import ArgumentError, Problem, nearest

_KINDS: dict[Any, tuple[str, str]] = {
    float: ("a number", "Write it without quotes: 0.5, say."),
    int: ("a whole number", "Write it without quotes: 5, say."),
    str: ("text", 'Put it in quotes: "…".'),
    Sequence: ("a list", "Put it in brackets: […]."),
}
"""Kinds of values an annotation can name, in words, and how one is written."""


def closed_parameters(annotations: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Parameter to what it may be, of those whose annotation can be checked.

    Parameters
    ----------
    annotations
        Of a function or a class; only those made of `Literal`, bool, None, float, int, str and sequences count.
    names
        Where they are looked up.

    Returns
    -------
    dict
        Values, and the types float (any real number), int, str and `Sequence`.
    """
    closed: dict[str, tuple[Any, ...]] = {}
    for parameter, annotation in annotations.items():
        try:
            hint = get_type_hints(SimpleNamespace(__annotations__={parameter: annotation}), dict(names))[parameter]
        except NameError:  # a type that only the type checker imports
            continue
        values = _values(hint)
        if parameter != "return" and values:
            closed[parameter] = values
    return closed


def _values(hint: Any) -> tuple[Any, ...]:
    """What an annotation allows; empty where it allows something that is not told from here."""
    if hint is bool:
        return (True, False)
    if hint is type(None):
        return (None,)
    if hint in (float, int, str):
        return (hint,)
    origin = get_origin(hint)
    if origin is Literal:
        return get_args(hint)
    if origin is Sequence:
        return (Sequence,)
    parts = [_values(part) for part in get_args(hint)]
    return tuple(value for part in parts for value in part) if origin in (Union, UnionType) and all(parts) else ()


def check_words(allowed: Mapping[str, tuple[Any, ...]], given: Mapping[str, Any]) -> None:
    """Raise one error with every value that is not allowed."""
    problems = [
        _problem(name, given[name], values)
        for name, values in allowed.items()
        if name in given and not any(_is(given[name], one) for one in values)
    ]
    if problems:
        raise ArgumentError(problems)


def _is(value: Any, one: Any) -> bool:
    """Whether a value is the one allowed, or of the kind allowed; True is no number, and 1 is not True."""
    if one is Sequence:
        return not isinstance(value, str | bytes | numbers.Number | np.bool_ | None)
    flag = isinstance(value, bool | np.bool_)
    if one is float:
        return not flag and isinstance(value, numbers.Real) and _fits_a_double(value)
    if one is int:
        return not flag and isinstance(value, numbers.Integral)
    if one is str or isinstance(one, str):
        return isinstance(value, str) and (one is str or value == one)
    return value is one if one is None else flag is isinstance(one, bool) and type(value) in _SAME and value == one


def _fits_a_double(value: numbers.Real) -> bool:
    try:
        float(value)
    except OverflowError:
        return False
    return True


_SAME = (bool, np.bool_, int, float)


def _problem(name: str, value: Any, values: tuple[Any, ...]) -> Problem:
    words = [one for one in values if isinstance(one, str)]
    shown = repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "..."
    return Problem(f"/{name}", f"{name} is {shown}.", _rule(values), _way_out(value, values, words))


def _rule(values: tuple[Any, ...]) -> str:
    kinds = [_KINDS[one][0] for one in values if one in _KINDS]
    listed = ", ".join(repr(one) for one in values if one not in _KINDS)
    several = len(values) - len(kinds) > 1
    return f"It is {' or '.join([*kinds, *([('one of ' if several else '') + listed] if listed else [])])}."


def _way_out(value: Any, values: tuple[Any, ...], words: list[str]) -> str:
    lowered = {word.lower(): word for word in words}
    same = lowered.get(value.strip().lower()) if isinstance(value, str) else None
    hint = f"Nearest: {same!r}." if same else nearest(value, words) if isinstance(value, str) and words else ""
    if hint.startswith("Nearest"):
        return hint
    kind = next(_ways(values), None)
    return kind or f"Write {values[0]!r}."


def _ways(values: tuple[Any, ...]) -> Iterator[str]:
    yield from (_KINDS[one][1] for one in values if one in _KINDS)
