"""Optimal bins of one candidate: proven best groups per size, the size by the rules, no factor always among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.binning.categories import category_order
from glm_local.binning.equal_shares import equal_groups
from glm_local.binning.factor_sums import FactorSums
from glm_local.binning.floors import NO_FLOORS, Floors, domain_of, floors_words
from glm_local.binning.judge import Groups, Judge, Trial, judge_of
from glm_local.binning.proof import Proof, given, infeasible, proven
from glm_local.binning.result import BinningResult
from glm_local.binning.rules import BinningRules
from glm_local.binning.search import Search, codes_of_their_own
from glm_local.binning.searched import Searched, searched, searched_by
from glm_local.binning.shifts import is_ratio
from glm_local.binning.size import choose
from glm_local.candidates.candidate import Candidate, Policy
from glm_local.errors import ConfigError
from glm_local.factors.factor_spec import FactorSpec
from glm_local.factors.level_names import level_names
from glm_local.factors.searched_levels import marked

BY_HAND = "given by hand"


def optimal_bins(sums: FactorSums, candidate: Candidate, rules: BinningRules | None = None) -> BinningResult:
    """Best bins of a candidate under the rules, given the current model.

    For every number of bins an exact dynamic program finds the groups of neighbouring fine codes with the smallest
    training deviance (categories: in the order of their credibility-shrunk experience). Each is judged out of fold,
    everything learned without the fold, order of categories included; then the size is chosen.

    Parameters
    ----------
    sums
        Of the candidate's fine codes under the current model.
    candidate
        Whose specification is made.
    rules
        Hard rules, choice of the size, penalties; none but `max_bins` by default.

    Raises
    ------
    ConfigError
        Labels to keep apart that do not exist; a penalty that fails; cross-validation with one fold.
    """
    asked = rules or BinningRules()
    _check_size(sums, asked)
    search = _search(sums, candidate, asked)
    found = {bins: groups for bins, groups in search.best().items() if bins in asked.sizes}
    judge = judge_of(search, list(found))
    trials = [judge.trial(()), *(judge.trial(groups) for bins, groups in found.items() if _differs(groups, search))]
    at, table = choose(trials, search)
    proof = proven(search, trials[at]) if found or not asked.sizes else infeasible(search)
    how = f"best bins, size {asked.size}"
    return _result(search, candidate, trials[at], table, proof, searched(judge, trials, at), how, search.floors)


def _check_size(sums: FactorSums, rules: BinningRules) -> None:
    """BIC has no charge for a grouping of categories: their order is fitted as well."""
    if rules.size == "bic" and sums.kind == "categorical":
        raise ConfigError.because(
            f"the bin count of {sums.name!r} is to be chosen by BIC and it is categorical.",
            "BIC charges levels and cuts; a grouping whose order was fitted to the same rows pays too little.",
            'Write size="cross_validated", or make the candidate ordinal.',
            path="size",
        )


def judge_groups(
    sums: FactorSums,
    candidate: Candidate,
    groups: Sequence[Sequence[int]],
    rules: BinningRules | None = None,
    how: str = BY_HAND,
    others: Sequence[Groups] = (),
    responses: bool = False,
) -> BinningResult:
    """The same result for groups that were not searched for.

    Parameters
    ----------
    groups
        Fine codes of every ordered level.
    how
        Where they come from; the proof's sentence says so.
    others
        What was made in the same way without each fold, where the responses had a part in it.
    responses
        Whether they had: the specification then says so.
    """
    search = _search(sums, candidate, rules or BinningRules())
    judge = Judge(search, tuple({len(one): one for one in [made]} for made in others))
    trial = judge.trial(tuple(tuple(int(code) for code in group) for group in groups))
    only = search.without(size=trial.bins, min_bins=1, max_bins=max(trial.bins, 1))
    _, table = choose([Judge(search).trial(()), trial], only)
    evidence = searched_by(how, judge, trial.groups) if others else None
    floors = NO_FLOORS if how == BY_HAND else search.floors
    proof = given(" ".join(one for one in (f"{how}.", floors_words(floors, sums)) if one))
    return _result(search, candidate, trial, table, proof, evidence, how if responses else "", floors)


def coarse_bins(
    sums: FactorSums, candidate: Candidate, bins: int = 10, rules: BinningRules | None = None
) -> BinningResult:
    """Neighbouring fine codes joined into at most `bins` bins of about equal training exposure, none below the floors.

    Raises
    ------
    ConfigError
        For a categorical candidate, which has no order of its own, and for less than one bin.
    """
    if sums.kind == "categorical":
        raise ConfigError.because(
            f"{sums.name!r} is categorical.",
            "Coarse bins join neighbours, and categories have none.",
            "Use target_order, or make the candidate ordinal.",
        )
    groups = _equal_groups(sums, np.arange(sums.ordered), bins, rules or BinningRules())
    return judge_groups(sums, candidate, groups, rules, "bins of about equal exposure")


def target_order(
    sums: FactorSums, candidate: Candidate, max_groups: int = 6, rules: BinningRules | None = None
) -> BinningResult:
    """Categories in the order of their credibility-shrunk experience, cut into groups of about equal exposure.

    None is below the floors of the rules.
    """
    asked = rules or BinningRules()
    dispersion, folds = Search(sums, BinningRules()).dispersion, np.arange(sums.folds)

    def made(learned_from: NDArray[np.intp]) -> Groups:
        return _equal_groups(sums, category_order(sums, learned_from, dispersion), max_groups, asked)

    return judge_groups(
        sums,
        candidate,
        made(folds),
        rules,
        "groups of about equal exposure in the order of shrunk experience",
        [made(np.delete(folds, fold)) for fold in folds] if len(folds) > 1 else (),
        responses=True,
    )


def _equal_groups(sums: FactorSums, order: NDArray[np.intp], most: int, rules: BinningRules) -> Groups:
    if most < 1:
        raise ConfigError.because(f"{most} bins were asked for.", "A factor has at least one bin.", "Write 10.")
    weight = sums.weight[:, : sums.folds].sum(axis=1)[order]
    groups = tuple(tuple(int(order[at]) for at in group) for group in equal_groups(weight, most))
    return rules.floors(domain_of(sums)).joined(sums, groups)


def _differs(groups: Groups, search: Search) -> bool:
    """Whether a factor of these groups is more than one level."""
    return len(groups) + len(search.own) > 1


def _search(sums: FactorSums, candidate: Candidate, rules: BinningRules) -> Search:
    """The search, with what becomes of codes that are asked to have levels of their own."""
    policies: Mapping[str, Policy] = {"missing": rules.missing, "unseen": rules.unseen}
    asked = [
        code for cause, policy in policies.items() if _is_own(policy) and (code := candidate.apart(cause)) is not None
    ]
    own = codes_of_their_own(sums, rules, asked) if asked else ()
    held = sums.rows[:, : sums.folds].sum(axis=1)
    return Search(sums, rules, own, tuple(code for code in asked if code not in own and held[code] > 0))


def _is_own(policy: Policy) -> bool:
    return policy == "own_level" or (not isinstance(policy, str) and "own_level" in policy)


def _policy(candidate: Candidate, cause: str, policy: Policy, own: Sequence[int]) -> Policy:
    """The policy as it holds: no level of its own for what training hardly has; one by the candidate's name for it."""
    if not _is_own(policy):
        return policy
    if candidate.apart(cause) not in own:
        return "base"
    named: Policy = candidate.fine.document()[cause] if policy == "own_level" else policy
    return named


def _result(
    search: Search,
    candidate: Candidate,
    trial: Trial,
    trials: pd.DataFrame,
    proof: Proof,
    evidence: Searched | None,
    how: str,
    floors: Floors,
) -> BinningResult:
    spec, levels = None, trial.table.rename(columns={"bin_size": "exposure"})
    if trial.groups:
        spec = _spec(search, candidate, trial.groups, proof)
        spec = marked(spec, how) if how else spec
    levels["level"] = ["all"] if spec is None else level_names(spec.document())
    return BinningResult(
        candidate.name,
        candidate.kind,
        spec,
        trial.groups,
        levels,
        trials,
        proof,
        is_ratio(search.sums.gain),
        evidence,
        floors,
    )


def _spec(search: Search, candidate: Candidate, groups: Groups, proof: Proof) -> FactorSpec:
    asked: dict[str, Policy] = {"missing": search.rules.missing, "unseen": search.rules.unseen}
    kept = {cause: _policy(candidate, cause, policy, search.own) for cause, policy in asked.items()}
    spec = candidate.spec(groups, missing=kept["missing"], unseen=kept["unseen"], notes=(proof.guarantee,))
    thin = [cause for cause in asked if candidate.apart(cause) in search.thin]
    judge = Judge(search)
    home = judge.neutral(groups, np.arange(search.sums.folds)) if thin else 0
    if not thin or home == judge.base(groups):
        return spec
    name = (level_names(spec.document()) or [])[home]
    kept |= {cause: {"level": name} for cause in thin}
    note = f"Too few {' and '.join(thin)} values for a level of their own: they follow the one nearest to the average."
    return candidate.spec(groups, missing=kept["missing"], unseen=kept["unseen"], notes=(proof.guarantee, note))
