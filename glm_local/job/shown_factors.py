"""Factors as the report shows them: an integer expression and a label for every code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.category_key import number_text
from glm_local.expressions.expression import Bin, Expression
from glm_local.factors.compile_factor import compile_factors
from glm_local.factors.compiled_factor import CompiledFactor
from glm_local.factors.factor_spec import FactorSpec, NumberSpec
from glm_local.factors.learn_edges import edge_at
from glm_local.factors.learn_factors import learn_factors
from glm_local.factors.level_names import interval_names
from glm_local.factors.spec_problems import read_factors
from glm_local.job.config import ReportSection
from glm_local.rows.engine import Engine
from glm_local.rows.quantile_grid import ABOVE, CUT
from glm_local.validation.factor_codes import codes_and_labels, level_labels

Frame = TypeVar("Frame")
Shown = dict[str, tuple[Expression, Sequence[str]]]


def shown_factors(
    engine: Engine[Frame],
    frame: Frame,
    factors: Sequence[FactorSpec],
    asked: ReportSection,
    weight: Expression | None,
    train: Expression,
) -> Shown:
    """Return what actual-against-expected tables are made by.

    Factors with levels by their levels, crossings by their cells, linear terms by bands of about equal exposure on
    the training rows (one pass if there are any), extra factors by theirs (learned on the training rows).
    """
    wanted = [one.name for one in factors] if asked.factors is None else asked.factors
    compiled = compile_factors(factors)
    shown: Shown = {}
    linear = {one.name: one.argument() for one in factors if isinstance(one, NumberSpec) and one.name in wanted}
    bands = _bands(engine, frame, linear, asked.linear_bands, weight, train)
    for name in wanted:
        found = bands.get(name) or codes_and_labels(compiled[name], compiled)
        if found is not None:
            shown[name] = found
    extra = learn_factors(engine, frame, read_factors(asked.extra_factors, "/report/extra_factors"), weight, train)
    for name, one in compile_factors(extra).items():
        assert isinstance(one, CompiledFactor)
        shown[name] = one.code, level_labels(one)
    return shown


def _bands(
    engine: Engine[Frame],
    frame: Frame,
    linear: Mapping[str, Expression],
    bands: int,
    weight: Expression | None,
    train: Expression,
) -> Shown:
    if not linear or bands < 2:
        return {}
    probabilities = [k / bands for k in range(1, bands)]
    cuts = engine.quantiles(frame, dict(linear), probabilities, weight, train, neighbours=True)
    return dict(_banded(linear, {name: _edges(points) for name, points in cuts.items()}))


def _edges(points: NDArray[np.float64]) -> list[float]:
    inside = points[:, np.isfinite(points[CUT]) & np.isfinite(points[ABOVE])]
    return sorted({edge_at(one, "number") for one in inside.T})


def _banded(
    linear: Mapping[str, Expression], cuts: Mapping[str, Sequence[float]]
) -> Iterator[tuple[str, tuple[Expression, list[str]]]]:
    for name, value in linear.items():
        edges = tuple(float(edge) for edge in cuts[name])
        if edges:
            inner = interval_names(edges)[1:-1]
            labels = [f"up to {number_text(edges[0])}", *inner, f"above {number_text(edges[-1])}"]
            yield name, (Bin(value, edges, tuple(range(len(labels))), None), labels)
