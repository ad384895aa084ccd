"""One factor of a fit alone: its columns of the design, and the deviance it leaves beside that of one mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.design_columns import INTERCEPT, Column, DesignColumns
from glm_local.glm.kernels import Additive, PairIndex, Predictor, responses
from glm_local.rows.blocks import Block, Sums

Array = NDArray[np.float64]


def terms_alone(columns: DesignColumns, kept: Sequence[int]) -> DesignColumns:
    """An intercept and some columns of a design, over the same blocks."""
    place = np.full(len(columns) + 1, -1)
    place[list(kept)] = np.arange(1, len(kept) + 1)
    codes = {name: place[of_code] for name, of_code in columns.column_of_code.items()}  # column -1 stays -1
    numerics = {name: int(place[at]) for name, at in columns.numeric_columns.items() if place[at] > 0}
    names = (Column(INTERCEPT), *(columns.columns[at] for at in kept))
    return DesignColumns(columns.design, names, codes, numerics)


@dataclass(frozen=True)
class AloneKernel(Additive):
    """Sums: deviance at one predictor and at another (`null`), squares of the latter, what chance leaves of counts.

    The first three are in units of `unit` and of its square, so that nothing has a scale.
    """

    columns: DesignColumns
    family: Family
    link: Link
    predictor: Predictor
    null: Predictor
    unit: float

    def begin(self) -> Sums:
        return [np.zeros(4)]

    def add(self, sums: Sums, block: Block) -> None:
        sizes = [atom.size for atom in self.columns.design.atoms]
        pairs = PairIndex(block.atoms[: len(sizes)], sizes)
        response, prior = responses(block)
        with np.errstate(all="ignore"):
            means = [
                self.link.mean(one.linear_predictor(block, pairs, one.inner(block)))
                for one in (self.predictor, self.null)
            ]
            left, whole = (prior * self._deviance(response, mean) / self.unit for mean in means)
            noise = np.sum(poisson_noise(prior * means[0])) if self.family.exact_counts else 0.0
        sums[0] += (left.sum(), whole.sum(), np.sum(whole**2), noise)

    def _deviance(self, response: Array, mean: Array) -> Array:
        found = np.where(response == mean, 0.0, self.family.unit_deviance(response, mean))
        return found + bernoulli_deviance(1.0, response) if self.family.domain == "unit" else found


@dataclass(frozen=True)
class LineKernel(Additive):
    """How amounts lie around straight lines in single numerics: sums of squares, a line each.

    Of residuals, of deviations from the mean amount and of squared deviations, in units of `unit`. Cells hide the
    rows, so of them nothing is known.
    """

    places: tuple[int, ...]
    slopes: tuple[float, ...]
    centres: tuple[float, ...]
    mean: float
    unit: float

    def begin(self) -> Sums:
        return [np.zeros((len(self.places), 3))]

    def add(self, sums: Sums, block: Block) -> None:
        if block.within is not None:
            sums[0] += np.nan
            return
        off = (block.amount - self.mean) / self.unit
        square = off**2
        for line, at, slope, centre in zip(sums[0], self.places, self.slopes, self.centres, strict=True):
            left = off - slope / self.unit * (block.numerics[at] - centre)
            line += (np.sum(left**2), square.sum(), np.sum(square**2))


def bernoulli_deviance(weight: object, share: object) -> Array:
    """Deviance of `weight` single events around their share: what grouping them hides."""
    p = np.clip(np.asarray(share, dtype=float), 0.0, 1.0)
    found: Array = -2 * np.asarray(weight, dtype=float) * (xlogy(p, p) + xlogy(1 - p, 1 - p))
    return found


def poisson_noise(mean: Array) -> Array:
    """Expected unit deviance of a Poisson count around its own mean.

    Examples
    --------
    >>> poisson_noise(np.array([0.0, 0.01, 1.0, 1e6])).round(3).tolist()
    [0.0, 0.092, 1.147, 1.0]
    """
    grid, per_mean = _noise_table()
    with np.errstate(divide="ignore"):
        small = mean * np.interp(np.log(mean), grid, per_mean)
    found: Array = np.where(mean < 30, small, 1 + 1 / (6 * np.maximum(mean, 30)))
    return found


@cache
def _noise_table() -> tuple[Array, Array]:
    """Logs of means, and expected deviance per unit of the mean."""
    mean, count = np.geomspace(1e-6, 30, 400)[:, None], np.arange(121)[None, :]
    chance = np.exp(xlogy(count, mean) - mean - gammaln(count + 1))
    deviance = 2 * (xlogy(count, count / mean) - count + mean)
    return np.log(mean[:, 0]), (chance * deviance).sum(axis=1) / mean[:, 0]
