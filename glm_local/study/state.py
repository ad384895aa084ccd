"""The state of a study: what its events make of it, one after the other, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from glm_local.errors import Problem, StoreError
from glm_local.factors.factor_spec import FactorSpec
from glm_local.factors.searched_levels import is_searched, marked
from glm_local.factors.spec_problems import read_factor
from glm_local.study.design import Change, Design
from glm_local.study.events import DECISIONS, StudyEvent
from glm_local.study.partition import partition_key
from glm_local.study.screened import screening_p


@dataclass(frozen=True)
class Proposal:
    """A specification put forward for a factor: how it was found, and under which design."""

    factor: str
    spec: FactorSpec
    method: str
    design: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    pins: Mapping[str, float] | None = None
    event: str = ""


@dataclass(frozen=True)
class Decided:
    """A decision that stands: the event, and the design before it."""

    event: StudyEvent = field(repr=False)
    before: Design = field(repr=False)


@dataclass(frozen=True)
class StudyState:
    """What a study is after some events; it never changes, `after` gives the next one.

    Parameters
    ----------
    setup
        What was asked when the study was split: roles, family, link, split, folds, seed; None before.
    candidates
        Names of the candidates; their learned fine codes are in the event `learned`.
    data
        Fingerprint of the packed rows.
    design
        Accepted factors and pins.
    decided
        Decisions that stand, in order; undo takes the last.
    proposals
        Factor to what was last proposed for it.
    comparisons
        Factor to the evidence of its last comparison.
    ranking
        Payload of the last ranking of candidates; `interactions` that of pairs.
    screened
        Candidate to its last screening test: statistic, df, p_value, and the design it was made against.
    again
        Marks of batches of tests made again to their payloads.
    searched
        Bins that were searched for on the training rows, by what they hold, to the evidence of the search.
    rejected
        Factor to why, for those rejected and not accepted since.
    versions
        One row per design that was fitted by a decision, in order.
    looks
        Events that looked at the holdout.
    finalized
        Payload of the last finalization; None when the design changed since.
    inferred
        Payload of the last intervals on unseen rows, which name their design.
    done
        Marks of steps an automatic procedure has made, see `glm_local.study.automatic`.
    seq
        Number of the last event of the study's own chain, -1 before the first.
    """

    setup: Mapping[str, Any] | None = None
    candidates: tuple[str, ...] = ()
    learned: Mapping[str, Any] = field(default_factory=dict, repr=False)
    data: str | None = None
    design: Design = field(default_factory=Design)
    decided: tuple[Decided, ...] = field(default=(), repr=False)
    proposals: Mapping[str, Proposal] = field(default_factory=dict, repr=False)
    comparisons: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    ranking: Mapping[str, Any] | None = field(default=None, repr=False)
    interactions: Mapping[str, Any] | None = field(default=None, repr=False)
    screened: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    again: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    searched: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    rejected: Mapping[str, str] = field(default_factory=dict)
    versions: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    looks: tuple[StudyEvent, ...] = field(default=(), repr=False)
    finalized: Mapping[str, Any] | None = field(default=None, repr=False)
    inferred: Mapping[str, Any] | None = field(default=None, repr=False)
    done: frozenset[str] = field(default=frozenset(), repr=False)
    seq: int = -1
    run_id: str | None = None
    run_is_open: bool = False

    def after(self, event: StudyEvent) -> StudyState:
        """Return the state after one more event.

        Raises
        ------
        StoreError
            When the event does not lead where it says: the history was changed, or a newer version wrote it.
        """
        step = _STEPS.get(event.kind)
        state = self if step is None else step(self, event)
        mark = event.payload.get("mark")
        done = state.done | {mark} if isinstance(mark, str) else state.done
        is_open = event.kind != "finished" and (state.run_is_open or event.kind == "started")
        test = event.payload.get("screening") or (event.payload.get("evidence") or {}).get("screening")
        if test is not None:
            state = replace(state, screened={**state.screened, str(event.factor): test})
        return replace(state, done=done, seq=event.seq, run_id=event.run_id, run_is_open=is_open)

    def with_mark(self, spec: FactorSpec) -> FactorSpec:
        """A factor with the record of the search that found its levels, whoever wrote them down and by what name."""
        said = None if is_searched(spec) or not self.searched else self.searched.get(partition_key(spec))
        return spec if said is None else marked(spec, f"as found by a search, {said['rule']}")

    @property
    def is_finalized(self) -> bool:
        """Whether the design is the finalized one."""
        return self.finalized is not None

    @property
    def accepted(self) -> tuple[str, ...]:
        """Names of accepted factors, interactions included."""
        return self.design.names


def fold(events: Iterable[StudyEvent], state: StudyState | None = None) -> StudyState:
    """Return the state some events lead to."""
    state = state or StudyState()
    for event in events:
        state = state.after(event)
    return state


def _split(state: StudyState, event: StudyEvent) -> StudyState:
    return replace(state, setup=event.payload["setup"])


def _learned(state: StudyState, event: StudyEvent) -> StudyState:
    names = tuple(one["name"] for one in event.payload["candidates"])
    return replace(state, candidates=names, learned=event.payload, data=event.payload["data"])


def _ranked(state: StudyState, event: StudyEvent) -> StudyState:
    if event.payload.get("what") == "interactions":
        return replace(state, interactions=event.payload)
    tests = {
        str(line["factor"]): {"p_value": screening_p(line), "statistic": line["statistic"], "df": line["df"]}
        | {"design": event.payload["design"], "flags": line.get("flags")}
        for line in event.payload["table"]
        if not line["error"]
    }
    state = replace(state, screened={**state.screened, **tests})
    if event.payload.get("what") == "again":
        return replace(state, again={**state.again, str(event.payload["mark"]): event.payload})
    return replace(state, ranking=event.payload)


def _proposed(state: StudyState, event: StudyEvent) -> StudyState:
    said, factor = event.payload, str(event.factor)
    if said.get("spec") is None:
        return replace(state, proposals={name: one for name, one in state.proposals.items() if name != factor})
    spec, evidence = read_factor(said["spec"]), said.get("evidence", {})
    state = _with_search(state, spec, evidence.get("searched"))
    spec = state.with_mark(spec)
    proposal = Proposal(factor, spec, said["method"], said["design"], evidence, said.get("pins"), event.step)
    return replace(state, proposals={**state.proposals, factor: proposal})


def _with_search(state: StudyState, spec: FactorSpec, said: Mapping[str, Any] | None) -> StudyState:
    """The first search that found some bins stays their evidence, so that a replay finds what was found."""
    if said is None:
        return state
    return _with_marks(replace(state, searched={partition_key(spec): said, **state.searched}))


def _with_marks(state: StudyState) -> StudyState:
    factors = tuple(state.with_mark(one) for one in state.design.factors)
    return replace(state, design=replace(state.design, factors=factors))


def _compared(state: StudyState, event: StudyEvent) -> StudyState:
    return replace(state, comparisons={**state.comparisons, str(event.factor): event.payload})


def _decided(state: StudyState, event: StudyEvent) -> StudyState:
    changes = [Change.read(one) for one in event.payload["changes"]]
    design = state.design.after(changes)
    _check(event, state.design.fingerprint, design.fingerprint)
    named = {one.factor for one in changes}
    rejected = {name: why for name, why in state.rejected.items() if name not in named}
    proposals = {name: one for name, one in state.proposals.items() if name not in named}
    decided = (*state.decided, Decided(event, state.design))
    state = replace(state, design=design, rejected=rejected, proposals=proposals, decided=decided)
    for line in event.payload.get("evidence", {}).get("factors", ()):
        spec = design.get(line["factor"])
        state = state if spec is None else _with_search(state, spec, line.get("searched"))
    return _new_version(_with_marks(state), event)


def _undone(state: StudyState, event: StudyEvent) -> StudyState:
    if not state.decided:
        raise _broken(event, "There is no decision it could take back.")
    design = state.decided[-1].before
    _check(event, state.design.fingerprint, design.fingerprint)
    return _new_version(replace(state, design=design, decided=state.decided[:-1]), event)


def _new_version(state: StudyState, event: StudyEvent) -> StudyState:
    if event.payload["before"] == event.payload["after"]:
        return state
    version = {
        "version": len(state.versions) + 1,
        "event": event.kind,
        "factor": event.factor,
        "reason": event.reason,
        "by_user": event.by_user,
        "at": event.at,
        "factors": state.accepted,
        "design": event.payload["after"],
        **event.payload.get("model", {}),
    }
    return replace(state, versions=(*state.versions, version), finalized=None)


def _rejected(state: StudyState, event: StudyEvent) -> StudyState:
    return replace(state, rejected={**state.rejected, str(event.factor): event.reason or ""})


def _looked(state: StudyState, event: StudyEvent) -> StudyState:
    return replace(state, looks=(*state.looks, event))


def _inferred(state: StudyState, event: StudyEvent) -> StudyState:
    return replace(state, inferred=event.payload)


def _finalized(state: StudyState, event: StudyEvent) -> StudyState:
    _check(event, state.design.fingerprint, state.design.fingerprint)
    return replace(state, finalized=event.payload)


def _check(event: StudyEvent, before: str, after: str) -> None:
    said = (event.payload["before"], event.payload["after"])
    if said != (before, after):
        raise _broken(event, f"It says the design goes from {said[0][:12]} to {said[1][:12]}, not {after[:12]}.")


def _broken(event: StudyEvent, found: str) -> StoreError:
    return StoreError(
        Problem(
            f"study {event.study} event {event.seq} ({event.kind})",
            found,
            "Each event leads to the design it names.",
            "Run glm audit verify: the history was changed.",
        )
    )


_STEPS: Mapping[str, Callable[[StudyState, StudyEvent], StudyState]] = {
    "split": _split,
    "learned": _learned,
    "ranked": _ranked,
    "proposed": _proposed,
    "compared": _compared,
    **dict.fromkeys(DECISIONS, _decided),
    "undone": _undone,
    "rejected": _rejected,
    "looked": _looked,
    "finalized": _finalized,
    "inferred": _inferred,
}
