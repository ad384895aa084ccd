"""The test of one pair of factors: cells net of both margins and of the model, and how steady they are over folds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.candidates.fold_error import fold_error
from glm_local.families.edges import at_edge
from glm_local.screening.pair_cells import POOLED, PairCells
from glm_local.screening.pair_factors import PairFactor
from glm_local.screening.score_kernel import AMOUNT, FITTED, INFORMATION, ROWS, SCORE, WEIGHT
from glm_local.screening.score_pass import CurrentModel
from glm_local.screening.score_test import Efficient, ModelInformation, ScoreTest, generalised_inverse
from glm_local.screening.tested_levels import NO_FREEDOM, UNTESTED, ScreeningRules

Array = NDArray[np.float64]


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
        Cells that stand on their own; cells with rows that are pooled with their margins.
    untested
        Why there is no test; empty where there is one.
    """

    score: ScoreTest
    gain: float
    cv_gain: float
    cv_gain_se: float
    fold_correlations: Array
    cells: pd.DataFrame
    tested_cells: int
    thin_cells: int
    untested: str


@dataclass(frozen=True)
class PairSums:
    """Sums of a pair's joint code, as `ScoreSums` has them, and the model's."""

    levels: Array
    cross: Array | None
    by_key: Array | None
    model: ModelInformation


def pair_test(
    first: PairFactor, second: PairFactor, sums: PairSums, model: CurrentModel, rules: ScreeningRules
) -> PairTest:
    """Test the cells of two factors from their sums.

    Cells with too few rows or too little evidence follow their margins, in the test as in a fit of the pair.
    """
    levels = sums.levels
    total, dispersion = levels.sum(axis=1), model.dispersion
    shape = first.size, second.size
    known = model.evidence(total[ROWS], total[INFORMATION])
    cells = PairCells.of(total[ROWS].reshape(shape), known.reshape(shape), _bases(first, second, total), rules)
    thick = np.flatnonzero(cells.thick)
    net, by_fold = _net_scores(thick, _margins(*shape), sums)
    own = np.flatnonzero(cells.own.ravel()[thick])
    effects = net.only(own)
    score = effects.test(dispersion)
    gains, correlations = _over_folds(effects, by_fold[own], levels[INFORMATION].sum(axis=1))
    deviations = np.full(len(total[ROWS]), math.nan)
    deviations[thick] = _deviations(net, dispersion.value if score.effect is None else score.effect.mean)
    table = cell_table(first, second, total, deviations, _status(cells, total, model))
    pooled = int(table["pooled"].sum())
    return PairTest(
        score,
        score.explained,
        float(gains.sum()),
        fold_error(gains),
        correlations,
        table,
        len(table) - pooled,
        pooled,
        _untested(first, second, score, len(own), rules, model),
    )


def _net_scores(cells: NDArray[np.intp], margins: Array, found: PairSums) -> tuple[Efficient, Array]:
    """Some cells net of margins and model, and their scores by fold net of the margins, shape (cells, folds).

    Cells are made orthogonal to the margins in the metric of the information, so that what a fold says of the margins
    is no part of what it says of the cells: the margins may be in the model, which has no folds of its own here.
    """
    total = found.levels.sum(axis=1)
    known = total[INFORMATION]
    margins = margins[margins @ known > 0]
    inverse, _ = generalised_inverse((margins * known) @ margins.T, margins @ known)
    own = -((known[cells] * margins[:, cells]).T @ inverse) @ margins
    own[np.arange(len(cells)), cells] += 1.0
    sums = np.vstack([own, margins])
    cross, by_key = (None if one is None else sums @ one for one in (found.cross, found.by_key))
    everything = Efficient.of(sums @ total[SCORE], (sums * known) @ sums.T, cross, found.model, by_key)
    everything = replace(everything, own=np.concatenate([known[cells], margins @ known]))
    scores, tested = sums @ found.levels[SCORE].T, len(cells)
    by_fold = scores[:tested] - everything.projection(tested) @ scores[tested:]
    return everything.net_of_others(tested), by_fold


def _bases(first: PairFactor, second: PairFactor, total: Array) -> tuple[int, int]:
    """Base levels: the model's own, of a candidate the level of the largest weight."""
    weight = total[WEIGHT].reshape(first.size, second.size)
    return (
        int(np.argmax(weight.sum(axis=1))) if first.base is None else first.base,
        int(np.argmax(weight.sum(axis=0))) if second.base is None else second.base,
    )


def _status(cells: PairCells, total: Array, model: CurrentModel) -> NDArray[np.str_]:
    """What every cell is in a fit of the pair."""
    family, link = model.fit.family, model.fit.link
    rows, weight, amount = (total[one].reshape(cells.own.shape) for one in (ROWS, WEIGHT, AMOUNT))
    fitted = cells.fitted(family, link, rows, weight, amount)
    return cells.status(fitted, at_edge(family, link, weight, amount)).ravel()


def _untested(
    first: PairFactor, second: PairFactor, score: ScoreTest, tested: int, rules: ScreeningRules, model: CurrentModel
) -> str:
    """Why a pair has no test; empty where it has one."""
    if not math.isnan(score.p_value):
        return ""
    for one in (first, second):
        if one.size < 2:
            return f"{UNTESTED}: {one.name} has one level"
    if not tested:
        return f"{UNTESTED}: beside the base levels no cell holds {model.floors_text(rules)}"
    return f"{UNTESTED}: the model has its cells" if not score.freedom else NO_FREEDOM


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


def _deviations(net: Efficient, dispersion: float) -> Array:
    """Score of cells net of margins and model, in standard deviations; NaN where these span the cell."""
    variance = np.diag(net.information)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = np.where(variance > 1e-9 * net.own, net.score / np.sqrt(variance * dispersion), np.nan)
    return found


def cell_table(
    first: PairFactor, second: PairFactor, total: Array, deviations: Array, status: NDArray[np.str_]
) -> pd.DataFrame:
    """Cells with training rows, in the factors' order of levels.

    Columns
    -------
    row, column
        Levels of the first and the second factor.
    rows, exposure, actual, predicted, actual_to_predicted
        Training sums (weights with exposure folded in) and A/E under the current model.
    deviation
        The cell's score net of margins and model, in standard deviations; NaN where the cell is too thin.
    status
        What the cell is in a fit of the pair: "own" (an effect of its own), "base" (a factor is at its base level), or
        pooled with its margins because it is "thin", has "no events" (or nothing but events), or is needed there:
        "margin", where a level's other cells without an effect would hold too little.
    pooled
        Whether the cell is pooled.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(total[FITTED] != 0, total[AMOUNT] / total[FITTED], np.nan)
    seen = np.flatnonzero(total[ROWS] > 0)
    row, column = np.divmod(seen, second.size)
    return pd.DataFrame(
        {
            "row": [first.labels[at] for at in row],
            "column": [second.labels[at] for at in column],
            "rows": total[ROWS][seen].astype(np.int64),
            "exposure": total[WEIGHT][seen],
            "actual": total[AMOUNT][seen],
            "predicted": total[FITTED][seen],
            "actual_to_predicted": ratio[seen],
            "deviation": deviations[seen],
            "status": [str(one) for one in status[seen]],
            "pooled": np.isin(status[seen], POOLED),
        }
    )
