"""The problem a reference solver is given: a dense design, and the scales that make it a well-posed one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from glm_local.errors import FitError
from glm_local.families.families import Family
from glm_local.families.links import Link

Array = NDArray[np.float64]

MOST_VALUES = 20_000_000
"""Largest design (rows times columns) for a reference solver: 160 MB as doubles, ten times that while it is solved."""
_COLLINEAR = 1e-13


class CannotVerify(FitError):  # noqa: N818
    """A reference solver cannot do this case; the message says why. It is no verdict on the model."""


@dataclass(frozen=True)
class ReferenceProblem:
    """Rows (or cells) of a model as arrays.

    Parameters
    ----------
    design
        Shape (rows, columns), the intercept among the columns, none of them spanned by others.
    response, weight, offset
        Shape (rows,). Weights sharpen the variance, ``dispersion * V(mu) / weight``; rows of weight 0 are dropped.
    family, link
        As fitted.
    """

    design: Array
    response: Array
    weight: Array
    offset: Array
    family: Family
    link: Link

    @classmethod
    def of(
        cls,
        design: Array,
        response: Array,
        weight: Array | None,
        offset: Array | None,
        family: Family,
        link: Link,
        most_values: int = MOST_VALUES,
    ) -> ReferenceProblem:
        """Check the arrays and drop rows without weight.

        Raises
        ------
        CannotVerify
            For a design that is too large, empty, not finite, or whose columns are collinear.
        """
        rows = len(response)
        if design.size > most_values:
            raise CannotVerify.because(
                f"The design has {rows:,} rows times {design.shape[1]} columns.",
                f"Reference solvers are given at most {most_values:,} values.",
                "Verify on a sample of rows, or a coarser model.",
            )
        weight = np.ones(rows) if weight is None else weight
        offset = np.zeros(rows) if offset is None else offset
        if (weight == 0).any():
            keep = weight != 0
            design, response, weight, offset = design[keep], response[keep], weight[keep], offset[keep]
        problem = cls(design, response, weight, offset, family, link)
        problem._check()
        return problem

    def _check(self) -> None:
        if not self.design.size:
            raise CannotVerify.because("The design is empty.", "A fit needs rows and columns.", "Nothing to verify.")
        if not all(np.isfinite(one).all() for one in (self.design, self.response, self.weight, self.offset)):
            raise CannotVerify.because(
                "The design holds missing or infinite values.",
                "Reference solvers take finite numbers.",
                "Filter such rows.",
            )
        scaled = self.design / self.column_scales
        share = np.linalg.eigvalsh(scaled.T @ scaled)
        if share[0] < _COLLINEAR * share[-1]:
            raise CannotVerify.because(
                "Columns of the design are collinear.",
                "Reference solvers give such columns arbitrary coefficients.",
                "Leave out aliased columns.",
            )

    @cached_property
    def column_scales(self) -> Array:
        """Root mean square of every column, 1 for columns of zeros."""
        scales = np.sqrt(np.einsum("ij,ij->j", self.design, self.design) / len(self.design))
        return np.where(scales > 0, scales, 1.0)

    @cached_property
    def intercept(self) -> int | None:
        """Index of the constant column, None when there is none."""
        constant = np.flatnonzero((self.design == self.design[0]).all(axis=0) & (self.design[0] != 0))
        return int(constant[0]) if len(constant) else None

    def means(self, estimate: Array) -> Array:
        """Fitted means, shape (rows,)."""
        return self.link.mean(self.design @ estimate + self.offset)

    def deviance(self, estimate: Array) -> float:
        """Deviance at some coefficients, by this project's own formulas; NaN where a mean is impossible."""
        means = self.means(estimate)
        if not self.family.valid_mean(means).all():
            return float("nan")
        return float(np.sum(self.weight * self.family.unit_deviance(self.response, means)))

    def dispersion(self, estimate: Array) -> float:
        """Pearson's estimate over the given rows, 1 for families that fix it, NaN without degrees of freedom."""
        freedom = len(self.response) - len(estimate)
        if self.family.fixed_dispersion:
            return 1.0
        means = self.means(estimate)
        pearson = np.sum(self.weight * (self.response - means) ** 2 / self.family.variance(means))
        return float(pearson / freedom) if freedom > 0 else float("nan")
