"""A model document read by its score expression on the codes of packed rows, so that a fit can be held against it.

Blocks keep the code of a factor, not the columns it reads. The score of a row is a sum of terms; each is evaluated
once for every code of its factor (a few thousand numbers, no row), by the expressions that frames, records and SQL use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.column_reader import ArrayColumns
from glm_local.expressions.evaluate import evaluate
from glm_local.expressions.expression import Expression, Lookup, Read
from glm_local.factors.compile_factor import (
    Compiled,
    CompiledFactor,
    CompiledInteraction,
    CompiledLinear,
    compile_factor,
)
from glm_local.factors.factor_spec import FactorSpec
from glm_local.glm.basis import Basis
from glm_local.glm.design_columns import DesignColumns
from glm_local.glm.fit_plan import FitPlan
from glm_local.glm.kernels import Predictor
from glm_local.scoring.compile_score import coefficient_estimates, score_terms
from glm_local.scoring.model_spec import Coefficient

Array = NDArray[np.float64]


def document_predictor(
    plan: FitPlan, columns: DesignColumns, factors: Sequence[FactorSpec], coefficients: Sequence[Coefficient]
) -> Predictor:
    """What a document's score expression adds to the linear predictor, per code of every factor and per numeric.

    Parameters
    ----------
    plan, columns
        Of the packed rows.
    factors, coefficients
        Of the document.

    Returns
    -------
    Predictor
        Tables hold NaN at codes the score refuses; no usable row has one.
    """
    compiled = {spec.name: _by_code(compile_factor(spec)) for spec in factors}
    estimates = coefficient_estimates(coefficients)
    tables = {name: np.zeros(size) for name, size in columns.design.sizes.items()}
    slopes = dict.fromkeys(columns.design.numerics, 0.0)
    for name, term in score_terms([spec.name for spec in factors], compiled, estimates):
        part = compiled[name]
        if isinstance(part, CompiledFactor):
            tables[name] = _values(term, {name: np.arange(part.size)})
        elif isinstance(part, CompiledLinear):
            slopes[name] = slopes.get(name, 0.0) + float(_values(term, {name: np.ones(1)})[0])
        elif part.linear(compiled) is None:
            tables[name] = _values(term, _crossed_codes(part, compiled))
        else:
            for numeric, slope in _cell_slopes(plan, part, compiled, term):
                slopes[numeric] = slope
    inside = [name for name in columns.design.numerics if name in columns.numeric_columns]
    return Predictor(
        _atom_tables(columns, tables),
        np.array([slopes[name] for name in inside]),
        estimates.get((None, None), 0.0),
        Basis.given(columns).numerics,
    )


def _by_code(part: Compiled) -> Compiled:
    """The factor as a function of its own code, or of its own number, instead of the columns it reads."""
    if isinstance(part, CompiledFactor):
        codes = tuple(range(part.size))
        return replace(part, code=Lookup(Read(part.name, "integer"), codes, codes, 0, 0))
    return replace(part, value=Read(part.name, "number")) if isinstance(part, CompiledLinear) else part


def _values(term: Expression, columns: Mapping[str, NDArray[np.generic]]) -> Array:
    values = evaluate(term, ArrayColumns(columns))
    size = len(next(iter(columns.values())))
    numbers = np.broadcast_to(values.data.astype(np.float64), (size,))
    return numbers.copy() if values.missing is None else np.where(values.missing, np.nan, numbers)


def _crossed_codes(part: CompiledInteraction, compiled: Mapping[str, Compiled]) -> dict[str, NDArray[np.int64]]:
    """Codes of the members for every code of the cross."""
    members = part.crossed(compiled)
    digits = np.unravel_index(np.arange(part.size(compiled)), [one.size for one in members])
    return {member.name: digit.astype(np.int64) for member, digit in zip(members, digits, strict=True)}


def _cell_slopes(
    plan: FitPlan, part: CompiledInteraction, compiled: Mapping[str, Compiled], term: Expression
) -> list[tuple[str, float]]:
    """Numeric of every cell and what the term adds there for a value of 1."""
    members, linear = part.crossed(compiled), part.linear(compiled)
    assert linear is not None
    cells = [cell for _, cell in plan.slopes[part.name]]
    columns: dict[str, NDArray[np.generic]] = {linear.name: np.ones(len(cells))}
    for at, member in enumerate(members):
        columns[member.name] = np.array([member.levels.index(cell[at]) for cell in cells], dtype=np.int64)
    names = [numeric for numeric, _ in plan.slopes[part.name]]
    return list(zip(names, _values(term, columns).tolist(), strict=True))


def _atom_tables(columns: DesignColumns, tables: Mapping[str, Array]) -> tuple[Array, ...]:
    return tuple(
        sum((tables[name][atom.member_codes(name)] for name in atom.members), np.zeros(atom.size))
        for atom in columns.design.atoms
    )
