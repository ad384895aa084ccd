"""A fit held against its own document: the coefficients as they are written down give the figures as they are told.

The sums are taken over the packed rows (or cells) once more, with a linear predictor made of nothing but the
document's coefficients, where an aliased one counts 0. With a canonical link and an intercept the fitted total is the
observed one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.contract.blocks import Block, Blocks, Sums
from glm_local.errors import FitError
from glm_local.glm.design_columns import DesignColumns
from glm_local.glm.families import Family
from glm_local.glm.kernels import Additive, PairIndex, Predictor, responses
from glm_local.glm.links import Link
from glm_local.glm.solution import Solution

Array = NDArray[np.float64]

ROUNDING = 1e-6
"""Largest difference, relative to the size of what is added up, that rounding and the last step may make."""

SQUARED_ROUNDING = 1e-6
"""What rounding of means adds to a deviance, in units of weight * mean^2 / variance, before `ROUNDING`."""

CANONICAL = {
    ("gaussian", "identity"), ("poisson", "log"), ("binomial", "logit"), ("gamma", "inverse"),
}  # fmt: skip


@dataclass(frozen=True)
class DocumentKernel(Additive):
    """Sums: [deviance, fitted total, observed total, both totals without sign, sum of weight * mean^2 / variance]."""

    columns: DesignColumns
    family: Family
    link: Link
    predictor: Predictor

    def begin(self) -> Sums:
        return [np.zeros(5)]

    def add(self, sums: Sums, block: Block) -> None:
        if not block.rows:
            return
        sizes = [atom.size for atom in self.columns.design.atoms]
        pairs = PairIndex(block.atoms[: len(sizes)], sizes)
        with np.errstate(all="ignore"):
            eta = self.predictor.linear_predictor(block, pairs, self.predictor.standardised(block))
            mean = self.link.mean(eta)
            response, prior = responses(block)
            deviance = np.sum(prior * self.family.unit_deviance(response, mean))
            fitted = prior * mean
            scale = fitted * mean / self.family.variance(mean)
        size = np.abs(fitted).sum() + np.abs(block.amount).sum()
        sums[0] += (deviance, fitted.sum(), block.amount.sum(), size, scale[np.isfinite(scale)].sum())


def check_document(blocks: Blocks, solution: Solution, family: Family, link: Link, canonical: bool) -> None:
    """Recompute deviance and fitted total from the coefficients of a converged fit; one pass over packed rows.

    Parameters
    ----------
    canonical
        Whether the fitted total must be the observed one, given a canonical link and an intercept.

    Raises
    ------
    FitError
        When the document does not give the figures of the fit.
    """
    columns, q = solution.columns, len(solution.columns.numerics)
    coefficients = np.where(np.isnan(solution.coefficients), 0.0, solution.coefficients)
    predictor = Predictor.at(columns, coefficients, np.zeros(q), np.ones(q))
    ((deviance, fitted, observed, size, scale),) = blocks.sum(DocumentKernel(columns, family, link, predictor), "check")
    step = max(1.0, 10 * solution.step / ROUNDING)
    largest = max(solution.deviance, deviance)
    _compare("deviance", deviance, solution.deviance, step * (largest + SQUARED_ROUNDING * scale))
    _compare("fitted total", fitted, solution.fitted, step * size)
    if canonical and columns.has_intercept and (family.name, link.name) in CANONICAL:
        _compare("fitted total against the observed", fitted, observed, step * size)


def _compare(what: str, recomputed: float, told: float, size: float) -> None:
    if abs(recomputed - told) <= ROUNDING * size or not np.isfinite(told):
        return
    raise FitError.because(
        f"The {what} recomputed from the model's coefficients is {recomputed:.10g}, the fit says {told:.10g}.",
        "A model is given out only when its document gives the figures of its fit.",
        "Scale and centre numeric factors, or leave out nearly equal ones; if that is not it, please report this.",
        "/coefficients",
    )
