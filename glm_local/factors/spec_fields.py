"""A factor document held against the entry of its kind: fields, then rules between them. All problems come at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from glm_local.errors import Problem, nearest
from glm_local.factors.kind import KINDS
from glm_local.factors.spec_values import (
    Check,
    any_text,
    anything,
    notes,
    one_of,
    pointer,
    shown,
    unknown_fields,
    version,
)

INTERCEPT = "(Intercept)"


def _factor_name(value: Any, path: str) -> Iterator[Problem]:
    yield from any_text(value, path)
    if value == INTERCEPT:
        yield Problem(
            path, f"{shown(value)} is the name of the intercept.", "A factor has a name of its own.", "Rename it."
        )


COMMON: dict[str, Check] = {"kind": anything, "version": version, "name": _factor_name, "notes": notes}
COLUMN: dict[str, Check] = {"column": any_text, "source": one_of("number", "integer", "date")}

_NEEDED = {
    "name": ("Every factor has a name.", 'Add "name": "..."; the column\'s name will do.'),
    "column": ("A factor reads a column.", 'Add "column": "...".'),
    "missing": ("Say what missing becomes:", 'a level, or "refuse".'),
    "unseen": ("Say what values outside the levels become:", 'a level, or "refuse".'),
}


def document_problems(document: object, path: str, expected_kind: str | None = None) -> list[Problem]:
    """Return every problem of one factor document: shape first, then rules between sound fields.

    Parameters
    ----------
    document
        What `plain_json` made of it.
    path
        JSON path of the document, the start of every problem's path.
    expected_kind
        The kind a class insists on.
    """
    if not isinstance(document, dict):
        return [_not_an_object(document, path)]
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in KINDS or (expected_kind and kind != expected_kind):
        return [_unknown_kind(document, path, expected_kind)]
    given = {name: value for name, value in document.items() if value is not None}
    problems = [*_missing_fields(kind, given, path), *unknown_fields(document, KINDS[kind].fields, path)]
    for name, value in given.items():
        if name in KINDS[kind].fields:
            problems += KINDS[kind].fields[name](value, f"{path}/{name}")
    for needs, rule in KINDS[kind].rules:
        if not _faulty_fields(problems, path) & needs:
            problems += rule(given, path)
    return problems


def _faulty_fields(problems: list[Problem], path: str) -> set[str]:
    return {problem.path.removeprefix(path).split("/")[1] for problem in problems}


def _missing_fields(kind: str, given: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for name in KINDS[kind].required:
        if name not in given:
            rule, way_out = KINDS[kind].absent.get(name) or _NEEDED[name]
            yield Problem(f"{path}/{name}", "not given.", rule, way_out)


def _not_an_object(document: object, path: str) -> Problem:
    rule = "A factor is an object that says how its column is read."
    if isinstance(document, str):
        way_out = (
            f'Write {{"kind": "categorical", "name": {shown(document)}, "column": {shown(document)}, '
            f'"missing": "own_level", "unseen": "base"}}, or "kind": "linear" with "missing": "refuse".'
        )
        return Problem(path, f"{shown(document)} is only a name.", rule, way_out)
    return Problem(path, f"{shown(document)} is not an object.", rule, 'Write {"kind": ..., "name": ..., ...}.')


def _unknown_kind(document: Mapping[str, Any], path: str, expected: str | None) -> Problem:
    options = (expected,) if expected else tuple(KINDS)
    rule = f"Kinds are {', '.join(KINDS)}." if not expected else f"This class holds kind {expected!r}."
    kind = document.get("kind")
    if kind is None:
        where = pointer("kind")
        hint = ' ("type" is the field of glm-factor-optimizer: use read_legacy_spec.)' if "type" in document else ""
        return Problem(f"{path}/{where}", "not given.", rule, f'Add "kind": "numeric" or another.{hint}')
    return Problem(
        f"{path}/kind",
        f"{shown(kind)} is not a kind of factor.",
        rule,
        nearest(kind, options) if isinstance(kind, str) else f"Write one of {', '.join(options)}.",
    )
