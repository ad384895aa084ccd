"""The coefficient table of a finished fit: estimates, errors, tests, and the rows of every level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.factors.searched_levels import searched_names
from glm_local.glm.inference import relativities, wald
from glm_local.glm.level_count import LevelCount
from glm_local.glm.outcome import Outcome
from glm_local.glm.solution import BOUNDARY
from glm_local.scoring.model_spec import Coefficient, FitStatistics, ModelSpec
from glm_local.texts.level_warnings import SEARCHED


def coefficient_lines(spec: ModelSpec, outcome: Outcome, statistics: FitStatistics) -> list[Coefficient]:
    """Every coefficient in model order, with its error, test and interval, and what rows its level has."""
    solution = outcome.solution
    counts: dict[tuple[str, str], LevelCount] = {(one.factor, one.level): one for one in outcome.levels.counts}
    separated = {one.column for one in outcome.separated}
    errors = _errors(outcome, statistics.dispersion)
    searched = searched_names(outcome.levels.specs)
    relative = spec.link in ("log", "logit")
    freedom = None if statistics.statistic == "z" else float(statistics.df_residual)
    lines: dict[int, Coefficient] = {}
    for at, column in enumerate(solution.columns.columns):
        count = counts.get((column.term, column.level)) if column.level is not None else None
        fitted = coefficient_figures(
            spec,
            float(solution.coefficients[at]),
            float(errors[at]),
            freedom,
            relative,
            at == 0 and solution.columns.has_intercept,
        )
        status = "aliased" if at in solution.aliased else "separated" if at in separated else "fitted"
        figures = {} if status == "aliased" else fitted
        if status == "separated":
            figures = {key: value for key, value in fitted.items() if key in ("estimate", "relativity")}
        label = SEARCHED if status == "fitted" and column.term in searched else None
        lines[at] = Coefficient(
            term=str(column),
            factor=None if column.term == "(Intercept)" else column.term,
            level=column.level,
            status=status,
            rows=None if count is None else count.rows,
            weight=None if count is None else count.weight,
            amount=None if count is None else count.amount,
            inference=label,
            **figures,
        )
    return _in_model_order(outcome, lines, relative)


def coefficient_figures(
    spec: ModelSpec, estimate: float, error: float, freedom: float | None, relative: bool, intercept: bool
) -> dict[str, float | None]:
    """An estimate with its error, test and interval: normal, or t with so many degrees of freedom."""
    if not np.isfinite(estimate):
        return {}
    test = wald(np.array([estimate]), np.array([error]), freedom, spec.confidence)
    figures: dict[str, float | None] = {"estimate": estimate, "std_error": finite(error)}
    figures |= {
        "statistic": finite(test.statistic[0]),
        "p_value": None if spec.ridge else finite(test.p_value[0]),
        "lower": finite(test.lower[0]),
        "upper": finite(test.upper[0]),
    }
    if relative and not intercept:
        with np.errstate(over="ignore"):
            figures |= {
                "relativity": finite(np.exp(estimate)),
                "relativity_lower": finite(np.exp(test.lower[0])),
                "relativity_upper": finite(np.exp(test.upper[0])),
            }
    return figures


def finite(value: float | np.floating[Any]) -> float | None:
    """The number, or None where it is none."""
    return float(value) if np.isfinite(value) else None


def _errors(outcome: Outcome, dispersion: float | None) -> NDArray[np.float64]:
    if dispersion is None or outcome.solution.reason == BOUNDARY:
        return np.full(len(outcome.solution.columns), np.nan)
    if outcome.std_errors is not None:
        given: NDArray[np.float64] = outcome.std_errors * np.sqrt(dispersion)
        return given
    errors: NDArray[np.float64] = np.sqrt(np.maximum(np.diag(outcome.solution.covariance), 0.0) * dispersion)
    return errors


def _in_model_order(outcome: Outcome, lines: Mapping[int, Coefficient], relative: bool) -> list[Coefficient]:
    """Intercept, then each factor's levels in their order, base and empty ones in their places."""
    columns = outcome.solution.columns
    ordered = [lines[0]] if columns.has_intercept else []
    by_factor: dict[str, list[Coefficient]] = {}
    placed: set[int] = set()
    for one in outcome.levels.counts:
        if one.column >= 0:
            placed.add(one.column)
            line = lines[one.column]
        else:
            pinned = outcome.prepared.plan.pins.get(one.factor, {}).get(one.level)
            known = {"base": 0.0, "pooled": 0.0, "pinned": pinned}
            estimate = known.get(one.status)
            line = Coefficient(
                term=f"{one.factor}={one.level}",
                factor=one.factor,
                level=one.level,
                status="empty" if one.status not in known else one.status,
                rows=one.rows,
                weight=one.weight,
                amount=one.amount,
                estimate=estimate,
                relativity=finite(float(relativities(estimate))) if estimate is not None and relative else None,
            )
        by_factor.setdefault(one.factor, []).append(line)
    for at, column in enumerate(columns.columns):
        if at not in placed and not (at == 0 and columns.has_intercept):
            by_factor.setdefault(column.term, []).append(lines[at])
    for spec in outcome.levels.specs:
        ordered += by_factor.get(spec.name, [])
    return ordered
