"""Scores of a model added up by groups of keys: how far rows spread, by themselves and as their keys come.

A key's hash puts all its rows into one of `KEY_GROUPS` groups. Groups of whole keys are clusters like keys themselves:
their sums are independent, there are never too many of them, and they add up over blocks in any order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.kernels import Additive, Predictor
from glm_local.inference.recode import Recode, rows_of
from glm_local.inference.row_means import RowMeans
from glm_local.inference.row_scores import ColumnScores, RowScores, row_scores
from glm_local.rows.blocks import Block, Sums

Array = NDArray[np.float64]

KEY_GROUPS = 1_024
"""Groups the dispersion by key is measured with: its error is 4 % where there are more keys."""

SCORE_GROUPS = 256
"""Groups tests and coefficients' sandwich are made with; each holds whole ones of `KEY_GROUPS`."""

PAIR_GROUPS = 64
"""Groups for pairs, whose many cells share one measure."""


def coarser(groups: NDArray[np.integer], number: int) -> NDArray[np.intp]:
    """Groups of `KEY_GROUPS` put together to so many."""
    return np.asarray(groups.astype(np.intp) // (KEY_GROUPS // number), dtype=np.intp)


def by_group(sums: Array, number: int) -> Array:
    """Sums by group, the last axis, put together to fewer groups."""
    shaped: Array = sums.reshape(*sums.shape[:-1], number, -1).sum(axis=-1)
    return shaped


@dataclass(frozen=True)
class KeyScoresKernel(Additive):
    """Scores of a model's columns by group of keys, over some rows of fine blocks.

    Sums: (rows, squares of the rows' scores, their information), scores by group (KEY_GROUPS,), rows by group, and
    finished the inner columns' scores (columns, SCORE_GROUPS).

    Parameters
    ----------
    family, link, predictor, means
        The model: its inner numerics, and its means.
    columns
        Its columns' sums.
    recode
        From fine blocks to the model's.
    group
        Fine atom that holds the group.
    keep
        Fine atom that holds the sample, and a flag for each of its codes: rows of these take part.
    """

    family: Family
    link: Link
    predictor: Predictor
    means: RowMeans
    columns: ColumnScores
    recode: Recode
    group: int
    keep: tuple[int, NDArray[np.bool_]]

    def begin(self) -> Sums:
        return [np.zeros(3), np.zeros((2, KEY_GROUPS)), *self.columns.begin()]

    def add(self, sums: Sums, block: Block) -> None:
        at, flags = self.keep
        rows = np.flatnonzero(np.take(flags, block.atoms[at]))
        if not len(rows):
            return
        fine = block if len(rows) == block.rows else rows_of(block, rows)
        coarse = self.recode.block(fine)
        found = row_scores(self.family, self.link, self.means, coarse)
        self.add_rows(sums, coarse, fine.atoms[self.group], self.predictor.inner(coarse), found)

    def add_rows(
        self, sums: Sums, coarse: Block, group: NDArray[np.integer], numerics: Array, found: RowScores
    ) -> None:
        """Add rows of a block of the model's design, whose scores are known."""
        group = group.astype(np.intp)
        sums[0] += (coarse.rows, float(found.score @ found.score), float(found.information.sum()))
        sums[1][0] += np.bincount(group, found.score, KEY_GROUPS)
        sums[1][1] += np.bincount(group, minlength=KEY_GROUPS)
        self.columns.add(sums[2:], coarse, numerics, coarser(group, self.columns.groups), found.score)

    def finish(self, sums: Sums) -> Sums:
        totals = by_group(sums[1][0], self.columns.groups)
        return [sums[0], sums[1], self.columns.finish(sums[2:], totals)]
