"""What each factor of a finalized model gains on the holdout: one packed pass for all of them.

Without a factor the other coefficients move too: with its own held at 0 they are taken at one Newton step from the fit,
b_r - C_rf C_ff^- b_f, from the model's covariance C.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.glm.document import covariance_matrix
from glm_local.glm.levels_covariance import solve_covariance
from glm_local.inference.packed_fit import PackedFit
from glm_local.inference.recode import ManyKernels, RecodedKernel
from glm_local.inference.row_means import DEVIANCE, DevianceKernel, RowMeans
from glm_local.study.core import StudyCore

Array = NDArray[np.float64]


def holdout_gains(study: StudyCore[Any]) -> dict[str, float]:
    """Deviance every factor saves on the holdout beside the others; none for factors that are crossed.

    Empty without a holdout or factors.
    """
    design, rows = study.design, study.bench.rows
    names = [name for name in design.names if not design.crossings_of(name) and not design.pins.get(name)]
    if not names or not study.bench.counts.get("holdout"):
        return {}
    fit, plan = rows.packed(study.current().model)
    recode = rows.recode(plan, rows.codes_of("holdout"))
    without = [fit.coefficients, *(coefficients_without(fit, name) for name in names)]
    kernels = ManyKernels(
        tuple(
            RecodedKernel(recode, DevianceKernel(fit.family, RowMeans.of(fit.columns, fit.link, one)))
            for one in without
        )
    )
    answers = kernels.answers(rows.sum(kernels, "holdout gains"))
    whole, *others = (float(one[0][DEVIANCE]) for one in answers)
    return {name: other - whole for name, other in zip(names, others, strict=True)}


def coefficients_without(fit: PackedFit, factor: str) -> Array:
    """Coefficients of a fit with one factor's at 0 and the others one Newton step on."""
    terms = [one.term for one in fit.document.coefficients if one.status == "fitted"]
    # That of the fit, not of a sandwich: it says how estimates move together. Unknown: then the others stay.
    covariance = np.nan_to_num(covariance_matrix(fit.document))
    place = {str(column): at for at, column in enumerate(fit.columns.columns)}
    at = np.array([place[term] for term in terms])
    own = np.array([fit.columns.columns[one].term == factor for one in at], dtype=bool)
    moved: Array = fit.coefficients.copy()
    moved[[one.term == factor for one in fit.columns.columns]] = 0.0
    if own.any():
        held = solve_covariance(covariance, np.flatnonzero(own), fit.coefficients[at[own]])
        moved[at[~own]] -= covariance[np.ix_(~own, own)] @ held
    return moved
