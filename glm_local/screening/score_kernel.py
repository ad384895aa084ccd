"""The pass of a score test: scores and information of tested levels, alone and crossed with the model's columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from glm_local.glm.kernels import NewtonKernel
from glm_local.inference.key_inference import dispersions
from glm_local.inference.key_scores import KeyScoresKernel, by_group, coarser
from glm_local.inference.recode import Recode, rows_of
from glm_local.inference.row_means import RowMeans
from glm_local.inference.row_scores import row_scores
from glm_local.rows.blocks import Block, Sums, add_sums
from glm_local.screening.score_test import ModelInformation

Array = NDArray[np.float64]

ROWS, SCORE, INFORMATION, WEIGHT, AMOUNT, FITTED = range(6)
"""Measures per tested level and fold: rows; sums of the score, its expected information, w, w y and w m."""


@dataclass(frozen=True)
class TestedField:
    """A code per row whose levels are tested: look-ups in atoms, added up.

    Parameters
    ----------
    parts
        (whether the atom is one of the model's blocks or of the fine ones, atom, contribution of each of its codes).
    size
        Number of levels.
    """

    parts: tuple[tuple[bool, int, NDArray[np.intp]], ...]
    size: int

    __test__ = False

    def codes(self, fine: Block, coarse: Block) -> NDArray[np.intp]:
        """Level of every row."""
        total = np.zeros(fine.rows, dtype=np.intp)
        for of_model, atom, table in self.parts:
            total += np.take(table, (coarse if of_model else fine).atoms[atom])
        return total


@dataclass(frozen=True)
class ScoreKernel:
    """Everything score tests of several fields need, in one pass over the training rows of fine blocks.

    Parameters
    ----------
    newton
        Of the current model, at its coefficients.
    means
        The model, as tables of its atoms.
    recode
        From fine blocks to the model's.
    fields
        What is tested.
    sample
        Fine atom that holds the sample, and the sample of each of its codes; samples below `folds` are training folds.
    crossed
        Whether tested levels are crossed with the model's columns.
    keys
        What adds up the model's scores by groups of keys; None where rows have no key.
    groups
        Number of groups the scores of tested levels are added up in; 0 where tests do not use them.
    """

    newton: NewtonKernel
    means: RowMeans
    recode: Recode
    fields: tuple[TestedField, ...]
    sample: tuple[int, NDArray[np.intp]]
    folds: int
    crossed: bool = True
    keys: KeyScoresKernel | None = None
    groups: int = 0

    def begin(self) -> Sums:
        """Sums of the model's Newton step; per field (6, folds * levels); crossed tables by field and atom; by key."""
        sums = self.newton.begin()
        sums += [np.zeros((6, self.folds * one.size)) for one in self.fields]
        columns = self.newton.columns
        for one in self.fields if self.crossed else ():
            sums += [np.zeros((one.size, atom.size)) for atom in columns.design.atoms]
            sums.append(np.zeros((one.size, len(columns.numerics))))
        if self.keys is not None:
            sums += [np.zeros((one.size, self.groups)) for one in self.fields if self.groups]
            sums += self.keys.begin()
        return sums

    def add(self, sums: Sums, block: Block) -> None:
        """Add one fine block."""
        at, sample_of = self.sample
        sample = np.take(sample_of, block.atoms[at])
        rows = np.flatnonzero(sample < self.folds)
        if not len(rows):
            return
        fold = sample[rows]
        fine = block if len(rows) == block.rows else rows_of(block, rows)
        coarse = self.recode.block(fine)
        each = iter(sums)
        self.newton.add(list(islice(each, len(self.newton.begin()))), coarse)
        numerics = self.newton.predictor.inner(coarse)
        found = row_scores(self.newton.family, self.newton.link, self.means, coarse)
        information = found.information
        measures = (None, found.score, information, coarse.weight, coarse.amount, found.weight * found.mean)
        codes = [one.codes(fine, coarse) for one in self.fields]
        for one, code in zip(self.fields, codes, strict=True):
            joint = fold * one.size + code
            for row, measure in zip(next(each), measures, strict=True):
                row += np.bincount(joint, measure, self.folds * one.size)
        for one, code in zip(self.fields, codes, strict=True) if self.crossed else ():
            for atom, of_model in zip(coarse.atoms, self.newton.columns.design.atoms, strict=True):
                table = next(each)
                table += np.bincount(code * of_model.size + atom, information, table.size).reshape(table.shape)
            table = next(each)
            for column, numeric in enumerate(numerics):
                table[:, column] += np.bincount(code, information * numeric, one.size)
        if self.keys is not None:
            group = coarser(fine.atoms[self.keys.group], self.groups or 1)
            for code in codes if self.groups else ():
                table = next(each)
                table += np.bincount(code * self.groups + group, found.score, table.size).reshape(table.shape)
            self.keys.add_rows(list(each), coarse, fine.atoms[self.keys.group], numerics, found)

    def finish(self, sums: Sums) -> Sums:
        """The model's score and information; per field (6, folds, levels), and its cross with columns (levels, p).

        Then per field its scores by group (levels, groups), and what `keys` finishes.
        """
        count = len(self.newton.begin())
        each = iter(sums[count:])
        _, score, information = self.newton.finish(sums[:count])
        answer = [score, information]
        answer += [next(each).reshape(6, self.folds, one.size) for one in self.fields]
        columns = self.newton.columns
        for at, one in enumerate(self.fields) if self.crossed else ():
            cross = np.zeros((len(columns), one.size))
            for atom in range(len(columns.design.atoms)):
                columns.add_margins(cross, atom, next(each).T)
            cross[columns.numerics] += next(each).T
            if columns.has_intercept:
                cross[0] += answer[2 + at][INFORMATION].sum(axis=0)
            answer.append(cross.T)
        if self.keys is not None:
            answer += [next(each) for _ in self.fields if self.groups]
            answer += self.keys.finish(list(each))
        return answer

    def merge(self, parts: Sequence[Sums]) -> Sums:
        """Added up."""
        return add_sums(parts)

    def answer(self, sums: Sums) -> ScoreSums:
        """The merged sums by name."""
        count = len(self.fields)
        each = iter(sums[2:])
        levels = list(islice(each, count))
        cross = list(islice(each, count)) if self.crossed else [None] * count
        if self.keys is None:
            return ScoreSums(ModelInformation(sums[0], sums[1]), tuple(levels), tuple(cross), (None,) * count)
        by_key = list(islice(each, count if self.groups else 0))
        keys = list(each)
        model = ModelInformation(sums[0], sums[1])
        spread = dispersions(keys, model.rank)
        if not self.groups:
            return ScoreSums(model, tuple(levels), tuple(cross), (None,) * count, spread)
        held = by_group(keys[1][1], self.groups) > 0
        model = ModelInformation(sums[0], sums[1], by_group(keys[2], self.groups)[:, held], float(keys[0][0]))
        return ScoreSums(model, tuple(levels), tuple(cross), tuple(one[:, held] for one in by_key), spread)


@dataclass(frozen=True)
class ScoreSums:
    """What `ScoreKernel` finds.

    Parameters
    ----------
    model
        Score and information of the model's columns.
    levels
        Per field shape (6, folds, levels): see `ROWS`, `SCORE`, `INFORMATION`, `WEIGHT`, `AMOUNT`, `FITTED`.
    cross
        Per field shape (levels, p): its information with the model's columns; None where not asked.
    by_key
        Per field shape (levels, clusters): its scores by group of keys; None where not asked.
    dispersion
        By row and by key beside the model; None where rows have no key.
    """

    model: ModelInformation
    levels: tuple[Array, ...]
    cross: tuple[Array | None, ...]
    by_key: tuple[Array | None, ...]
    dispersion: tuple[float, float] | None = None
