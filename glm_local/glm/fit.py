"""The fit: specs and roles in, a model document out; counts first, then takes a route, and records it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from glm_local.errors import DataError, FitError, Problem, SpecError
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.where_text import filter_expression
from glm_local.factors.factor_spec import FactorSpec
from glm_local.factors.learn_factors import learn_factors
from glm_local.factors.spec_problems import factor_problems, members_first, read_factors
from glm_local.factors.text_columns import text_problems
from glm_local.families.families import Family, family_from, resolve_link
from glm_local.families.links import Link
from glm_local.glm.cells_route import Cells, constant_part, design_matrix, first_pass
from glm_local.glm.constant_target import constant_target
from glm_local.glm.design_columns import DesignColumns
from glm_local.glm.document import figures_of, model_document
from glm_local.glm.document_check import check_document
from glm_local.glm.document_predictor import document_predictor
from glm_local.glm.fit_plan import Levels, describe, plan_fit
from glm_local.glm.fit_problems import (
    convergence_problem,
    outweighed_problem,
    overflow_problems,
    refused_problems,
    row_problems,
    separation_problems,
    unusable_problem,
)
from glm_local.glm.kernels import LikelihoodKernel
from glm_local.glm.leak_suspects import LeakCheck
from glm_local.glm.level_count import LevelCount
from glm_local.glm.newton import Newton
from glm_local.glm.outcome import Outcome, Prepared
from glm_local.glm.pins import read_pins
from glm_local.glm.reference_problem import MOST_VALUES, CannotVerify
from glm_local.glm.request import FitRequest, Route
from glm_local.glm.request_problems import check_request, role_problems
from glm_local.glm.row_faults import faults_named
from glm_local.glm.second_opinion import ReferenceFit, ReferenceSolver
from glm_local.glm.solution import NewtonOptions, Solution
from glm_local.glm.summary import Summary
from glm_local.glm.target_leak import target_problems
from glm_local.rows.blocks import Blocks
from glm_local.rows.engine import Engine
from glm_local.scoring.compile_score import role_expression
from glm_local.scoring.model_spec import ModelDocument, ModelSpec
from glm_local.texts.counted import counted

Array = NDArray[np.float64]
Frame = TypeVar("Frame")
CELLS_AT_MOST = 50_000
"""Potential distinct designs up to which "auto" compresses rows to cells instead of packing blocks."""


def fit(
    engine: Engine[Frame], frame: Frame, request: FitRequest, references: Mapping[str, ReferenceSolver] | None = None
) -> ModelDocument:
    """Fit a factor GLM on an engine's rows.

    Passes: one where a factor reads numbers from text; at most three to learn what specs leave open (values, means and
    spreads; spreads far below their mean once more, around it; cut points); one to build blocks (or cells), then
    passes over packed blocks only (none on the cells route); an estimated dispersion needs one more for the likelihood.
    """
    _check_solver(request, references or {})
    with engine.passes.counting() as counter, engine.holding(frame) as held:
        kinds = engine.columns(held)
        request = replace(request, where=filter_expression(request.where, "/where", kinds))
        specs = _checked_factors(request, kinds)
        texts = text_problems(engine, held, specs, kinds, request.where)
        if texts:
            raise DataError(texts, "the table against the specs")
        weight = request.exposure if request.exposure is not None else request.weight
        learned = learn_factors(engine, held, specs, None if weight is None else role_expression(weight), request.where)
        prepared = prepare(request, learned, kinds)
        blocks = engine.blocks(held, prepared.plan.design, request.where)
        with faults_named(engine, held, prepared.plan, request.where, kinds):
            outcome = FitRun(request, prepared, references or {}).solve(blocks)
    return model_document(request, prepared.spec, outcome, counter.raw, counter.packed)


def _checked_factors(request: FitRequest, kinds: Mapping[str, ColumnKind]) -> tuple[FactorSpec, ...]:
    family = family_from(request.family)
    check_request(request, family, resolve_link(family, request.link))
    specs = members_first(read_factors(request.factors))
    problems = factor_problems(specs, kinds)
    problems += [] if request.where is None else role_problems("where", request.where, list(kinds))
    for role in ("target", "exposure", "offset", "weight"):
        asked = getattr(request, role)
        if asked is not None or role == "target":
            problems += role_problems(role, role_expression(asked, f"/{role}"), list(kinds))
    if problems:
        raise DataError(problems, "the table against the specs")
    return specs


def prepare(request: FitRequest, learned: Sequence[FactorSpec], kinds: Mapping[str, ColumnKind]) -> Prepared:
    """Compile resolved factors and roles into the plan of a fit."""
    family = family_from(request.family)
    link = resolve_link(family, request.link)
    others = [role_expression(one) for one in (request.exposure, request.weight, request.offset) if one is not None]
    leaks = target_problems(learned, role_expression(request.target), others)
    if leaks:
        raise SpecError(leaks)
    spec = ModelSpec(
        target=request.target,
        family=str(family),
        link=str(link),
        exposure=request.exposure,
        offset=request.offset,
        weight=request.weight,
        intercept=request.intercept,
        ridge=request.ridge,
        dispersion=_dispersion_rule(request, family),
        confidence=request.confidence,
        pins=read_pins(request.pins),
    )
    return Prepared(spec, family, link, plan_fit(members_first(learned), spec, family, link), kinds)


def _check_solver(request: FitRequest, references: Mapping[str, ReferenceSolver]) -> None:
    known = ["auto", "cells", "blocks", *sorted(references)]
    if request.solver not in known:
        raise SpecError.because(
            f"solver {request.solver!r} is not one of this engine's.",
            "statsmodels runs on this machine, spark_ml on a Spark session.",
            f"Use one of {', '.join(known)}" + ("." if "spark_ml" in known else "; spark_ml comes with glm_spark."),
            "/solver",
        )
    if request.ridge and request.solver in references:
        raise SpecError.because(
            f"solver {request.solver!r} is asked with a ridge penalty.",
            "Reference solvers fit without a penalty.",
            "Use solver='auto', or ridge=0.",
            "/ridge",
        )


def _dispersion_rule(request: FitRequest, family: Family) -> Literal["fixed", "pearson", "deviance"]:
    if request.dispersion != "auto":
        return request.dispersion
    return "fixed" if family.fixed_dispersion else "pearson"


class FitRun:
    """One fit in progress."""

    def __init__(self, request: FitRequest, prepared: Prepared, references: Mapping[str, ReferenceSolver]) -> None:
        self.request, self.prepared, self.references = request, prepared, references
        self.warnings: list[str] = []

    def solve(self, blocks: Blocks) -> Outcome:
        """Build, check, iterate; blocks are freed whatever happens."""
        try:
            return self._solve(blocks)
        finally:
            blocks.close()

    def _solve(self, blocks: Blocks) -> Outcome:
        family, plan = self.prepared.family, self.prepared.plan
        compress = self._compresses()
        summary, cells = first_pass(blocks, family, compress)
        self._check_rows(summary)
        levels = plan.levels(summary)
        self._check_refused(levels)
        self._note_empty(levels)
        separated = () if self.request.ridge else levels.separated(family, self.prepared.link)
        used: Blocks = blocks if cells is None else cells.blocks(blocks.design)
        lost = 0.0 if cells is None else cells.lost_deviance
        chance = family.fixed_dispersion and self.prepared.spec.dispersion == "fixed"
        same = self._constant_target(used, summary)
        leaks = LeakCheck(used, levels, family, self.prepared.link, summary, lost, chance)
        self._check_separated(separated, leaks)
        options = NewtonOptions(self.request.tolerance, self.request.max_iterations, self.request.ridge)
        newton = Newton(used, levels.columns, family, self.prepared.link, summary, options)
        solution, route, errors = self._take_route(newton, cells, levels)
        suspects = leaks.suspects(solution)
        self.warnings += suspects
        self._check_convergence(solution, [*same, *suspects])
        unusable = unusable_problem(solution) or outweighed_problem(summary, solution)
        if unusable is not None:
            raise FitError(unusable)
        dispersion, constant = self._likelihood(blocks, summary, solution.deviance + lost)
        outcome = Outcome(
            self.prepared,
            levels,
            summary,
            solution,
            route,
            lost,
            constant,
            dispersion,
            separated,
            errors,
            tuple(self.warnings),
        )
        return self._checked(used, outcome)

    def _checked(self, used: Blocks, outcome: Outcome) -> Outcome:
        """The outcome with its figures, a converged one held against its own document."""
        figures = figures_of(self.prepared.spec, outcome)
        if outcome.solution.converged:
            levels, own = outcome.levels, outcome.route in ("cells", "blocks")
            predictor = document_predictor(self.prepared.plan, levels.columns, levels.specs, figures[1])
            check_document(
                used,
                predictor,
                outcome.solution,
                self.prepared.family,
                self.prepared.link,
                canonical=own and not self.request.ridge and not outcome.separated,
            )
        return replace(outcome, figures=figures)

    def _compresses(self) -> bool:
        plan = self.prepared.plan
        if self.request.solver in ("cells", "statsmodels", "spark_ml"):
            return True
        return self.request.solver == "auto" and not plan.design.numerics and plan.potential_cells <= CELLS_AT_MOST

    def _take_route(self, newton: Newton, cells: Cells | None, levels: Levels) -> tuple[Solution, Route, Array | None]:
        solver = self.request.solver
        if solver in ("auto", "cells", "blocks"):
            return newton.solve(), "blocks" if cells is None else "cells", None
        assert cells is not None
        reference = self.references[solver]
        keep = newton.independent()
        found = reference_fit(cells, levels.columns, keep, self.prepared.family, self.prepared.link, reference)
        estimate, errors = np.zeros(len(keep)), np.full(len(keep), np.nan)
        estimate[keep] = found.estimate
        if found.unscaled_se is not None:
            errors[keep] = found.unscaled_se
        solution = replace(newton.evaluate(estimate, keep), iterations=found.iterations)
        route: Route = "statsmodels" if solver == "statsmodels" else "spark_ml"
        return solution, route, errors

    def _check_rows(self, summary: Summary) -> None:
        problems = row_problems(summary, self.prepared.family)
        if problems:
            error = FitError if summary.faults["beyond doubles"] else DataError
            raise error(problems, "the rows")
        problems = overflow_problems(summary, list(self.prepared.plan.design.numerics))
        if problems:
            raise FitError(problems, "the rows")
        if summary.faults["weight zero"]:
            found = counted(summary.faults["weight zero"], "row of weight 0 is", "rows of weight 0 are")
            self.warnings.append(f"{found} left out of everything.")

    def _constant_target(self, blocks: Blocks, summary: Summary) -> list[str]:
        found = constant_target(blocks, summary, self.prepared.family, self.prepared.link)
        if found is None:
            return []
        if not found.possible and self.request.on_failure == self.request.on_separation == "error":
            raise FitError(found.problem(self.prepared.family))
        self.warnings.append(found.sentence)
        return [found.sentence]

    def _check_refused(self, levels: Levels) -> None:
        if levels.refused:
            raise DataError(refused_problems(levels.refused), "the rows")

    def _note_empty(self, levels: Levels) -> None:
        for factor, level in levels.empty:
            self.warnings.append(f"{factor}={level} has no training row; it counts as the base level.")

    def _check_separated(self, separated: tuple[LevelCount, ...], leaks: LeakCheck) -> None:
        if not separated:
            return
        named = describe(separated)
        if self.request.on_separation == "error":
            suspects = leaks.suspects(None)
            raise FitError([_with_suspects(one, suspects) for one in separation_problems(named)])
        ending = "its estimate is where the iterations stopped."
        self.warnings += [f"{name} is separated ({detail}); {ending}" for name, detail in named]

    def _check_convergence(self, solution: Solution, suspects: Sequence[str]) -> None:
        if solution.converged:
            return
        problem = _with_suspects(convergence_problem(solution), suspects)
        expected = self.request.on_separation == "warn" and solution.reason == "coefficients ran away"
        if self.request.on_failure == "error" and not expected:
            raise FitError(problem)
        self.warnings.append(problem.found)
        warnings.warn(problem.found, stacklevel=6)

    def _likelihood(self, blocks: Blocks, summary: Summary, deviance: float) -> tuple[float, float | None]:
        """Dispersion of the likelihood and the density's constant there; one more pass where it is estimated."""
        family = self.prepared.family
        if family.fixed_dispersion:
            return 1.0, summary.constant
        dispersion = family.likelihood_dispersion(deviance, summary.rows)
        if not dispersion > 0:
            return dispersion, None
        (constant,) = blocks.sum(LikelihoodKernel(family, dispersion), "likelihood")
        return dispersion, float(constant[0])


def _with_suspects(problem: Problem, suspects: Sequence[str]) -> Problem:
    return replace(problem, way_out=" ".join([problem.way_out, *suspects]))


def reference_fit(
    cells: Cells, columns: DesignColumns, keep: NDArray[np.bool_], family: Family, link: Link, solve: ReferenceSolver
) -> ReferenceFit:
    """Give a reference solver the dense design of the cells, without aliased columns."""
    block = cells.block
    if block.rows * int(keep.sum()) > MOST_VALUES:
        raise CannotVerify.because(
            f"The cell table has {block.rows:,} cells times {int(keep.sum())} columns.",
            f"Reference solvers are given at most {MOST_VALUES:,} values.",
            "Verify a coarser model.",
        )
    matrix = design_matrix(block, columns)[:, keep]
    fixed = constant_part(block, columns)
    return solve(
        matrix,
        block.amount / block.weight if block.weight is not None else block.amount,
        block.weight,
        fixed if block.offset is None else block.offset if fixed is None else block.offset + fixed,
        family,
        link,
    )
