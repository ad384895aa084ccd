"""The kind "hinge": how far a number lies beyond a knot, 0 before it; beside a linear term it bends the line there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from glm_local.expressions.expression import Arithmetic, Clip, Expression
from glm_local.expressions.expression import Literal as Constant
from glm_local.factors.kind import Kind, register
from glm_local.factors.kinds.linear import NUMBER_MISSING, number_missing
from glm_local.factors.spec import Number, NumberSpec, Record, column_number
from glm_local.factors.spec_fields import COLUMN, COMMON
from glm_local.factors.spec_values import number, one_of, record


class HingeLearned(Record):
    """What training rows told: the mean of the term where it is known."""

    mean: float | None = None


class HingeSpec(NumberSpec):
    """``max(x - knot, 0)``, or ``max(knot - x, 0)`` on the side below (Friedman 1991)."""

    kind: Literal["hinge"] = "hinge"
    column: str = Field(min_length=1)
    source: Literal["number", "integer", "date"] = "number"
    knot: Number = Field(description="Where the term leaves 0; of dates the day, counted from 1970-01-01")
    side: Literal["above", "below"] = "above"
    missing: Literal["refuse", "mean"] | Number
    learned: HingeLearned | None = None

    def argument(self) -> Expression:
        """How far the number lies beyond the knot."""
        number, knot = column_number(self.column, self.source), Constant(float(self.knot))
        beyond = Arithmetic("-", number, knot) if self.side == "above" else Arithmetic("-", knot, number)
        return Clip(beyond, 0.0, None)

    def asked_moments(self) -> set[str]:
        return {"mean"} if self.missing == "mean" else set()

    def value(self) -> Expression:
        mean = self.learned.mean if self.learned else None
        fill = None if self.missing == "refuse" else mean if self.missing == "mean" else self.missing
        return self.filled(self.argument(), fill)


def _words(document: Mapping[str, Any]) -> list[str]:
    side = document.get("side", "above")
    return [f"Column {document['column']} as how far it lies {side} {document['knot']:g}, 0 on the other side."]


register(
    Kind(
        "hinge",
        "number",
        {
            **COMMON,
            **COLUMN,
            "knot": number,
            "side": one_of("above", "below"),
            "missing": number_missing,
            "learned": record({}, {"mean": number}),
        },
        ("name", "column", "knot", "missing"),
        [],
        _words,
        {"missing": NUMBER_MISSING, "knot": ("A hinge has a knot, where it leaves 0.", 'Add "knot": 25.')},
    )
)
