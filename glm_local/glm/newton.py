"""Newton's method over blocks: step halving, aliasing, convergence judged in standard errors, a named reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from glm_local.families.borders import FADING, Borders
from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.basis import Basis
from glm_local.glm.covariance import covariance_and_condition
from glm_local.glm.design_columns import INTERCEPT, Column, DesignColumns
from glm_local.glm.fit_problems import no_start
from glm_local.glm.information import inverse_diagonal, kept_part, positive_definite, solve_information
from glm_local.glm.kernels import (
    DEVIANCE,
    FITTED,
    INVALID,
    NULL_DEVIANCE,
    OBJECTIVE,
    ON_BORDER,
    PEARSON,
    Information,
    NewtonKernel,
    Predictor,
    StartKernel,
)
from glm_local.glm.solution import BOUNDARY, CONVERGED, NewtonOptions, Reason, Solution
from glm_local.glm.starts import (
    DIMENSIONLESS,
    amounts_by_column,
    constant_start,
    rounding_dispersion,
    starting_predictor,
    typical_dispersion,
)
from glm_local.glm.steps import Ended, Point
from glm_local.glm.summary import Summary
from glm_local.glm.sweep import Sweep
from glm_local.rows.blocks import ROWS_PER_BLOCK, Blocks

Array = NDArray[np.float64]

SAMPLE_ROWS = 400_000  # a start from fewer rows than the data is worth its passes from four times this on


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
        self.amounts = amounts_by_column(summary, columns) if not len(columns.numerics) else None
        self.penalty = self.basis.penalty(self.options.ridge) if self.options.ridge else None
        self.concave = family.concave(link)
        self.borders = Borders.of(family, link, starting_predictor(summary, family, link))
        self.dispersion, self.least = typical_dispersion(summary, family), rounding_dispersion(summary, family)
        self.unit = link.name not in DIMENSIONLESS  # then the linear predictor has one, as the target has
        self.halvings, self.cut, self.blocked = 0, 1.0, False
        self.trace: list[float] = []
        self.unit_errors: Array | None = None

    def solve(self) -> Solution:
        """Iterate to the tolerance; passes: about 3 full ones, more for links without fast convergence."""
        null = self._null_predictor()
        start = constant_start(self.summary, self.columns, self.family, self.link, null)
        if self.summary.rows >= 4 * SAMPLE_ROWS:
            start = self._sampled_start(start)
            self.unit_errors = None
        point, keep = self._swept(start)
        if (point.coefficients[~keep] != 0).any():  # what the document leaves out is left out from the start
            point = self._at(np.where(keep, point.coefficients, 0.0))
        ended = self._iterate(point, keep)
        if ended.failure and self.blocked and self.borders is not None:
            ended = self._inside(point, keep, self.borders, ended.iteration)
        return self._finish(ended, keep, null)

    def _iterate(self, point: Point, keep: NDArray[np.bool_], taken: int = 0) -> Ended:
        """Newton's steps, by observed information where it has a maximum, else by expected information."""
        self.trace.append(point.objective)
        limit, stuck = taken + self.options.max_iterations, 0
        near = 1e-4 if self.concave else 1e-7
        for iteration in range(taken + 1, limit + 1):
            point, peak = self._curved(point, keep)
            step, size = self._direction(point, keep)
            # A step small beside its standard error may still be large: then the information is what vanishes.
            if size < near and (self.unit or np.abs(step).max(initial=0.0) < 0.01):
                if peak or self._curved(self._at(point.coefficients), keep)[1]:
                    return Ended(replace(point, coefficients=point.coefficients + step), iteration, limit)
                self.blocked = True
                return Ended(point, iteration, limit, "no step improves")
            following = self._improve(point, step)
            stuck = stuck + 1 if self.blocked and self.cut < 0.01 else 0
            if following is None or stuck > 2:
                return Ended(following or point, iteration, limit, "no step improves")
            stalled = abs(following.objective - point.objective) <= 1e-9 * (self.dispersion + abs(point.objective))
            point = following
            self.trace.append(point.objective)
            if stalled and iteration > 8 and not self.unit and np.abs(step).max() > 0.3:
                return Ended(point, iteration, limit, "coefficients ran away", step)
        return Ended(point, limit, limit, "iterations exhausted", step)

    def _inside(self, point: Point, keep: NDArray[np.bool_], borders: Borders, taken: int) -> Ended:
        """From the start once more, behind a barrier that fades: to a maximum inside, or to the best at a border."""
        unit = self.dispersion * self.summary.rows / self.summary.weight
        for share in FADING:
            self.borders = replace(borders, barrier=share * unit)
            point = self._climb(self._at(point.coefficients), keep)
        self.borders, self.unit_errors = borders, None
        point, peak = self._curved(self._at(point.coefficients), keep)
        if peak and self._direction(point, keep)[1] < 0.01:
            ended = self._iterate(point, keep, taken)
            if not ended.failure:
                return ended
        return Ended(point, taken, taken, BOUNDARY)

    def _climb(self, point: Point, keep: NDArray[np.bool_]) -> Point:
        for _ in range(15):
            point, _peak = self._curved(point, keep)
            step, size = self._direction(point, keep, fresh=True)
            following = self._improve(point, step)
            if following is None:
                break
            point = following
            if size < 0.1:
                break
        return point

    def _curved(self, point: Point, keep: NDArray[np.bool_]) -> tuple[Point, bool]:
        """The point with an information that steps can be made of, and whether it is known to curve downwards."""
        kept = np.flatnonzero(keep)
        if self.concave:
            return point, True
        if positive_definite(kept_part(self._penalised(point.information), kept)):
            return point, point.observed
        expected = self._at(point.coefficients, second_order="expected")
        return expected, False

    def independent(self) -> NDArray[np.bool_]:
        """Columns that are not aliased, judged where the iterations would start."""
        null = self._null_predictor()
        return self._swept(constant_start(self.summary, self.columns, self.family, self.link, null))[1]

    def _swept(self, start: Array, every: int = 1) -> tuple[Point, NDArray[np.bool_]]:
        """The start in a basis whose columns can be told apart, and the columns to estimate.

        A ridge penalty makes every column one that the others do not explain.
        """
        sweep, coefficients = Sweep.begin(self.basis), start
        while True:
            point = self._at(coefficients, every=every, second_order="observed" if self.concave else "expected")
            if not sweep.count and every == 1 and self._no_start(point):
                coefficients = self._least_squares()
                point = self._at(coefficients, second_order="expected")
                if not np.isfinite(point.objective):
                    raise no_start()
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
        return self._solution(point, keep, CONVERGED if size < 0.01 else "no step improves", 0, size, None)

    def _finish(self, ended: Ended, keep: NDArray[np.bool_], null: float) -> Solution:
        best, before = np.inf, None
        point, iteration, failure = ended.point, ended.iteration, ended.failure
        while True:
            point = self._at(point.coefficients, final=True, null=null)
            if before is not None and not np.isfinite(point.objective):
                point, failure = before, BOUNDARY if self.borders is not None else "no step improves"
                break
            step, size = self._direction(point, keep, fresh=True)
            if failure or size <= self.options.tolerance:
                # The last step is taken: the figures before it are the figures after it to its square.
                point = point if failure else replace(point, coefficients=point.coefficients + step)
                break
            if iteration >= ended.limit:
                failure = "iterations exhausted"
                break
            if size > 0.9 * best:  # rounding, not the method, now moves the step
                if size < 1e3 * self.options.tolerance:
                    break
                failure = "no step improves"
                break
            best, before = min(best, size), point
            iteration += 1
            if not self.concave:
                step, _ = self._direction(self._curved(self._at(point.coefficients), keep)[0], keep)
            point = replace(point, coefficients=point.coefficients + step)
        return self._solution(point, keep, failure or CONVERGED, iteration, size, ended.last_step)

    def _solution(
        self,
        point: Point,
        keep: NDArray[np.bool_],
        reason: Reason,
        iterations: int,
        size: float,
        last_step: Array | None,
    ) -> Solution:
        if reason == CONVERGED and point.scalars[ON_BORDER]:
            reason = BOUNDARY
        coefficients = np.where(keep, self.basis.outer(np.where(keep, point.coefficients, 0.0)), np.nan)
        covariance, condition = covariance_and_condition(
            self.basis, np.flatnonzero(keep), point.information, self.penalty
        )
        if reason == BOUNDARY:  # standard errors stand on a score that vanishes
            covariance, condition = np.full(covariance.shape, np.nan), None
        away: tuple[Column, ...] = ()
        if last_step is not None and reason != CONVERGED:
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
            tuple(self.trace),
            condition,
        )

    def _at(
        self,
        coefficients: Array,
        final: bool = False,
        null: float | None = None,
        every: int = 1,
        second_order: Information | None = None,
    ) -> Point:
        if second_order is None:
            second_order = "expected" if final or (every > 1 and not self.concave) else "observed"
        predictor = Predictor.at(coefficients, self.basis)
        kernel = NewtonKernel(
            self.columns,
            self.family,
            self.link,
            predictor,
            coefficients,
            second_order,
            self.amounts if every == 1 else None,
            final,
            null,
            self.borders,
        )
        purpose = "final" if final else "newton" if every == 1 else "start"
        scalars, score, information = kernel.with_amounts(self.blocks.sum(kernel, purpose, every))
        pull = 0.0 if self.penalty is None else self.penalty @ coefficients
        objective = float(scalars[OBJECTIVE]) - 0.5 * float(np.sum(pull * coefficients))
        if scalars[INVALID] or not np.isfinite(objective):
            objective = -np.inf
        return Point(coefficients, objective, score - pull, information, scalars, final, second_order == "observed")

    def _direction(self, point: Point, keep: NDArray[np.bool_], fresh: bool = False) -> tuple[Array, float]:
        """The Newton step, and its largest component in standard errors (dispersion by Pearson where estimated).

        Standard errors of the first step serve all others unless `fresh`: they judge a size, they are no result.
        """
        step = np.zeros(len(self.columns))
        kept = np.flatnonzero(keep)
        if not len(kept):
            return step, 0.0
        matrix = kept_part(self._penalised(point.information), kept)
        step[kept] = solve_information(matrix, point.score[kept])
        if self.unit_errors is None or len(self.unit_errors) != len(kept) or fresh:
            self.unit_errors = np.sqrt(np.maximum(inverse_diagonal(matrix), np.finfo(float).tiny))
        errors = self.unit_errors * np.sqrt(self._dispersion_at(point, len(kept)))
        if self.dispersion <= self.least and np.abs(step).max() <= 1e-15 * np.abs(point.coefficients).max():
            return step, 0.0  # rows vary by rounding only, and so does the step
        with np.errstate(over="ignore"):
            return step, float(np.max(np.abs(step[kept]) / errors))

    def _dispersion_at(self, point: Point, columns: int) -> float:
        """Dispersion a step is judged by: Pearson's, no larger than that of the rows around their mean.

        Families of dispersion 1 are judged alike: a unit of the weights has no meaning.
        """
        freedom = self.summary.rows - columns
        if freedom <= 0 or not point.final:
            return self.dispersion
        found = max(float(point.scalars[PEARSON]) / freedom, self.least)
        return min(found, self.dispersion) if found > 0 else self.dispersion

    def _improve(self, point: Point, step: Array, every: int = 1) -> Point | None:
        slack = 1e-10 * (self.dispersion + abs(point.objective)) if np.isfinite(point.objective) else 0.0
        size = 1.0
        for _ in range(30):
            following = self._at(point.coefficients + size * step, every=every)
            self.cut, self.blocked = size, self.blocked or following.scalars[INVALID] > 0
            if following.objective >= point.objective - slack and np.isfinite(following.objective):
                return following
            size /= 2
            self.halvings += 1
        return None

    def _no_start(self, point: Point) -> bool:
        if not np.isfinite(point.objective) or point.scalars[ON_BORDER]:
            return True
        return self.unit and not self.concave and not self.columns.has_intercept

    def _least_squares(self) -> Array:
        start = np.zeros(len(self.columns))
        typical = self.family.starting_mean(self.summary.amount / self.summary.weight)
        predictor = Predictor.at(start, self.basis)
        kernel = StartKernel(self.columns, self.family, self.link, predictor, start, typical=typical)
        _, score, information = self.blocks.sum(kernel, "start", 1)
        return solve_information(information, score)

    def _null_predictor(self) -> float:
        """Linear predictor of the model without factors: one number, found by its own Newton where offsets vary."""
        if not self.columns.has_intercept:
            return 0.0
        guess = starting_predictor(self.summary, self.family, self.link)
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
            point, _peak = self._curved(point, keep)
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

    def _penalised(self, information: Array) -> Array:
        return information if self.penalty is None else information + self.penalty
