"""The kinds "categorical" and "ordinal": values as levels, alone or grouped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

from pydantic import Field

from glm_local.errors import Problem
from glm_local.expressions.category_key import Key, ValueKind, category_key, sorted_keys, stored_forms
from glm_local.expressions.expression import Expression, Lookup, Read
from glm_local.factors.compiled_factor import CompiledFactor
from glm_local.factors.kind import Kind, register
from glm_local.factors.level_codes import base_of, codes_by_cause
from glm_local.factors.level_names import known_part, level_names, level_values, source_of
from glm_local.factors.level_rules import learned_only_where_asked, level_names_distinct, levels_exist
from glm_local.factors.spec import BaseRule, Group, Policy, Record, Spec, Value
from glm_local.factors.spec_fields import COMMON
from glm_local.factors.spec_values import (
    any_text,
    anything,
    base_rule,
    is_number,
    near_or,
    one_of,
    policy,
    record,
    shown,
    whole_characters,
)
from glm_local.factors.words import listed


class CategoricalLearned(Record):
    """What training rows told: the values of the column, sorted; the base level; how groups were searched for."""

    levels: tuple[Value, ...] | None = None
    base: str | None = None
    searched: str | None = None


class CategoricalSpec(Spec):
    """Values as levels, alone or grouped; values not named follow `unseen`, NULL and NaN follow `missing`."""

    kind: Literal["categorical"] = "categorical"
    column: str = Field(min_length=1)
    source: ValueKind = "text"
    levels: tuple[Value | Group, ...] | Literal["learn"] = "learn"
    missing: Policy
    unseen: Policy
    base: BaseRule = "largest_exposure"
    learned: CategoricalLearned | None = None

    @property
    def is_resolved(self) -> bool:
        return known_part(self.document(), "levels") is not None

    def compiled(self) -> CompiledFactor:
        document = self.document()
        levels = level_names(document)
        assert levels is not None
        codes, extras = codes_by_cause(document, levels)
        code = _lookup(self.column, document, codes)
        return CompiledFactor(self.name, tuple(levels), tuple(extras), code, base_of(self))

    def reads(self) -> list[tuple[str, Expression]]:
        return [("column", Read(self.column))]


class OrdinalSpec(CategoricalSpec):
    """A categorical factor whose order of levels carries meaning; learned levels are sorted by value."""

    kind: Literal["ordinal"] = "ordinal"  # type: ignore[assignment]


def _lookup(column: str, document: Mapping[str, Any], codes: Mapping[str, int]) -> Lookup:
    source = source_of(document)
    code_of: dict[Key, int] = {}
    for code, level in enumerate(known_part(document, "levels")):
        for value in level_values(level):
            code_of[cast(Key, category_key(value, source))] = code
    for key in list(code_of):  # a value of the list wins over another one's float32 form
        for form in stored_forms(key, source):
            code_of.setdefault(form, code_of[key])
    keys = sorted_keys(code_of)
    return Lookup(
        Read(column, source), tuple(keys), tuple(code_of[key] for key in keys), codes["missing"], codes["unseen"]
    )


_GROUP = record({"level": any_text, "values": anything})


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


_CATEGORICAL_LEVELS = {"source", "levels", "missing", "unseen", "base", "learned"}


MOST_NAMED = 24


def _words(document: Mapping[str, Any]) -> list[str]:
    levels = known_part(document, "levels")
    if levels is None:
        return [f"Column {document['column']}, levels to be learned."]
    values = sum(len(level_values(level)) for level in levels)
    order = ", whose order has a meaning" if document["kind"] == "ordinal" else ""
    sentences = [f"Column {document['column']}, {values} values in {len(levels)} levels{order}."]
    groups = [level for level in levels if isinstance(level, Mapping) and len(level["values"]) > 1]
    sentences += [f"Level {group['level']}: {listed(group['values'])}." for group in groups[:MOST_NAMED]]
    if len(groups) > MOST_NAMED:
        sentences.append(f"{len(groups) - MOST_NAMED} more groups are in the spec.")
    return sentences


_FIELDS = {
    **COMMON,
    "column": any_text,
    "source": one_of("text", "integer", "boolean", "date", "number"),
    "levels": _levels,
    "missing": policy,
    "unseen": policy,
    "base": base_rule,
    "learned": record({}, {"levels": _levels, "base": any_text, "searched": any_text}),
}
for _name in ("categorical", "ordinal"):
    register(
        Kind(
            _name,
            "levels",
            _FIELDS,
            ("name", "column", "missing", "unseen"),
            [
                ({"source", "levels", "learned"}, _values_fit_source),
                ({"levels", "learned"}, learned_only_where_asked),
                ({"source", "levels", "learned", "missing", "unseen"}, level_names_distinct),
                (_CATEGORICAL_LEVELS, levels_exist),
            ],
            _words,
        )
    )
