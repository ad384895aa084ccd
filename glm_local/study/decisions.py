"""Decisions on single factors: accept, reject, remove, replace, undo; each checked whole before it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glm_local.errors import ConfigError, DataError, SpecError, nearest
from glm_local.factors.factor_spec import FactorSpec, Spec
from glm_local.factors.spec_problems import read_factor
from glm_local.study import ranking
from glm_local.study.comparison import Comparison
from glm_local.study.core import StudyCore
from glm_local.study.design import Change
from glm_local.study.history import Fact
from glm_local.study.screened import Screened
from glm_local.study.state import Proposal

SpecLike = FactorSpec | Mapping[str, Any]

BY_HAND = ("set by hand", "merged", "split", "edge moved", "pinned")
"""Methods of proposals that smooth an accepted factor rather than replace it."""


def named_spec(study: StudyCore[Any], factor: str, spec: SpecLike) -> FactorSpec:
    """A specification for a factor, under the name it says itself.

    Raises
    ------
    SpecError
        When it says another name than `factor`, or reads another column than that factor's.
    """
    document = dict(spec.document() if isinstance(spec, Spec) else spec)
    if document.get("name", factor) != factor:
        raise SpecError.because(
            f"the spec is named {document['name']!r}, it was given for {factor!r}.",
            "A factor has one name.",
            f"Call study.factor({document['name']!r}), or rename the spec.",
            path="/name",
        )
    own, nameless = _own_column(study, factor), "name" not in document
    column = document.get("column", own or factor)
    if column is not None and column != own and (nameless or own is not None):
        raise SpecError.because(
            f"the spec reads column {column!r}{' and has no name' if nameless else ''}, it was given for {factor!r}.",
            "A factor named after a column is made of that column; a spec of another one is another factor.",
            f"Give it to study.factor({column!r}), or under a name that is no column's.",
            path="/column",
        )
    document.setdefault("name", factor)
    return study.resolved(read_factor(document))


def _own_column(study: StudyCore[Any], factor: str) -> str | None:
    """The column a factor is named after or, as a candidate, made of."""
    known = study.bench.rows.candidates.get(factor)
    if known is not None:
        return known.column
    return factor if factor in study.bench.kinds else None


def proposal_of(study: StudyCore[Any], factor: str) -> Proposal:
    """What is proposed for a factor.

    Raises
    ------
    ConfigError
        When nothing is; the way out names the verbs that propose.
    """
    if factor not in study.state.proposals:
        known = [*study.state.proposals, *study.bench.rows.candidates]
        hint = "" if factor in known else f" {nearest(factor, known)}"
        raise ConfigError.because(
            f"nothing is proposed for {factor!r}.{hint}",
            "A factor is accepted with a spec.",
            f"Call study.factor({factor!r}).optimize(), .coarse_bins() or .set_spec(...) first.",
            path=factor,
        )
    return study.state.proposals[factor]


def change_of(study: StudyCore[Any], factor: str, spec: SpecLike | None) -> tuple[Change, str]:
    """The change a factor's proposal, or a given spec, makes; and how it was found."""
    if spec is not None:
        return Change(factor, named_spec(study, factor, spec)), "given"
    proposal = proposal_of(study, factor)
    return Change(factor, proposal.spec, proposal.pins), proposal.method


def compare(study: StudyCore[Any], factor: str, spec: SpecLike | None = None) -> Comparison:
    """Compare a factor's proposal, or a given spec, with the current model, and record the comparison."""
    change, _ = change_of(study, factor, spec)
    found = study.comparison(change, screening=screening_of(study, change))
    study.commit([compared(found)])
    return found


def screening_of(study: StudyCore[Any], change: Change) -> Screened | None:
    """Whether a factor that is added is there: of bins that were searched for, their own test is no evidence.

    One or two packed passes, none where the candidate was tested against this design already.
    """
    spec = change.spec
    if spec is None or change.factor in study.design or study.search_of(spec) is None:
        return None
    column = getattr(spec, "column", None)
    names = [name for name, one in study.bench.rows.candidates.items() if one.column == column]
    return ranking.screened(study, change.factor if change.factor in names else names[0]) if names else None


def compared(found: Comparison) -> Fact:
    """The event of a comparison."""
    return Fact("compared", {**found.document(), "change": found.change.document()}, found.factor)


def accept(study: StudyCore[Any], factor: str, spec: SpecLike | None, reason: str | None, **more: Any) -> None:
    """Take a factor into the model, or its new spec in place of the old; nothing happens where nothing changes."""
    if spec is None and factor in study.design and factor not in study.state.proposals:
        return
    change, method = change_of(study, factor, spec)
    if study.design.after([change]).fingerprint == study.design.fingerprint:
        return
    kind = "accepted" if factor not in study.design else "replaced"
    if kind == "replaced" and method in BY_HAND:
        kind = "smoothed"
    if kind == "replaced" and method == "optimized":
        kind = "refined"
    found = study.comparison(change, screening=screening_of(study, change))
    if found.action == "add" and found.df == 0 and not change.pins:
        raise DataError.because(
            f"{factor!r} adds no coefficient to the model.",
            "Its training rows lie in one level, or others span it.",
            f"Look at study.factor({factor!r}).bin_table(), and at how its column is read.",
            path=factor,
        )
    evidence = {**found.document(), "method": method}
    if spec is None and method == "optimized":
        evidence["rules"] = study.state.proposals[factor].evidence.get("rules")
    study.commit([study.decision(kind, factor, [change], reason, evidence, more)])


def rejection(study: StudyCore[Any], factor: str, reason: str | None, evidence: Mapping[str, Any]) -> Fact:
    """The event of a rejection.

    Raises
    ------
    ConfigError
        When the factor is in the model.
    """
    if factor in study.design:
        raise ConfigError.because(
            f"{factor!r} is in the model.",
            "Rejecting is for factors that are not.",
            f"Call study.remove({factor!r}, reason=...).",
            path=factor,
        )
    known = (*study.bench.rows.candidates, *study.state.proposals, *study.state.comparisons)
    if factor not in known:
        raise ConfigError.because(f"{factor!r} is no factor of this study.", "", nearest(factor, known), path=factor)
    return Fact("rejected", {"design": study.design.fingerprint, "evidence": dict(evidence)}, factor, reason)


def remove(study: StudyCore[Any], factor: str, reason: str | None) -> None:
    """Take an accepted factor out of the model."""
    require_accepted(study, factor)
    crossings = study.design.crossings_of(factor)
    if crossings:
        raise ConfigError.because(
            f"{factor!r} is part of {', '.join(crossings)}.",
            "An interaction needs its factors.",
            f"Remove {crossings[0]!r} first.",
            path=factor,
        )
    change = Change(factor)
    found = study.comparison(change)
    study.commit([study.decision("removed", factor, [change], reason, found.document())])


def replace(study: StudyCore[Any], factor: str, by: SpecLike | str, reason: str | None) -> None:
    """Put another spec, or another factor's proposal, in the place of an accepted factor."""
    require_accepted(study, factor)
    if not isinstance(by, str):
        accept(study, factor, by, reason)
        return
    proposal = proposal_of(study, by)
    changes = [Change(factor), Change(by, proposal.spec, proposal.pins)]
    before, after = study.current(), study.changed(changes)
    evidence = {"replaced": factor, "current": before.figures(), "candidate": after.figures()}
    cv_gain, cv_se = after.cross_validation.gain_over(before.cross_validation)
    said = {**evidence, "cv_gain": cv_gain, "cv_se": cv_se}
    study.commit([study.decision("replaced", by, changes, reason, said)])


def undo(study: StudyCore[Any], reason: str | None) -> None:
    """Take back the last decision that stands; the history keeps both.

    Raises
    ------
    ConfigError
        When there is none.
    """
    if not study.state.decided:
        raise ConfigError.because(
            "There is no decision to take back.", "Undo takes back decisions on the model.", "See study.history."
        )
    last = study.state.decided[-1]
    before, after = study.design, last.before
    figures = study.fitted(after).figures()
    said = {
        "before": before.fingerprint,
        "after": after.fingerprint,
        "model": figures,
        "undone": {"event": last.event.kind, "seq": last.event.seq, "factor": last.event.factor},
    }
    study.commit([Fact("undone", said, last.event.factor, reason)])


def require_accepted(study: StudyCore[Any], factor: str) -> None:
    """Refuse a factor that is not in the model."""
    if factor not in study.design:
        found = f"{factor!r} is not in the model."
        raise ConfigError.because(found, "", nearest(factor, study.state.accepted), path=factor)
