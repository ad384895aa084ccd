"""The second opinion on a fitted model: its rows compressed to cells, solved by the engine's reference solver."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np

from glm_local.errors import GlmError
from glm_local.expressions.expression import Arithmetic, Expression, Function, Power
from glm_local.families.families import family_from
from glm_local.families.links import link_from
from glm_local.glm.cells_route import first_pass
from glm_local.glm.fit import reference_fit
from glm_local.glm.fit_plan import plan_fit
from glm_local.glm.second_opinion import ReferenceFit, ReferenceSolver, SecondOpinion, Solved, second_opinion
from glm_local.rows.cells import CellRequest
from glm_local.rows.engine import Engine
from glm_local.scoring.compile_score import role_expression, score_expression
from glm_local.scoring.model_spec import ModelDocument

Frame = TypeVar("Frame")


def verify_fit(
    engine: Engine[Frame],
    frame: Frame,
    model: ModelDocument,
    solver: str,
    solve: ReferenceSolver,
    where: Expression | None = None,
) -> SecondOpinion:
    """Refit a model with an independent solver on the design table of its training rows, and compare.

    Passes over rows: two, one for the design table and one that adds up what the document's score expression predicts,
    which the solver's predictions must add up to. What the solver cannot do (a penalty, too many cells, a missing
    link) gives the verdict "not verifiable" with the reason, never an error.

    Parameters
    ----------
    engine, frame, where
        The rows the model was fitted on.
    solver, solve
        Name of the reference solver, and the solver.
    """
    if model.spec.ridge:
        return SecondOpinion(solver, "not verifiable", "Reference solvers fit without a penalty; this model has one.")
    fitted = [one for one in model.coefficients if one.status == "fitted"]
    if any(one.status == "separated" for one in model.coefficients):
        return SecondOpinion(solver, "not verifiable", "Some estimates do not exist (separation), so none can agree.")
    family, link = family_from(model.spec.family), link_from(model.spec.link)
    plan = plan_fit(model.factors, model.spec, family, link)
    blocks = engine.blocks(frame, plan.design, where)
    try:
        summary, cells = first_pass(blocks, family, True)
    except GlmError as error:
        return SecondOpinion(solver, "not verifiable", str(error))
    finally:
        blocks.close()
    assert cells is not None
    columns = plan.levels(summary).columns
    lines = {(one.factor, one.level): one for one in fitted}
    keys = [(None if one.term == "(Intercept)" else one.term, one.level) for one in columns.columns]
    keep = np.array([key in lines for key in keys])
    kept = [lines[key] for key in keys if key in lines]
    estimate = np.array([one.estimate for one in kept], dtype=np.float64)
    errors = np.array([np.nan if one.std_error is None else one.std_error for one in kept])
    dispersion = model.statistics.dispersion or math.nan
    total = predicted_total(engine, frame, model, where)
    ours = Solved(estimate, errors / np.sqrt(dispersion), None, dispersion, total=total)

    def run() -> ReferenceFit:
        return reference_fit(cells, columns, keep, family, link, solve)

    return second_opinion(solver, ours, run)


def predicted_total(
    engine: Engine[Frame], frame: Frame, model: ModelDocument, where: Expression | None = None
) -> float:
    """Weighted sum of what the document's score expression predicts, with the weights of the family's totals.

    With a log link and amounts s = exposure * exp(offset) a row's rate counts weight * s^(2 - p), p the variance power
    (amount and weight fold like that in blocks); else its mean counts weight. Passes over rows: one.
    """
    family, spec = family_from(model.spec.family), model.spec
    folded = family.power if spec.link == "log" else None
    term = score_expression(model, "mean" if folded is None else "rate")
    factors = [] if spec.weight is None else [role_expression(spec.weight)]
    if folded is not None and spec.exposure is not None:
        factors.append(Power(role_expression(spec.exposure), 2 - folded))
    if folded is not None and spec.offset is not None:
        factors.append(Power(Function("exp", role_expression(spec.offset)), 2 - folded))
    for factor in factors:
        term = Arithmetic("*", factor, term)
    table = engine.cells(frame, [CellRequest("total", sums={"total": term}, where=where)])["total"]
    return 0.0 if table is None or not len(table.rows) else float(table.sums["total"][0])
