"""A fit held against its own document: its score expression gives the figures as they are told.

The sums are taken over the packed rows (or cells) once more, with the linear predictor that the document's score
expression has at their codes and the mean that it makes of it. With a canonical link and an intercept the fitted total
is the observed one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glm_local.errors import FitError
from glm_local.expressions.column_reader import ArrayColumns
from glm_local.expressions.evaluate import evaluate
from glm_local.expressions.expression import Expression, Read
from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.design_columns import DesignColumns
from glm_local.glm.kernels import Additive, PairIndex, Predictor, responses
from glm_local.glm.solution import Solution
from glm_local.rows.blocks import Block, Blocks, Sums
from glm_local.scoring.compile_score import mean_expression

Array = NDArray[np.float64]

ROUNDING = 1e-6
"""Largest difference, relative to the size of what is added up, that rounding and the last step may make."""

SQUARED_ROUNDING = 1e-6
"""What rounding of means adds to a deviance, in units of weight * mean^2 / variance, before `ROUNDING`."""

PREDICTOR = "linear predictor"

EPSILON = float(np.finfo(np.float64).eps)

CANONICAL = {
    ("gaussian", "identity"),
    ("poisson", "log"),
    ("binomial", "logit"),
    ("gamma", "inverse"),
}


@dataclass(frozen=True)
class DocumentKernel(Additive):
    """Sums of one array.

    Deviance, fitted total, observed total, both totals without sign, sum of weight * mean^2 / variance; and what
    rounding of the predictor's terms can make of the deviance and of the fitted total.
    """

    columns: DesignColumns
    family: Family
    link: Link
    predictor: Predictor
    mean: Expression

    def begin(self) -> Sums:
        return [np.zeros(7)]

    def add(self, sums: Sums, block: Block) -> None:
        if not block.rows:
            return
        sizes = [atom.size for atom in self.columns.design.atoms]
        pairs = PairIndex(block.atoms[: len(sizes)], sizes)
        with np.errstate(all="ignore"):
            numerics = self.predictor.inner(block)
            eta = self.predictor.linear_predictor(block, pairs, numerics)
            mean = evaluate(self.mean, ArrayColumns({PREDICTOR: eta})).data
            response, prior = responses(block)
            deviance = np.sum(prior * self.family.unit_deviance(response, mean))
            fitted = prior * mean
            scale = fitted * mean / self.family.variance(mean)
            rounding = self._rounding(block, pairs, numerics) * np.abs(self.link.mean_derivative(eta))
            pull = (2 * np.abs(response - mean) + rounding) / self.family.variance(mean)
        size = np.abs(fitted).sum() + np.abs(block.amount).sum()
        roundings = np.sum(prior * rounding * pull), np.sum(prior * rounding)
        sums[0] += (deviance, fitted.sum(), block.amount.sum(), size, scale[np.isfinite(scale)].sum(), *roundings)

    def _rounding(self, block: Block, pairs: PairIndex, numerics: Array) -> Array:
        """Of a row's linear predictor: by the sizes of its terms, which cancel where columns are far from 0."""
        sizes = replace(
            self.predictor,
            tables=tuple(np.abs(table) for table in self.predictor.tables),
            slopes=np.abs(self.predictor.slopes),
            intercept=abs(self.predictor.intercept),
        )
        terms = 2.0 + len(numerics)
        return terms * EPSILON * np.abs(sizes.linear_predictor(block, pairs, np.abs(numerics)))


def check_document(
    blocks: Blocks, predictor: Predictor, solution: Solution, family: Family, link: Link, canonical: bool
) -> None:
    """Recompute deviance and fitted total of a converged fit from its document; one pass over packed rows.

    Parameters
    ----------
    predictor
        Of the document (`document_predictor`).
    solution
        What the fit tells.
    canonical
        Whether the fitted total must be the observed one, given a canonical link and an intercept.

    Raises
    ------
    FitError
        When the document does not give the figures of the fit.
    """
    columns = solution.columns
    kernel = DocumentKernel(columns, family, link, predictor, mean_expression(str(link), Read(PREDICTOR, "number")))
    ((deviance, fitted, observed, size, scale, *rounding),) = blocks.sum(kernel, "check")
    step = max(1.0, 10 * solution.step / ROUNDING)
    largest = max(solution.deviance, deviance)
    _compare("deviance", deviance, solution.deviance, step * (largest + SQUARED_ROUNDING * scale), rounding[0])
    _compare("fitted total", fitted, solution.fitted, step * size, rounding[1])
    if canonical and columns.has_intercept and (family.name, link.name) in CANONICAL:
        _compare("fitted total against the observed", fitted, observed, step * size, rounding[1])


def _compare(what: str, recomputed: float, told: float, size: float, rounding: float) -> None:
    allowed = ROUNDING * size + (rounding if np.isfinite(rounding) else 0.0)
    if abs(recomputed - told) <= allowed or not np.isfinite(told):
        return
    raise FitError.because(
        f"The {what} recomputed from the model's coefficients is {recomputed:.10g}, the fit says {told:.10g}.",
        "A model is given out only when its document gives the figures of its fit.",
        "Scale and centre numeric factors, or leave out nearly equal ones; if that is not it, please report this.",
        "/coefficients",
    )
