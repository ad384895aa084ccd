"""JSON texts that were written by others: read strictly, to a stated depth, and nothing in them twice."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

DEEPEST = 100
"""Lists and objects within each other; what this package writes needs a dozen."""

_MARKS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def read_json(text: str) -> Any:
    """Read one JSON text.

    Raises
    ------
    ValueError
        With one sentence: no JSON, a key that is there twice, a number that is none (NaN, 1e999), half a character,
        or nested deeper than `DEEPEST`.

    Examples
    --------
    >>> read_json('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ...
    ValueError: the key 'a' is there twice
    """
    if _depth(text) > DEEPEST:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels")
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    if "\\ud" in text.lower() and not _is_whole(found):
        raise ValueError("it has half a character (a surrogate without its other half)")
    return found


def read_object(text: str) -> dict[str, Any]:
    """Read a JSON text that is an object; ValueError otherwise.

    Examples
    --------
    >>> read_object("[1]")
    Traceback (most recent call last):
    ...
    ValueError: it is a list, not an object
    """
    found = read_json(text)
    if not isinstance(found, dict):
        kinds = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
        raise ValueError(f"it is {kinds.get(type(found), 'a number')}, not an object")
    return found


def is_deeper(value: object, limit: int = DEEPEST) -> bool:
    """Say whether lists, tuples and mappings lie within each other more than `limit` deep; one in itself always does.

    Examples
    --------
    >>> ring = []
    >>> ring.append(ring)
    >>> is_deeper(ring), is_deeper({"a": [1, 2]})
    (True, False)
    """
    layer: list[object] = [value]
    for _ in range(limit + 1):
        inside = {id(one): one for holder in layer for one in _parts(holder)}
        layer = list(inside.values())
        if not layer:
            return False
    return any(isinstance(one, dict | list | tuple) for one in layer)


def _parts(value: object) -> list[object]:
    if isinstance(value, dict):
        return [one for one in value.values() if isinstance(one, dict | list | tuple)]
    return [one for one in value if isinstance(one, dict | list | tuple)] if isinstance(value, list | tuple) else []


def _depth(text: str) -> int:
    depth = deepest = 0
    for found in _MARKS.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return made


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:20]} is beyond the largest number")
    return number


def _is_whole(found: object) -> bool:
    try:
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
