"""The test of one pair of factors: cells net of both margins and of the model, and how steady they are over folds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.screening.pair_factors import PairFactor
from glm_local.screening.score_kernel import AMOUNT, FITTED, INFORMATION, ROWS, SCORE, WEIGHT
from glm_local.screening.score_pass import CurrentModel
from glm_local.screening.score_test import Efficient, ModelInformation, ScoreTest
from glm_local.screening.tested_levels import ScreeningRules, evidence

Array = NDArray[np.float64]

MOST_CELLS = 300
"""Most cells of a pair tested one by one; the others, the smaller ones, are pooled like thin ones."""


@dataclass(frozen=True)
class PairTest:
    """What a pair of factors says that neither factor says.

    Parameters
    ----------
    score
        The score test of the cells.
    gain, cv_gain, cv_gain_se
        Fall of the deviance in training and out of fold, to second order: one step's effects, learned on all folds or
        on the others; not shrunk.
    fold_correlations
        Per fold the correlation (cosine in the metric of the information) of its cell scores with those of the other
        folds, in [-1, 1]; 0 on average where there is nothing.
    cells
        One line per cell with rows, see `cell_table`.
    tested_cells, thin_cells
        Cells tested on their own; cells with rows that were pooled.
    """

    score: ScoreTest
    gain: float
    cv_gain: float
    cv_gain_se: float
    fold_correlations: Array
    cells: pd.DataFrame
    tested_cells: int
    thin_cells: int


def pair_test(
    first: PairFactor,
    second: PairFactor,
    levels: Array,
    cross: Array | None,
    information: ModelInformation,
    model: CurrentModel,
    rules: ScreeningRules,
) -> PairTest:
    """Test the cells of two factors from their sums (`ScoreSums.levels` and `.cross` of the joint code).

    Cells with too few rows or too little evidence are pooled into one before the test; the pool takes part in it.
    """
    total, dispersion = levels.sum(axis=1), model.dispersion
    group, groups, thin = _pools(total, model, rules)
    sums = np.vstack([_indicator(group, groups), _margins(first.size, second.size)])
    used = sums @ total[INFORMATION] > 0
    used[:groups] = True
    sums = sums[used]
    own = (sums * total[INFORMATION]) @ sums.T
    everything = Efficient.of(sums @ total[SCORE], own, None if cross is None else sums @ cross, information)
    half = everything.projection(groups)
    net = everything.net_of_others(groups)
    score = net.test(dispersion)
    # Each fold's scores net of the margins by the projection of all folds; the model's part has no fold of its own.
    by_fold = sums @ levels[SCORE].T
    by_fold = by_fold[:groups] - half @ by_fold[groups:]
    gains, correlations = _over_folds(net, by_fold, levels[INFORMATION].sum(axis=1))
    folds = len(gains)
    return PairTest(
        score, score.explained, float(gains.sum()),
        math.sqrt(folds) * float(np.std(gains, ddof=1)) if folds > 1 else math.nan, correlations,
        cell_table(first, second, total, net, group, thin, dispersion.value), groups - 1, int(thin.sum()),
    )  # fmt: skip


def _pools(
    total: Array, model: CurrentModel, rules: ScreeningRules
) -> tuple[NDArray[np.int64], int, NDArray[np.bool_]]:
    """Group of every cell (thin ones share the last), number of groups, and which cells with rows are thin."""
    rows = total[ROWS]
    known = evidence(model.fit.family, model.fit.link, rows, total[INFORMATION], model.dispersion.value)
    thick = rules.thick(rows, known)
    if thick.sum() > MOST_CELLS:
        largest = np.argsort(-rows, kind="stable")[:MOST_CELLS]
        thick &= np.isin(np.arange(len(rows)), largest)
    group = np.full(len(rows), int(thick.sum()))
    group[thick] = np.arange(int(thick.sum()))
    thin = ~thick & (rows > 0)
    return group, int(thick.sum()) + 1, thin


def _indicator(group: NDArray[np.int64], groups: int) -> Array:
    return np.asarray(group[None, :] == np.arange(groups)[:, None], dtype=np.float64)


def _margins(first: int, second: int) -> Array:
    """Indicators of each factor's levels over the cells, shape (first + second, first * second)."""
    return np.vstack([np.kron(np.eye(first), np.ones(second)), np.kron(np.ones(first), np.eye(second))])


def _over_folds(net: Efficient, by_fold: Array, information: Array) -> tuple[Array, Array]:
    """Out-of-fold gain and correlation of every fold; its information is its share of the whole."""
    share = information / information.sum()
    gains, correlations = np.zeros(len(share)), np.full(len(share), math.nan)
    if len(share) < 2:
        return gains, correlations
    whole = by_fold.sum(axis=1)
    for fold, own in enumerate(share):
        effects = net.inverse @ (whole - by_fold[:, fold])
        strength = effects @ (whole - by_fold[:, fold])
        along = float(by_fold[:, fold] @ effects)
        length = float(by_fold[:, fold] @ net.inverse @ by_fold[:, fold])
        gains[fold] = 2 * along / (1 - own) - own * strength / (1 - own) ** 2
        correlations[fold] = along / math.sqrt(strength * length) if strength > 0 and length > 0 else 0.0
    return gains, correlations


def cell_table(
    first: PairFactor,
    second: PairFactor,
    total: Array,
    net: Efficient,
    group: NDArray[np.int64],
    thin: NDArray[np.bool_],
    dispersion: float,
) -> pd.DataFrame:
    """Cells with training rows, in the factors' order of levels.

    Columns
    -------
    row, column
        Levels of the first and the second factor.
    rows, exposure, actual, predicted, actual_to_predicted
        Training sums (weights with exposure folded in) and A/E under the current model.
    deviation
        The cell's score net of margins and model, in standard deviations; NaN where pooled.
    pooled
        Whether the cell was too thin to be tested on its own.
    """  # fmt: skip
    variance = np.diag(net.information)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.where(variance > 1e-9 * net.own, net.score / np.sqrt(variance * dispersion), np.nan)
        ratio = np.where(total[FITTED] != 0, total[AMOUNT] / total[FITTED], np.nan)
    seen = np.flatnonzero(total[ROWS] > 0)
    row, column = np.divmod(seen, second.size)
    return pd.DataFrame({
        "row": [first.labels[at] for at in row], "column": [second.labels[at] for at in column],
        "rows": total[ROWS][seen].astype(np.int64), "exposure": total[WEIGHT][seen], "actual": total[AMOUNT][seen],
        "predicted": total[FITTED][seen], "actual_to_predicted": ratio[seen],
        "deviation": np.where(thin[seen], np.nan, deviation[group[seen]]), "pooled": thin[seen],
    })  # fmt: skip
