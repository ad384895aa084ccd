"""The study's report: what its history and its model say, put into the records the page shows. No pass over rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from glm_local.audit.fill_rows import from_arrow
from glm_local.factors.fingerprint import fingerprint
from glm_local.factors.spec_words import spec_words
from glm_local.glm.document import package_versions
from glm_local.inference.thin_levels import Profile
from glm_local.models.model_lines import (
    coefficient_rows,
    convergence_words,
    fit_figures,
    model_facts,
    relativity_name,
    role_words,
)
from glm_local.reports import Decision, DoubleLift, FactorPage, PairCells, StudyContent, render_study_report
from glm_local.reports.content import CoefficientRow
from glm_local.scoring.model_spec import ModelDocument
from glm_local.study import closing
from glm_local.study.closing import of_samples
from glm_local.study.comparison import SEARCHED_BINS, gain_text, p_text
from glm_local.study.core import StudyCore
from glm_local.study.events import DECISIONS, StudyEvent
from glm_local.study.floors_said import profile_of
from glm_local.study.selective import SelectiveIntervals, known_intervals
from glm_local.study.validation_gain import validation_warnings
from glm_local.texts.counted import counted
from glm_local.texts.short_text import short_hash
from glm_local.validation import ValidationReport

DISPERSIONS = ("dispersion_by_row", "dispersion_by_key")
TOLD = (*DECISIONS, "undone", "rejected", "split", "looked", "inferred", "finalized", "branched", "replayed")
"""Events the page lists as decisions."""


def study_report(study: StudyCore[Any], title: str | None = None, purpose: str = "", exposure_name: str = "") -> str:
    """The page of a study as one HTML text.

    A finalized study's page shows the finalized model and its holdout as it was recorded then, and makes no pass over
    rows. Any other shows the current model on train and validation: one pass.
    """
    return render_study_report(study_content(study, title, purpose, exposure_name))


def study_content(study: StudyCore[Any], title: str | None, purpose: str, exposure_name: str) -> StudyContent:
    """The records of the page."""
    holdout: ValidationReport | None = None
    if study.state.is_finalized:
        found = closing.finalization(study, repeated=True)
        model, report = found.model, of_samples(found.report, ("train", "validation"))
        holdout = of_samples(found.report, ("holdout",)) if "holdout" in found.report.samples else None
        opinion = "It was not asked for." if found.opinion is None else str(found.opinion)
        status = "not asked" if found.opinion is None else found.opinion.verdict
    else:
        model = study.current().model
        with study.stage("validate"):
            report = closing.measured(study, model, ("train", "validation"))
        opinion, status = "The study is not finalized yet.", "not asked"
    events, gains = study._history.events, _holdout_gains(study)
    unseen = known_intervals(study.state)
    return StudyContent(
        title=title or study.name,
        subtitle=_subtitle(model, exposure_name),
        purpose=purpose,
        roles=role_words(model),
        model=model_facts(model),
        unseen="" if unseen is None else unseen.words,
        coefficients=_coefficients(model, unseen, profile_of(events)),
        fit_figures=fit_figures(model),
        validation=report,
        factors=_pages(study, model, events),
        screening=_screening(study),
        interactions=_interactions(study),
        pairs=_pairs(study, events),
        versions=_versions(study),
        double_lifts=_double_lifts(study),
        decisions=[_decision(one, gains) for one in events if one.kind in TOLD],
        holdout=holdout,
        holdout_looks=[_decision(one) for one in study.state.looks],
        holdout_kept=bool(_rows(study).get("holdout")),
        second_opinion=opinion,
        second_opinion_status=status,
        warnings=[*validation_warnings(study.state), *model.warnings, *_refused(study), *_excluded(study)],
        convergence=convergence_words(model),
        converged=model.convergence.converged,
        fingerprints=_fingerprints(study, model),
        packages=package_versions(),
        passes=_passes(study),
        created=_created(events),
        statistic_name=model.statistics.statistic,
        relativity_name=relativity_name(model.spec.link),
        exposure_name=exposure_name,
    )


def _coefficients(model: ModelDocument, unseen: SelectiveIntervals | None, profile: Profile) -> list[CoefficientRow]:
    """The model's lines, with the intervals of rows that took no part in the design where there are any."""
    rows = coefficient_rows(model, profile)
    if unseen is None:
        return rows
    found = {str(line["term"]): line for line in unseen.table.to_dict("records")}
    return [_with_unseen(row, found[row.term]) if row.term in found else row for row in rows]


def _with_unseen(row: CoefficientRow, line: Mapping[Any, Any]) -> CoefficientRow:
    return replace(
        row,
        unseen_p_value=_number(line["p_value"]),
        unseen_lower=_number(line["lower"]),
        unseen_upper=_number(line["upper"]),
        unseen_relativity_lower=_number(line["relativity_lower"]),
        unseen_relativity_upper=_number(line["relativity_upper"]),
    )


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _subtitle(model: ModelDocument, exposure_name: str) -> str:
    target = model.spec.target if isinstance(model.spec.target, str) else "an expression"
    per = f" per {exposure_name or 'exposure'}" if model.spec.exposure is not None else ""
    return f"Target {target}{per}, {model.spec.family} family, {model.spec.link} link."


def _pages(study: StudyCore[Any], model: ModelDocument, events: Sequence[StudyEvent]) -> list[FactorPage]:
    before, gains = _previous(study), _holdout_gains(study)
    pages = []
    for spec in model.factors:
        own = [one for one in events if one.factor == spec.name]
        said = [one.payload["evidence"] for one in own if one.kind == "proposed"]
        proposals = [one for one in said if "trials" in one]
        last = proposals[-1] if proposals else {}
        guarantee = str(last.get("guarantee", ""))
        pages.append(
            FactorPage(
                spec.name,
                spec_words(spec),
                pd.DataFrame(last["trials"]) if last.get("trials") else None,
                "" if guarantee in spec.notes else guarantee,
                before.get(spec.name, {}),
                "previous finalized version",
                [_decision(one, gains) for one in own if one.kind in TOLD],
            )
        )
    return pages


def _previous(study: StudyCore[Any]) -> dict[str, dict[str, float]]:
    """Relativities (or estimates) of the version that was finalized before this one."""
    finalized = [one for one in study._history.events if one.kind == "finalized"]
    current = study.state.finalized
    earlier = [one for one in finalized if current is None or one.payload["model"] != current["model"]]
    if not earlier:
        return {}
    found: dict[str, dict[str, float]] = {}
    for one in closing.stored_model(study, str(earlier[-1].payload["model"])).coefficients:
        value = one.relativity if one.relativity is not None else one.estimate
        if one.factor and one.level is not None and value is not None:
            found.setdefault(one.factor, {})[one.level] = value
    return found


def _screening(study: StudyCore[Any]) -> pd.DataFrame | None:
    said = study.state.ranking
    if said is None:
        return None
    table = pd.DataFrame(said["table"])
    table = table.rename(columns={"score_statistic": "statistic", "freedom": "df"})
    return table.assign(rank=range(1, len(table) + 1), status=[_status(study, str(one)) for one in table["factor"]])


def _interactions(study: StudyCore[Any]) -> pd.DataFrame | None:
    said = study.state.interactions
    if said is None or not said["table"]:
        return None
    table = pd.DataFrame(said["table"])
    names = [f"{one}:{other}" for one, other in zip(table["first"], table["second"], strict=True)]
    return table.assign(status=[_status(study, one) for one in names])


def _status(study: StudyCore[Any], factor: str) -> str:
    if factor in study.design:
        return "accepted"
    return "rejected" if factor in study.state.rejected else "open"


def _pairs(study: StudyCore[Any], events: Iterable[StudyEvent]) -> list[PairCells]:
    cells: dict[str, Any] = {
        str(one.factor): one.payload for one in events if one.kind == "proposed" and one.payload["method"] == "crossed"
    }
    return [
        PairCells(
            said["spec"]["factors"][0],
            said["spec"]["factors"][1],
            pd.DataFrame(said["evidence"]["cells"]),
            f"Proposed as {name}: {_status(study, name)}.",
        )
        for name, said in cells.items()
    ]


def _versions(study: StudyCore[Any]) -> pd.DataFrame | None:
    lines = [
        {
            "version": str(one["version"]),
            "change": f"{one['event']} {one['factor'] or ''}".strip(),
            "factors": len(one["factors"]),
            "coefficients": one["parameters"],
            "train_deviance": one["train_mean_deviance"],
            "cv_deviance": one["cv_mean_deviance"],
            "validation_deviance": one["validation_mean_deviance"],
            "aic": one["aic"],
            **{name: one.get(name) for name in DISPERSIONS},
            "fingerprint": str(one["fingerprint"])[:12],
        }
        for one in study.state.versions
    ]
    return pd.DataFrame(lines) if lines else None


def _double_lifts(study: StudyCore[Any]) -> list[DoubleLift]:
    said = (study.state.finalized or {}).get("double_lift")
    if said is None:
        return []
    before, after = f"the version before ({said['before'][:8]})", f"this version ({said['after'][:8]})"
    return [DoubleLift(before, after, pd.DataFrame(said["table"]))]


def _holdout_gains(study: StudyCore[Any]) -> Mapping[str, float]:
    """What every factor of the finalized model gains on the holdout; empty before."""
    found: Mapping[str, float] = (study.state.finalized or {}).get("holdout_gains") or {}
    return found


def _decision(event: StudyEvent, gains: Mapping[str, float] | None = None) -> Decision:
    what = event.kind if event.factor is None else f"{event.kind} {event.factor}"
    return Decision(
        f"{event.at:%Y-%m-%d %H:%M} UTC" if event.at else "",
        event.by_user,
        what,
        event.reason or "",
        ", ".join(one for one in (_evidence(event), _on_holdout(event, gains or {})) if one),
    )


def _on_holdout(event: StudyEvent, gains: Mapping[str, float]) -> str:
    if event.kind not in DECISIONS or event.factor is None or event.factor not in gains:
        return ""
    return f"holdout gain {gain_text(gains[event.factor])}"


def _evidence(event: StudyEvent) -> str:
    said = event.payload.get("evidence") or {}
    if event.kind == "finalized":
        verdict = event.payload["second_opinion"]["verdict"]
        return f"model {short_hash(event.payload['model'])}; second opinion: {verdict}"
    if event.kind == "split":
        return ", ".join(f"{rows:,} {sample}" for sample, rows in event.payload["rows"].items())
    thin = f"{counted(len(said['thin_levels']), 'thin level')}" if said.get("thin_levels") else ""
    if "cv_gain" not in said:
        return thin
    told = "out-of-fold gain" in (event.reason or "")
    of = " of the search" if said.get("searched") else ""
    test = said.get("screening")
    parts = [] if told or not test or test["p_value"] is None else [f"screening {p_text(test['p_value'])}"]
    parts += [] if told else [f"out-of-fold gain{of} {gain_text(said['cv_gain'])} ± {gain_text(said['cv_se'])}"]
    if said.get("p_value") is not None:
        df = f"{abs(said['df'])} df"
        label = f" ({said['p_of']})" if said.get("p_of") == SEARCHED_BINS else ""
        parts.append(df if told else f"{p_text(said['p_value'])} on {df}{label}")
    if said.get("validation_gain") is not None:
        parts.append(f"validation gain {gain_text(said['validation_gain'])}")
    parts += [thin] if thin else []
    return ", ".join(parts)


def _fingerprints(study: StudyCore[Any], model: ModelDocument) -> dict[str, str]:
    last = study._history.events[-1]
    known = {
        "data": study.state.data or "",
        "specs": fingerprint(list(model.factors)),
        "model": model.fingerprint,
        "run": study.state.run_id or "",
        "last event": f"{last.seq}:{last.row_hash}",
    }
    return known | _sources(study)


def _sources(study: StudyCore[Any]) -> dict[str, str]:
    runs = from_arrow(study._history.store.read("runs", {"study_id": study.name}, ["data"]))
    said = [str(one["data"]) for one in runs if one["data"]]
    return {"source": said[-1]} if said else {}


def _passes(study: StudyCore[Any]) -> dict[str, str]:
    passes = study._environment.engine.passes
    return {"of the table": str(passes.raw), "of its packed copy": f"{passes.packed:g}"}


def _refused(study: StudyCore[Any]) -> list[str]:
    refused: Mapping[str, str] = study.state.learned.get("refused", {})
    return [f"{name} is no candidate: {why}" for name, why in refused.items()]


def _excluded(study: StudyCore[Any]) -> list[str]:
    """Rows the finalized model's tables leave out, and why; a missing sample is a row without a key."""
    lines = (study.state.finalized or {}).get("excluded", [])
    return [
        f"{counted(one['rows'], 'row is', 'rows are')} in no sample and no table: {one['reason']}."
        for one in lines
        if one["rows"]
    ]


def _rows(study: StudyCore[Any]) -> Mapping[str, int]:
    rows: Mapping[str, int] = study.state.learned.get("rows", {})
    return rows


def _created(events: Sequence[StudyEvent]) -> str:
    at = events[-1].at if events else None
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
