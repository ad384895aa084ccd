"""Means of packed rows under given coefficients, and the sums that need nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.design_columns import DesignColumns
from glm_local.glm.kernels import responses
from glm_local.rows.blocks import Block, Sums, add_sums

Array = NDArray[np.float64]

ROWS, WEIGHT, AMOUNT, FITTED, DEVIANCE = range(5)


@dataclass(frozen=True)
class RowMeans:
    """A model as tables per atom: what gives the mean of a row.

    Parameters
    ----------
    tables
        Contribution of every atom code to the linear predictor, one array per atom.
    slopes
        Coefficients of the block's numerics, shape (q,).
    intercept
        Of the linear predictor.
    """

    link: Link
    tables: tuple[Array, ...]
    slopes: Array
    intercept: float

    @classmethod
    def of(cls, columns: DesignColumns, link: Link, coefficients: Array) -> RowMeans:
        """Coefficients in the scale of the given numerics; aliased ones 0."""
        slopes = np.zeros(len(columns.design.numerics))
        slopes[columns.numeric_rows] = coefficients[columns.numerics]
        intercept = float(coefficients[0]) if columns.has_intercept else 0.0
        return cls(link, columns.tables(coefficients), slopes, intercept)

    def linear_predictor(self, block: Block) -> Array:
        """Shape (rows,), offset included."""
        eta = np.full(block.rows, self.intercept)
        for table, codes in zip(self.tables, block.atoms, strict=False):
            eta += np.take(table, codes)
        for slope, numeric in zip(self.slopes, block.numerics, strict=True):
            eta += slope * numeric
        return eta if block.offset is None else eta + block.offset

    def means(self, block: Block) -> Array:
        """Shape (rows,): on the scale of the block's effective response."""
        with np.errstate(over="ignore"):
            if self.link.name == "log" and not len(self.slopes) and block.offset is None:
                mean = np.full(block.rows, float(np.exp(self.intercept)))
                for table, codes in zip(self.tables, block.atoms, strict=False):
                    mean *= np.take(np.exp(table), codes)
                return mean
            return self.link.mean(self.linear_predictor(block))


@dataclass(frozen=True)
class DevianceKernel:
    """Totals of rows under a model; sums: one array (rows, weight, amount, fitted, deviance)."""

    family: Family
    means: RowMeans

    def begin(self) -> Sums:
        """Zeros."""
        return [np.zeros(5)]

    def add(self, sums: Sums, block: Block) -> None:
        """Add one block of the model's design."""
        if not block.rows:
            return
        response, weight = responses(block)
        mean = self.means.means(block)
        with np.errstate(all="ignore"):
            deviance = float(np.sum(weight * self.family.unit_deviance(response, mean)))
        sums[0] += (block.rows, weight.sum(), block.amount.sum(), np.sum(weight * mean), deviance)

    def finish(self, sums: Sums) -> Sums:
        """As they are."""
        return sums

    def merge(self, parts: Sequence[Sums]) -> Sums:
        """Added up."""
        return add_sums(parts)
