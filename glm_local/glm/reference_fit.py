"""The local reference solver: statsmodels' IRLS on a dense design, scaled its own way."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.families.families import Family
from glm_local.families.links import Link, PowerLink
from glm_local.glm.reference_problem import MOST_VALUES, CannotVerify, ReferenceProblem
from glm_local.glm.second_opinion import ReferenceFit, diverged

Array = NDArray[np.float64]

SOLVER = "statsmodels"


def fit_statsmodels(
    design: Array,
    response: Array,
    weight: Array | None,
    offset: Array | None,
    family: Family,
    link: Link,
    tolerance: float = 1e-11,
    max_iterations: int = 200,
    most_values: int = MOST_VALUES,
) -> ReferenceFit:
    """Fit by statsmodels, converged on the coefficients.

    Parameters
    ----------
    design, response, weight, offset
        Rows or cells, see `ReferenceProblem`; weights are statsmodels' ``var_weights``.
    family, link
        As fitted.
    tolerance
        Largest change of a coefficient (of columns with root mean square 1) in the last iteration.
    max_iterations
        Most IRLS iterations.
    most_values
        Largest design (rows times columns) that is tried.

    Returns
    -------
    ReferenceFit
        Estimates and standard errors at dispersion 1 by column; deviance and dispersion on the given rows.

    Raises
    ------
    CannotVerify
        When the design is too large or collinear, or statsmodels lacks the family or link.
    FitError
        When statsmodels does not converge.
    """
    problem = ReferenceProblem.of(design, response, weight, offset, family, link, most_values)
    scales = problem.column_scales
    result, iterations = _solved(problem, tolerance, max_iterations)
    covariance = np.asarray(result.normalized_cov_params, dtype=np.float64)
    return ReferenceFit.of(
        problem,
        np.asarray(result.params, dtype=np.float64) / scales,
        np.sqrt(np.diag(covariance)) / scales,
        SOLVER,
        iterations,
    )


def _solved(problem: ReferenceProblem, tolerance: float, max_iterations: int) -> tuple[Any, int]:
    import statsmodels.api as sm

    family = _statsmodels_family(problem.family, _statsmodels_link(problem.link))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model = sm.GLM(
            problem.response,
            problem.design / problem.column_scales,
            family=family,
            offset=problem.offset,
            var_weights=problem.weight,
        )
        try:
            # An orthogonal solution as exact as "qr", which writes out Q in every iteration and takes twice as long.
            result = model.fit(
                method="IRLS",
                maxiter=max_iterations,
                tol_criterion="params",
                atol=tolerance,
                rtol=0.0,
                wls_method="lstsq",
            )
        except (ValueError, FloatingPointError, np.linalg.LinAlgError, ZeroDivisionError):
            raise diverged(SOLVER, max_iterations) from None
    iterations = int(result.fit_history["iteration"])
    if not result.converged:
        raise diverged(SOLVER, iterations)
    return result, iterations


def _statsmodels_link(link: Link) -> Any:
    from statsmodels.genmod.families import links

    if isinstance(link, PowerLink):
        return links.Power(power=link.exponent)
    known = {
        "identity": links.Identity,
        "log": links.Log,
        "logit": links.Logit,
        "probit": links.Probit,
        "cloglog": links.CLogLog,
        "inverse": links.InversePower,
    }
    if link.name not in known:
        raise CannotVerify.because(
            f"Link {link} is not one of statsmodels'.", "A reference solver must know the link.", "Nothing to do."
        )
    return known[link.name]()


def _statsmodels_family(family: Family, link: Any) -> Any:
    from statsmodels.genmod import families

    name, arguments = family.in_statsmodels
    # check_link: statsmodels otherwise refuses power links of families that take them.
    return getattr(families, name)(link=link, check_link=False, **arguments)
