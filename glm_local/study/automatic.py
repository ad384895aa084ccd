"""The study by rule: rank, optimize, keep what earns its place, refine together; stopped anywhere, it goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tqdm.auto import tqdm

from glm_local.binning.optimal_bins import optimal_bins
from glm_local.binning.rules import BinningRules
from glm_local.binning.searched import Searched
from glm_local.binning.standing import gain_over_standing
from glm_local.candidates.factor_sums import FactorSums
from glm_local.errors import ConfigError, FitError
from glm_local.factors.factor_spec import FactorSpec, InteractionSpec, NumberSpec
from glm_local.factors.fingerprint import fingerprint
from glm_local.study import crossing, proposing, pruning, ranking
from glm_local.study.comparison import compare_designs
from glm_local.study.core import StudyCore
from glm_local.study.decisions import rejection
from glm_local.study.design import Change, Design
from glm_local.study.history import Fact
from glm_local.study.keeping import KeepingRule
from glm_local.study.trying import SURE, Tried, in_few_levels

REFINED_ERRORS = 2.0
"""Bins that were searched for are changed when a new search gains more than so many standard errors over them."""
MOST_SWEEPS = 3
"""Times that candidates which were not kept are tested again."""
MOST_DOUBLINGS = 6
"""Candidates tested in the same passes double so often at most."""


@dataclass(frozen=True)
class AutomaticPlan:
    """What an automatic study does.

    Parameters
    ----------
    top_n
        Candidates tried, best first; None is all.
    rules
        Of binning.
    keeping
        When a factor stays.
    rounds
        Most rounds of refinement.
    interactions
        Pairs tried, best first; 0 is none.
    """

    top_n: int | None = None
    rules: BinningRules = field(default_factory=BinningRules)
    keeping: KeepingRule = field(default_factory=KeepingRule)
    rounds: int = 2
    interactions: int = 0

    def document(self) -> dict[str, Any]:
        """As the history keeps it."""
        return {
            "top_n": self.top_n,
            "rules": proposing.rules_document(self.rules),
            "keeping": self.keeping.document(),
            "rounds": self.rounds,
            "interactions": self.interactions,
        }

    @property
    def base(self) -> str:
        """Names the plan in marks."""
        return f"auto {fingerprint(self.document())[:8]}"


@dataclass(frozen=True)
class AutomaticRun:
    """One run of a plan in a study: marks of its steps carry its number, so that a stopped one goes on where it was."""

    plan: AutomaticPlan
    number: int

    def mark(self, step: str) -> str:
        """Mark of one step."""
        return f"{self.plan.base} #{self.number}: {step}"

    def is_past_trying(self, done: Iterable[str]) -> bool:
        """Whether a step behind all trying was made: the design then differs from what candidates were tried beside."""
        steps = [one.removeprefix(self.mark("")) for one in done if one.startswith(self.mark(""))]
        return not all(one.startswith(("try ", "again ")) for one in steps)


def auto_design(study: StudyCore[Any], plan: AutomaticPlan, names: Sequence[str] | None = None) -> None:
    """Run the plan; steps the history has are not made again, and a plan that was run to this very design is done."""
    runs = [one for one in study.state.done if one.startswith(f"{plan.base} #") and ": complete " in one]
    if any(one.endswith(f": complete {study.design.fingerprint}") for one in runs):
        return
    run = AutomaticRun(plan, len(runs) + 1)
    order = ranking.order(study, names)[: plan.top_n]
    _check_size(study, order, plan.rules)
    if not run.is_past_trying(study.state.done):
        try_all(study, order, run)
    refine_all(study, None, plan.rounds, run.mark("refine"), plan.rules, leave_hand_made=True)
    pruning.prune(study, plan.keeping, run.mark)
    if plan.interactions:
        crossing.auto_interactions(study, plan.interactions, plan.keeping, run.mark("cross"))
    said = {"plan": plan.document(), "mark": run.mark(f"complete {study.design.fingerprint}")}
    study.commit([Fact("decided", said, reason="the automatic design is complete")])


def try_all(study: StudyCore[Any], order: Sequence[str], run: AutomaticRun) -> None:
    """Try candidates in order, and those that were not kept again."""
    refused = 0
    for at, name in enumerate(tqdm(order, "candidates", disable=None, leave=False)):
        # The more that were refused in a row, the more are tested in the same passes; one that is kept begins again.
        following = [one for one in order[at + 1 : at + 2**refused] if one not in study.design]
        try_candidate(study, name, run, following=following)
        refused = 0 if name in study.design else min(refused + 1, MOST_DOUBLINGS)
    if run.plan.keeping.most_q < 1:
        try_again(study, order, run)


def _check_size(study: StudyCore[Any], names: Sequence[str], rules: BinningRules) -> None:
    """Refuse BIC for categories before anything is tried."""
    kinds = {name: study.bench.candidate(name).kind for name in names} if rules.size == "bic" else {}
    found = [name for name, kind in kinds.items() if kind == "categorical"]
    if found:
        raise ConfigError.because(
            f'size is "bic" and {", ".join(map(repr, found[:5]))} {"is" if len(found) == 1 else "are"} categorical.',
            "BIC charges levels and cuts; a grouping whose order was fitted to the same rows pays too little.",
            'Write size="cross_validated", or leave them out of candidates.',
            path="size",
        )


def try_again(study: StudyCore[Any], names: Sequence[str], run: AutomaticRun) -> None:
    """Test those that were not kept once more beside all that were, in one pass for all: what was masked is found."""
    for sweep in range(1, MOST_SWEEPS + 1):
        mark, now = run.mark(f"again {sweep}"), study.design.fingerprint
        if mark not in study.state.done:
            tests = study.state.screened
            left = [name for name in names if name not in study.design and tests[name]["design"] != now]
            if not left:
                return
            ranking.again(study, left, mark)
        said = study.state.again[mark]
        for name in said["asked"]:
            if name not in study.design and ranking.screened(study, name).passes(run.plan.keeping.most_q):
                try_candidate(study, name, run, f" again {sweep}")
        if study.design.fingerprint == said["design"]:
            return


def try_candidate(
    study: StudyCore[Any], name: str, run: AutomaticRun, sweep: str = "", following: Sequence[str] = ()
) -> None:
    """Test a candidate beside the current model, optimize it, accept or reject it, in one commit."""
    mark, plan = run.mark(f"try {name}{sweep}"), run.plan
    if name in study.design or mark in study.state.done:
        return
    leaks = ranking.leak(study, name)
    if leaks:
        study.commit([_marked(rejection(study, name, f"not tried: {leaks}", {}), mark)])
        return
    keeping = plan.keeping
    test = ranking.screened(study, name, following=following) if keeping.most_q < 1 else None
    evidence: dict[str, Any] = {} if test is None else {"screening": test.document()}
    if test is not None and not test.passes(keeping.most_q):
        why = f"not kept: {test.words(keeping.most_q)}"
        study.commit([_marked(rejection(study, name, why, evidence), mark)])
        return
    tried = Tried.of(study, proposing.optimized(study, name, plan.rules), "optimized", plan.rules, keeping, test)
    if not tried.kept and test is not None and test.passes(keeping.most_q / SURE):
        tried = in_few_levels(study, name, plan.rules, keeping, test, tried)
    if tried.kept and tried.found is not None and tried.change is not None:
        evidence = {**tried.found.document(), "method": tried.method, "rules": proposing.rules_document(plan.rules)}
        decided = study.decision("accepted", name, [tried.change], tried.why, evidence, {"mark": mark})
    else:
        decided = _marked(rejection(study, name, tried.why, evidence), mark)
    study.commit([*tried.facts, decided])


def refine_all(
    study: StudyCore[Any],
    rules: BinningRules | None,
    rounds: int,
    mark: str,
    usual: BinningRules | None = None,
    leave_hand_made: bool = False,
) -> int:
    """Re-optimize every accepted factor with the others as offset, jointly refitted, until a round changes nothing.

    Each round is one event. Returns the rounds made.

    Parameters
    ----------
    rules
        Of every factor; None is the rules each was accepted with.
    usual
        Rules of factors whose own are not known: bins set by hand, penalties that are kept by name only.
    leave_hand_made
        Factors whose bins a person set stay as they are.
    """
    if not study.design.factors:
        return 0
    for number in range(1, rounds + 1):
        own = f"{mark} {number}"
        if f"{own}, nothing" in study.state.done:
            return number
        if own not in study.state.done and not refine_round(
            study, rules, own, usual=usual, leave_hand_made=leave_hand_made
        ):
            return number
    return rounds


def refine_round(
    study: StudyCore[Any],
    rules: BinningRules | None,
    mark: str | None,
    names: Sequence[str] | None = None,
    reason: str | None = None,
    usual: BinningRules | None = None,
    leave_hand_made: bool = False,
) -> bool:
    """One pass over the accepted factors, or over some that are named; True when some spec changed."""
    design, lines = study.design, []
    changes: list[Change] = []
    for name in tqdm(names if names is not None else design.names, "refining", disable=None, leave=False):
        own_rules = standing_rules(study, name, usual or BinningRules())
        if own_rules is None and leave_hand_made:
            lines.append({"factor": name, "kept": True, "why": "its bins were not searched for"})
            continue
        searched = rules or own_rules or usual or BinningRules()
        found, line = refined(study, design, name, searched)
        lines.append({**line, "rules": proposing.rules_document(searched)})
        if found is not None:
            changes.append(found)
            design = design.after([found])
    before, after = study.current(), study.changed(changes)
    cv_gain, cv_se = after.cross_validation.gain_over(before.cross_validation)
    evidence = {"factors": lines, "cv_gain": cv_gain, "cv_se": cv_se}
    own = mark if changes or mark is None else f"{mark}, nothing"
    factor = names[0] if names is not None and len(names) == 1 else None
    reason = reason or f"{len(changes)} of {len(lines)} factors changed"
    decided = study.decision("refined", factor, changes, reason, evidence, {"mark": own} if own else None)
    study.commit([decided])
    return bool(changes)


def propose_refined(study: StudyCore[Any], rules: BinningRules | None, names: Sequence[str], reason: str | None) -> int:
    """Propose better bins of accepted factors, each with the others as they are; returns how many were found."""
    proposals: list[Fact] = []
    for name in tqdm(names, "refining", disable=None, leave=False):
        searched = rules or standing_rules(study, name, BinningRules()) or BinningRules()
        found, line = refined(study, study.design, name, searched)
        if found is not None and found.spec is not None:
            kept = ("cv_se", "searched")
            gains = {at: value for at, value in line.items() if at.endswith("gain") or at in kept}
            said = {**gains, "rules": proposing.rules_document(searched)}
            proposals.append(proposing.by_hand(study, name, found.spec, "optimized", reason, **said))
    if proposals:
        study.commit(proposals)
    return len(proposals)


def standing_rules(study: StudyCore[Any], name: str, usual: BinningRules) -> BinningRules | None:
    """The rules an accepted factor's bins were found with; None where they were set, not searched for."""
    for decided in reversed(study.state.decided):
        payload = decided.event.payload
        if decided.event.factor != name or name not in [one["factor"] for one in payload["changes"]]:
            continue
        if decided.event.kind == "refined" and "factors" in payload["evidence"]:
            return _read_rules(payload["evidence"]["factors"][0].get("rules"), usual)
        if payload["evidence"].get("method") != "optimized":
            return None
        return _read_rules(payload["evidence"].get("rules"), usual)
    return usual


def _read_rules(document: Any, usual: BinningRules) -> BinningRules:
    return usual if document is None else proposing.read_rules(document) or usual


def refined(
    study: StudyCore[Any], design: Design, name: str, rules: BinningRules
) -> tuple[Change | None, dict[str, Any]]:
    """A better spec of one accepted factor, where there is one, and what was found."""
    line: dict[str, Any] = {"factor": name, "kept": True}
    spec = design[name]
    if isinstance(spec, InteractionSpec | NumberSpec) or name not in study.bench.rows.candidates:
        return None, {**line, "why": "it is not made of pre-bins"}
    if design.pins.get(name):
        return None, {**line, "why": "its relativities are pinned"}
    if design.crossings_of(name):
        return None, {**line, "why": "an interaction is made of its levels"}
    with study.stage("candidate sums"):
        sums = study.bench.sums_beside(design, name, rules)
    with study.stage("optimal bins"):
        result = proposing.remembered(study, optimal_bins(sums, study.bench.candidate(name), rules))
    if result.spec is None:
        return None, {**line, "why": "no factor at all is best now; see prune"}
    change = Change(name, result.spec)
    if design.after([change]).fingerprint == design.fingerprint:
        return None, {**line, "why": "its bins are the best ones"}
    if not _is_worth_fitting(study, name, spec, sums, result.searched):
        return None, {**line, "why": f"a new search gains at most {REFINED_ERRORS:g} standard errors over its bins"}
    try:
        candidate = study.changed([change], design)
    except FitError as error:
        return None, {**line, "why": error.problems[0].found}
    found = compare_designs(name, change, study.fitted(design), candidate, True)
    line |= {"cv_gain": found.cv_gain, "cv_se": found.cv_se, "validation_gain": found.validation_gain}
    if found.cv_gain <= 0:
        return None, {**line, "why": "the best bins with the others as offset do not gain out of fold"}
    said = {} if result.searched is None else {"searched": result.searched.document()}
    return change, {**line, "kept": False, **said}


def _is_worth_fitting(
    study: StudyCore[Any], name: str, spec: FactorSpec, sums: FactorSums, found: Searched | None
) -> bool:
    """Whether new bins gain over the standing ones by more than chance: the sums tell, before anything is fitted."""
    bench = study.bench
    before = study.search_of(spec)
    if found is None or before is None:
        return True
    gain = gain_over_standing(sums, bench.candidate(name), spec, before, found, bench.kinds)
    return gain is None or gain[0] > REFINED_ERRORS * gain[1]


def _marked(fact: Fact, mark: str) -> Fact:
    return Fact(fact.kind, {**fact.payload, "mark": mark}, fact.factor, fact.reason, fact.rows)
