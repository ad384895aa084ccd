"""Specifications saved by glm-factor-optimizer 0.1.2, read so that every row gets the level that package gave it.

What is matched is that package on a pandas frame, whose levels depend on the physical kind of the column: say it with
`source`. Each of its habits that shapes a level is named in the `notes` of what is returned.
"""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from glm_local.errors import Problem, SpecError, nearest
from glm_local.expressions.columns import ColumnKind
from glm_local.factors.factor_spec import CategoricalSpec, FactorSpec, InteractionSpec, NumericSpec
from glm_local.factors.legacy.keys import KEY_RULES, MISSING_KEY, SOURCES, moment_of, values_by_group
from glm_local.factors.spec_values import shown
from glm_local.texts.plain_json import plain_json

_OUT_OF_RANGE = "missing"
_REFERENCE = (
    "Its base level was the alphabetically first level of the frame in hand, so it could change from frame to "
    "frame; here the base is the level with the largest exposure."
)


def read_legacy_specs(
    documents: Mapping[str, Mapping[str, Any]] | Sequence[Mapping[str, Any]],
    sources: Mapping[str, ColumnKind] | None = None,
    path: str = "",
) -> tuple[FactorSpec, ...]:
    """Read the specifications of one saved study (`specs.json` and `interaction_specs.json` together).

    Parameters
    ----------
    documents
        A list, or the saved object of factor name to document.
    sources
        Column to its physical kind on the pandas frame; see `read_legacy_spec` for the default.

    Notes
    -----
    An interaction of an interaction becomes one interaction of all its factors: the strings it made are the same.
    """
    listed = list(documents.values()) if isinstance(documents, Mapping) else list(documents)
    specs = [
        read_legacy_spec(one, (sources or {}).get(str(one.get("column"))), f"{path}/{i}")
        for i, one in enumerate(listed)
    ]
    crossings = {one.name: one for one in specs if isinstance(one, InteractionSpec)}
    return tuple(_flattened(one, crossings) if isinstance(one, InteractionSpec) else one for one in specs)


def _flattened(spec: InteractionSpec, crossings: Mapping[str, InteractionSpec]) -> InteractionSpec:
    members: list[str] = []
    for name in spec.factors:
        members += _flattened(crossings[name], crossings).factors if name in crossings else [name]
    return spec if tuple(members) == spec.factors else InteractionSpec(**{**spec.document(), "factors": members})


def read_legacy_spec(document: Mapping[str, Any], source: ColumnKind | None = None, path: str = "") -> FactorSpec:
    """Read one specification saved by glm-factor-optimizer 0.1.2.

    Parameters
    ----------
    document
        Of type numeric, categorical or interaction, in that package's own form.
    source
        Physical kind of the column on the pandas frame; float64 for numeric and text for categorical factors
        when it is not given. An integer column with missing values is float64 in pandas.
    path
        JSON path of the document, for problems.

    Returns
    -------
    FactorSpec
        Named like that package's output column; `notes` name its habits.

    Raises
    ------
    SpecError
        When that package could not have applied the document, or its levels cannot be had from such a column.

    Examples
    --------
    >>> old = {"type": "numeric", "column": "age", "output": "age_bin", "edges": [17, 25, 80], "labels": ["a", "b"]}
    >>> spec = read_legacy_spec(old)
    >>> spec.edges, spec.lower, spec.upper, spec.above.level
    ((25,), 17, 80, 'missing')
    """
    plain = plain_json(document)
    kind = plain.get("type") if isinstance(plain, dict) else None
    readers = {"numeric": _numeric, "categorical": _categorical, "interaction": _interaction}
    if not isinstance(plain, dict) or kind not in readers:
        raise SpecError.because(
            f"{shown(kind)} is not a type of that package.",
            "It wrote numeric, categorical and interaction.",
            nearest(kind, list(readers)) if isinstance(kind, str) else 'Look for the field "type".',
            f"{path}/type",
        )
    return cast(FactorSpec, readers[kind](plain, source, path))


def _name(document: Mapping[str, Any]) -> str:
    return str(document.get("output") or f"{document.get('column')}_{document['type']}")


def _numeric(document: dict[str, Any], source: ColumnKind | None, path: str) -> NumericSpec:
    problems = [*_column_problems(document, path), *_cut_problems(document, source, path)]
    if problems:
        raise SpecError(problems)
    edges, labels = document["edges"], [str(one) for one in document["labels"]]
    first, *inner, last = edges
    missing: Any = {"level": _OUT_OF_RANGE} if _OUT_OF_RANGE in labels else "own_level"
    limits: dict[str, Any] = {}
    if math.isfinite(first):
        limits |= {"lower": first, "below": {"level": _OUT_OF_RANGE}}
    if math.isfinite(last):
        limits |= {"upper": last, "above": {"level": _OUT_OF_RANGE}}
    return NumericSpec(
        name=_name(document),
        column=document["column"],
        edges=inner,
        labels=labels,
        missing=missing,
        **limits,
        notes=[*_numeric_notes(document, source), _REFERENCE],
    )


def _column_problems(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if not isinstance(document.get("column"), str) or not document["column"]:
        yield Problem(
            f"{path}/column",
            f"{shown(document.get('column'))} names no column.",
            "That package reads one column.",
            'Add "column".',
        )


def _cut_problems(document: Mapping[str, Any], source: ColumnKind | None, path: str) -> Iterator[Problem]:
    edges, labels = document.get("edges"), document.get("labels")
    if source in ("date", "timestamp"):
        yield Problem(
            f"{path}/column",
            f"is a {source} column.",
            'That package gave every date the level "missing" and cut timestamps as raw integers, whose '
            "unit depends on the pandas version.",
            'Design it anew: "source": "date".',
        )
    numbers = (
        isinstance(edges, list)
        and len(edges) >= 2
        and all(isinstance(one, int | float) and not isinstance(one, bool) and one == one for one in edges)
    )
    if not numbers:
        yield Problem(
            f"{path}/edges",
            f"{shown(edges)} are not edges.",
            "That package wrote two numbers or more.",
            "Take them from the saved specs.json.",
        )
        return
    edges = cast(list[float], edges)
    rising = all(low < high for low, high in itertools.pairwise(edges))
    if not rising and not (len(edges) == 2 and edges[0] == edges[1]):
        yield Problem(
            f"{path}/edges",
            f"{shown(edges)} is not increasing.",
            "That package refused such edges;",
            f"did you mean {shown(sorted(set(edges)))}?",
        )
    if not isinstance(labels, list) or len(labels) != len(edges) - 1:
        yield Problem(
            f"{path}/labels",
            f"{shown(labels)} are not {len(edges) - 1} labels.",
            "That package has one label per interval.",
            "Name each interval once.",
        )


def _numeric_notes(document: Mapping[str, Any], source: ColumnKind | None) -> Iterator[str]:
    edges = document["edges"]
    yield "Read from glm-factor-optimizer 0.1.2; the levels are those it gives on a pandas frame."
    yield f"Values below {edges[0]!r} or above {edges[-1]!r} share the level 'missing' with NULL and NaN."
    if edges[0] == edges[-1]:
        yield f"Both edges are {edges[0]!r}: only that very value has a level other than 'missing'."
    if source == "text":
        yield (
            "Text is read by this project's number rule; that package let pandas.to_numeric read it, which also takes "
            "blanks around a number and words such as 'inf' (they are 'missing' here)."
        )


def _categorical(document: dict[str, Any], source: ColumnKind | None, path: str) -> CategoricalSpec:
    physical = source or "text"
    problems = [*_column_problems(document, path), *_mapping_problems(document, physical, path)]
    if problems:
        raise SpecError(problems)
    default = str(document.get("default", "other"))
    mapping = {key: default if group is None else str(group) for key, group in document["mapping"].items()}
    values, unreachable, notes = values_by_group(mapping, physical)
    order = [str(label) for label in document.get("labels") or []]
    names = list(dict.fromkeys([*(one for one in order if one in values), *values]))
    unseen: Any = {"level": default} if default in names else {"own_level": default}
    group = mapping.get(MISSING_KEY, default)
    missing: Any = {"level": group} if group in (*names, default) else {"own_level": group}
    return CategoricalSpec(
        name=_name(document),
        column=document["column"],
        source=SOURCES[physical],
        levels=[{"level": name, "values": values[name]} for name in names],
        missing=missing,
        unseen=unseen,
        notes=[*_categorical_notes(document, default, physical, unreachable), *notes, _REFERENCE],
    )


def _mapping_problems(document: Mapping[str, Any], physical: ColumnKind, path: str) -> Iterator[Problem]:
    mapping = document.get("mapping")
    if not isinstance(mapping, dict):
        yield Problem(
            f"{path}/mapping",
            f"{shown(mapping)} is not an object.",
            "That package maps each value to a group.",
            "Take it from the saved specs.json.",
        )
        return
    if physical not in SOURCES:
        yield Problem(
            f"{path}/column",
            f"is of kind {physical}.",
            "Categories are text, numbers, flags or dates.",
            "Convert the column first.",
        )
    if "" in [*mapping.values(), document.get("default", "other")]:
        yield Problem(f"{path}/mapping", "names a group with empty text.", "A level has a name.", "Rename it.")
    if physical == "timestamp":
        for key in mapping:
            moment = moment_of(key)
            if moment is not None and moment.time() != datetime.time():
                yield Problem(
                    f"{path}/mapping",
                    f"{shown(key)} has a time of day.",
                    "A factor reads a timestamp as its day.",
                    "Map a text column of that moment instead.",
                )


def _categorical_notes(
    document: Mapping[str, Any], default: str, physical: ColumnKind, unreachable: Sequence[str]
) -> Iterator[str]:
    yield "Read from glm-factor-optimizer 0.1.2; the levels are those it gives on a pandas frame."
    where = "its own group" if MISSING_KEY in document["mapping"] else f"{default!r}, like unseen values,"
    yield f"Missing was looked up as {MISSING_KEY!r}: it goes to {where} whatever the saved field 'missing' says."
    if physical in KEY_RULES:
        yield KEY_RULES[physical]
    if unreachable:
        some = ", ".join(repr(key) for key in unreachable[:5])
        more = f" and {len(unreachable) - 5} more" if len(unreachable) > 5 else ""
        yield f"No {physical} value has the text {some}{more}: never matched, left out."


def _interaction(document: dict[str, Any], source: ColumnKind | None, path: str) -> InteractionSpec:
    columns = document.get("columns")
    if not isinstance(columns, list) or len(columns) != 2 or not all(isinstance(one, str) for one in columns):
        raise SpecError.because(
            f"{shown(columns)} are not two columns.",
            "An interaction of that package is made of two outputs.",
            "Take them from the saved interaction_specs.json.",
            f"{path}/columns",
        )
    name = str(document.get("output") or "__x__".join(columns))
    return InteractionSpec(
        name=name,
        factors=columns,
        unseen="base",
        separator="|",
        notes=[
            "Read from glm-factor-optimizer 0.1.2: levels joined by '|'; cells it had not seen became the reference.",
            "It fitted every cell on top of the factors themselves, which leaves the coefficients undetermined; here "
            "only cells with no factor at its base have one.",
            "A '|' or backslash inside a level is escaped by a backslash, since it would make two cells one.",
        ],
    )
