"""Factors as the report shows them: an integer expression and a label for every code."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from glm_local.contract.compile_factor import compile_factors, linear_argument
from glm_local.contract.compiled_factor import CompiledFactor
from glm_local.contract.engine import Engine
from glm_local.contract.expression import Bin, Expression
from glm_local.contract.factor_spec import FactorSpec, LinearSpec
from glm_local.contract.learn_factors import learn_factors
from glm_local.contract.spec_problems import read_factors
from glm_local.job.config import ReportSection
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
    linear = {one.name: linear_argument(one) for one in factors if isinstance(one, LinearSpec) and one.name in wanted}
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
    cuts = engine.quantiles(frame, dict(linear), probabilities, weight, train)
    return dict(_banded(linear, {name: np.unique(points[np.isfinite(points)]) for name, points in cuts.items()}))


def _banded(
    linear: Mapping[str, Expression], cuts: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, tuple[Expression, list[str]]]]:
    for name, value in linear.items():
        edges = tuple(float(edge) for edge in cuts[name])
        if edges:
            inner = [f"({low:.6g}, {high:.6g}]" for low, high in itertools.pairwise(edges)]
            labels = [f"up to {edges[0]:.6g}", *inner, f"above {edges[-1]:.6g}"]
            yield name, (Bin(value, edges, tuple(range(len(labels))), None), labels)
