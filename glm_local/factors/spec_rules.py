"""Rules between the fields of one factor document; each runs when the fields it needs are sound by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from glm_local.errors import Problem, SpecError, nearest
from glm_local.expressions.category_key import ValueKind, category_key
from glm_local.expressions.expression_columns import type_of
from glm_local.expressions.expression_json import expression_from_json
from glm_local.factors.level_names import (
    CAUSES,
    cell_name,
    edge_number,
    known_part,
    level_names,
    level_values,
    ordinary_levels,
    own_levels,
    source_of,
)
from glm_local.factors.spec_values import is_date, near, shown

Rule = Callable[[Mapping[str, Any], str], Iterator[Problem]]


def _edges_fit_source(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    dates = source_of(document) == "date"
    learned = (document.get("learned") or {}).get("edges") or []
    lists = {"edges": document["edges"], "learned/edges": learned}
    found = [
        (f"{field}/{i}", one)
        for field, edges in lists.items()
        if isinstance(edges, list)
        for i, one in enumerate(edges)
    ]
    found += [(field, document[field]) for field in ("lower", "upper") if field in document]
    for where, one in found:
        if dates and not is_date(one):
            yield Problem(
                f"{path}/{where}",
                f"{shown(one)} is not a date.",
                'The source is "date".',
                "Write dates as text, YYYY-MM-DD.",
            )
        elif not dates and isinstance(one, str):
            yield Problem(
                f"{path}/{where}",
                f"{shown(one)} is text.",
                f'The source is "{source_of(document)}".',
                "Write numbers without quotes." if not is_date(one) else 'Write "source": "date".',
            )


def _limits(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    edges, lower, upper = known_part(document, "edges") or [], document.get("lower"), document.get("upper")
    if lower is not None and upper is not None and edge_number(lower) > edge_number(upper):
        yield Problem(
            f"{path}/upper",
            f"{shown(upper)} is below lower, {shown(lower)}.",
            "Upper is not below lower.",
            "Exchange them.",
        )
        return
    if lower is not None and edges and edge_number(lower) > edge_number(edges[0]):
        yield Problem(
            f"{path}/lower",
            f"{shown(lower)} is above the first edge, {shown(edges[0])}.",
            "Values below lower never reach an interval.",
            "Remove the edges below it, or lower it.",
        )
    if upper is not None and edges and edge_number(upper) <= edge_number(edges[-1]):
        yield Problem(
            f"{path}/upper",
            f"{shown(upper)} is not above the last edge, {shown(edges[-1])}.",
            "Values above upper never reach an interval.",
            "Remove the edges from it on, or raise it.",
        )


def _limit_policies(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for limit, cause in (("lower", "below"), ("upper", "above")):
        if limit in document and cause not in document:
            yield Problem(
                f"{path}/{cause}", "not given.", f"Say what values {cause} {limit} become:", 'a level, or "refuse".'
            )
        elif cause in document and limit not in document:
            yield Problem(
                f"{path}/{cause}",
                f"is given without {limit!r}.",
                f"Nothing is {cause} without a limit.",
                f"Add {limit!r}, or remove {cause!r}.",
            )


def _labels(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    labels, edges = document.get("labels"), document["edges"]
    learned = document.get("learned") or {}
    named, known = learned.get("labels"), known_part(document, "edges")
    if named is not None and (known is None or len(named) != len(known) + 1):
        yield Problem(
            f"{path}/learned/labels",
            f"{len(named)} labels for the learned edges.",
            "They name each interval once.",
            "Learn them again.",
        )
    if labels is None:
        return
    if isinstance(edges, dict):
        yield Problem(
            f"{path}/labels",
            "are given while edges are to be learned.",
            "How many intervals a rule yields depends on the rows.",
            "Write the edges, or remove labels.",
        )
    elif len(labels) != len(edges) + 1:
        yield Problem(
            f"{path}/labels",
            f"{len(labels)} labels for {len(edges) + 1} intervals.",
            f"{len(edges)} edges make {len(edges) + 1} intervals.",
            "Name each interval once.",
        )


def _learned_only_where_asked(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for name in ("edges", "levels"):
        learned = (document.get("learned") or {}).get(name)
        if learned is not None and isinstance(document.get(name), list):
            yield Problem(
                f"{path}/learned/{name}",
                f"is there while {name!r} are written out.",
                "What was asked for is not learned.",
                f"Remove it, or ask for {name!r} to be learned.",
            )


def _values_fit_source(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    source = source_of(document)
    seen: dict[object, str] = {}
    for where, value in _all_values(document):
        key = category_key(value, source)
        if key is None:
            yield Problem(
                f"{path}/{where}",
                f"{shown(value)} is not of kind {source}.",
                f'The source is "{source}".',
                _value_hint(value, source),
            )
        elif key in seen:
            yield Problem(
                f"{path}/{where}",
                f"{shown(value)} is also at {path}/{seen[key]}.",
                "A value belongs to one level.",
                "Remove one of them.",
            )
        else:
            seen[key] = where


def _all_values(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    levels = known_part(document, "levels") or []
    field = "levels" if isinstance(document.get("levels"), list) else "learned/levels"
    for i, level in enumerate(levels):
        inside = isinstance(level, dict)
        for j, value in enumerate(level_values(level)):
            yield (f"{field}/{i}/values/{j}" if inside else f"{field}/{i}"), value


def _value_hint(value: object, source: ValueKind) -> str:
    if source == "text" and not isinstance(value, str):
        return f'Write it as text, or "source": "{"boolean" if isinstance(value, bool) else "integer"}".'
    if source == "boolean":
        return "Write true or false, without quotes."
    if source == "date":
        return "Write YYYY-MM-DD."
    return "Write it as a whole number." if source == "integer" else "Write it without quotes."


def _level_names(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    ordinary, own = ordinary_levels(document), own_levels(document)
    taken = dict.fromkeys(ordinary or [], "an ordinary level")
    if ordinary is not None and len(taken) < len(ordinary):
        for name in sorted(one for one, times in Counter(ordinary).items() if times > 1):
            yield Problem(
                f"{path}/{'labels' if 'labels' in document else 'levels'}",
                f"{shown(name)} names two levels.",
                "Level names are distinct.",
                "Rename one.",
            )
    for cause, name in own.items():
        if name in taken:
            yield Problem(
                f"{path}/{cause}",
                f"{shown(name)} is {taken[name]} already.",
                "Level names are distinct.",
                f'Write {{"level": {shown(name)}}} to join it, or {{"own_level": "another name"}}.',
            )
        taken[name] = f"the level of {cause!r}"
    if ordinary == [] and not own:
        yield Problem(
            f"{path}/levels",
            "[] leaves the factor without a level.",
            "A factor has at least one level.",
            'Write "learn" or name some values.',
        )


def _levels_exist(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    known = level_names(document)
    if known is None:
        return
    named = [
        (f"{cause}/level", document[cause].get("level")) for cause in CAUSES if isinstance(document.get(cause), dict)
    ]
    base, learned = document.get("base"), document.get("learned") or {}
    named += [("base/level", base["level"])] if isinstance(base, dict) else []
    named += [("learned/base", learned.get("base"))]
    for where, name in named:
        if name is not None and name not in known:
            yield Problem(
                f"{path}/{where}",
                f"{shown(name)} is not a level of this factor.",
                "Policies and the base name an existing level.",
                nearest(name, known),
            )


def _one_argument(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if ("column" in document) == ("expression" in document):
        found = "is given next to an expression." if "column" in document else "not given."
        yield Problem(
            f"{path}/column",
            found,
            "A linear factor has a column or an expression, not both.",
            'Keep one: "column": "..." or "expression": {...}.',
        )
    elif "expression" in document and "source" in document and document["source"] != "number":
        yield Problem(
            f"{path}/source", "is given next to an expression.", "An expression says itself how it reads.", "Remove it."
        )


def _cap(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    cap = document.get("cap") or {}
    lower, upper = cap.get("lower"), cap.get("upper")
    if lower is not None and upper is not None and lower > upper:
        yield Problem(
            f"{path}/cap", f"{shown(upper)} is below {shown(lower)}.", "Upper is not below lower.", "Exchange them."
        )


def _expression(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if "expression" in document:
        where = f"{path}/expression"
        try:
            kind = type_of(expression_from_json(document["expression"], where))
        except SpecError as error:
            yield from (one if one.path.startswith(where) else replace(one, path=where) for one in error.problems)
            return
        if kind not in ("number", "integer", "date"):
            yield Problem(
                where,
                f"is {kind}, not a number.",
                "A linear factor is a number.",
                "Use a categorical factor, or an expression that yields a number.",
            )


def _spread(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    sd = (document.get("learned") or {}).get("sd")
    if sd is not None and sd <= 0:
        rule = "A scale divides: it is above 0."
        yield Problem(f"{path}/learned/sd", f"{shown(sd)} is not above 0.", rule, "Learn it again.")


def _cells(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    cells = (document.get("learned") or {}).get("cells")
    if cells is not None and len({tuple(cell) for cell in cells}) < len(cells):
        yield Problem(f"{path}/learned/cells", "name a cell twice.", "Cells are distinct.", "Remove one.")


def _cell_base(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    base = document.get("base")
    if isinstance(base, dict) and document.get("coding", "net_of_margins") == "net_of_margins":
        yield Problem(
            f"{path}/base",
            f"{shown(base)} has no effect here.",
            "Net of margins, the base cells follow from the factors' own bases.",
            'Remove it, set the base of a factor, or write "coding": "cells".',
        )


def _cells_exist(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    cells = (document.get("learned") or {}).get("cells")
    if cells is None:
        return
    known = [cell_name(cell, document["separator"]) if "separator" in document else cell_name(cell) for cell in cells]
    for field in ("unseen", "base"):
        if isinstance(document.get(field), dict) and document[field]["level"] not in known:
            name = document[field]["level"]
            yield Problem(
                f"{path}/{field}/level",
                f"{shown(name)} is not a cell with training rows.",
                "Policies and the base name an existing cell.",
                near(name, known),
            )


def _factor_count(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if len(document["factors"]) < 2:
        yield Problem(
            f"{path}/factors",
            f"{shown(document['factors'])} make no interaction.",
            "An interaction is made of two factors or more.",
            "Name another factor.",
        )


_NUMERIC_LEVELS = {"edges", "labels", "lower", "upper", "source", "missing", "below", "above", "base", "learned"}
_CATEGORICAL_LEVELS = {"source", "levels", "missing", "unseen", "base", "learned"}
_CATEGORICAL: list[tuple[set[str], Rule]] = [
    ({"source", "levels", "learned"}, _values_fit_source),
    ({"levels", "learned"}, _learned_only_where_asked),
    ({"source", "levels", "learned", "missing", "unseen"}, _level_names),
    (_CATEGORICAL_LEVELS, _levels_exist),
]
RULES: dict[str, list[tuple[set[str], Rule]]] = {
    "numeric": [
        ({"source", "edges", "learned", "lower", "upper"}, _edges_fit_source),
        ({"source", "edges", "learned", "lower", "upper"}, _limits),
        ({"below", "above", "lower", "upper"}, _limit_policies),
        ({"labels", "edges", "learned"}, _labels),
        ({"edges", "learned"}, _learned_only_where_asked),
        (_NUMERIC_LEVELS - {"base"}, _level_names),
        (_NUMERIC_LEVELS, _levels_exist),
    ],
    "categorical": _CATEGORICAL,
    "ordinal": _CATEGORICAL,
    "linear": [
        ({"column", "expression", "source"}, _one_argument),
        ({"cap"}, _cap),
        ({"expression"}, _expression),
        ({"learned"}, _spread),
    ],
    "interaction": [
        ({"factors"}, _factor_count),
        ({"factors", "learned"}, _cells),
        ({"base", "coding"}, _cell_base),
        ({"unseen", "base", "learned", "separator"}, _cells_exist),
    ],
}
"""Kind to its rules, each with the fields that must be sound for it to make sense."""
