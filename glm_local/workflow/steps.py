"""The steps of a study by rule, each made of the study's own verbs; one that was made before is not made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glm_local.errors import DataError, FitError
from glm_local.factors.factor_spec import InteractionSpec
from glm_local.study.automatic import AutomaticPlan, auto_design
from glm_local.study.crossing import crossing_name, joint_test, skipped
from glm_local.study.design import Change
from glm_local.study.selective import require_unseen
from glm_local.study.study import Study
from glm_local.workflow.rules import WorkflowRules


def design(study: Study[Any], rules: WorkflowRules) -> None:
    """Screen, design, limit, cross: everything before the model is finalized."""
    names = screen(study, rules)
    build(study, rules, names)
    limit(study, rules)
    cross(study, rules)


def check_inference(study: Study[Any], rules: WorkflowRules, finalize: bool) -> None:
    """Refuse selective inference before anything is searched where no row would be left for it."""
    if rules.inference == "selective":
        require_unseen(study, holdout=finalize, rules=rules.binning)


def screen(study: Study[Any], rules: WorkflowRules) -> list[str]:
    """Rank candidates and return those that can be tried, best first; each is tested again when it is its turn."""
    if study.state.ranking is None:
        study.rank_candidates()
    ranking: Mapping[str, Any] = study.state.ranking or {}
    return [str(line["factor"]) for line in ranking["table"] if not line["error"]]


def _passes(q_value: float | None, most: float) -> bool:
    return q_value is not None and q_value <= most


def build(study: Study[Any], rules: WorkflowRules, names: list[str]) -> None:
    """Try candidates one after the other, keep what earns its place, refine together, prune."""
    if names and not is_built(study, rules.plan):
        auto_design(study, rules.plan, names)


def is_built(study: Study[Any], plan: AutomaticPlan) -> bool:
    """Whether the history has a completed run of a plan."""
    return any(mark.startswith(f"{plan.base} #") and ": complete " in mark for mark in study.state.done)


def limit(study: Study[Any], rules: WorkflowRules) -> None:
    """Remove the factors whose absence costs least out of fold, one at a time, down to the most there may be."""
    while rules.max_factors is not None and len(main_factors(study)) > rules.max_factors:
        losses = {
            name: -study.comparison(Change(name)).cv_gain
            for name in main_factors(study)
            if not study.design.crossings_of(name)
        }
        if not losses:
            return
        least = min(losses, key=lambda name: (losses[name], name))
        study.remove(least, f"at most {rules.max_factors} factors; out-of-fold loss without it {losses[least]:,.2f}")


def main_factors(study: Study[Any]) -> list[str]:
    """Accepted factors that are no interactions."""
    return [one.name for one in study.design.factors if not isinstance(one, InteractionSpec)]


def cross(study: Study[Any], rules: WorkflowRules) -> None:
    """Test the best pairs net of their margins and accept those that earn their place."""
    if not rules.interactions or len(main_factors(study)) < 2:
        return
    if study.state.interactions is None:
        study.find_interactions(rules=rules.pooling)
    found: Mapping[str, Any] = study.state.interactions or {}
    chosen = [line for line in found["table"] if _passes(line["q_value"], rules.interaction_q)]
    for line in chosen[: rules.interactions]:
        _try_pair(study, str(line["first"]), str(line["second"]), rules)


def _try_pair(study: Study[Any], first: str, second: str, rules: WorkflowRules) -> None:
    name = crossing_name(first, second)
    if name in study.design or name in study.state.rejected:
        return
    try:
        comparison = joint_test(study, first, second, rules.pooling).comparison
    except (FitError, DataError) as error:
        skipped(study, first, second, error)
        return
    known = study.state.comparisons.get(name)
    if known is None or known["current"]["fingerprint"] != comparison.current.model.fingerprint:
        study.test_interaction(first, second, rules.pooling)
    reason = comparison.verdict(rules.keeping)
    if comparison.earns_its_place(rules.keeping):
        study.accept_interaction(first, second, reason, rules.pooling)
    else:
        study.reject(name, reason)
