"""Cross-validation of a model on packed rows: one Newton step away from the fit on all training rows.

With U and I the score and information of all training rows at the full estimate b, and U_k, I_k those of fold k, the
estimate without fold k is taken as b + (I - I_k)^-1 (U - U_k). Its error against iterating to the end is of second
order in the share of information a fold holds; levels without rows outside the fold count as the base.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.candidates.fold_error import fold_error
from glm_local.candidates.study_rows import StudyRows
from glm_local.glm.information import independent_columns, solve_information
from glm_local.glm.kernels import NewtonKernel, Predictor
from glm_local.inference.packed_fit import PackedFit
from glm_local.inference.recode import ManyKernels, RecodedKernel
from glm_local.inference.row_means import DEVIANCE, ROWS, WEIGHT, DevianceKernel, RowMeans
from glm_local.scoring.model_spec import ModelDocument

Array = NDArray[np.float64]
DEFINITION = "out-of-fold deviance at one Newton step from the fit on all training rows"
SEARCHED = f"{DEFINITION}; bins that were searched for by the search made again without the fold"


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold deviance of every training fold.

    Parameters
    ----------
    rows, weight, deviance
        Shape (folds,); deviance is the total of the fold under the coefficients fitted without it.
    """

    rows: Array
    weight: Array
    deviance: Array
    definition: str = DEFINITION

    @property
    def mean(self) -> float:
        """Deviance per weight over all folds."""
        return float(self.deviance.sum() / self.weight.sum())

    def without_optimism(self, optimism: Array) -> CrossValidation:
        """With what bins searched on the same rows only seem to gain, by fold, taken back."""
        return CrossValidation(self.rows, self.weight, self.deviance + optimism, SEARCHED)

    def gain_over(self, other: CrossValidation) -> tuple[float, float]:
        """Total deviance this model saves against another one, and its standard error from paired fold differences.

        With K folds of difference d_k the total is sum d_k and its standard error sqrt(K) times the standard deviation
        of the d_k.
        """
        differences = other.deviance - self.deviance
        return float(differences.sum()), fold_error(differences)


def cross_validate(rows: StudyRows[Any], model: ModelDocument | None) -> CrossValidation:
    """Two packed passes: score and information of every fold, then deviance of every fold without it."""
    fit, plan = rows.packed(model)
    recodes = rows.fold_recodes(plan)
    steps = _steps(rows, fit, recodes)
    kernels = ManyKernels(
        tuple(
            RecodedKernel(recode, DevianceKernel(fit.family, RowMeans.of(fit.columns, fit.link, step)))
            for recode, step in zip(recodes, steps, strict=True)
        )
    )
    totals = np.stack([one[0] for one in kernels.answers(rows.sum(kernels, "out of fold"))])
    return CrossValidation(totals[:, ROWS], totals[:, WEIGHT], totals[:, DEVIANCE])


def _steps(rows: StudyRows[Any], fit: PackedFit, recodes: list[Any]) -> list[Array]:
    """Coefficients without each fold."""
    inner = fit.basis.inner(fit.coefficients)
    newton = NewtonKernel(fit.columns, fit.family, fit.link, Predictor.at(inner, fit.basis), inner, "expected", None)
    kernels = ManyKernels(tuple(RecodedKernel(recode, newton) for recode in recodes))
    parts = kernels.answers(rows.sum(kernels, "folds"))
    scores = np.stack([part[1] for part in parts])
    informations = np.stack([part[2] for part in parts])
    penalty = fit.basis.penalty(float(rows.request.ridge))
    return [
        fit.basis.outer(_without(inner, scores.sum(axis=0) - score, informations.sum(axis=0) - information, penalty))
        for score, information in zip(scores, informations, strict=True)
    ]


def _without(coefficients: Array, score: Array, information: Array, penalty: Array) -> Array:
    matrix = information + penalty
    kept = np.flatnonzero(independent_columns(matrix))
    found = np.zeros_like(coefficients)
    step = solve_information(matrix[np.ix_(kept, kept)], (score - penalty @ coefficients)[kept])
    found[kept] = coefficients[kept] + step
    return found
