"""The kind "numeric": a number cut into right-closed intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from glm_local.errors import Problem
from glm_local.expressions.expression import Bin, Expression, Read
from glm_local.factors.compiled_factor import CompiledFactor
from glm_local.factors.kind import Kind, register
from glm_local.factors.level_codes import base_of, codes_by_cause
from glm_local.factors.level_names import edge_number, known_part, level_names, source_of
from glm_local.factors.level_rules import learned_only_where_asked, level_names_distinct, levels_exist
from glm_local.factors.spec import BaseRule, Edge, EdgeRule, Policy, Record, Spec
from glm_local.factors.spec_fields import COLUMN, COMMON
from glm_local.factors.spec_values import (
    any_text,
    base_rule,
    edge,
    is_date,
    is_number,
    number,
    one_of,
    policy,
    record,
    shown,
    texts,
)
from glm_local.factors.words import listed


class NumericLearned(Record):
    """What training rows told: edges of a rule, names of levels where the column has two values, the base level.

    `searched` says how the edges were searched for among the responses of these rows: intervals and p-values of a fit
    on them do not know of the search (`glm_local.factors.searched_levels`).
    """

    edges: tuple[Edge, ...] | None = None
    labels: tuple[str, ...] | None = None
    base: str | None = None
    searched: str | None = None


class NumericSpec(Spec):
    """A number cut into right-closed intervals: edges 20, 25 give (-inf, 20], (20, 25], (25, inf).

    Values below `lower` and above `upper` follow the policies `below` and `above`; NULL and NaN follow `missing`.
    """

    kind: Literal["numeric"] = "numeric"
    column: str = Field(min_length=1)
    source: Literal["number", "integer", "date"] = "number"
    edges: tuple[Edge, ...] | EdgeRule = Field(description="Rising edges (dates: YYYY-MM-DD), or how to learn them")
    labels: tuple[str, ...] | None = Field(None, description="Level names, one more than edges")
    lower: Edge | None = None
    upper: Edge | None = None
    missing: Policy
    below: Policy | None = None
    above: Policy | None = None
    base: BaseRule = "largest_exposure"
    learned: NumericLearned | None = None

    @property
    def is_resolved(self) -> bool:
        return known_part(self.document(), "edges") is not None

    def compiled(self) -> CompiledFactor:
        document = self.document()
        levels = level_names(document)
        assert levels is not None
        codes, extras = codes_by_cause(document, levels)
        return CompiledFactor(self.name, tuple(levels), tuple(extras), _bin(self, document, codes), base_of(self))

    def reads(self) -> list[tuple[str, Expression]]:
        return [("column", Read(self.column))]


def _bin(spec: NumericSpec, document: Mapping[str, Any], codes: Mapping[str, int]) -> Bin:
    edges = [edge_number(edge) for edge in known_part(document, "edges")]
    outputs = list(range(len(edges) + 1))
    if spec.lower is not None:  # x < lower as a right-closed interval: x <= the double just below lower
        edges.insert(0, math.nextafter(edge_number(spec.lower), -math.inf))
        outputs.insert(0, codes["below"])
    if spec.upper is not None:
        edges.append(edge_number(spec.upper))
        outputs.append(codes["above"])
    return Bin(numeric_argument(spec), tuple(edges), tuple(outputs), codes["missing"])


def numeric_argument(spec: NumericSpec) -> Expression:
    """What a numeric factor cuts: its column as number, integer or date (days since 1970-01-01)."""
    return Read(spec.column, spec.source)


_EDGE_RULE = record({"method": one_of("quantile", "uniform"), "bins": number})


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


_NUMERIC_LEVELS = {"edges", "labels", "lower", "upper", "source", "missing", "below", "above", "base", "learned"}


def _words(document: Mapping[str, Any]) -> list[str]:
    edges, column = known_part(document, "edges"), document["column"]
    if edges is None:
        rule = document["edges"]
        return [f"Column {column}, to be cut into {rule['bins']} levels by {rule['method']}."]
    levels = level_names(document) or []
    learned = "" if isinstance(document["edges"], list) else f" (learned by {document['edges']['method']})"
    if not edges:
        return [f"Column {column}, not cut."]
    own = len(levels) - len(edges) - 1
    extra = f", and {own} of {'its' if own == 1 else 'their'} own" if own else ""
    return [
        f"Column {column}, cut at {listed(edges)}{learned} into {len(edges) + 1} levels{extra}; "
        "an edge belongs to the level below it."
    ]


register(
    Kind(
        "numeric",
        "levels",
        {
            **COMMON,
            **COLUMN,
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
        ("name", "column", "edges", "missing"),
        [
            ({"source", "edges", "learned", "lower", "upper"}, _edges_fit_source),
            ({"source", "edges", "learned", "lower", "upper"}, _limits),
            ({"below", "above", "lower", "upper"}, _limit_policies),
            ({"labels", "edges", "learned"}, _labels),
            ({"edges", "learned"}, learned_only_where_asked),
            (_NUMERIC_LEVELS - {"base"}, level_names_distinct),
            (_NUMERIC_LEVELS, levels_exist),
        ],
        _words,
        {
            "edges": (
                "A numeric factor is cut at edges.",
                'Add "edges": [20, 25] or {"method": "quantile", "bins": 10}.',
            )
        },
    )
)
