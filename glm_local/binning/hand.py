"""Smoothing by hand: a specification in, a changed one out; nothing is looked at but the specification.

What was learned is written out, that levels were searched for stays, the learned base is dropped (the next fit finds it
again), and policies that named a level follow it to its new name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glm_local.errors import SpecError, nearest
from glm_local.expressions.category_key import category_key, key_text
from glm_local.factors.factor_spec import CategoricalSpec, FactorSpec, NumericSpec, Value
from glm_local.factors.level_names import (
    CAUSES,
    edge_number,
    interval_names,
    known_part,
    level_name,
    level_values,
    ordinary_levels,
    own_levels,
    source_of,
)
from glm_local.factors.spec_problems import read_factors

Document = dict[str, Any]

LONGEST_NAME = 60


def merge_levels(spec: FactorSpec, levels: Sequence[str], name: str | None = None) -> FactorSpec:
    """Make one level of several.

    Parameters
    ----------
    spec
        Numeric, categorical or ordinal, its levels known.
    levels
        Two names or more; intervals and ordinal levels must be neighbours. A level of its own (missing) may join the
        others: its policy then names the merged level.
    name
        Of the merged level; intervals name themselves, categories are joined by commas.

    Raises
    ------
    SpecError
        Unknown names, levels that are no neighbours, fewer than two.
    """
    document, names = _open(spec)
    own = own_levels(document)
    asked = [_known(level, [*names, *own.values()]) for level in dict.fromkeys(levels)]
    places = sorted(names.index(level) for level in asked if level in names)
    if len(asked) < 2 or not places:
        raise _refused(
            f"{list(levels)} was given.",
            "Merging takes two levels or more, an ordinary one among them.",
            f"Name two of {', '.join(map(repr, names[:8]))}.",
        )
    if document["kind"] != "categorical" and places != list(range(places[0], places[-1] + 1)):
        raise _refused(
            f"{asked} are no neighbours.",
            f"A {document['kind']} factor merges neighbours.",
            f"Add what lies between: {', '.join(map(repr, names[places[0] : places[-1] + 1]))}.",
        )
    merged = _merge_intervals if document["kind"] == "numeric" else _merge_values
    new = merged(document, names, places, name)
    for cause, level in own.items():
        if level in asked:
            document[cause] = {"level": new}
    return _closed(document, dict.fromkeys(asked, new))


def split_level(
    spec: FactorSpec,
    level: str,
    *,
    at: float | str | None = None,
    values: Sequence[Value] | None = None,
    name: str | None = None,
) -> FactorSpec:
    """Make two levels of one: an interval at an edge, or values out of a group of categories.

    Parameters
    ----------
    level
        Its name. The rest of a group keeps it. Missing values and the like that follow it follow the rest of a group,
        and the lower part of an interval.
    at
        Edge inside the interval (a date as YYYY-MM-DD); the edge belongs to the lower part.
    values
        What leaves the group, a proper part of its values.
    name
        Of the values that leave; of the upper part, where intervals have labels.

    Raises
    ------
    SpecError
        An unknown level, an edge outside the interval, values that are not in the group or all of it.
    """
    document, names = _open(spec)
    place = names.index(_known(level, names))
    if document["kind"] == "numeric":
        if at is None or values is not None:
            raise _refused(f"no edge was given for {level!r}.", "An interval is split at an edge.", "Write at=….")
        return _split_interval(document, names, place, at, name)
    if values is None or at is not None:
        raise _refused(f"no values were given for {level!r}.", "A group is split by values.", 'Write values=["…"].')
    return _split_group(document, place, values, name)


def move_edge(spec: FactorSpec, edge: float | str, to: float | str) -> FactorSpec:
    """Move one edge of a numeric factor, between its neighbours.

    Raises
    ------
    SpecError
        When there is no such edge, or the new place lies beyond a neighbour.
    """
    document, names = _open(spec)
    if document["kind"] != "numeric":
        raise _refused(
            f"{document['name']!r} is {document['kind']}.",
            "Only numeric factors have edges.",
            "Merge or split levels instead.",
        )
    edges = document["edges"]
    found = [place for place, one in enumerate(edges) if edge_number(one) == _edge_number(edge, document)]
    if not found:
        close = min(edges, key=lambda one: abs(edge_number(one) - _edge_number(edge, document)), default=None)
        raise _refused(
            f"{edge!r} is not an edge of {document['name']!r}.",
            "An edge is moved from where it is.",
            f"Nearest: {close!r}." if close is not None else "It has none.",
        )
    place = found[0]
    low, high = _between(document, place - 1, place + 1)
    if not low < _edge_number(to, document) < high:
        rule = f"An edge stays between its neighbours, {low:g} and {high:g}."
        raise _refused(f"{edge!r} was to move to {to!r}.", rule, "Merge the levels on that side first.")
    document["edges"] = [*edges[:place], to, *edges[place + 1 :]]
    return _closed(document, dict(zip(names, ordinary_levels(document) or [], strict=True)))


def rename_level(spec: FactorSpec, level: str, name: str) -> FactorSpec:
    """Give a level another name, those of its own (missing, unseen) included.

    Raises
    ------
    SpecError
        An unknown level, or a name that is taken.
    """
    document, names = _open(spec)
    own = own_levels(document)
    _known(level, [*names, *own.values()])
    if name in (*names, *own.values()) and name != level:
        raise _refused(f"{name!r} names another level.", "Level names are distinct.", "Choose another name.")
    if level not in names:
        cause = next(cause for cause, one in own.items() if one == level)
        document[cause] = {"own_level": name}
    elif document["kind"] == "numeric":
        document["labels"] = [name if one == level else one for one in names]
    else:
        place = names.index(level)
        document["levels"][place] = {"level": name, "values": level_values(document["levels"][place])}
    return _closed(document, {level: name})


def _open(spec: FactorSpec) -> tuple[Document, list[str]]:
    """The document with what was learned written out, and the names of its ordinary levels."""
    if not isinstance(spec, NumericSpec | CategoricalSpec):
        raise _refused(
            f"{spec.name!r} is {spec.kind}.",
            "Manual edits are for factors with levels of one column.",
            "Change the spec itself.",
        )
    document: Document = spec.document()
    field = "edges" if document["kind"] == "numeric" else "levels"
    known = known_part(document, field)
    if known is None:
        raise _refused(
            f"the {field} of {spec.name!r} are not known yet.",
            "Levels are smoothed once they are learned.",
            f"Learn them, or write the {field} out.",
        )
    document[field] = list(known)
    learned = document.pop("learned", {})
    if learned.get("labels"):
        document["labels"] = list(learned["labels"])
    if learned.get("searched"):  # what is made of searched levels was searched for
        document["learned"] = {"searched": learned["searched"]}
    return document, list(ordinary_levels(document) or [])


def _closed(document: Document, renamed: Mapping[str, str]) -> FactorSpec:
    """The specification of a document, references to renamed levels brought along."""
    for field in (*CAUSES, "base"):
        named = document.get(field)
        if isinstance(named, Mapping) and named.get("level") in renamed:
            document[field] = {"level": renamed[str(named["level"])]}
    return read_factors([document])[0]


def _merge_intervals(document: Document, names: list[str], places: list[int], name: str | None) -> str:
    first, last = places[0], places[-1]
    before = dict(enumerate(names))
    document["edges"] = [*document["edges"][:first], *document["edges"][last:]]
    if "labels" not in document and name is None:
        made = interval_names(document["edges"], document.get("lower"), document.get("upper"))
        return str(made[first])
    new = name or ", ".join(before[place] for place in places)
    document["labels"] = [*names[:first], new, *names[last + 1 :]]
    return new


def _merge_values(document: Document, names: list[str], places: list[int], name: str | None) -> str:
    new = name or _joined([names[place] for place in places])
    values = [value for place in places for value in level_values(document["levels"][place])]
    kept = [one for place, one in enumerate(document["levels"]) if place not in places]
    document["levels"] = [*kept[: places[0]], {"level": new, "values": values}, *kept[places[0] :]]
    return new


def _split_interval(document: Document, names: list[str], place: int, at: float | str, name: str | None) -> FactorSpec:
    low, high = _between(document, place - 1, place)
    edge = _edge_number(at, document)
    lowest = document.get("lower") is not None and place == 0 and edge == low
    if not (low < edge < high or lowest):
        raise _refused(
            f"{at!r} lies outside {names[place]!r}.",
            f"The new edge lies between {low:g} and {high:g}.",
            "Split the level that holds it.",
        )
    document["edges"] = [*document["edges"][:place], at, *document["edges"][place:]]
    if "labels" in document:
        parts = interval_names(document["edges"], document.get("lower"), document.get("upper"))[place : place + 2]
        document["labels"] = [*names[:place], parts[0], name or parts[1], *names[place + 1 :]]
    if isinstance(document.get("base"), Mapping) and document["base"].get("level") == names[place]:
        raise _refused(
            f"'base' names {names[place]!r}, which is to be split.",
            "The base is one of the parts.",
            "Change 'base' first.",
        )
    return _closed(document, {names[place]: str((ordinary_levels(document) or [])[place])})


def _split_group(document: Document, place: int, values: Sequence[Value], name: str | None) -> FactorSpec:
    source, level = source_of(document), document["levels"][place]
    own = {category_key(one, source): one for one in level_values(level)}
    leaving = dict.fromkeys(category_key(one, source) for one in values)
    for value, key in zip(values, (category_key(one, source) for one in values), strict=True):
        if key not in own:
            known = [key_text(one) for one in own if one is not None]
            raise _refused(
                f"{value!r} is not in {level_name(level, source)!r}.",
                "Values leave the group they are in.",
                nearest(str(value), known),
            )
    if not leaving or len(leaving) == len(own):
        raise _refused(
            f"{len(leaving)} of {len(own)} values were to leave {level_name(level, source)!r}.",
            "A split leaves something on both sides.",
            "Name some of its values, not all.",
        )
    gone = [own[key] for key in leaving]
    rest = {"level": level_name(level, source), "values": [one for key, one in own.items() if key not in leaving]}
    new: Any = (
        gone[0]
        if len(gone) == 1 and name is None
        else {
            "level": name or _joined([level_name(one, source) for one in gone]),
            "values": gone,
        }
    )
    document["levels"] = [*document["levels"][:place], rest, new, *document["levels"][place + 1 :]]
    return _closed(document, {})


def _joined(names: Sequence[str]) -> str:
    joined = ", ".join(names)
    return joined if len(joined) <= LONGEST_NAME else f"{joined[: LONGEST_NAME - 20]} … ({len(names)} levels)"


def _between(document: Document, left: int, right: int) -> tuple[float, float]:
    """Numbers an edge between two others lies between; limits count as edges."""
    edges, infinite = document["edges"], float("inf")
    lower, upper = document.get("lower"), document.get("upper")
    low = edge_number(edges[left]) if left >= 0 else -infinite if lower is None else edge_number(lower)
    high = edge_number(edges[right]) if right < len(edges) else infinite if upper is None else edge_number(upper)
    return low, high


def _edge_number(edge: float | str, document: Document) -> float:
    dates = source_of(document) == "date"
    try:
        if isinstance(edge, bool) or isinstance(edge, str) != dates:
            raise ValueError
        return edge_number(edge)
    except ValueError:
        rule = "Its edges are dates." if dates else "Its edges are numbers."
        raise _refused(
            f"{edge!r} was given for an edge of {document['name']!r}.",
            rule,
            "Write YYYY-MM-DD." if dates else "Write a number.",
        ) from None


def _known(level: str, names: Sequence[str]) -> str:
    if level not in names:
        raise _refused(f"{level!r} is not a level.", "Levels are named as they are.", nearest(level, names))
    return level


def _refused(found: str, rule: str, way_out: str) -> SpecError:
    error = SpecError.because(found, rule, way_out)
    assert isinstance(error, SpecError)
    return error
