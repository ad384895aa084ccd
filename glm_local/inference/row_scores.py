"""Score and information of every packed row under a model, and the model's scores added up by group of keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.design_columns import DesignColumns
from glm_local.glm.kernels import responses
from glm_local.inference.row_means import RowMeans
from glm_local.rows.blocks import Block, Sums

Array = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class RowScores:
    """Of each row at a model's estimates, along its linear predictor.

    Parameters
    ----------
    mean, weight
        Mean m and weight w on the scale of the block.
    score
        w (y - m) m' / V(m).
    information
        w m'^2 / V(m): the variance of the score at dispersion 1.
    """

    mean: Array
    weight: Array
    score: Array
    information: Array


def row_scores(family: Family, link: Link, means: RowMeans, block: Block) -> RowScores:
    """Scores of a block of the model's design."""
    with np.errstate(all="ignore"):
        eta = means.linear_predictor(block)
        mean, weight = link.mean(eta), responses(block)[1]
        variance = family.variance(mean)
        slope_over_variance = link.mean_derivative(eta) / variance
        return RowScores(
            mean,
            weight,
            (block.amount - weight * mean) * slope_over_variance,
            weight * slope_over_variance**2 * variance,
        )


@dataclass(frozen=True)
class ColumnScores:
    """The scores of a model's columns by group: tables by atom while rows are added, (columns, groups) at the end."""

    columns: DesignColumns
    groups: int

    def begin(self) -> Sums:
        """Per atom zeros (groups, size), and (numerics, groups)."""
        atoms = [np.zeros((self.groups, atom.size)) for atom in self.columns.design.atoms]
        return [*atoms, np.zeros((len(self.columns.numerics), self.groups))]

    def add(self, sums: Sums, block: Block, numerics: Array, group: Codes, score: Array) -> None:
        """Add rows of a block of the model's design; `numerics` are its inner ones, shape (q, rows)."""
        for table, codes in zip(sums[:-1], block.atoms, strict=True):
            table += np.bincount(group * table.shape[1] + codes, score, table.size).reshape(table.shape)
        for row, numeric in zip(sums[-1], numerics, strict=True):
            row += np.bincount(group, score * numeric, self.groups)

    def finish(self, sums: Sums, totals: Array) -> Array:
        """Scores of the inner columns, shape (columns, groups); `totals` are those of all rows by group."""
        found = np.zeros((len(self.columns), self.groups))
        for at, table in enumerate(sums[:-1]):
            self.columns.add_margins(found, at, table.T)
        found[self.columns.numerics] += sums[-1]
        if self.columns.has_intercept:
            found[0] += totals
        return found
