"""Factor specifications: how raw columns become one factor. What was asked and what was learned lie apart."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from glm_local.errors import SpecError
from glm_local.expressions.category_key import ValueKind
from glm_local.factors.level_names import SEPARATOR
from glm_local.factors.spec_fields import document_problems
from glm_local.texts.plain_json import plain_json

VERSION = 1

Number = int | float
Edge = int | float | str
Value = bool | int | float | str


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NamedLevel(_Record):
    """An existing level, by its name."""

    level: str = Field(min_length=1)


class OwnLevel(_Record):
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


class EdgeRule(_Record):
    """Edges to be learned from the training rows: `bins` intervals of equal share (quantile) or width (uniform)."""

    method: EdgeMethod
    bins: int = Field(ge=1, le=1000)


class Group(_Record):
    """Several values that are one level."""

    level: str = Field(min_length=1)
    values: tuple[Value, ...] = Field(min_length=1)


class Cap(_Record):
    """Limits a value is moved into."""

    lower: Number | None = None
    upper: Number | None = None


class NumericLearned(_Record):
    """What training rows told: edges of a rule, names of levels where the column has two values, the base level.

    `searched` says how the edges were searched for among the responses of these rows: intervals and p-values of a fit
    on them do not know of the search (`glm_local.factors.searched_levels`).
    """

    edges: tuple[Edge, ...] | None = None
    labels: tuple[str, ...] | None = None
    base: str | None = None
    searched: str | None = None


class CategoricalLearned(_Record):
    """What training rows told: the values of the column, sorted; the base level; how groups were searched for."""

    levels: tuple[Value, ...] | None = None
    base: str | None = None
    searched: str | None = None


class LinearLearned(_Record):
    """What training rows told: mean and standard deviation of the capped value where it is known."""

    mean: float | None = None
    sd: float | None = None


class InteractionLearned(_Record):
    """The cells that have a coefficient, by the names of their levels: those named, else those with training rows; the
    base cell."""

    cells: tuple[tuple[str, ...], ...] | None = None
    base: str | None = None


class Spec(BaseModel):
    """What every factor specification has: kind, version, name and notes.

    Notes are for readers and change nothing. Building one raises `SpecError` with every problem at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

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


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        known = {name: one for name, one in value.items() if one is not None}
        # An expression's null says something: what a map makes of missing.
        return {name: one if name == "expression" else _without_none(one) for name, one in known.items()}
    return [_without_none(one) for one in value] if isinstance(value, list) else value


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


class OrdinalSpec(CategoricalSpec):
    """A categorical factor whose order of levels carries meaning; learned levels are sorted by value."""

    kind: Literal["ordinal"] = "ordinal"  # type: ignore[assignment]


class LinearSpec(Spec):
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


class InteractionSpec(Spec):
    """Levels of two or more factors crossed; at most one may be linear (then: one slope per cell of the others).

    `net_of_margins` gives a coefficient to cells where no factor is at its base, on top of the factors themselves;
    `cells` gives one to every cell but the base cell.
    """

    kind: Literal["interaction"] = "interaction"
    factors: tuple[str, ...] = Field(min_length=2)
    unseen: Literal["base", "refuse"] | NamedLevel = Field(description="Cells without training rows")
    coding: Literal["net_of_margins", "cells"] = "net_of_margins"
    base: BaseRule = "largest_exposure"
    separator: str = Field(SEPARATOR, min_length=1, description="Between the level names of a cell")
    learned: InteractionLearned | None = None


FactorSpec = Annotated[
    NumericSpec | CategoricalSpec | OrdinalSpec | LinearSpec | InteractionSpec, Field(discriminator="kind")
]

SPEC_OF_KIND: dict[str, type[Spec]] = {
    "numeric": NumericSpec,
    "categorical": CategoricalSpec,
    "ordinal": OrdinalSpec,
    "linear": LinearSpec,
    "interaction": InteractionSpec,
}
