"""From a finished model and its validation to what the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glm_local.audit.event_document import event_document
from glm_local.audit.fill_rows import Row
from glm_local.glm.second_opinion import SecondOpinion
from glm_local.job.config import JobConfig
from glm_local.job.event_words import event_words, what_happened
from glm_local.models.model_lines import coefficient_rows, convergence_words, fit_figures, relativity_name
from glm_local.reports.content import Decision, DoubleLift, ReportContent
from glm_local.scoring.model_spec import ModelDocument
from glm_local.validation import ValidationReport


def report_content(
    config: JobConfig,
    model: ModelDocument,
    validation: ValidationReport,
    opinion: SecondOpinion | None,
    history: Sequence[Row],
    fingerprints: Mapping[str, str],
    created: str,
    lift: DoubleLift | None = None,
) -> ReportContent:
    """Put together the page of a run; `history` are the run's events so far."""
    end = model.convergence
    return ReportContent(
        title=config.report.title or model.name,
        subtitle=_subtitle(config, model),
        coefficients=coefficient_rows(model),
        validation=validation,
        fit_figures=fit_figures(model),
        convergence=convergence_words(model),
        converged=model.convergence.converged,
        second_opinion="It was not asked for." if opinion is None else str(opinion),
        second_opinion_status="not asked" if opinion is None else opinion.verdict,
        warnings=model.warnings,
        fingerprints=fingerprints,
        versions=model.versions,
        passes={"of the table": str(end.raw_passes), "of its packed copy": f"{end.packed_passes:g}"},
        decisions=[_decision(event) for event in history],
        created=created,
        statistic_name=model.statistics.statistic,
        relativity_name=relativity_name(model.spec.link),
        exposure_name=config.report.exposure_name,
        double_lifts=() if lift is None else (lift,),
    )


def _subtitle(config: JobConfig, model: ModelDocument) -> str:
    said = [config.job.description] if config.job.description else []
    target = config.roles.target if isinstance(config.roles.target, str) else "an expression"
    per = f" per {config.report.exposure_name or 'exposure'}" if model.spec.exposure is not None else ""
    return ". ".join([*said, f"Target {target}{per}, {model.spec.family} family, {model.spec.link} link"]) + "."


def _decision(event: Row) -> Decision:
    why = event_words(event, event_document(event))
    return Decision(
        when=f"{event['at']:%Y-%m-%d %H:%M:%S} UTC", who=str(event["by_user"]), what=what_happened(event), why=why
    )
