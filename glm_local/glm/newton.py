"""Newton's method over blocks: step halving, aliasing, convergence judged in standard errors, a named reason."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glm_local.contract.blocks import ROWS_PER_BLOCK, Blocks
from glm_local.glm.basis import Basis
from glm_local.glm.condition import condition_number
from glm_local.glm.design_columns import INTERCEPT, Column, DesignColumns
from glm_local.glm.families import Family
from glm_local.glm.information import inverse_information, inverse_root, solve_information
from glm_local.glm.kernels import (
    DEVIANCE,
    FITTED,
    INVALID,
    NULL_DEVIANCE,
    OBJECTIVE,
    PEARSON,
    Information,
    NewtonKernel,
    Predictor,
)
from glm_local.glm.links import Link
from glm_local.glm.solution import NewtonOptions, Reason, Solution
from glm_local.glm.starts import (
    DIMENSIONLESS,
    marginal_start,
    rounding_dispersion,
    starting_predictor,
    typical_dispersion,
)
from glm_local.glm.summary import Summary
from glm_local.glm.sweep import Sweep

Array = NDArray[np.float64]

SAMPLE_ROWS = 400_000  # a start from fewer rows than the data is worth its passes from four times this on


@dataclass(frozen=True)
class _Point:
    coefficients: Array
    objective: float
    score: Array
    information: Array
    scalars: Array
    final: bool = False


class Newton:
    """One fit: blocks, columns, family and link given; `solve` iterates."""

    def __init__(
        self,
        blocks: Blocks,
        columns: DesignColumns,
        family: Family,
        link: Link,
        summary: Summary,
        options: NewtonOptions | None = None,
    ) -> None:
        self.blocks, self.columns, self.family, self.link = blocks, columns, family, link
        self.summary, self.options = summary, options or NewtonOptions()
        self.initial = Basis.standardised(columns, summary.rows, summary.moments)
        self.basis = self.initial
        self.amounts = self._amounts() if not len(columns.numerics) else None
        self.penalty = self.basis.penalty(self.options.ridge) if self.options.ridge else None
        self.second_order: Information = "observed" if _concave(family, link) else "expected"
        self.dispersion, self.least = typical_dispersion(summary, family), rounding_dispersion(summary, family)
        self.unit = link.name not in DIMENSIONLESS  # then the linear predictor has one, as the target has
        self.halvings = 0
        self.unit_errors: Array | None = None

    def solve(self) -> Solution:
        """Iterate to the tolerance; passes: about 3 full ones, more for links without fast convergence."""
        null = self._null_predictor()
        start = self._start(null)
        if self.summary.rows >= 4 * SAMPLE_ROWS:
            start = self._sampled_start(start)
            self.unit_errors = None
        point, keep = self._swept(start)
        if (point.coefficients[~keep] != 0).any():  # what the document leaves out is left out from the start
            point = self._at(np.where(keep, point.coefficients, 0.0))
        trace = [point.objective]
        for iteration in range(1, self.options.max_iterations + 1):
            step, size = self._direction(point, keep)
            # A step small beside its standard error may still be large: then the information is what vanishes.
            if size < 1e-4 and (self.unit or np.abs(step).max(initial=0.0) < 0.01):
                point = replace(point, coefficients=point.coefficients + step)
                return self._finish(point, keep, null, iteration, trace)
            following = self._improve(point, step)
            if following is None:
                return self._finish(point, keep, null, iteration, trace, "no step improves")
            stalled = abs(following.objective - point.objective) <= 1e-9 * (self.dispersion + abs(point.objective))
            point = following
            trace.append(point.objective)
            if stalled and iteration > 8 and not self.unit and np.abs(step).max() > 0.3:
                return self._finish(point, keep, null, iteration, trace, "coefficients ran away", step)
        return self._finish(point, keep, null, self.options.max_iterations, trace, "iterations exhausted", step)

    def independent(self) -> NDArray[np.bool_]:
        """Columns that are not aliased, judged where the iterations would start."""
        return self._swept(self._start(self._null_predictor()))[1]

    def _swept(self, start: Array, every: int = 1) -> tuple[_Point, NDArray[np.bool_]]:
        """The start in a basis whose columns can be told apart, and the columns to estimate.

        A ridge penalty makes every column one that the others do not explain.
        """
        sweep, coefficients = Sweep.begin(self.basis), start
        while True:
            point = self._at(coefficients, every=every)
            sweep = sweep.next(point.information, self.initial, alias=not self.options.ridge and every == 1)
            self.basis = sweep.basis
            if sweep.settled:
                return point, ~sweep.dropped
            self.penalty = self.basis.penalty(self.options.ridge) if self.options.ridge else None
            coefficients = sweep.coefficients(coefficients)

    def evaluate(self, coefficients: Array, keep: NDArray[np.bool_]) -> Solution:
        """The statistics at coefficients found elsewhere, given in the scale of the numerics."""
        point = self._at(self.basis.inner(coefficients), final=True, null=self._null_predictor())
        _, size = self._direction(point, keep, fresh=True)
        return self._solution(point, keep, "score below tolerance", 0, size, [], None)

    def _finish(
        self,
        point: _Point,
        keep: NDArray[np.bool_],
        null: float,
        iteration: int,
        trace: list[float],
        failure: Reason | None = None,
        last_step: Array | None = None,
    ) -> Solution:
        best = np.inf
        while True:
            point = self._at(point.coefficients, final=True, null=null)
            step, size = self._direction(point, keep, fresh=True)
            if failure or size <= self.options.tolerance:
                # The last step is taken: the figures before it are the figures after it to its square.
                point = point if failure else replace(point, coefficients=point.coefficients + step)
                break
            if iteration >= self.options.max_iterations:
                failure = "iterations exhausted"
                break
            if size > 0.9 * best:  # rounding, not the method, now moves the step
                if size < 1e3 * self.options.tolerance:
                    break
                failure = "no step improves"
                break
            best = min(best, size)
            iteration += 1
            point = replace(point, coefficients=point.coefficients + step)
        return self._solution(point, keep, failure or "score below tolerance", iteration, size, trace, last_step)

    def _solution(
        self,
        point: _Point,
        keep: NDArray[np.bool_],
        reason: Reason,
        iterations: int,
        size: float,
        trace: list[float],
        last_step: Array | None,
    ) -> Solution:
        p = len(self.columns)
        kept = np.flatnonzero(keep)
        part = np.ix_(kept, kept)
        back, information = self.basis.square()[part], point.information[part]
        inner = inverse_root(self._penalised(point.information)[part])
        root = back @ inner
        coefficients, covariance = np.full(p, np.nan), np.full((p, p), np.nan)
        coefficients[kept] = back @ point.coefficients[kept]
        covariance[part] = root @ root.T if self.penalty is None else root @ (inner.T @ information @ inner) @ root.T
        away: tuple[Column, ...] = ()
        if last_step is not None and reason != "score below tolerance":
            large = np.abs(last_step) > 0.5 * np.abs(last_step).max()
            away = tuple(self.columns.columns[i] for i in np.flatnonzero(large))
        scalars = point.scalars
        return Solution(
            self.basis,
            coefficients,
            covariance,
            tuple(int(i) for i in np.flatnonzero(~keep)),
            point.score,
            point.information,
            float(scalars[DEVIANCE]),
            float(scalars[NULL_DEVIANCE]),
            float(scalars[PEARSON]),
            float(scalars[OBJECTIVE]),
            float(scalars[FITTED]),
            reason,
            iterations,
            size,
            self.halvings,
            away,
            tuple(trace),
            condition_number(self.basis, kept, information, root),
        )

    def _at(
        self,
        coefficients: Array,
        final: bool = False,
        null: float | None = None,
        every: int = 1,
    ) -> _Point:
        predictor = Predictor.at(coefficients, self.basis)
        kernel = NewtonKernel(
            self.columns,
            self.family,
            self.link,
            predictor,
            coefficients,
            "expected" if final else self.second_order,
            self.amounts if every == 1 else None,
            final,
            null,
        )
        purpose = "final" if final else "newton" if every == 1 else "start"
        scalars, score, information = kernel.with_amounts(self.blocks.sum(kernel, purpose, every))
        pull = 0.0 if self.penalty is None else self.penalty @ coefficients
        objective = float(scalars[OBJECTIVE]) - 0.5 * float(np.sum(pull * coefficients))
        if scalars[INVALID] or not np.isfinite(objective):
            objective = -np.inf
        return _Point(coefficients, objective, score - pull, information, scalars, final)

    def _direction(self, point: _Point, keep: NDArray[np.bool_], fresh: bool = False) -> tuple[Array, float]:
        """The Newton step, and its largest component in standard errors (dispersion by Pearson where estimated).

        Standard errors of the first step serve all others unless `fresh`: they judge a size, they are no result.
        """
        step = np.zeros(len(self.columns))
        kept = np.flatnonzero(keep)
        if not len(kept):
            return step, 0.0
        matrix = self._penalised(point.information)[np.ix_(kept, kept)]
        step[kept] = solve_information(matrix, point.score[kept])
        if self.unit_errors is None or len(self.unit_errors) != len(kept) or fresh:
            self.unit_errors = np.sqrt(np.maximum(np.diag(inverse_information(matrix)), np.finfo(float).tiny))
        errors = self.unit_errors * np.sqrt(self._dispersion_at(point, len(kept)))
        with np.errstate(over="ignore"):
            return step, float(np.max(np.abs(step[kept]) / errors))

    def _dispersion_at(self, point: _Point, columns: int) -> float:
        """Dispersion a step is judged by: Pearson's, no larger than that of the rows around their mean.

        Families of dispersion 1 are judged alike: a unit of the weights has no meaning.
        """
        freedom = self.summary.rows - columns
        if freedom <= 0 or not point.final:
            return self.dispersion
        found = max(float(point.scalars[PEARSON]) / freedom, self.least)
        return min(found, self.dispersion) if found > 0 else self.dispersion

    def _improve(self, point: _Point, step: Array, every: int = 1) -> _Point | None:
        slack = 1e-10 * (self.dispersion + abs(point.objective)) if np.isfinite(point.objective) else 0.0
        size = 1.0
        for _ in range(30):
            following = self._at(point.coefficients + size * step, every=every)
            if following.objective >= point.objective - slack and np.isfinite(following.objective):
                return following
            size /= 2
            self.halvings += 1
        return None

    def _start(self, null: float) -> Array:
        start = np.zeros(len(self.columns))
        if self.columns.has_intercept:
            start[0] = null
            if self.link.name in ("log", "logit"):
                start += marginal_start(self.summary, self.columns, self.family, self.link)
            return start
        # Without an intercept the first factor carries the level of all rows.
        for column in set(next(iter(self.columns.column_of_code.values()), np.array([], dtype=np.int64)).tolist()):
            if column >= 0:
                start[column] = self._mean_predictor()
        return start

    def _mean_predictor(self) -> float:
        return starting_predictor(self.summary, self.family, self.link)

    def _null_predictor(self) -> float:
        """Linear predictor of the model without factors: one number, found by its own Newton where offsets vary."""
        if not self.columns.has_intercept:
            return 0.0
        guess = self._mean_predictor()
        if self.columns.design.offset is None or self.columns.design.folded_power is not None:
            return guess
        if len(self.columns) == 1:
            return guess
        bare = replace(self.columns.design, fields=(), crosses=(), numerics={})
        columns = DesignColumns(bare, (Column(INTERCEPT),), {}, {})
        null = Newton(self.blocks, columns, self.family, self.link, self.summary, replace(self.options, ridge=0.0))
        return float(null._iterate_null(guess))

    def _iterate_null(self, guess: float) -> float:
        point = self._at(np.array([guess]))
        keep = np.array([True])
        for _ in range(self.options.max_iterations):
            step, size = self._direction(point, keep)
            small = size < 1e-5
            following = self._improve(point, step)
            if following is None or small:
                return float((following or point).coefficients[0])
            point = following
        return float(point.coefficients[0])

    def _sampled_start(self, start: Array) -> Array:
        every = max(2, self.summary.rows // max(SAMPLE_ROWS, self.summary.rows // 10))
        if self.summary.rows // every < 2 * ROWS_PER_BLOCK:
            return start
        point, _ = self._swept(start, every)
        start = point.coefficients
        every_column = np.ones(len(self.columns), dtype=bool)
        for _ in range(6):
            # A level may be absent from the sample (rows are often sorted): a weak prior keeps it where it is.
            one_row = np.trace(point.information) / len(start) / self.summary.rows
            held = replace(
                point,
                information=point.information + one_row * np.eye(len(start)),
                score=point.score - one_row * (point.coefficients - start),
            )
            step, size = self._direction(held, every_column)
            if not np.isfinite(step).all() or not np.isfinite(point.objective):
                return start
            if size < 0.3:
                return point.coefficients + step
            following = self._improve(point, step, every)
            if following is None:
                break
            point = following
        return point.coefficients

    def _amounts(self) -> Array:
        amounts = np.zeros(len(self.columns))
        for at, table in enumerate(self.summary.atoms[: len(self.columns.design.atoms)]):
            self.columns.add_margins(amounts, at, table[2])
        if self.columns.has_intercept:
            amounts[0] = self.summary.amount
        return amounts

    def _penalised(self, information: Array) -> Array:
        return information if self.penalty is None else information + self.penalty


def _concave(family: Family, link: Link) -> bool:
    """Whether the log-likelihood is concave in the linear predictor, so that observed information is safe."""
    if link.name == "log" and family.power is not None:
        return 1 <= family.power <= 2
    if family.domain == "unit":
        return link.name in ("logit", "probit", "cloglog")
    canonical = {0.0: "identity", 1.0: "log", 2.0: "inverse"}
    if family.power in canonical and canonical[family.power] == link.name:
        return True
    return family.power == 1 and link.name in ("identity", "sqrt")
