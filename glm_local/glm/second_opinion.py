"""The second opinion: one model solved by an independent implementation, and how far the two are apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glm_local.errors import FitError, GlmError
from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.reference_problem import CannotVerify, ReferenceProblem

__all__ = [
    "CannotVerify",
    "ReferenceFit",
    "ReferenceSolver",
    "SecondOpinion",
    "Solved",
    "compare_solutions",
    "second_opinion",
]

Array = NDArray[np.float64]
Verdict = Literal["agrees", "differs", "not verifiable"]

COEFFICIENT_TOLERANCE = 1e-6
"""Largest difference of a coefficient, in standard errors, that still counts as agreement."""
SE_TOLERANCE = 1e-5
"""Largest relative difference of a standard error that still counts as agreement."""
TOTAL_TOLERANCE = 1e-6
"""Largest difference of the predicted total, relative to its size, that still counts as agreement."""


@dataclass(frozen=True)
class Solved:
    """What two solvers can be compared on.

    Parameters
    ----------
    estimate
        Coefficients, shape (columns,).
    unscaled_se
        Standard errors at dispersion 1, same shape; NaN or None where the solver has none.
    deviance
        On the rows (or cells) both were given; None when it was not computed there.
    dispersion
        By which variances are multiplied.
    total
        Weighted sum of predictions over all rows, as the family weighs them; None when nobody added them up.
    """

    estimate: Array
    unscaled_se: Array | None
    deviance: float | None = None
    dispersion: float = 1.0
    total: float | None = field(default=None, kw_only=True)

    @property
    def se(self) -> Array | None:
        """Standard errors at the dispersion."""
        return None if self.unscaled_se is None else self.unscaled_se * math.sqrt(self.dispersion)


@dataclass(frozen=True)
class ReferenceFit(Solved):
    """A reference solver's answer: which one, after how many iterations, and the total of predictions without sign."""

    solver: str = ""
    iterations: int = 0
    size: float = 0.0

    @classmethod
    def of(
        cls, problem: ReferenceProblem, estimate: Array, unscaled_se: Array | None, solver: str, iterations: int
    ) -> ReferenceFit:
        """Complete an answer by deviance and dispersion, computed here and not by the solver.

        Raises
        ------
        FitError
            When estimates are not finite or lead to impossible means.
        """
        deviance = problem.deviance(estimate) if np.isfinite(estimate).all() else math.nan
        if not math.isfinite(deviance):
            raise diverged(solver, iterations)
        fitted = problem.weight * problem.means(estimate)
        return cls(
            estimate,
            unscaled_se,
            deviance,
            problem.dispersion(estimate),
            solver,
            iterations,
            float(np.abs(fitted).sum()),
            total=float(fitted.sum()),
        )


ReferenceSolver = Callable[[Array, Array, Array | None, Array | None, Family, Link], ReferenceFit]
"""(design, response, weight, offset, family, link) -> solution; raises `CannotVerify` or `FitError`."""


@dataclass(frozen=True)
class SecondOpinion:
    """The verdict on a model, as the audit history keeps it.

    Parameters
    ----------
    solver
        "statsmodels" or "spark_ml".
    verdict
        "agrees", "differs", or "not verifiable" when the solver could not do the case.
    reason
        Why it is not verifiable or what differs; empty for agreement.
    largest_difference_in_se
        Largest difference of a coefficient in standard errors; None when not verifiable.
    largest_relative_se_difference
        None when the solver has no standard errors.
    deviance_difference
        Theirs minus ours, on the same rows.
    iterations
        The reference solver's.
    relative_total_difference
        Their predicted total against ours, which the document's own score expression gives on the rows; None when it
        was not added up.
    """

    solver: str
    verdict: Verdict
    reason: str = ""
    largest_difference_in_se: float | None = None
    largest_relative_se_difference: float | None = None
    deviance_difference: float | None = None
    iterations: int | None = None
    relative_total_difference: float | None = None

    def __str__(self) -> str:
        if self.largest_difference_in_se is None:
            return f"{self.solver}: {self.verdict}. {self.reason}"
        figures = f"coefficients {_within(self.largest_difference_in_se, ' standard errors')}"
        if self.largest_relative_se_difference is not None:
            figures += f", standard errors {_within(self.largest_relative_se_difference)}"
        if self.deviance_difference is not None:
            figures += f", deviance {self.deviance_difference:+.1e}"
        if self.relative_total_difference is not None:
            figures += f", predicted total {_within(abs(self.relative_total_difference))}"
        return f"{self.solver} {self.verdict}: {figures}." + (f" {self.reason}" if self.reason else "")


def compare_solutions(ours: Solved, theirs: ReferenceFit) -> SecondOpinion:
    """Compare two solutions of one problem, column by column.

    Coefficients are judged in our standard errors (`COEFFICIENT_TOLERANCE`), standard errors at dispersion 1
    relatively (`SE_TOLERANCE`), predicted totals by `TOTAL_TOLERANCE`; the deviance is reported.

    Examples
    --------
    >>> ours = Solved(np.array([1.0]), np.array([0.1]))
    >>> str(compare_solutions(ours, ReferenceFit(np.array([1.2]), None, solver="statsmodels")))
    'statsmodels differs: coefficients within 2.0e+00 standard errors. The estimates lie apart.'
    """
    unit = ours.se if ours.se is not None else theirs.se
    if unit is None or not np.isfinite(unit).all() or not (unit > 0).all():
        return SecondOpinion(theirs.solver, "not verifiable", "Standard errors to measure differences in are missing.")
    apart = float(np.max(np.abs(theirs.estimate - ours.estimate) / unit))
    errors_apart = _relative(ours.unscaled_se, theirs.unscaled_se)
    deviance = None if ours.deviance is None or theirs.deviance is None else theirs.deviance - ours.deviance
    totals = _relative_total(ours.total, theirs)
    reason = (
        "The estimates lie apart."
        if apart > COEFFICIENT_TOLERANCE
        else "The standard errors lie apart."
        if (errors_apart or 0.0) > SE_TOLERANCE
        else "The predicted totals lie apart."
        if totals is not None and not abs(totals) <= TOTAL_TOLERANCE
        else ""
    )
    verdict: Verdict = "differs" if reason else "agrees"
    if not reason and errors_apart is None:
        reason = "The solver gave no standard errors."
    return SecondOpinion(
        theirs.solver,
        verdict,
        reason,
        apart,
        errors_apart,
        deviance,
        theirs.iterations,
        totals,
    )


def second_opinion(solver: str, ours: Solved, solve: Callable[[], ReferenceFit]) -> SecondOpinion:
    """Run a reference solver and compare; what it cannot do becomes the verdict "not verifiable", never an error."""
    try:
        theirs = solve()
    except FitError as error:
        return SecondOpinion(solver, "not verifiable", str(error))
    return compare_solutions(ours, theirs)


def diverged(solver: str, iterations: int) -> GlmError:
    """Return the error of a reference solver that left the range of possible means or found no fixed point."""
    return FitError.because(
        f"{solver} did not converge in {iterations} iterations.",
        "A reference solution must be a fixed point with possible means.",
        "Look at separated levels and at the scale of the response, or use this project's solver.",
    )


def _within(difference: float, unit: str = "") -> str:
    return f"within {difference:.1e}{unit}" if difference else "the same"


def _relative(ours: Array | None, theirs: Array | None) -> float | None:
    if ours is None or theirs is None or not np.isfinite(theirs).all():
        return None
    return float(np.max(np.abs(theirs / ours - 1)))


def _relative_total(ours: float | None, theirs: ReferenceFit) -> float | None:
    if ours is None or theirs.total is None:
        return None
    return 0.0 if ours == theirs.total else (theirs.total - ours) / theirs.size
