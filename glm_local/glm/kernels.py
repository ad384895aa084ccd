"""Kernels: the arithmetic of a fit over blocks of rows, the same on every engine.

A linear predictor is one table look-up per pair of atoms; X'WX of factors is one weighted count per pair of atoms.
With A = amount and B = weight of a row (`glm_local.rows.blocks.Block`), mean m, link derivative d = dm/deta and
variance V(m): score u = (A - B m) d / V, expected information w = B d^2 / V, observed information
w - (A - B m) (d' / V - V' d^2 / V^2) (McCullagh & Nelder 1989, 2.5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glm_local.families.borders import Borders
from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.basis import Basis, InnerNumerics
from glm_local.glm.design_columns import DesignColumns
from glm_local.rows.blocks import FAULTS, LOG_SUMS, Block, Sums, add_sums

Array = NDArray[np.float64]

FEW_NUMERICS = 16

ROWS, WEIGHT, AMOUNT, CONSTANT, NON_ZERO, SQUARE, SHIFT, WEIGHT_SQUARE, WEIGHT_INVERSE, AMOUNT_SQUARE = range(10)
OBJECTIVE, INVALID, PEARSON, DEVIANCE, NULL_DEVIANCE, FITTED, ON_BORDER = range(7)


class Additive:
    """Answers of partitions add elementwise."""

    def finish(self, sums: Sums) -> Sums:
        return sums

    def merge(self, parts: Sequence[Sums]) -> Sums:
        return add_sums(parts)


def responses(block: Block) -> tuple[Array, Array]:
    """Effective response amount / weight and weight of a block's rows, each of shape (rows,)."""
    if block.weight is None:
        return block.amount, np.ones(block.rows)
    with np.errstate(all="ignore"):  # of rows beyond doubles, which the fit refuses
        return block.amount / block.weight, block.weight


@dataclass(frozen=True)
class SummaryKernel(Additive):
    """What is known before the first step: rows, weight and amount by atom code, numerics' moments, faults.

    Sums: totals (rows, weight, amount, density constant at dispersion 1 for families that fix it, rows with a
    response above 0, weight * response^2, weight * offset, weight^2, 1 / weight), faults, log sums, numerics (3, q):
    x, x^2, amount * x; then per atom (3, size): rows, weight, amount.
    """

    family: Family
    sizes: tuple[int, ...]
    numerics: int

    def begin(self) -> Sums:
        return [np.zeros(10), np.zeros(len(FAULTS)), np.zeros(LOG_SUMS), np.zeros((3, self.numerics))] + [
            np.zeros((3, size)) for size in self.sizes
        ]

    def add(self, sums: Sums, block: Block) -> None:
        totals, faults, scales, moments, *atoms = sums
        faults += block.faults
        scales += block.log_scale
        weight_total = float(block.rows) if block.weight is None else block.weight.sum()
        positive = np.flatnonzero(block.amount > 0)
        with np.errstate(all="ignore"):
            constant = density_constant(self.family, block, 1.0, positive) if self.family.fixed_dispersion else 0.0
            square = np.sum(block.amount**2 if block.weight is None else block.amount * (block.amount / block.weight))
            spread = (float(block.rows), float(block.rows), float(np.sum(block.amount**2)))
            if block.weight is not None:
                spread = (float(np.sum(block.weight**2)), float(np.sum(1 / block.weight)), spread[2])
        shift = 0.0
        if block.offset is not None:
            shift = float(np.sum(block.offset if block.weight is None else block.weight * block.offset))
        totals += (block.rows, weight_total, block.amount.sum(), constant, len(positive), square, shift, *spread)
        if self.numerics:
            products = _products(block.numerics, block.amount[None, :])[:, 0]
            moments += (block.numerics.sum(axis=1), (block.numerics**2).sum(axis=1), products)
        sparse = len(positive) * 4 < block.rows and not (block.amount < 0).any()
        for table, codes in zip(atoms, block.atoms, strict=True):
            size = table.shape[1]
            index = codes.astype(np.intp)
            table[0] += np.bincount(index, minlength=size)
            table[1] += table_counts(index, block.weight, size)
            if sparse:
                table[2] += np.bincount(index[positive], block.amount[positive], size)
            else:
                table[2] += np.bincount(index, block.amount, size)


def table_counts(index: NDArray[np.intp], weight: Array | None, size: int) -> Array:
    """Weighted count per code; unweighted rows count 1."""
    counts: Array = np.bincount(index, weight, size).astype(np.float64)
    return counts


def density_constant(family: Family, block: Block, dispersion: float, rows: NDArray[np.intp] | None = None) -> float:
    """Sum over rows of the log density at mean = response: the log-likelihood but for - deviance / (2 dispersion).

    It is 0 at y = 0 for families with mass there, so only `rows` (those with y > 0) are looked at.
    """
    response, weight = responses(block)
    if family.domain in ("nonnegative", "unit"):
        rows = np.flatnonzero(block.amount > 0) if rows is None else rows
        response, weight = response[rows], weight[rows]
    if not len(response):
        return 0.0
    return float(np.sum(family.saturated_log_density(response, weight, dispersion)))


@dataclass(frozen=True)
class LikelihoodKernel(Additive):
    """The density constant at an estimated dispersion; sums: [constant]."""

    family: Family
    dispersion: float

    def begin(self) -> Sums:
        return [np.zeros(1)]

    def add(self, sums: Sums, block: Block) -> None:
        sums[0] += density_constant(self.family, block, self.dispersion)


@dataclass(frozen=True)
class Predictor:
    """Coefficients in the form a block needs: one table per atom, slopes of inner numerics, intercept."""

    tables: tuple[Array, ...]
    slopes: Array
    intercept: float
    numerics: InnerNumerics

    @classmethod
    def at(cls, coefficients: Array, basis: Basis) -> Predictor:
        """The predictor of coefficients of a basis' inner columns."""
        columns = basis.columns
        intercept = float(coefficients[0]) if columns.has_intercept else 0.0
        return cls(columns.tables(coefficients), coefficients[columns.numerics], intercept, basis.numerics)

    def inner(self, block: Block) -> Array:
        """Inner numerics of a block, shape (q, rows)."""
        return self.numerics.of(block)

    def linear_predictor(self, block: Block, pairs: PairIndex, numerics: Array) -> Array:
        """Shape (rows,), offset included."""
        eta = pairs.gather(self.tables, np.add, self.intercept) if pairs.single else np.full(block.rows, self.intercept)
        if len(self.slopes):
            _add_products(eta, self.slopes, numerics)
        return eta if block.offset is None else eta + block.offset

    def product(self, pairs: PairIndex) -> Array:
        """exp(linear predictor) without numerics and offset: a product of exponentiated tables, no exp per row."""
        with np.errstate(over="ignore"):
            return pairs.gather(
                tuple(np.exp(table) for table in self.tables), np.multiply, float(np.exp(self.intercept))
            )


def _add_products(eta: Array, slopes: Array, numerics: Array) -> None:
    """Add ``slopes @ numerics`` in place, one numeric after the other: the same sum on every machine."""
    for slope, numeric in zip(slopes, numerics, strict=True):
        eta += slope * numeric


def _products(left: Array, right: Array) -> Array:
    """``left @ right.T``; few rows without a threaded library, whose start costs more than the sum."""
    if len(left) <= FEW_NUMERICS:
        product: Array = np.einsum("ik,jk->ij", left, right)
        return product
    return left @ right.T


class PairIndex:
    """Joint codes of every pair of atoms in one block; computed once, used to look up and to count."""

    def __init__(self, codes: Sequence[NDArray[np.unsignedinteger]], sizes: Sequence[int]) -> None:
        self.rows = len(codes[0]) if codes else 0
        self.sizes = sizes
        self.single = [one.astype(np.intp) for one in codes]
        self.pairs = {(i, j): self.single[i] * sizes[j] + self.single[j] for i, j in combinations(range(len(sizes)), 2)}

    def gather(self, tables: tuple[Array, ...], join: np.ufunc, start: float) -> Array:
        """Look tables up two atoms at a time and join them: shape (rows,)."""
        result: Array | None = None
        for at in range(0, len(tables), 2):
            if at + 1 < len(tables):
                table = join.outer(tables[at], tables[at + 1]).ravel()
                index = self.pairs[at, at + 1]
            else:
                table, index = tables[at], self.single[at]
            if result is None:
                result = np.take(join(table, start), index)
            else:
                join(result, np.take(table, index), out=result)
        assert result is not None
        return result

    def counts(self, weight: Array) -> Iterator[tuple[int, int, Array]]:
        """Weighted count table of every pair, shape (size, size)."""
        for (i, j), index in self.pairs.items():
            size = self.sizes[i] * self.sizes[j]
            table: Array = np.bincount(index, weight, size).astype(np.float64, copy=False)
            yield i, j, table.reshape(self.sizes[i], self.sizes[j])


Information = Literal["expected", "observed"]


@dataclass(frozen=True)
class NewtonKernel(Additive):
    """Score and information at given coefficients; with `final`, deviances and Pearson's chi-square too.

    Finished sums: scalars (objective, rows with an impossible mean, Pearson, deviance, null deviance, fitted
    total, rows on a border), score (columns,), information (columns, columns).
    """

    columns: DesignColumns
    family: Family
    link: Link
    predictor: Predictor
    coefficients: Array
    information: Information = "expected"
    amounts: Array | None = None
    final: bool = False
    null_predictor: float | None = None
    borders: Borders | None = None

    @property
    def _fast(self) -> bool:
        plain = not len(self.columns.numerics) and bool(self.columns.design.atoms)
        return plain and self.family.power == 1 and self.link.name == "log" and self.amounts is not None

    def begin(self) -> Sums:
        sizes = [atom.size for atom in self.columns.design.atoms]
        q = len(self.columns.numerics)
        pairs = [np.zeros((sizes[i], sizes[j])) for i, j in combinations(range(len(sizes)), 2)]
        singles = [np.zeros((2 + q, size)) for size in sizes]
        return [np.zeros(7), np.zeros((2, q + 1)), np.zeros((q, q)), *singles, *pairs]

    def add(self, sums: Sums, block: Block) -> None:
        if not block.rows:
            return
        sizes = [atom.size for atom in self.columns.design.atoms]
        scalars, ends, squares = sums[:3]
        singles, pair_tables = sums[3 : 3 + len(sizes)], sums[3 + len(sizes) :]
        pairs = PairIndex(block.atoms[: len(sizes)], sizes)
        numerics = self.predictor.inner(block)
        with np.errstate(all="ignore"):
            score, weight = self._row_terms(scalars, block, pairs, numerics)
        ends[0, 0] += weight.sum()
        if score is not None:
            ends[1, 0] += score.sum()
        if len(numerics):
            weighted = numerics * weight
            ends[0, 1:] += weighted.sum(axis=1)
            squares += _products(weighted, numerics)
            if score is not None:
                ends[1, 1:] += _products(numerics, score[None, :])[:, 0]
        for at, (table, index) in enumerate(zip(singles, pairs.single, strict=True)):
            if score is not None:
                table[1] += np.bincount(index, score, sizes[at])
            for k in range(len(numerics)):
                table[2 + k] += np.bincount(index, weighted[k], sizes[at])
        if len(sizes) == 1:
            singles[0][0] += np.bincount(pairs.single[0], weight, sizes[0])
        for table, (_, _, counts) in zip(pair_tables, pairs.counts(weight), strict=True):
            table += counts

    def _row_terms(self, scalars: Array, block: Block, pairs: PairIndex, numerics: Array) -> tuple[Array | None, Array]:
        if self._fast:
            mean = self.predictor.product(pairs)
            weight = mean if block.weight is None else mean * block.weight
            if not np.isfinite(weight).all():
                scalars[INVALID] += np.count_nonzero(~np.isfinite(weight))
            if self.final:
                self._add_final(scalars, block, mean)
            return None, weight
        eta = self.predictor.linear_predictor(block, pairs, numerics)
        mean = self.link.mean(eta)
        invalid = ~(self.family.valid_mean(mean) & np.isfinite(eta))
        scalars[INVALID] += np.count_nonzero(invalid)
        response, prior = responses(block)
        scalars[OBJECTIVE] += np.sum(prior * self.family.objective(response, mean))
        if self.final:
            self._add_final(scalars, block, mean)
        residual = block.amount - prior * mean
        if self.link.name == "log" and self.family.power is not None:
            return self._power_log_terms(mean, block.amount, prior, residual)
        slope = self.link.mean_derivative(eta)
        variance = self.family.variance(mean)
        score = residual * slope / variance
        weight = prior * slope**2 / variance
        if self.information == "observed":
            bend = self.link.mean_second_derivative(eta)
            weight = weight - residual * (
                bend / variance - self.family.variance_derivative(mean) * (slope / variance) ** 2
            )
        if self.borders is None:
            return score, weight
        scalars[ON_BORDER] += np.count_nonzero(self.borders.on_border(eta))
        if not self.borders.barrier:
            return score, weight
        objective, push, curvature = self.borders.terms(eta, prior)
        scalars[OBJECTIVE] += objective
        return score + push, weight + curvature

    def _power_log_terms(self, mean: Array, amount: Array, prior: Array, residual: Array) -> tuple[Array, Array]:
        power = float(self.family.power)  # type: ignore[arg-type]
        factor = mean ** (1 - power) if power not in (1, 2) else np.ones_like(mean) if power == 1 else 1 / mean
        score = factor * residual
        if self.information == "expected":
            return score, prior * mean * factor
        return score, factor * ((power - 1) * amount + (2 - power) * prior * mean)

    def _add_final(self, scalars: Array, block: Block, mean: Array) -> None:
        response, prior = responses(block)
        variance = self.family.variance(mean)
        scalars[PEARSON] += np.sum(prior * ((response - mean) / np.sqrt(variance)) ** 2)
        if block.within is not None:
            scalars[PEARSON] += np.sum(block.within / variance)
        scalars[DEVIANCE] += np.sum(prior * self.family.unit_deviance(response, mean))
        scalars[FITTED] += np.sum(prior * mean)
        if self.null_predictor is not None:
            eta = self.null_predictor + (np.zeros(block.rows) if block.offset is None else block.offset)
            scalars[NULL_DEVIANCE] += np.sum(prior * self.family.unit_deviance(response, self.link.mean(eta)))

    def finish(self, sums: Sums) -> Sums:
        columns = self.columns
        sizes = [atom.size for atom in columns.design.atoms]
        scalars, ends, squares = sums[:3]
        singles, pair_tables = sums[3 : 3 + len(sizes)], sums[3 + len(sizes) :]
        q = len(columns.numerics)
        p = len(columns)
        matrix, cross, score = np.zeros((p, p)), np.zeros((p, q)), np.zeros(p)
        margins: list[Array | None] = [None] * len(sizes)
        for (i, j), table in zip(combinations(range(len(sizes)), 2), pair_tables, strict=True):
            columns.add_pair(matrix, i, j, table)
            margins[i] = table.sum(axis=1) if margins[i] is None else margins[i]
            margins[j] = table.sum(axis=0) if margins[j] is None else margins[j]
        intercept_row = np.zeros(p)
        for at, single in enumerate(singles):
            margin = single[0] if margins[at] is None else margins[at]
            assert margin is not None
            columns.add_within(matrix, at, margin)
            columns.add_margins(intercept_row, at, margin)
            if not self._fast:
                columns.add_margins(score, at, single[1])
            if q:
                columns.add_margins(cross, at, single[2:].T)
        if q:
            matrix[:, columns.numerics] += cross
            matrix[columns.numerics, :] += cross.T
            matrix[np.ix_(columns.numerics, columns.numerics)] += squares
            score[columns.numerics] += ends[1, 1:]
            intercept_row[columns.numerics] += ends[0, 1:]
        if columns.has_intercept:
            matrix[0, :] += intercept_row
            matrix[:, 0] += intercept_row
            matrix[0, 0] = ends[0, 0]
            score[0] += ends[1, 0]
        if self._fast:
            # Poisson, log link: information and fitted amounts are one sum; `with_amounts` adds the data's side once.
            score = -(matrix[0] if columns.has_intercept else intercept_row)
            scalars[OBJECTIVE] -= ends[0, 0]
        return [scalars, score, matrix]

    def with_amounts(self, sums: Sums) -> Sums:
        """Complete the merged sums: what of score and objective does not depend on the mean."""
        if self._fast and self.amounts is not None:
            sums[1] = sums[1] + self.amounts
            sums[0][OBJECTIVE] += float(self.coefficients @ self.amounts)
        return sums


@dataclass(frozen=True)
class StartKernel(NewtonKernel):
    """Least squares of the links of responses halfway to a mean: a start where no constant one is allowed (as R's)."""

    typical: float = 1.0

    def _row_terms(self, scalars: Array, block: Block, pairs: PairIndex, numerics: Array) -> tuple[Array | None, Array]:
        response, prior = responses(block)
        mean = (response + self.typical) / 2
        eta = self.link.link(mean)
        weight = prior * self.link.mean_derivative(eta) ** 2 / self.family.variance(mean)
        return weight * (eta - self.predictor.linear_predictor(block, pairs, numerics)), weight
