"""What a search gains on rows it did not see: repeated without each fold, the choice of the size included.

Bins that were searched for on all training rows fit the noise of every fold, so that shifts learned without a fold
still gain on it. Here bins, order of categories and size are found without the fold: sizes are compared by what they do
on the other folds alone (by BIC: by the deviance of the other folds).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.binning.judge import Groups, Judge, Trial
from glm_local.binning.size import bic_parameters, fewest_within_one_error
from glm_local.candidates.fold_error import fold_error

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Searched:
    """Gains of one search and of what it found.

    Parameters
    ----------
    rule
        How the number of bins was chosen.
    gains
        Deviance each fold saves by the search made again without it.
    held
        The same when the bins found on all training rows are held and only their shifts are learned without the fold.
    sizes
        Bins the search chose without each fold.
    """

    rule: str
    gains: tuple[float, ...]
    held: tuple[float, ...]
    sizes: tuple[int, ...]

    @property
    def gain(self) -> float:
        """Deviance saved out of fold, over all folds."""
        return float(sum(self.gains))

    @property
    def error(self) -> float:
        """Its standard error from the spread between folds."""
        return fold_error(self.gains)

    @property
    def optimism(self) -> Array:
        """What bins searched on the same rows seem to gain beyond what the search gains, by fold."""
        return np.subtract(self.held, self.gains)

    def document(self) -> dict[str, Any]:
        """As an event's payload keeps it."""
        return {"rule": self.rule, "gains": list(self.gains), "held": list(self.held), "sizes": list(self.sizes)}

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Searched:
        """Read what `document` wrote."""
        return cls(said["rule"], tuple(said["gains"]), tuple(said["held"]), tuple(said["sizes"]))


def searched(judge: Judge, trials: Sequence[Trial], at: int) -> Searched | None:
    """Evidence of a search that chose the trial at a place; None for no factor at all, or a single fold."""
    if not trials[at].groups or any(one.out_of_fold is None for one in trials):
        return None
    changes = np.stack([one.out_of_fold for one in trials if one.out_of_fold is not None])
    places = [_place_without(judge, trials, changes, at, fold) for fold in range(changes.shape[1])]
    held = Judge(judge.search).out_of_fold_of(trials[at].groups)
    assert held is not None
    return Searched(
        str(judge.search.rules.size),
        tuple(-float(changes[place, fold]) for fold, place in enumerate(places)),
        tuple(-float(one) for one in held),
        tuple(trials[place].bins for place in places),
    )


def searched_by(rule: str, judge: Judge, groups: Groups) -> Searched | None:
    """Evidence of groups made by a rule of their own; the judge has what the rule makes without each fold."""
    trial = judge.trial(groups)
    found = searched(judge, [trial], 0)
    return None if found is None else Searched(rule, found.gains, found.held, found.sizes)


def _place_without(judge: Judge, trials: Sequence[Trial], changes: Array, at: int, fold: int) -> int:
    """Place of the trial that would be chosen without a fold."""
    search = judge.search
    size = search.rules.size
    if isinstance(size, int) or len(trials) == 1:
        return at
    others = np.delete(np.arange(changes.shape[1]), fold)
    rows = max(float(search.sums.rows[:, others].sum()), 1.0)
    penalty = np.array([one.penalty for one in trials])
    if size == "bic":
        return int(np.argmin(_bic_without(judge, trials, others, fold, rows) + penalty))
    score = changes[:, others].sum(axis=1) / rows + penalty
    best = int(np.argmin(score))
    if size != "one_standard_error" or len(others) < 2:
        return best
    return fewest_within_one_error(score, changes[:, others], best, rows, [one.levels for one in trials])


def _bic_without(judge: Judge, trials: Sequence[Trial], others: NDArray[np.intp], fold: int, rows: float) -> Array:
    """BIC per row of every size on the other folds, in units of deviance."""
    search, found = judge.search, []
    for one in trials:
        size = max((bins for bins in judge.others[fold] if bins <= one.bins), default=0)
        groups = judge.others[fold][size] if size else ()
        saved = float(judge.change(groups, others)[others].sum())
        found.append((saved + search.charge * bic_parameters(one) * math.log(rows)) / rows)
    return np.array(found)
