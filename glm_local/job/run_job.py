"""Running the main job: read, check, split, fit, second opinion, validate, save, report; each step recorded once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from glm_local import audit
from glm_local.audit.event_entries import Entry
from glm_local.audit.fill_rows import from_arrow
from glm_local.audit.run_log import RunLog
from glm_local.glm.second_opinion import SecondOpinion
from glm_local.job.baseline_lift import BaselineLift
from glm_local.job.config import JobConfig
from glm_local.job.job_environment import JobEnvironment
from glm_local.job.job_files import Made, RunFiles
from glm_local.job.job_rows import Table
from glm_local.job.job_steps import (
    Rows,
    check_table,
    fit_model,
    read_rows,
    sample_figures,
    second_opinion,
    validate,
)
from glm_local.job.progress import StageLines
from glm_local.job.report_content import report_content
from glm_local.job.row_check import SampleRows
from glm_local.job.task_run import JobOptions, JobResult, TaskRun, json_file
from glm_local.models.model import Model
from glm_local.reports import render_report, safe_table
from glm_local.scoring.model_spec import ModelDocument
from glm_local.texts.counted import counted
from glm_local.validation import ValidationReport

__all__ = ["JobOptions", "JobResult", "run_job"]

Frame = TypeVar("Frame")


def run_job(
    config: JobConfig,
    environment: JobEnvironment[Any],
    options: JobOptions | None = None,
    progress: StageLines | None = None,
) -> JobResult:
    """Run one job to its end, or complete one that was stopped.

    What makes a run the same run is in `TaskRun`; a recorded model is not fitted again.

    Raises
    ------
    ConfigError, SpecError
        The configuration, or a path in it, breaks a rule; nothing was written.
    DataError
        Columns (nothing was written) or rows (the history has an event `failed`) break what the configuration says.
    FitError
        The fit did not converge, or estimates do not exist.
    StoreError, EngineError
        The audit, the engine or the disk failed.
    """
    return _JobRun(config, environment, options, progress).run()


class _JobRun(TaskRun[JobConfig, Frame]):
    command = "glm run"

    def check_table(self) -> Table:
        return check_table(self.config, self.environment)

    def steps(self, files: RunFiles, table: Table) -> JobResult:
        config, environment, log, stage = self.config, self.environment, files.log, self.progress.stage
        with stage("read and split") as told:
            rows = read_rows(config, environment, table, log)
            told.say(_rows_line(rows.counts))
        with stage("fit") as told:
            model = fit_model(config, environment, rows, table, log)
            told.say(_fit_line(model))
        with stage("second opinion") as told:
            opinion = second_opinion(config, environment, rows, model, log)
            told.say("not asked" if opinion is None else str(opinion))
        with stage("validate") as told:
            report, lift = validate(config, environment, rows, model, log)
            told.say("; ".join(_sample_line(line) for line in sample_figures(report)))
        with stage("save and report") as told:
            page = partial(self._page, log, table, model, report, opinion, lift)
            names = files.keep("model_saved", {**self._texts(model), "report.html": ("text/html", page)})
            log.events(
                [
                    Entry("model_saved", "saved", payload={"model": model.fingerprint}),
                    Entry("report_written", "reported", payload={"file": "report.html"}),
                ]
            )
            told.say(str(files.folder / "report.html"))
        summary = self._summary(rows, table, model, report, opinion)
        head = log.finish("ok", {"summary": summary})
        return self.result(files, summary, names, str(head), repeated=False)

    def _summary(
        self,
        rows: Rows[Frame],
        table: Table,
        model: ModelDocument,
        report: ValidationReport,
        opinion: SecondOpinion | None,
    ) -> dict[str, Any]:
        return {
            "model": model.fingerprint,
            "engine": self.environment.engine.name,
            "rows": rows.counts.total,
            "convergence": model.convergence.reason,
            "deviance": model.statistics.deviance,
            "aic": model.statistics.aic,
            "second_opinion": "not asked" if opinion is None else opinion.verdict,
            "samples": {str(line.pop("sample")): line for line in sample_figures(report)},
            "data": str(table.fingerprint),
            "warnings": [*model.warnings, *rows.warnings],
        }

    def _texts(self, model: ModelDocument) -> Made:
        bound = Model(model, self.environment.engine)
        factors = [one.model_dump(mode="json", exclude_none=True) for one in model.factors]
        return {
            "model.json": ("application/json", lambda: bound.to_json() + "\n"),
            "factors.json": ("application/json", lambda: json_file(factors)),
            "score.sql": ("application/sql", lambda: bound.to_sql("spark") + "\n"),
            "coefficients.csv": ("text/csv", lambda: safe_table(bound.coefficients).to_csv(index=False)),
            "job.json": ("application/json", lambda: json_file(self.config.identity)),
        }

    def _page(
        self,
        log: RunLog,
        table: Table,
        model: ModelDocument,
        report: ValidationReport,
        opinion: SecondOpinion | None,
        lift: BaselineLift | None,
    ) -> str:
        events = audit.history(log.store, log.study, run=log.run_id)
        history = [event for event in events if event["event"] not in ("resumed", "failed")]
        fingerprints = {"data": str(table.fingerprint), "model": model.fingerprint, "run": log.run_id}
        where = {"study_id": log.study, "run_id": log.run_id}
        (started,) = from_arrow(log.store.read("runs", where, ["started_at"]))
        created = f"{started['started_at']:%Y-%m-%d %H:%M:%S} UTC"
        shown = None if lift is None else lift.shown
        return render_report(report_content(self.config, model, report, opinion, history, fingerprints, created, shown))


def _rows_line(counts: SampleRows) -> str:
    return f"{counted(counts.total)}: " + ", ".join(f"{count:,} {name}" for name, count in counts.rows.items())


def _fit_line(model: ModelDocument) -> str:
    fitted, end = sum(one.status == "fitted" for one in model.coefficients), model.convergence
    ended = f"{end.reason} after {counted(end.iterations, 'iteration')} ({end.route})"
    return f"{counted(fitted, 'coefficient')}, deviance {model.statistics.deviance:,.2f}, {ended}"


def _sample_line(line: Mapping[str, Any]) -> str:
    return f"{line['sample']} A/E {line['actual_to_predicted']:.3f}, Gini {line['gini']:.3f}"
