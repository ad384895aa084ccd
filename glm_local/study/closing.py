"""Closing a study: validation, looks at the holdout, and the finalized model with its second opinion."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pandas as pd

from glm_local.audit.event_document import event_document
from glm_local.audit.fill_rows import from_arrow, sha256_text
from glm_local.candidates.sample_codes import GROUP
from glm_local.diagnostics import double_lift
from glm_local.errors import ConfigError, FitError
from glm_local.expressions.expression import Lookup, Read
from glm_local.factors.compile_factor import compile_factors
from glm_local.factors.fingerprint import fingerprint
from glm_local.glm.document import package_versions, read_model_json
from glm_local.glm.fit import fit
from glm_local.glm.second_opinion import SecondOpinion
from glm_local.inference.key_scores import KEY_GROUPS
from glm_local.inference.verify_fit import verify_fit
from glm_local.models.recorded_rows import coefficient_rows, model_row, report_rows, spec_rows
from glm_local.scoring.compile_score import role_expression, score_expression
from glm_local.scoring.model_spec import ModelDocument
from glm_local.study import selective
from glm_local.study.core import StudyCore
from glm_local.study.design import Design
from glm_local.study.history import Fact
from glm_local.study.holdout_gains import holdout_gains
from glm_local.validation import ValidationReport, codes_and_labels, validation_report
from glm_local.validation.key_spread import KeyGroups
from glm_local.validation.validation_report import TABLES

SAME = 1e-10
"""Largest difference of a coefficient, in units of max(1, |coefficient|), between the packed fit and the raw one."""

VALIDATION = "validation.json"


def measured(study: StudyCore[Any], model: ModelDocument, samples: Sequence[str], bands: int = 10) -> ValidationReport:
    """Tables of a model on some samples: one pass over source rows, rows of other samples left out of it."""
    rows, spec = study.bench.rows, model.spec
    compiled = compile_factors(model.factors)
    shown = {name: codes_and_labels(one, compiled) for name, one in compiled.items()}
    return validation_report(
        rows.engine,
        rows.frame,
        target=role_expression(spec.target),
        prediction=score_expression(model),
        family=spec.family,
        exposure=None if spec.exposure is None else role_expression(spec.exposure),
        weight=None if spec.weight is None else role_expression(spec.weight),
        sample=samples_only(study, samples),
        factors={name: one for name, one in shown.items() if one is not None},
        bands=bands,
        dispersion=model.statistics.dispersion or None,
        level=spec.confidence,
        keys=KeyGroups(Read(GROUP, "integer"), KEY_GROUPS) if rows.by_key else None,
    )


def samples_only(study: StudyCore[Any], samples: Sequence[str]) -> Lookup:
    """The sample of a row where it is one of some, else missing."""
    sample = study.bench.rows.sample_expression
    assert isinstance(sample, Lookup)
    kept = [(key, name) for key, name in zip(sample.keys, sample.outputs, strict=True) if name in samples]
    return Lookup(sample.argument, tuple(key for key, _ in kept), tuple(name for _, name in kept), None, None)


def against_previous(study: StudyCore[Any], model: ModelDocument) -> dict[str, Any] | None:
    """Double lift against the version finalized before, on validation: one more pass, none for the first version."""
    before = [str(one.payload["model"]) for one in study._history.events if one.kind == "finalized"]
    if not before or before[-1] == model.fingerprint or not study.bench.counts["validation"]:
        return None
    rows, spec, other = study.bench.rows, model.spec, stored_model(study, before[-1])
    table = double_lift(
        rows.engine,
        rows.frame,
        score_expression(other),
        score_expression(model),
        target=role_expression(spec.target),
        family=spec.family,
        exposure=None if spec.exposure is None else role_expression(spec.exposure),
        weight=None if spec.weight is None else role_expression(spec.weight),
        sample=samples_only(study, ("validation",)),
        measure="ratio" if spec.link in ("log", "logit") else "difference",
    )
    return {"before": other.fingerprint, "after": model.fingerprint, "table": table.to_dict("records")}


def of_samples(report: ValidationReport, samples: Sequence[str]) -> ValidationReport:
    """The tables' lines of some samples."""

    def kept(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["sample"].isin(list(samples))].reset_index(drop=True) if "sample" in table else table

    tables = {name: kept(getattr(report, name)) for name in TABLES}
    shown = {name: kept(table) for name, table in report.actual_expected.items()}
    return ValidationReport(**tables, actual_expected=shown, definitions=report.definitions)


def sample_figures(report: ValidationReport, sample: str) -> dict[str, Any]:
    """One sample's line of the summary, with its Gini."""
    lines = report.summary[report.summary["sample"] == sample].to_dict("records")
    gini = report.gini[report.gini["sample"] == sample]
    figures = {str(name): value for name, value in lines[0].items()} if lines else {}
    return figures | ({"gini": float(gini["gini"].iloc[0])} if len(gini) else {})


def look(
    study: StudyCore[Any], what: str, reason: str | None, evidence: dict[str, Any], factor: str | None = None
) -> None:
    """Record a look at the holdout."""
    said = {"what": what, "sample": "holdout", "design": study.design.fingerprint, "evidence": evidence}
    study.commit([Fact("looked", said, factor, reason)])


@dataclasses.dataclass(frozen=True)
class Finalization:
    """A finalized study: the model fitted on source rows, what others say of it, how it validates.

    Parameters
    ----------
    model
        Fitted by `fit_glm`'s way on the training rows themselves.
    opinion
        The second opinion; None when it was not asked.
    report
        Tables of train, validation and holdout.
    largest_difference
        Between its coefficients and those of the packed fit the decisions were made on.
    repeated
        Whether the study was finalized before and nothing was added.
    """

    model: ModelDocument
    opinion: SecondOpinion | None
    report: ValidationReport
    largest_difference: float
    repeated: bool = False

    def __repr__(self) -> str:
        said = "finalized before" if self.repeated else "finalized"
        opinion = "not verified" if self.opinion is None else str(self.opinion)
        return f"Finalization({self.model.name!r} {said}: {self.model.fingerprint[:12]}; {opinion})"


def finalize(
    study: StudyCore[Any], verify: bool, reason: str | None, inference: selective.Inference = "naive"
) -> Finalization:
    """Fit the accepted design on source rows, compare with the packed fit, verify, validate, record, end the run.

    A study that is finalized already is only ended and sealed, where a kill kept that from being done.

    With selective inference the design is also fitted on the rows of validation and holdout: packed passes only.

    Raises
    ------
    FitError
        When the fit on source rows differs from the packed one; nothing is recorded then.
    """
    if study.state.is_finalized:
        study._history.end_again()
        return finalization(study, repeated=True)
    asked = inference == "selective"
    if asked:
        selective.require_unseen(study, holdout=True)
    packed = study.current()
    rows = study.bench.rows
    with rows.engine.holding(rows.frame):
        with study.stage("final fit"):
            model = raw_fit(study, study.design)
        apart = largest_difference(packed.model, model)
        if not apart <= SAME:
            raise FitError.because(
                f"the fit on the table differs from the one on its packed copy by {apart:.1e}.",
                f"Both are the same model, within {SAME:.0e}.",
                "Please report this: the packed copy is not the table's.",
            )
        with study.stage("second opinion"):
            opinion = second_opinion(study, model) if verify else None
        model = study.bench.by_key(model, packed.keys)
        with study.stage("validate"):
            report = measured(study, model, ("train", "validation", "holdout"))
            lift = against_previous(study, model)
    intervals = [selective.recorded(selective.selective_intervals(study, holdout=True))] if asked else []
    _commit(study, model, opinion, report, apart, reason, lift, intervals)
    return Finalization(model, opinion, report, apart)


def raw_fit(study: StudyCore[Any], design: Design) -> ModelDocument:
    """A design fitted on the training rows of the source: one pass."""
    rows = study.bench.rows
    request = dataclasses.replace(
        rows.request,
        factors=study.marked(design).factors,
        where=rows.flag("train"),
        solver="auto",
        name=study.name,
        data_fingerprint=study.state.data,
        pins=design.pins or None,
    )
    return fit(rows.engine, rows.frame, request)


def largest_difference(one: ModelDocument, other: ModelDocument) -> float:
    """Largest difference of two models' coefficients, relative above 1; infinite where their terms differ."""
    ours = {line.term: line.estimate for line in one.coefficients}
    theirs = {line.term: line.estimate for line in other.coefficients}
    if {term for term, value in ours.items() if value is not None} != {
        term for term, value in theirs.items() if value is not None
    }:
        return float("inf")
    pairs = [(value, theirs[term]) for term, value in ours.items() if value is not None]
    return max((abs(a - b) / max(1.0, abs(a)) for a, b in pairs if b is not None), default=0.0)


def second_opinion(study: StudyCore[Any], model: ModelDocument) -> SecondOpinion:
    """Have the environment's reference solver refit the model."""
    rows, environment = study.bench.rows, study._environment
    solver = environment.reference
    return verify_fit(rows.engine, rows.frame, model, solver, environment.references[solver], rows.flag("train"))


def _commit(
    study: StudyCore[Any],
    model: ModelDocument,
    opinion: SecondOpinion | None,
    report: ValidationReport,
    apart: float,
    reason: str | None,
    lift: dict[str, Any] | None,
    intervals: Sequence[Fact],
) -> None:
    design = study.design.fingerprint
    said = {"verdict": "not asked"} if opinion is None else dataclasses.asdict(opinion)
    text = report.to_json()
    artifact = {
        "name": VALIDATION,
        "media_type": "application/json",
        "size": len(text.encode()),
        "sha256": sha256_text(text),
        "content": text,
    }
    holdout = sample_figures(report, "holdout")
    looked = {"what": "finalize", "sample": "holdout", "design": design, "evidence": holdout}
    samples = {one: sample_figures(report, one) for one in report.samples if one != "holdout"}
    finalized = {
        "before": design,
        "after": design,
        "model": model.fingerprint,
        "largest_difference": apart,
        "specs": [one.document() for one in model.factors],
        "pins": {name: dict(held) for name, held in study.design.pins.items()},
        "spec_fingerprints": {one.name: fingerprint(one) for one in model.factors},
        "second_opinion": said,
        "samples": samples,
        "holdout": holdout,
        "package_versions": package_versions(),
        "excluded": report.excluded.to_dict("records"),
        "statistics": model.statistics.model_dump(mode="json"),
        "double_lift": lift,
        "holdout_gains": holdout_gains(study),
        "raw_passes": study.bench.engine.passes.raw,
    }
    facts = [
        Fact("validated", samples, rows={"report_tables": report_rows(report), "artifacts": [artifact]}),
        Fact("verified", said, reason=None if opinion is None else str(opinion)),
    ]
    if holdout:
        facts.append(Fact("looked", looked, reason=reason or "the study is finalized"))
    rows = {
        "models": [model_row(model)],
        "coefficients": coefficient_rows(model),
        "specs": spec_rows(model, study.setup.document()["split"]),
    }
    facts += intervals
    facts.append(Fact("finalized", finalized, reason=reason, rows=rows))
    study.commit(facts, finish=True)


def finalization(study: StudyCore[Any], repeated: bool) -> Finalization:
    """What the store has of the last finalization.

    Raises
    ------
    ConfigError
        When the design was not finalized, or changed since.
    """
    said = study.state.finalized
    if said is None:
        raise ConfigError.because(
            "the study is not finalized.",
            "Finalized is the design that was fitted and verified last.",
            "Call study.finalize(reason=...).",
        )
    model = stored_model(study, str(said["model"]))
    opinion = said["second_opinion"]
    verdict = None if opinion["verdict"] == "not asked" else SecondOpinion(**opinion)
    return Finalization(model, verdict, stored_report(study), float(said["largest_difference"]), repeated)


def stored_model(study: StudyCore[Any], model_id: str) -> ModelDocument:
    """A model's document as the store has it."""
    found = from_arrow(study._history.store.read("models", {"model_id": model_id}, ["document"]))
    return read_model_json(event_document(found[0], "document"), must_have_digest=False)


def stored_report(study: StudyCore[Any]) -> ValidationReport:
    """The tables of the last finalization as the store has them."""
    last = next(one for one in reversed(study._history.events) if one.kind == "finalized")
    where = {"study_id": last.study, "run_id": last.run_id, "name": VALIDATION}
    found = from_arrow(study._history.store.read("artifacts", where, ["content", "position"]))
    return ValidationReport.from_json(str(max(found, key=lambda one: int(str(one["position"])))["content"]))
