"""Learning what factors ask of the training rows: values of a column, cut points, mean and spread.

Values, means and spreads of all factors come from one `cells` pass, cut points of all factors from one `quantiles`
pass; a pass nobody needs is not made, so learning takes at most two passes over the rows, whatever the number of
factors. Spreads below a thousandth of the values' size take one more, around the means: squares lost their digits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import numpy as np

from glm_local.errors import DataError, SpecError
from glm_local.expressions.category_key import Key, category_key, json_value, sorted_keys
from glm_local.expressions.expression import (
    AllOf,
    Arithmetic,
    Compare,
    Expression,
    IsMissing,
    Read,
    When,
)
from glm_local.expressions.expression import Literal as Constant
from glm_local.factors.factor_spec import (
    SPEC_OF_KIND,
    CategoricalSpec,
    EdgeRule,
    FactorSpec,
    InteractionSpec,
    NumberSpec,
    NumericSpec,
)
from glm_local.factors.kinds.numeric import numeric_argument
from glm_local.factors.learn_edges import Cuts, asked_probabilities, learned_edges
from glm_local.factors.level_names import edge_number, source_of
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import Engine, Frame
from glm_local.rows.quantile_grid import CUT

MOST_LEVELS = 10_000

ROUNDING = 1e-15
"""Spread of equal values, as a share of their size, that rounding of sums around their mean can make."""

SpecT = TypeVar("SpecT", bound=Any)


@dataclass(frozen=True)
class LearningRequests:
    """What factors ask of the rows: design tables (one pass) and cut points (one more pass).

    Parameters
    ----------
    cells
        One request per factor with values or moments to learn; its name is the factor's.
    quantiles
        Factor to the number expression whose cut points it wants.
    probabilities
        All probabilities some factor wants, rising.
    """

    cells: tuple[CellRequest, ...] = ()
    quantiles: Mapping[str, Expression] = field(default_factory=dict)
    probabilities: tuple[float, ...] = ()


def learn_factors(
    engine: Engine[Frame],
    frame: Frame,
    specs: Sequence[FactorSpec],
    weight: Expression | None = None,
    where: Expression | None = None,
) -> tuple[FactorSpec, ...]:
    """Return the factors with their `learned` part filled from the rows; those with nothing to learn as they are.

    Passes: at most three (values, means and spreads; spreads far below their mean once more, around it; cut points).

    Parameters
    ----------
    engine, frame
        Who holds the training rows, and the rows.
    weight
        Number expression, usually the exposure: weighs cut points, means and spreads. None counts rows.
    where
        Flag; only rows where it is true count.

    Raises
    ------
    DataError
        More than 10,000 values in a categorical column, no known value at all, no spread, or a value named like a
        level of its own.
    """
    asked = learning_requests(specs, weight, where)
    tables: Mapping[str, DesignTable | None] = engine.cells(frame, asked.cells) if asked.cells else {}
    means = {spec.name: _mean(tables[spec.name]) for spec in specs if _loses_digits(spec, tables.get(spec.name))}
    again = [_moments_request(spec, weight, where, means[spec.name]) for spec in _linear(specs) if spec.name in means]
    if again:
        tables = {**tables, **engine.cells(frame, again)}
    points: Mapping[str, Any] = {}
    if asked.quantiles:
        points = engine.quantiles(frame, asked.quantiles, asked.probabilities, weight, where, neighbours=True)
    learned = []
    for spec in specs:
        cuts = None
        if spec.name in points:
            cuts = dict(zip(asked.probabilities, points[spec.name].T, strict=True))
        learned.append(learn(spec, tables.get(spec.name), cuts, means.get(spec.name, 0.0)))
    return tuple(learned)


def _linear(specs: Sequence[FactorSpec]) -> list[NumberSpec]:
    return [spec for spec in specs if isinstance(spec, NumberSpec)]


def _mean(table: DesignTable | None) -> float:
    weight, value, _ = _sums(table)
    return value / weight


def _loses_digits(spec: FactorSpec, table: DesignTable | None) -> bool:
    """Whether a spread is asked for that the sum of squares tells with less than ten digits."""
    if not isinstance(spec, NumberSpec) or spec.is_resolved or "sd" not in spec.asked_moments():
        return False
    weight, value, square = _sums(table)
    if not weight > 0 or not math.isfinite(square):
        return False
    return square / weight - (value / weight) ** 2 < 1e-6 * square / weight


def _sums(table: DesignTable | None) -> tuple[float, float, float]:
    """Of weight, weight times value and weight times its square; 0 without a row."""
    if table is None or not len(table):
        return 0.0, 0.0, 0.0
    return float(table.sums["weight"][0]), float(table.sums["value"][0]), float(table.sums["square"][0])


def learning_requests(
    specs: Sequence[FactorSpec], weight: Expression | None = None, where: Expression | None = None
) -> LearningRequests:
    """Return what some factors have to ask; merge the cells with other requests to share their pass."""
    cells: list[CellRequest] = []
    quantiles: dict[str, Expression] = {}
    probabilities: set[float] = set()
    for spec in specs:
        if spec.is_resolved:
            continue
        if isinstance(spec, NumericSpec):
            quantiles[spec.name] = _within_limits(spec)
            probabilities |= set(asked_probabilities(cast(EdgeRule, spec.edges)))
        elif isinstance(spec, NumberSpec):
            cells.append(_moments_request(spec, weight, where))
        else:
            by = {"value": Read(spec.column, spec.source)}  # type: ignore[union-attr]
            cells.append(CellRequest(spec.name, by, where=where, limit=MOST_LEVELS + 1, overflow="none"))
    return LearningRequests(tuple(cells), quantiles, tuple(sorted(probabilities)))


def _within_limits(spec: NumericSpec) -> Expression:
    """Values outside the limits have policies of their own: they take no part in cut points."""
    argument = numeric_argument(spec)
    number: Expression = Arithmetic("*", argument, Constant(1.0))
    limits: list[Expression] = []
    if spec.lower is not None:
        limits.append(Compare(">=", number, Constant(edge_number(spec.lower))))
    if spec.upper is not None:
        limits.append(Compare("<=", number, Constant(edge_number(spec.upper))))
    return When(AllOf(tuple(limits)), number, Constant(None)) if limits else number


def _moments_request(
    spec: NumberSpec, weight: Expression | None, where: Expression | None, centre: float = 0.0
) -> CellRequest:
    value, one = spec.argument(), Constant(1.0) if weight is None else weight
    value = Arithmetic("-", value, Constant(centre)) if centre else value
    times = Arithmetic("*", one, value)
    sums: dict[str, Expression] = {
        "weight": When(IsMissing(value), Constant(0.0), one),
        "value": times,
        "square": Arithmetic("*", times, value),
    }
    return CellRequest(spec.name, {}, sums, where)


def learn(
    spec: FactorSpec, table: DesignTable | None = None, cuts: Cuts | None = None, centre: float = 0.0
) -> FactorSpec:
    """Put the answer to one factor's request into its `learned` part.

    Parameters
    ----------
    table
        Answer to its cell request; None for a categorical factor is "too many values".
    cuts
        Probability to cut point and the values around it.
    centre
        What was taken from a linear factor's values before they were added up.
    """
    if spec.is_resolved:
        return spec
    if isinstance(spec, NumericSpec):
        if not cuts or math.isnan(cuts[0.0][CUT]):
            raise _nothing_known(spec.name)
        return _with_learned(spec, **learned_edges(spec, cuts))
    if isinstance(spec, NumberSpec):
        return _with_learned(spec, **_learned_moments(spec, table, centre))
    return _with_learned(spec, levels=_learned_levels(cast(CategoricalSpec, spec), table))


def _with_learned(spec: SpecT, **learned: object) -> SpecT:
    document = spec.document()
    document["learned"] = {**document.get("learned", {}), **learned}
    try:
        return cast(SpecT, SPEC_OF_KIND[spec.kind](**document))
    except SpecError as error:
        raise DataError(error.problems, source=f"what the rows of {spec.name!r} told") from None


def learn_values(spec: SpecT, values: Sequence[Key]) -> SpecT:
    """Return a categorical factor with the column's values learned elsewhere, as JSON holds them."""
    return _with_learned(spec, levels=list(values))


def _learned_levels(spec: CategoricalSpec, table: DesignTable | None) -> list[Key]:
    if table is None:
        raise _too_many(spec)
    source = source_of(spec.document())
    values = np.asarray(table.keys["value"])[~np.asarray(table.missing["value"])]
    keys = {key for value in values if (key := category_key(value, source)) is not None}
    if len(keys) > MOST_LEVELS:
        raise _too_many(spec)
    if not keys:
        raise _nothing_known(spec.name)
    return [json_value(key) for key in sorted_keys(keys)]


def _too_many(spec: CategoricalSpec) -> DataError:
    return cast(
        DataError,
        DataError.because(
            f"column {spec.column!r} of {spec.name!r} has more than {MOST_LEVELS:,} values.",
            f"A factor learns at most {MOST_LEVELS:,} levels.",
            "Write its levels as groups, or use a coarser column.",
        ),
    )


def _nothing_known(name: str) -> DataError:
    return cast(
        DataError,
        DataError.because(
            f"no training row has a known value for {name!r}.",
            "Learning needs at least one.",
            "Check the column and its source, or write out what is to be learned.",
        ),
    )


def _learned_moments(spec: NumberSpec, table: DesignTable | None, centre: float) -> dict[str, float]:
    weight, value, square = _sums(table)
    if not weight > 0:
        raise _nothing_known(spec.name)
    shift, square = value / weight, square / weight
    mean = centre + shift
    if not math.isfinite(square):
        raise DataError.because(
            f"{spec.name!r} holds values too large to average.",
            "Mean and spread need finite sums.",
            'Give a "cap", or write centre and scale as numbers.',
        )
    moments = {"mean": mean}
    if "sd" in spec.asked_moments():
        variance = square - shift * shift
        if not variance > ROUNDING**2 * (mean * mean + square):
            raise DataError.because(
                f"{spec.name!r} does not vary beyond the rounding of its values.",
                "A scale divides: it is above 0.",
                "Write centre and scale as numbers, or leave the factor out.",
            )
        moments["sd"] = math.sqrt(variance)
    return {name: one for name, one in moments.items() if name in spec.asked_moments()}


def written_out(spec: NumericSpec) -> NumericSpec:
    """The factor with learned edges written where edges were asked for; what else it says stays."""
    if not isinstance(spec.edges, EdgeRule) or spec.learned is None or spec.learned.edges is None:
        return spec
    document = spec.document()
    learned = document.pop("learned")
    labels = {"labels": learned["labels"]} if learned.get("labels") and spec.labels is None else {}
    kept = {"learned": {"searched": learned["searched"]}} if learned.get("searched") else {}
    return NumericSpec(**{**document, "edges": learned["edges"], **labels, **kept})


def with_base(spec: SpecT, level: str) -> SpecT:
    """Return the factor with its base level learned (for an interaction: its base cell)."""
    return _with_learned(spec, base=level)


def with_cells(spec: InteractionSpec, cells: Sequence[Sequence[str]]) -> InteractionSpec:
    """Return the interaction with the cells that have coefficients, as level names of its members with levels."""
    return _with_learned(spec, cells=[list(cell) for cell in cells])
