"""Fields of every factor kind and the checks of each; then the rules between fields. All problems come at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from glm_local.errors import Problem, nearest
from glm_local.factors.spec_rules import RULES
from glm_local.factors.spec_values import (
    Check,
    any_text,
    anything,
    base_rule,
    cell_policy,
    edge,
    is_number,
    near_or,
    notes,
    number,
    number_or,
    one_of,
    pointer,
    policy,
    record,
    shown,
    texts,
    unknown_fields,
    version,
    whole_characters,
)

INTERCEPT = "(Intercept)"
KINDS = ("numeric", "categorical", "ordinal", "linear", "interaction")

_EDGE_RULE = record({"method": one_of("quantile", "uniform"), "bins": number})
_GROUP = record({"level": any_text, "values": anything})


def _edges(value: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        yield from _edge_rule(value, path)
        return
    if not isinstance(value, list):
        yield Problem(
            path,
            f"{shown(value)} is not a list of edges.",
            'Edges are a list of rising numbers, or {"method": "quantile", "bins": 10}.',
            f"Write [{shown(value)}]." if is_number(value) else "Write [25, 40, 60].",
        )
        return
    problems = [problem for i, one in enumerate(value) for problem in edge(one, f"{path}/{i}")]
    yield from problems
    dates = any(isinstance(one, str) for one in value)
    if problems or (dates and not all(isinstance(one, str) for one in value)):
        return
    # Edges are compared as doubles: 2**53 and 2**53 + 1 are one edge.
    rising = sorted(set(value) if dates else {float(one): one for one in reversed(value)}.values())
    if rising != value:
        yield Problem(path, f"{shown(value)} is not increasing.", "Edges must rise;", f"did you mean {shown(rising)}?")


def _edge_rule(value: Any, path: str) -> Iterator[Problem]:
    yield from _EDGE_RULE(value, path)
    bins = value.get("bins")
    if is_number(bins) and not (isinstance(bins, int) and 1 <= bins <= 1000):
        yield Problem(
            f"{path}/bins", f"{shown(bins)} is not a number of bins.", "It is a whole number, 1 to 1000.", "Write 10."
        )


def _levels(value: Any, path: str) -> Iterator[Problem]:
    if value == "learn":
        return
    if not isinstance(value, list):
        yield Problem(
            path,
            f"{shown(value)} is not a list of levels.",
            'Levels are "learn" or a list of values and groups {"level": "name", "values": [...]}.',
            near_or(value, ("learn",), "") or 'Write "learn" or ["A", "B"].',
        )
        return
    for i, one in enumerate(value):
        if isinstance(one, dict):
            yield from _group(one, f"{path}/{i}")
        else:
            yield from _value(one, f"{path}/{i}")


def _group(value: dict[str, Any], path: str) -> Iterator[Problem]:
    yield from _GROUP(value, path)
    values = value.get("values")
    if values is None:
        return
    if not isinstance(values, list) or not values:
        yield Problem(
            f"{path}/values",
            f"{shown(values)} is not a list of values.",
            "A group has at least one value.",
            "Write [...] with the values, or remove the group.",
        )
        return
    for i, one in enumerate(values):
        yield from _value(one, f"{path}/values/{i}")


def _value(value: Any, path: str) -> Iterator[Problem]:
    if value is None:
        yield Problem(
            path,
            "null is not a value.",
            "Missing has a policy of its own.",
            'Remove it and write {"missing": {"level": "..."}} for the level it belongs to.',
        )
    elif isinstance(value, str):
        yield from whole_characters(value, path)
    elif not isinstance(value, bool) and not is_number(value):
        way_out = f'Write "{value}" in quotes.' if isinstance(value, float) and value == value else ""
        yield Problem(
            path,
            f"{shown(value)} is not a value.",
            "Values are text, finite numbers, true, false or dates YYYY-MM-DD.",
            way_out,
        )


def _linear_missing(value: Any, path: str) -> Iterator[Problem]:
    if not is_number(value) and value not in ("refuse", "mean"):
        yield Problem(
            path,
            f"{shown(value)} is not what missing becomes here.",
            'A linear factor has no levels: missing is a number, "mean" or "refuse".',
            near_or(value, ("refuse", "mean"), "") or "Write the number that stands for missing.",
        )


def _scale(value: Any, path: str) -> Iterator[Problem]:
    yield from number_or("sd")(value, path)
    if is_number(value) and value <= 0:
        yield Problem(path, f"{shown(value)} is not above 0.", "A scale divides: it is above 0.", "Write 1 for none.")


def _cells(value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        rule = "Cells are a list of lists of level names."
        yield Problem(path, f"{shown(value)} is not a list.", rule, 'Write [["a", "b"]].')
        return
    for i, cell in enumerate(value):
        if not isinstance(cell, list) or not all(isinstance(level, str) for level in cell):
            rule = "A cell is a list of level names."
            yield Problem(f"{path}/{i}", f"{shown(cell)} is not a cell.", rule, 'Write ["a", "b"].')


def _factor_name(value: Any, path: str) -> Iterator[Problem]:
    yield from any_text(value, path)
    if value == INTERCEPT:
        yield Problem(
            path, f"{shown(value)} is the name of the intercept.", "A factor has a name of its own.", "Rename it."
        )


_COMMON: dict[str, Check] = {"kind": anything, "version": version, "name": _factor_name, "notes": notes}
_COLUMN: dict[str, Check] = {"column": any_text, "source": one_of("number", "integer", "date")}
_CATEGORICAL: dict[str, Check] = {
    **_COMMON,
    "column": any_text,
    "source": one_of("text", "integer", "boolean", "date", "number"),
    "levels": _levels,
    "missing": policy,
    "unseen": policy,
    "base": base_rule,
    "learned": record({}, {"levels": _levels, "base": any_text, "searched": any_text}),
}
FIELDS: dict[str, dict[str, Check]] = {
    "numeric": {
        **_COMMON,
        **_COLUMN,
        "edges": _edges,
        "labels": texts,
        "lower": edge,
        "upper": edge,
        "missing": policy,
        "below": policy,
        "above": policy,
        "base": base_rule,
        "learned": record({}, {"edges": _edges, "labels": texts, "base": any_text, "searched": any_text}),
    },
    "categorical": _CATEGORICAL,
    "ordinal": _CATEGORICAL,
    "linear": {
        **_COMMON,
        **_COLUMN,
        "expression": anything,
        "cap": record({}, {"lower": number, "upper": number}),
        "centre": number_or("mean"),
        "scale": _scale,
        "missing": _linear_missing,
        "learned": record({}, {"mean": number, "sd": number}),
    },
    "interaction": {
        **_COMMON,
        "factors": texts,
        "unseen": cell_policy,
        "coding": one_of("net_of_margins", "cells"),
        "base": base_rule,
        "separator": any_text,
        "learned": record({}, {"cells": _cells, "base": any_text}),
    },
}

_NEEDED = {
    "name": ("Every factor has a name.", 'Add "name": "..."; the column\'s name will do.'),
    "column": ("A factor reads a column.", 'Add "column": "...".'),
    "edges": ("A numeric factor is cut at edges.", 'Add "edges": [20, 25] or {"method": "quantile", "bins": 10}.'),
    "missing": ("Say what missing becomes:", 'a level, or "refuse".'),
    "unseen": ("Say what values outside the levels become:", 'a level, or "refuse".'),
    "factors": ("An interaction is made of factors.", 'Add "factors": ["a", "b"].'),
}
_CELL_UNSEEN = ("Say what cells without training rows become:", '"base" or "refuse".')
_LINEAR_MISSING = ("Say what missing becomes:", 'a number, "mean" or "refuse".')
_REQUIRED: dict[str, tuple[str, ...]] = {
    "numeric": ("name", "column", "edges", "missing"),
    "categorical": ("name", "column", "missing", "unseen"),
    "ordinal": ("name", "column", "missing", "unseen"),
    "linear": ("name", "missing"),
    "interaction": ("name", "factors", "unseen"),
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
    if kind not in KINDS or (expected_kind and kind != expected_kind):
        return [_unknown_kind(document, path, expected_kind)]
    given = {name: value for name, value in document.items() if value is not None}
    problems = [*_missing_fields(kind, given, path), *unknown_fields(document, FIELDS[kind], path)]
    for name, value in given.items():
        if name in FIELDS[kind]:
            problems += FIELDS[kind][name](value, f"{path}/{name}")
    for needs, rule in RULES[kind]:
        if not _faulty_fields(problems, path) & needs:
            problems += rule(given, path)
    return problems


def _faulty_fields(problems: list[Problem], path: str) -> set[str]:
    return {problem.path.removeprefix(path).split("/")[1] for problem in problems}


def _missing_fields(kind: str, given: Mapping[str, Any], path: str) -> Iterator[Problem]:
    special = {("interaction", "unseen"): _CELL_UNSEEN, ("linear", "missing"): _LINEAR_MISSING}
    for name in _REQUIRED[kind]:
        if name not in given:
            rule, way_out = special.get((kind, name), _NEEDED[name])
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
    options = (expected,) if expected else KINDS
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
