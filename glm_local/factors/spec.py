"""What every factor specification has, and what is asked of it: kinds are in `glm_local.factors.kinds`."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from glm_local.errors import SpecError
from glm_local.expressions.expression import Arithmetic, Expression, IfMissing, Read
from glm_local.expressions.expression import Literal as Constant
from glm_local.factors.compiled import Compiled
from glm_local.factors.compiled_factor import CompiledLinear
from glm_local.factors.kind import Values
from glm_local.factors.spec_fields import document_problems
from glm_local.texts.plain_json import plain_json

Number = int | float


Edge = int | float | str


Value = bool | int | float | str


class Record(BaseModel):
    """A part of a specification; it cannot be changed, and has no other fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NamedLevel(Record):
    """An existing level, by its name."""

    level: str = Field(min_length=1)


class OwnLevel(Record):
    """A level of its own, by the name it is given."""

    own_level: str = Field(min_length=1)


Policy = Literal["own_level", "base", "refuse"] | NamedLevel | OwnLevel
"""What a cause becomes: a level of its own (named after the cause, or as told), the base, an error, a level."""

BaseRule = Literal["largest_exposure"] | NamedLevel
"""The reference level: the one with the largest sum of weights in training, or a chosen one.

With a log link, variance power p and exposure e, weights are weight * e^(2-p): the exposure of a Poisson model, the
weight of a gamma model (`glm_local.scoring.model_spec.Coefficient`).
"""


EdgeMethod = Literal["quantile", "uniform"]
"""Bins of equal share, or of equal width."""


class EdgeRule(Record):
    """Edges to be learned from the training rows: `bins` intervals of equal share (quantile) or width (uniform)."""

    method: EdgeMethod
    bins: int = Field(ge=1, le=1000)


class Group(Record):
    """Several values that are one level."""

    level: str = Field(min_length=1)
    values: tuple[Value, ...] = Field(min_length=1)


class Cap(Record):
    """Limits a value is moved into."""

    lower: Number | None = None
    upper: Number | None = None


class Spec(BaseModel):
    """What every factor specification has: kind, version, name and notes.

    Notes are for readers and change nothing. Building one raises `SpecError` with every problem at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    values: ClassVar[Values] = "levels"
    """What a factor of the kind gives a row."""

    kind: str
    version: Literal[1] = 1
    name: str = Field(min_length=1, description="Name of the factor in the model")
    notes: tuple[str, ...] = ()

    def __init__(self, /, **fields: Any) -> None:
        kind = type(self).model_fields["kind"].default
        document = plain_json({**fields, "kind": fields.get("kind", kind)})
        problems = document_problems(document, "", expected_kind=kind)
        if problems:
            raise SpecError(problems, source=str(fields.get("name", "")))
        assert isinstance(document, dict)
        super().__init__(**{name: value for name, value in document.items() if value is not None})

    def document(self) -> dict[str, Any]:
        """Return the JSON document of the specification, without what was not said."""
        return {
            name: value
            for name, value in _without_none(self.model_dump(mode="json")).items()
            if not (name == "notes" and value == [])
        }

    @property
    def is_resolved(self) -> bool:
        """Whether training rows have nothing left to tell (base level and crossed cells are the fit's to tell)."""
        raise NotImplementedError

    def compiled(self) -> Compiled:
        """The factor as expressions; what is to be learned must be known."""
        raise NotImplementedError

    def reads(self) -> list[tuple[str, Expression]]:
        """What the factor takes of a row, by the field that says so; nothing for one made of other factors."""
        raise NotImplementedError


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        known = {name: one for name, one in value.items() if one is not None}
        # An expression's null says something: what a map makes of missing.
        return {name: one if name == "expression" else _without_none(one) for name, one in known.items()}
    return [_without_none(one) for one in value] if isinstance(value, list) else value


class NumberSpec(Spec):
    """A factor that gives a row a number: one coefficient, no levels."""

    values: ClassVar[Values] = "number"

    missing: Any
    learned: Any = None

    def argument(self) -> Expression:
        """What the factor takes, as a number; missing is not filled yet."""
        raise NotImplementedError

    def value(self) -> Expression:
        """The number a row gets."""
        raise NotImplementedError

    def asked_moments(self) -> set[str]:
        """Which of mean and sd of the argument training rows are asked for."""
        return set()

    @property
    def is_resolved(self) -> bool:
        return all(getattr(self.learned, name, None) is not None for name in self.asked_moments())

    def compiled(self) -> Compiled:
        return CompiledLinear(self.name, self.value())

    def reads(self) -> list[tuple[str, Expression]]:
        return [("column" if getattr(self, "expression", None) is None else "expression", self.argument())]

    def filled(self, argument: Expression, fill: float | None) -> Expression:
        """An argument with what stands for missing; None leaves it missing, which is refused."""
        return argument if fill is None else IfMissing(argument, Constant(float(fill)))


def column_number(column: str, source: Literal["number", "integer", "date"]) -> Expression:
    """A column as a number; dates are days since 1970-01-01."""
    argument: Expression = Read(column, source)
    return argument if source == "number" else Arithmetic("*", argument, Constant(1.0))
