"""The job's steps, each over the state the one before left; engine-neutral."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import pandas as pd

from glm_local.audit.event_document import event_document
from glm_local.audit.event_entries import Entry
from glm_local.audit.fill_rows import from_arrow
from glm_local.audit.run_log import RunLog
from glm_local.expressions.expression import Expression, Read
from glm_local.factors.spec_problems import read_factors
from glm_local.glm.document import with_derived
from glm_local.glm.fit import fit
from glm_local.glm.request import FitRequest
from glm_local.glm.second_opinion import SecondOpinion
from glm_local.inference.verify_fit import verify_fit
from glm_local.job.baseline_lift import BaselineLift, baseline_lift, recorded
from glm_local.job.column_check import SAMPLE, column_problems, raise_data, role
from glm_local.job.config import JobConfig
from glm_local.job.job_environment import JobEnvironment
from glm_local.job.job_rows import Table, open_table, read_entry, read_frame
from glm_local.job.row_check import (
    SampleRows,
    check_request,
    in_sample,
    not_in,
    row_problems,
    row_rules,
    sample_problems,
    sample_rows,
)
from glm_local.job.sample_check import samples_unlike
from glm_local.job.shown_factors import shown_factors
from glm_local.models.model import read_document
from glm_local.models.recorded_rows import coefficient_rows, model_row, report_rows, spec_rows
from glm_local.scoring.compile_score import score_expression
from glm_local.scoring.model_spec import ModelDocument
from glm_local.validation import Split, ValidationReport, learn_split, read_split, split_json, validation_report
from glm_local.validation.split_check import lost_warning, samples_stop

Frame = TypeVar("Frame")

TRAIN = in_sample("train")


@dataclass(frozen=True)
class Rows(Generic[Frame]):
    """The rows of a job with their samples."""

    frame: Frame
    split: Split
    counts: SampleRows
    warnings: tuple[str, ...] = ()


def check_table(config: JobConfig, environment: JobEnvironment[Any]) -> Table:
    """Look at the source: columns against the configuration, then the fingerprint of its content."""
    return open_table(config, environment, partial(column_problems, config))


def read_rows(config: JobConfig, environment: JobEnvironment[Frame], table: Table, log: RunLog) -> Rows[Frame]:
    """Read the rows, divide and check them: one pass, and one more when a split learns."""
    engine, frame = environment.engine, read_frame(config, environment, table)
    split = learn_split(engine, frame, read_split(config.split_document))
    frame = engine.with_columns(frame, {SAMPLE: split.sample(engine.columns(frame))})
    rules = row_rules(config, read_factors(config.factors))
    answer = engine.cells(frame, [check_request(config, rules)])["check"]
    assert answer is not None
    counts = sample_rows(answer)
    was_read = read_entry(config, table, rows=counts.total)
    problems = [*sample_problems(split, counts), *row_problems(rules, answer)]
    unlike = None if problems else samples_unlike(config, engine, frame, split, answer)
    stopped = unlike is not None and samples_stop(split)
    if problems or stopped:
        log.events([was_read])
    raise_data([*problems, unlike] if stopped and unlike else problems, "the rows")
    said = [one for one in (lost_warning(split, counts.nowhere, counts.total), unlike.found if unlike else "") if one]
    divided: dict[str, Any] = {**counts.rows, "nowhere": counts.nowhere, "split": split_json(split)}
    log.events(
        [
            was_read,
            Entry(
                "data_checked", "checked", payload={"rules": [f"{one.path}: {one.what}" for one in rules], "broken": 0}
            ),
            Entry("split", "split", payload=divided | ({"warnings": said} if said else {})),
        ]
    )
    return Rows(frame, split, counts, tuple(said))


def fit_model(
    config: JobConfig, environment: JobEnvironment[Frame], rows: Rows[Frame], table: Table, log: RunLog
) -> ModelDocument:
    """Fit on train; a model this run has recorded already is taken as it is."""
    model = stored_model(log)
    if model is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are in the document
            model = fit(environment.engine, rows.frame, fit_request(config, table), environment.references)
        model = with_derived(model, config.data.derive)
        log.table("fitted", "models", [model_row(model)])
    log.table("fitted", "coefficients", coefficient_rows(model))
    log.table("fitted", "specs", spec_rows(model, split_json(rows.split)))
    log.event("fitted", "fitted", payload=_fit_payload(model))
    return model


def fit_request(config: JobConfig, table: Table) -> FitRequest:
    """What the configuration asks of the fit."""
    asked, roles = config.model, config.roles
    return FitRequest(
        target=roles.target,
        factors=config.factors,
        family=asked.family,
        link=asked.link,
        exposure=roles.exposure,
        offset=roles.offset,
        weight=roles.weight,
        ridge=asked.ridge,
        solver=asked.solver,
        intercept=asked.intercept,
        dispersion=asked.dispersion,
        confidence=asked.confidence,
        where=TRAIN,
        on_failure=asked.on_failure,
        on_separation=asked.on_separation,
        tolerance=asked.tolerance,
        max_iterations=asked.max_iterations,
        name=config.job.name,
        data_fingerprint=str(table.fingerprint),
    )


def stored_model(log: RunLog) -> ModelDocument | None:
    """The model a run has recorded, None when it has none yet."""
    if not log.has_rows("models", "fitted"):
        return None
    found = from_arrow(log.store.read("models", {"study_id": log.study, "run_id": log.run_id}, ["document"]))
    return read_document(event_document(found[0], "document"))


def _fit_payload(model: ModelDocument) -> dict[str, object]:
    figures, end = model.statistics, model.convergence
    status: dict[str, int] = {}
    for one in model.coefficients:
        status[one.status] = status.get(one.status, 0) + 1
    return {
        "model": model.fingerprint,
        "rows": figures.rows,
        "coefficients": status,
        "deviance": figures.deviance,
        "null_deviance": figures.null_deviance,
        "dispersion": figures.dispersion,
        "aic": figures.aic,
        "convergence": end.reason,
        "iterations": end.iterations,
        "last_step_in_se": end.last_step_in_se,
        "route": end.route,
        "passes": {"raw": end.raw_passes, "packed": end.packed_passes},
        "versions": model.versions,
        "warnings": list(model.warnings),
    }


def second_opinion(
    config: JobConfig, environment: JobEnvironment[Frame], rows: Rows[Frame], model: ModelDocument, log: RunLog
) -> SecondOpinion | None:
    """Have an independent solver refit the model, and record what it says; also when it says nothing."""
    if not config.second_opinion.enabled:
        log.event("second_opinion", "verified", "not asked: second_opinion.enabled is false", {"verdict": "not asked"})
        return None
    solver = environment.reference if config.second_opinion.solver == "auto" else config.second_opinion.solver
    solve = environment.references.get(solver)
    if solve is None:
        known = ", ".join(environment.references)
        opinion = SecondOpinion(solver, "not verifiable", f"This engine has no such solver; it has {known}.")
    elif config.model.solver == solver:
        opinion = SecondOpinion(solver, "not verifiable", "The model was fitted by this solver itself.")
    else:
        opinion = verify_fit(environment.engine, rows.frame, model, solver, solve, TRAIN)
    log.event("second_opinion", "verified", str(opinion), dataclasses.asdict(opinion))
    return opinion


def validate(
    config: JobConfig, environment: JobEnvironment[Frame], rows: Rows[Frame], model: ModelDocument, log: RunLog
) -> tuple[ValidationReport, BaselineLift | None]:
    """Compare observed and predicted on every sample, and with a baseline in use where one is stated.

    Looking at the holdout is an event of its own.
    """
    engine, frame = environment.engine, rows.frame
    exposure, weight, figures = role(config, "exposure"), role(config, "weight"), model.statistics
    amount = exposure if exposure is not None else weight
    shown = shown_factors(engine, frame, model.factors, config.report, amount, TRAIN)
    seen = seen_rows(config, environment, rows)
    report = validation_report(
        engine,
        seen,
        target=_role(config, "target"),
        prediction=score_expression(with_derived(model, {})),
        family=model.spec.family,
        exposure=exposure,
        weight=weight,
        sample=Read(SAMPLE, "text"),
        factors=shown,
        bands=config.report.bands,
        dispersion=figures.dispersion or None,
        level=config.model.confidence,
    )
    lift = baseline_lift(config, config.report, engine, seen, Read(SAMPLE, "text"), model, report)
    log.table("validated", "report_tables", [*report_rows(report), *recorded(lift)])
    lines = {str(line["sample"]): line for line in sample_figures(report)}
    holdout = lines.pop("holdout", None)
    entries = [Entry("validated", "validated", payload=lines)]
    if holdout is not None:
        entries.append(Entry("holdout_looked_at", "validated", "the holdout was looked at", {"holdout": holdout}))
    log.events(entries)
    return report, lift


def seen_rows(config: JobConfig, environment: JobEnvironment[Frame], rows: Rows[Frame]) -> Frame:
    """The rows a report may look at: all, or all but the holdout."""
    return rows.frame if config.report.holdout else environment.keep(rows.frame, not_in("holdout"))


def sample_figures(report: ValidationReport) -> list[dict[str, Any]]:
    """One line per sample: rows, totals, A/E, deviance and Gini."""
    totals = ["rows", "exposure", "actual", "predicted", "actual_to_predicted", "mean_deviance", "deviance_explained"]
    table: pd.DataFrame = report.summary[["sample", *totals]].merge(
        report.gini[["sample", "gini"]], on="sample", how="left"
    )
    return [{str(name): value for name, value in line.items()} for line in table.to_dict("records")]


def _role(config: JobConfig, name: str) -> Expression:
    expression = role(config, name)
    assert expression is not None
    return expression
