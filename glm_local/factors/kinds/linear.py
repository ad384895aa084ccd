"""The kind "linear": a number used as it is, capped, centred and scaled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, cast

from pydantic import Field

from glm_local.errors import Problem, SpecError
from glm_local.expressions.expression import Arithmetic, Clip, Expression, Read
from glm_local.expressions.expression import Literal as Constant
from glm_local.expressions.expression_columns import type_of
from glm_local.expressions.expression_json import expression_from_json
from glm_local.factors.kind import Kind, register
from glm_local.factors.spec import Cap, Number, NumberSpec, Record
from glm_local.factors.spec_fields import COLUMN, COMMON
from glm_local.factors.spec_values import anything, is_number, near_or, number, number_or, record, shown


class LinearLearned(Record):
    """What training rows told: mean and standard deviation of the capped value where it is known."""

    mean: float | None = None
    sd: float | None = None


class LinearSpec(NumberSpec):
    """A number used as it is: capped, missing filled, then (value - centre) / scale."""

    kind: Literal["linear"] = "linear"
    column: str | None = Field(None, min_length=1)
    source: Literal["number", "integer", "date"] = "number"
    expression: Any = Field(None, description="An expression document instead of a column")
    cap: Cap | None = None
    centre: Number | Literal["mean"] = 0
    scale: Number | Literal["sd"] = 1
    missing: Literal["refuse", "mean"] | Number
    learned: LinearLearned | None = None

    def argument(self) -> Expression:
        """What is taken, capped, as a number; missing is not filled yet."""
        argument: Expression
        if self.expression is not None:
            argument = expression_from_json(self.expression, "/expression")
        else:
            argument = Read(cast(str, self.column), self.source)
        if type_of(argument) != "number":
            argument = Arithmetic("*", argument, Constant(1.0))
        if self.cap is None:
            return argument
        lower, upper = (None if limit is None else float(limit) for limit in (self.cap.lower, self.cap.upper))
        return Clip(argument, lower, upper)

    def asked_moments(self) -> set[str]:
        moments = {"mean"} if "mean" in (self.centre, self.missing) else set()
        return moments | ({"sd"} if self.scale == "sd" else set())

    def value(self) -> Expression:
        mean = self.learned.mean if self.learned else None
        sd = self.learned.sd if self.learned else None
        fill = None if self.missing == "refuse" else mean if self.missing == "mean" else self.missing
        value = self.filled(self.argument(), cast("float | None", fill))
        centre = float(cast(float, mean if self.centre == "mean" else self.centre))
        scale = float(cast(float, sd if self.scale == "sd" else self.scale))
        if centre != 0:
            value = Arithmetic("-", value, Constant(centre))
        return value if scale == 1 else Arithmetic("/", value, Constant(scale))


def number_missing(value: Any, path: str) -> Iterator[Problem]:
    """What missing becomes where a factor gives a number."""
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


def _words(document: Mapping[str, Any]) -> list[str]:
    learned = document.get("learned") or {}
    what = f"Column {document['column']}" if document.get("column") else "An expression"
    cap = document.get("cap") or {}
    limits = [f"{word} {cap[name]:g}" for name, word in (("lower", "at least"), ("upper", "at most")) if name in cap]
    sentence = f"{what} as a number{', moved to ' + ' and '.join(limits) if limits else ''}"
    for name, verb, own in (("centre", "less", "mean"), ("scale", "divided by", "sd")):
        asked = document.get(name, 0 if name == "centre" else 1)
        if asked == own:
            sentence += f", {verb} its {own}" + (f" ({learned[own]:.6g})" if own in learned else "")
        elif asked != (0 if name == "centre" else 1):
            sentence += f", {verb} {asked:g}"
    return [f"{sentence}."]


NUMBER_MISSING = ("Say what missing becomes:", 'a number, "mean" or "refuse".')

register(
    Kind(
        "linear",
        "number",
        {
            **COMMON,
            **COLUMN,
            "expression": anything,
            "cap": record({}, {"lower": number, "upper": number}),
            "centre": number_or("mean"),
            "scale": _scale,
            "missing": number_missing,
            "learned": record({}, {"mean": number, "sd": number}),
        },
        ("name", "missing"),
        [
            ({"column", "expression", "source"}, _one_argument),
            ({"cap"}, _cap),
            ({"expression"}, _expression),
            ({"learned"}, _spread),
        ],
        _words,
        {"missing": NUMBER_MISSING},
    )
)
