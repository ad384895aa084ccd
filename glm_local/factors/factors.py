"""Factor specifications from Python: one function per kind, checked whole as they are built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from glm_local.expressions.category_key import ValueKind
from glm_local.factors.factor_spec import (
    CategoricalSpec,
    Edge,
    InteractionSpec,
    LinearSpec,
    NumericSpec,
    OrdinalSpec,
    Value,
)

PolicyLike = str | Mapping[str, str]
"""``"own_level"``, ``"base"``, ``"refuse"``, ``{"level": "existing"}`` or ``{"own_level": "new name"}``."""

BaseLike = str | Mapping[str, Any]
"""``"largest_exposure"``, or ``{"level": "A"}``."""


def numeric(
    name: str,
    column: str | None = None,
    *,
    edges: Sequence[Edge] | Mapping[str, Any],
    missing: PolicyLike,
    source: Literal["number", "integer", "date"] = "number",
    labels: Sequence[str] | None = None,
    lower: Edge | None = None,
    upper: Edge | None = None,
    below: PolicyLike | None = None,
    above: PolicyLike | None = None,
    base: BaseLike | None = None,
    notes: Sequence[str] = (),
) -> NumericSpec:
    """Build a number cut into right-closed intervals.

    Parameters
    ----------
    name
        Name of the factor, and of its column unless `column` is given.
    edges
        Rising numbers (dates: YYYY-MM-DD), or ``{"method": "quantile", "bins": 10}``.
    missing
        What missing becomes.
    labels
        Level names, one more than edges.
    lower, upper, below, above
        Values beyond a limit follow the policy beside it.
    base
        A level, or the rule that finds it; None is the level of most exposure.
    notes
        For readers; they change nothing.

    Raises
    ------
    SpecError
        With every problem.

    Examples
    --------
    >>> numeric("age", edges=[20, 25], missing="refuse").document()["edges"]
    [20, 25]
    """
    return NumericSpec(
        name=name,
        column=column or name,
        source=source,
        edges=edges,
        missing=missing,
        labels=labels,
        lower=lower,
        upper=upper,
        below=below,
        above=above,
        notes=notes,
        **_known(base=base),
    )


def categorical(
    name: str,
    column: str | None = None,
    *,
    missing: PolicyLike,
    unseen: PolicyLike,
    levels: Sequence[Value | Mapping[str, Any]] | Literal["learn"] = "learn",
    source: ValueKind = "text",
    base: BaseLike | None = None,
    notes: Sequence[str] = (),
) -> CategoricalSpec:
    """Build values as levels; ``{"level": "south", "values": ["A", "B"]}`` groups some."""
    return CategoricalSpec(
        name=name,
        column=column or name,
        source=source,
        levels=levels,
        missing=missing,
        unseen=unseen,
        notes=notes,
        **_known(base=base),
    )


def ordinal(
    name: str,
    column: str | None = None,
    *,
    missing: PolicyLike,
    unseen: PolicyLike,
    levels: Sequence[Value | Mapping[str, Any]] | Literal["learn"] = "learn",
    source: ValueKind = "text",
    base: BaseLike | None = None,
    notes: Sequence[str] = (),
) -> OrdinalSpec:
    """Build values as levels whose order carries meaning; learned ones are sorted by value."""
    return OrdinalSpec(
        name=name,
        column=column or name,
        source=source,
        levels=levels,
        missing=missing,
        unseen=unseen,
        notes=notes,
        **_known(base=base),
    )


def linear(
    name: str,
    column: str | None = None,
    *,
    missing: Literal["refuse", "mean"] | float,
    expression: object = None,
    cap: tuple[float | None, float | None] | None = None,
    centre: float | Literal["mean"] = 0,
    scale: float | Literal["sd"] = 1,
    source: Literal["number", "integer", "date"] = "number",
    notes: Sequence[str] = (),
) -> LinearSpec:
    """Build a number used as it is: a column or an expression document, capped at `cap`, centred and scaled.

    Examples
    --------
    >>> linear("bonus", "BonusMalus", cap=(None, 150), missing="refuse").document()["cap"]
    {'upper': 150}
    """
    column = column if expression is not None else column or name
    limits = None if cap is None else {"lower": cap[0], "upper": cap[1]}
    return LinearSpec(
        name=name,
        column=column,
        expression=expression,
        cap=limits,
        centre=centre,
        scale=scale,
        missing=missing,
        source=source,
        notes=notes,
    )


def interaction(
    name: str,
    factors: Sequence[str],
    *,
    unseen: PolicyLike,
    coding: Literal["net_of_margins", "cells"] = "net_of_margins",
    base: BaseLike | None = None,
    separator: str | None = None,
    notes: Sequence[str] = (),
) -> InteractionSpec:
    """Build a crossing of factors of the same model, by their names."""
    return InteractionSpec(
        name=name,
        factors=factors,
        unseen=unseen,
        coding=coding,
        notes=notes,
        **_known(base=base, separator=separator),
    )


def _known(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
