"""What is proven of chosen bins, in a sentence; and which rule is in the way when there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from glm_local.binning.floors import floors_words
from glm_local.binning.judge import Trial
from glm_local.binning.penalties import inside_the_program
from glm_local.binning.search import Search

Status = Literal["optimal", "reranked", "infeasible", "given"]
ROUNDING = 1e-9


@dataclass(frozen=True)
class Proof:
    """What is known of the bins.

    Parameters
    ----------
    status
        "optimal": no partition of the chosen size is better. "reranked": the same, and the size was chosen by penalties
        the program does not see. "infeasible": the rules leave no bins at all. "given": not searched for.
    guarantee
        The sentence.
    trend
        Shape the relativities of the ordered bins have: constant, ascending, descending, peak, valley or none.
    """

    status: Status
    guarantee: str
    trend: str


def proven(search: Search, trial: Trial) -> Proof:
    """Proof of a trial the program found."""
    penalties = search.rules.penalties
    assert isinstance(penalties, dict)
    beside = [name for name, one in penalties.items() if not inside_the_program(one)]
    status: Status = "reranked" if beside else "optimal"
    shape = shape_of(trial.table["shift"].to_numpy()[: trial.bins])
    if not trial.bins:
        return Proof(status, f"No factor at all is best: {_chosen_by(search)}.{_beside(beside)}", "constant")
    what = "training deviance" if len(beside) == len(penalties) else "training deviance with its penalties"
    guarantee = (
        f"No other {_kind_of_groups(search)} into {trial.bins} bins under the rules has a smaller {what}; "
        f"{_chosen_by(search)}.{_beside(beside)}{_followers(search)}{_floors(search)}"
    )
    return Proof(status, guarantee, shape)


def given(how: str) -> Proof:
    """Nothing was searched for: how the levels were made, in a sentence."""
    return Proof("given", f"Not optimized: {how}", "none")


def infeasible(search: Search) -> Proof:
    """The rules leave no bins: which rule is in the way, and the way out."""
    sizes = search.rules.sizes
    asked = f"{sizes.start} bins" if len(sizes) == 1 else f"{sizes.start} to {sizes.stop - 1} bins"
    found = f"No partition of {search.sums.name!r} into {asked} keeps every rule"
    names = [name for name, relaxed in _relaxations(search).items() if _feasible(relaxed, sizes)]
    if names:
        return Proof("infeasible", f"{found}; relaxing one of these gives bins: {', '.join(names)}.", "none")
    if not (search.sums.amount[: search.sums.ordered] @ search.train).any():
        return Proof("infeasible", f"{found}: its training rows have no events; leave the factor out.", "none")
    return Proof("infeasible", f"{found}, nor without any single rule; ask for fewer bins or relax several.", "none")


def _relaxations(search: Search) -> dict[str, Search]:
    rules = search.rules
    relaxed: dict[str, Search] = {}
    for name, value in search.floors.document().items():
        given = "" if getattr(rules, name) is not None else f" (profile {rules.profile})"
        relaxed[f"{name} {value:g}{given}"] = search.without(**{name: 0.0})
    if rules.min_relativity_step is not None:
        relaxed[f"min_relativity_step {rules.min_relativity_step:g}"] = search.without(min_relativity_step=None)
    if rules.trend != "none" and search.sums.kind != "categorical":
        relaxed[f"trend {rules.trend}"] = search.without(trend="none")
    if rules.apart:
        relaxed["apart"] = search.without(apart=())
    if rules.sizes.start > 1:
        name = "size" if isinstance(rules.size, int) else "min_bins"
        size = rules.size if not isinstance(rules.size, int) else "bic"
        relaxed[f"{name} {rules.sizes.start}"] = search.without(min_bins=1, size=size)
    if rules.apart and rules.sizes.stop - 1 < search.sums.ordered:
        relaxed[f"max_bins {rules.max_bins}"] = search.without(max_bins=search.sums.ordered)
    return relaxed


def _feasible(search: Search, sizes: range) -> bool:
    allowed = search.rules.sizes if search.rules.sizes.stop > sizes.stop or search.rules.min_bins == 1 else sizes
    return any(bins in allowed for bins in search.best())


def shape_of(shift: Sequence[float] | np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    """Shape of a run of shifts.

    Examples
    --------
    >>> shape_of([0.0, 0.5, 0.2]), shape_of([1.0, 2.0]), shape_of([3.0])
    ('peak', 'ascending', 'constant')
    """
    values = np.clip(np.asarray(shift, dtype=np.float64), -1e6, 1e6)
    steps = np.diff(values)
    sign = np.sign(np.where(np.abs(steps) <= ROUNDING * (1 + np.abs(values[1:])), 0.0, steps))
    moves = sign[sign != 0]
    turns = int((np.diff(moves) != 0).sum())
    if not len(moves):
        return "constant"
    if turns == 0:
        return "ascending" if moves[0] > 0 else "descending"
    if turns == 1:
        return "peak" if moves[0] > 0 else "valley"
    return "none"


def _kind_of_groups(search: Search) -> str:
    units = f"{search.arranged(np.arange(search.sums.folds)).units:,}"
    joined = f"the {search.sums.ordered:,} pre-bins joined into {units} runs of about equal exposure"
    if search.sums.kind == "categorical":
        over = joined if search.is_joined else f"the {units} categories"
        return f"grouping of {over} that keeps the order of their credibility-shrunk experience,"
    trend = "" if search.rules.trend == "none" else f" with trend {search.rules.trend!r}"
    return f"partition of {joined if search.is_joined else f'the {units} ordered pre-bins'}{trend}"


def _chosen_by(search: Search) -> str:
    size = search.rules.size
    if isinstance(size, int):
        return f"{size} bins were asked for"
    return {
        "one_standard_error": "the bin count is the smallest within one standard error of the best "
        "cross-validated deviance",
        "cross_validated": "the bin count has the best cross-validated deviance",
        "bic": "the bin count has the best BIC, every cut charged a parameter for its place",
    }[size]


def _followers(search: Search) -> str:
    """Codes apart that have training rows and no level of their own."""
    sums = search.sums
    rows = (sums.rows @ search.train)[:, 0]
    codes = [code for code in range(sums.ordered, sums.codes) if rows[code] > 0 and code not in search.own]
    names = ", ".join(repr(sums.labels[code]) for code in codes)
    return f" The rows of {names} have no level of their own and take no part in it." if codes else ""


def _floors(search: Search) -> str:
    said = floors_words(search.floors, search.sums)
    return f" {said}" if said else ""


def _beside(names: list[str]) -> str:
    if not names:
        return ""
    return f" Only the choice among sizes knows of {', '.join(repr(name) for name in names)}."
