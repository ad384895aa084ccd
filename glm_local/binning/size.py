"""How many bins: by cross-validated deviance with the one-standard-error rule, its minimum, BIC, or as told."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.binning.judge import Trial
from glm_local.binning.rules import BinningRules
from glm_local.binning.search import Search
from glm_local.candidates.fold_error import fold_error
from glm_local.errors import ConfigError

Array = NDArray[np.float64]


def choose(trials: Sequence[Trial], search: Search) -> tuple[int, pd.DataFrame]:
    """Place of the chosen trial, and the trial table.

    Parameters
    ----------
    trials
        No factor first, then sizes rising.

    Returns
    -------
    int, DataFrame
        Columns ``bins``, ``levels``, ``train_deviance``, with two folds or more ``cv_deviance`` and ``cv_se`` (standard
        error of its difference from the best score's, from paired folds), ``validation_deviance`` where there is
        such a sample, ``bic`` (deviance over dispersion, that by key in studies, plus parameters times log rows; places
        of cuts are parameters too), ``penalty_<name>``, ``score`` and ``chosen``. Deviances are means per row.

    Raises
    ------
    ConfigError
        When cross-validation is asked for and there are fewer than two folds.
    """
    rules, table = search.rules, _table(trials, search)
    criterion = _criterion(rules, table)
    penalty = np.array([one.penalty for one in trials])
    table["score"] = criterion + penalty
    if isinstance(rules.size, int):
        at = next((i for i, one in enumerate(trials) if one.bins == rules.size), 0)
    else:
        at = int(table["score"].to_numpy().argmin())
    if "cv_deviance" in table:
        changes = np.stack([one.out_of_fold for one in trials if one.out_of_fold is not None])
        table["cv_se"] = _standard_errors(changes, at, search.rows)
        if rules.size == "one_standard_error":
            at = fewest_within_one_error(
                table["score"].to_numpy(), changes, at, search.rows, [one.levels for one in trials]
            )
    table["chosen"] = np.arange(len(trials)) == at
    return at, table[_columns(table)]


def _table(trials: Sequence[Trial], search: Search) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "bins": [one.bins for one in trials],
            "levels": [one.levels for one in trials],
            "train_deviance": [one.train_deviance for one in trials],
        }
    )
    out = [one.out_of_fold.sum() for one in trials if one.out_of_fold is not None]
    if len(out) == len(trials):
        now = float(search.sums.deviance[: search.sums.folds].sum())
        changes = np.array(out)
        table["cv_deviance"] = (now + changes) / max(search.rows, 1.0)
    if search.sums.has_validation:
        table["validation_deviance"] = [one.validation_deviance for one in trials]
    scaled = table["train_deviance"] * search.rows / search.charge
    table["bic"] = scaled + np.array([bic_parameters(one) for one in trials]) * math.log(max(search.rows, 1.0))
    for name in search.rules.penalties:
        table[f"penalty_{name}"] = [one.penalties[str(name)] for one in trials]
    # BIC per row, so that penalties per row have their meaning beside it.
    table["_bic_per_row"] = table["bic"] * search.charge / max(search.rows, 1.0)
    return table


def _criterion(rules: BinningRules, table: pd.DataFrame) -> pd.Series:
    if isinstance(rules.size, int):
        return table["train_deviance"]
    if rules.size == "bic":
        return table["_bic_per_row"]
    if "cv_deviance" not in table:
        raise ConfigError.because(
            f"the number of bins is to be chosen by {rules.size!r} and there is one fold.",
            "Cross-validation needs two folds or more.",
            'Prepare the rows with folds=5, or write size="bic".',
            path="size",
        )
    return table["cv_deviance"]


def bic_parameters(trial: Trial) -> int:
    """Parameters a trial is charged: one per level beside the base, and one per cut that was searched for.

    The place of a cut is fitted as its levels are: without a charge of its own a noise number of 200 places is kept one
    time in five, with it less than one time in a hundred (tests/benchmarks/honesty/bic.py).
    """
    return trial.levels - 1 + max(trial.bins - 1, 0)


def fewest_within_one_error(score: Array, changes: Array, best: int, rows: float, levels: Sequence[int]) -> int:
    """Place of the fewest levels whose score is within one standard error of the best one's."""
    errors = np.array(_standard_errors(changes, best, rows))
    near = np.isfinite(score) & (score <= score[best] + errors)
    return int(np.where(near, np.array(levels, dtype=float), math.inf).argmin())


def _standard_errors(changes: Array, at: int, rows: float) -> list[float]:
    """Of each trial's mean deviance less the best one's: from differences of the same folds."""
    return [fold_error(one - changes[at]) / max(rows, 1.0) if np.isfinite(one).all() else math.inf for one in changes]


def _columns(table: pd.DataFrame) -> list[str]:
    front = ["bins", "levels", "train_deviance", "cv_deviance", "cv_se", "validation_deviance", "bic"]
    penalties = [name for name in table.columns if name.startswith("penalty_")]
    return [*(name for name in front if name in table), *penalties, "score", "chosen"]
