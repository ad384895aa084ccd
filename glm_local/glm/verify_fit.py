"""The second opinion on a fitted model: its rows compressed to cells, solved by the engine's reference solver."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np

from glm_local.contract.engine import Engine
from glm_local.contract.expression import Expression
from glm_local.contract.model_spec import ModelDocument
from glm_local.errors import GlmError
from glm_local.glm.families import family_from
from glm_local.glm.fit import ReferenceSolver, first_pass, reference_fit
from glm_local.glm.fit_plan import plan_fit
from glm_local.glm.links import link_from
from glm_local.glm.second_opinion import ReferenceFit, SecondOpinion, Solved, second_opinion

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

    Passes over rows: one. What the solver cannot do (a penalty, too many cells, a missing link) gives the verdict
    "not verifiable" with the reason, never an error.

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
    ours = Solved(estimate, errors / np.sqrt(dispersion), None, dispersion)

    def run() -> ReferenceFit:
        return reference_fit(cells, columns, keep, family, link, solve)

    return second_opinion(solver, ours, run)
