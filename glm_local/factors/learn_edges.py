"""Edges a rule asks for, from the cut points the rows gave and the values around them."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.category_key import number_text
from glm_local.factors.factor_spec import EdgeRule, NumericSpec
from glm_local.factors.level_names import EPOCH
from glm_local.numbers.short_edges import FURTHEST, short_between, uniform_edges
from glm_local.rows.quantile_grid import ABOVE, BELOW, CUT, REACHED

Cuts = Mapping[float, NDArray[np.float64]]
"""Probability to cut point and the values around it (`glm_local.rows.quantile_grid.CUT`)."""


def asked_probabilities(rule: EdgeRule) -> list[float]:
    """Return the cut points a rule needs; the smallest and the largest value always."""
    steps = [i / rule.bins for i in range(1, rule.bins)] if rule.method == "quantile" else []
    return [0.0, *steps, 1.0]


def learned_edges(spec: NumericSpec, cuts: Cuts) -> dict[str, Any]:
    """Return what a numeric factor learns: edges, and labels where the column has two values.

    Quantile edges are those of `quantile_edges`, edges of equal width the shortest numbers within a hundredth of the
    width, from the smallest to the largest finite value. Infinities have bins of their own besides.
    """
    rule, low, high = cast(EdgeRule, spec.edges), float(cuts[0.0][CUT]), float(cuts[1.0][CUT])
    if rule.method == "quantile":
        points = quantile_edges(np.stack([cuts[p] for p in asked_probabilities(rule)]).T, spec.source)
    else:
        least = low if math.isfinite(low) else float(cuts[0.0][ABOVE])
        most = high if math.isfinite(high) else float(cuts[1.0][BELOW])
        finite = math.isfinite(least) and math.isfinite(most)
        points = [point for point in uniform_edges(least, most, rule.bins) if least <= point < most] if finite else []
        points = sorted({*points, *beside_infinities(low, high)})
    edges = written_edges(points, spec.source)
    two_values = len(edges) == 1 and cuts[0.0][ABOVE] == high
    return {"edges": edges, **({"labels": written_values([low, high], spec.source)} if two_values else {})}


def quantile_edges(cuts: NDArray[np.float64], source: str) -> list[float]:
    """Rising edges from the cut points of equal shares: as many as the cut points allow, none that leaves nothing.

    A cut point between two values is an edge there. One on a value may become an edge above that value or below it,
    above where both are free; so a value that fills a whole share lies alone between two edges, and no two cut points
    end between the same two values while there is room. Infinities are alone in bins of their own, however few.

    Parameters
    ----------
    cuts
        Cut points with the values around them (`glm_local.rows.quantile_grid.CUT`), the smallest and the largest
        value first and last.

    Examples
    --------
    >>> around = [[0.0, 0.0, 0.0, 1.57, 4.0], [math.nan, math.nan, math.nan, 1.4, 3.0], [0.0, 0.0, 0.0, 1.4, 4.0],
    ...           [0.2, 0.2, 0.2, 1.9, math.nan]]
    >>> quantile_edges(np.array(around), "number")
    [0.0, 1.6]
    """
    high = float(cuts[CUT][-1])
    taken: dict[float, float] = {}
    # From the right, each cut point takes the rightmost free place: no other order takes more.
    for around in cuts.T[-2:0:-1]:
        point, below, reached = (float(around[at]) for at in (CUT, BELOW, REACHED))
        if math.isnan(point):
            continue
        if reached < high and reached not in taken:
            taken[reached] = edge_at(around, source)
        elif point == reached and not math.isnan(below) and below not in taken:
            taken[below] = edge_below(around, source)
    return sorted({*taken.values(), *beside_infinities(float(cuts[CUT][0]), high)})


def beside_infinities(low: float, high: float) -> set[float]:
    """Edges that leave infinities alone, where the smallest or the largest value is one; none between two of a kind.

    Examples
    --------
    >>> sorted(beside_infinities(-math.inf, 80.0)), beside_infinities(0.0, 1.0), beside_infinities(math.inf, math.inf)
    ([-1.7976931348623157e+308], set(), set())
    """
    if low == high:
        return set()
    return ({-FURTHEST} if low == -math.inf else set()) | ({FURTHEST} if high == math.inf else set())


def written_edges(points: list[float], source: str) -> list[Any]:
    """Rising edges as JSON holds them: dates as text, whole numbers of an integer column without a point.

    Examples
    --------
    >>> written_edges([2.0, 1.5], "integer"), written_edges([31.5, 31.2], "date")
    ([1.5, 2], ['1970-02-01'])
    """
    if source == "date":
        return [_day(day) for day in sorted({math.floor(point) for point in points})]
    return [
        int(point) if source == "integer" and point.is_integer() else point
        for point in sorted({point + 0.0 for point in points})
    ]


def written_values(values: list[float], source: str) -> list[str]:
    """Values of a column as names of levels.

    Examples
    --------
    >>> written_values([0.0, 1.0], "number"), written_values([31.0], "date")
    (['0', '1'], ['1970-02-01'])
    """
    return [_day(math.floor(value)) if source == "date" else number_text(value + 0.0) for value in values]


def edge_at(around: NDArray[np.float64], source: str) -> float:
    """Return the edge at a cut point: a day the rows have, or the shortest number between its neighbours."""
    if source == "date":
        return float(around[REACHED])
    return short_between(float(around[REACHED]), float(around[ABOVE]), float(around[CUT]))


def edge_below(around: NDArray[np.float64], source: str) -> float:
    """Return the edge just below a cut point, so that its value starts an interval."""
    if source == "date":
        return float(around[BELOW])
    return short_between(float(around[BELOW]), float(around[CUT]))


def _day(day: int) -> str:
    return (EPOCH + datetime.timedelta(days=day)).isoformat()
