"""Running an automatic study as a job: screen, design, cross, finalize, save, report; resumed where it was stopped."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar
from warnings import catch_warnings, simplefilter

import pandas as pd

from glm_local.audit.event_entries import Entry
from glm_local.audit.run_log import RunLog
from glm_local.audit.store import Store
from glm_local.errors import DataError, Problem
from glm_local.expressions.columns import ColumnKind
from glm_local.glm.document import package_versions, with_derived
from glm_local.glm.second_opinion import SecondOpinion
from glm_local.job.baseline_lift import BaselineLift, baseline_lift, recorded
from glm_local.job.earlier_looks import earlier_looks, looks_warning
from glm_local.job.job_environment import JobEnvironment
from glm_local.job.job_files import Made, RunFiles
from glm_local.job.job_rows import Table, open_table, read_entry, read_frame
from glm_local.job.job_steps import sample_figures
from glm_local.job.progress import StageLines
from glm_local.job.study_config import StudyConfig
from glm_local.job.study_rules import candidates, study_column_problems
from glm_local.job.study_run import RunHistory, open_study, study_name, workflow_rules
from glm_local.job.task_run import JobOptions, JobResult, TaskRun, json_file
from glm_local.models.model import Model
from glm_local.models.recorded_rows import coefficient_rows, model_row
from glm_local.reports import render_study_report
from glm_local.reports.export_tables import report_tables, unique_names
from glm_local.reports.study_content import StudyContent
from glm_local.scoring.model_spec import ModelDocument
from glm_local.study.closing import measured, samples_only
from glm_local.study.report import study_content
from glm_local.study.study import Study
from glm_local.texts.counted import counted
from glm_local.texts.safe_cell import safe_table
from glm_local.validation import ValidationReport
from glm_local.workflow import steps

__all__ = ["JobOptions", "JobResult", "run_study"]

Frame = TypeVar("Frame")

MOST_LETTERS = 60


def run_study(
    config: StudyConfig,
    environment: JobEnvironment[Any],
    options: JobOptions | None = None,
    progress: StageLines | None = None,
) -> JobResult:
    """Run an automatic study to its end, or complete one that was stopped.

    What makes a run the same run is in `TaskRun`. Every run designs a study of its own, named in the result; it goes on
    from its events when the run was stopped, and reaches the same model.

    Raises
    ------
    ConfigError, SpecError
        The configuration, or a path in it, breaks a rule; nothing was written.
    DataError
        Columns (nothing was written) or rows (the history has an event `failed`) break what the configuration says.
    FitError
        A fit did not converge, or the last one is not confirmed by the packed rows.
    StoreError, EngineError
        The audit, the engine or the disk failed.
    """
    return _StudyRun(config, environment, options, progress).run()


class _StudyRun(TaskRun[StudyConfig, Frame]):
    command = "glm study"
    history: RunHistory

    def check_table(self) -> Table:
        return open_table(self.config, self.environment, partial(study_column_problems, self.config))

    def open_log(self, store: Store, run_id: str) -> RunLog:
        environment = self.environment
        about = {"engine": environment.engine.name, "environment": {**package_versions(), **environment.versions}}
        asked = {"seed": self.config.job.seed}
        self.history = RunHistory(store, study_name(self.config, run_id), run_id, asked, about)
        return self.history.log

    def steps(self, files: RunFiles, table: Table) -> JobResult:
        config, environment, log, stage = self.config, self.environment, files.log, self.progress.stage
        read = _columns(config, table.kinds)
        log.events([read_entry(config, table, read)])
        with stage("read and split") as told, _roles_named():
            frame = read_frame(config, environment, table, read)
            study = open_study(config, environment, frame, table.kinds, self.history)
            with catch_warnings():
                simplefilter("ignore")  # they are in the history, and in the answer
                told.say(_rows_line(study))
        rules = workflow_rules(config)
        steps.check_inference(study, rules, config.study.finalize.enabled)
        with stage("screen") as told:
            names = steps.screen(study, rules)
            told.say(_screen_line(study, names))
        with stage("design") as told:
            steps.build(study, rules, names)
            steps.limit(study, rules)
            told.say(f"{counted(len(study.accepted), 'factor')}: {', '.join(study.accepted) or 'none'}")
        if rules.interactions:
            with stage("cross") as told:
                steps.cross(study, rules)
                told.say(_cross_line(study))
        earlier = earlier_looks(log, config, str(table.fingerprint)) if config.study.finalize.enabled else []
        model, opinion, report = self._close(study)
        looks = [looks_warning(earlier)] if earlier else []
        warnings = list(dict.fromkeys([*model.warnings, *study.bench.warnings, *looks]))
        with stage("save and report") as told:
            lift = self._lift(study, model, report)
            if model.fingerprint != (study.state.finalized or {}).get("model"):
                log.table("model_saved", "models", [model_row(model)])
                log.table("model_saved", "coefficients", coefficient_rows(model))
            log.table("model_saved", "report_tables", recorded(lift))
            files.keep("model_saved", self._texts(study, model, table, warnings, lift))
            log.events(
                [
                    Entry("model_saved", "saved", payload={"model": model.fingerprint}),
                    Entry("report_written", "reported", payload={"file": "report.html"}),
                ]
            )
            told.say(str(files.folder / "report.html"))
        summary = self._summary(study, table, model, opinion, report) | {"warnings": warnings}
        head = log.finish("ok", {"summary": summary})
        return self.result(files, summary, files.put_back(), str(head), repeated=False)

    def _close(self, study: Study[Frame]) -> tuple[ModelDocument, SecondOpinion | None, ValidationReport]:
        """Finalize where that is asked; the model reads the source's own columns."""
        asked, derive = self.config.study.finalize, self.config.data.derive
        if not asked.enabled:
            with self.progress.stage("validate") as told:
                report = self._validated(study)
                if self.config.study.inference == "selective":
                    study.selective_intervals()
                told.say("not finalized, the holdout was not looked at")
            return with_derived(study.current().model, derive), None, report
        with self.progress.stage("finalize") as told:
            found = study.finalize(asked.verify, asked.reason, inference=self.config.study.inference)
            opinion = "no second opinion asked" if found.opinion is None else str(found.opinion)
            told.say(f"deviance {found.model.statistics.deviance:,.2f}; {opinion}")
        return with_derived(found.model, derive), found.opinion, found.report

    def _lift(self, study: Study[Frame], model: ModelDocument, report: ValidationReport) -> BaselineLift | None:
        """The model beside ``report.baseline``, on the samples that were looked at."""
        rows = study.bench.rows
        sample = samples_only(study, [str(one) for one in report.samples])
        return baseline_lift(self.config, self.config.report, rows.engine, rows.frame, sample, model, report)

    def _validated(self, study: Study[Frame]) -> ValidationReport:
        """Tables of train and validation, recorded once."""
        design, bands = study.design.fingerprint, self.config.report.bands
        if any(one.kind == "validated" and one.payload.get("design") == design for one in self.history.events):
            return measured(study, study.current().model, ("train", "validation"), bands)
        return study.validation_report(bands)

    def _texts(
        self,
        study: Study[Frame],
        model: ModelDocument,
        table: Table,
        warnings: Sequence[str],
        lift: BaselineLift | None,
    ) -> Made:
        bound = Model(model, self.environment.engine)
        factors = [one.model_dump(mode="json", exclude_none=True) for one in model.factors]
        content = self._content(study, model, table, warnings, lift)
        tables = report_tables(content)
        files = unique_names(tables, MOST_LETTERS)
        return {
            "model.json": ("application/json", lambda: bound.to_json() + "\n"),
            "factors.json": ("application/json", lambda: json_file(factors)),
            "score.sql": ("application/sql", lambda: bound.to_sql("spark") + "\n"),
            "study.json": ("application/json", lambda: json_file(self.config.identity)),
            "report.html": ("text/html", lambda: render_study_report(content)),
            **{f"tables/{files[name]}.csv": ("text/csv", partial(_csv, one)) for name, one in tables.items()},
        }

    def _content(
        self,
        study: Study[Frame],
        model: ModelDocument,
        table: Table,
        warnings: Sequence[str],
        lift: BaselineLift | None,
    ) -> StudyContent:
        shown = self.config.report
        purpose = self.config.job.description
        content = study_content(study, shown.title or self.config.job.name, purpose, shown.exposure_name)
        known = {"source": str(table.fingerprint), "model": model.fingerprint}
        said = [*(one for one in content.warnings if one not in warnings), *warnings]
        lifts = [*content.double_lifts, *([] if lift is None else [lift.shown])]
        return dataclasses.replace(
            content, fingerprints={**content.fingerprints, **known}, warnings=said, double_lifts=lifts
        )

    def _summary(
        self,
        study: Study[Frame],
        table: Table,
        model: ModelDocument,
        opinion: SecondOpinion | None,
        report: ValidationReport,
    ) -> dict[str, Any]:
        passes = self.environment.engine.passes
        return {
            "model": model.fingerprint,
            "engine": self.environment.engine.name,
            "rows": sum(study.samples.values()),
            "factors": list(study.accepted),
            "rejected": dict(study.state.rejected),
            "convergence": model.convergence.reason,
            "deviance": model.statistics.deviance,
            "aic": model.statistics.aic,
            "second_opinion": "not asked" if opinion is None else opinion.verdict,
            "samples": {str(line.pop("sample")): line for line in sample_figures(report)},
            "passes": {"raw": passes.raw, "packed": round(passes.packed, 1)},
            "data": str(table.fingerprint),
        }


def _columns(config: StudyConfig, kinds: Mapping[str, ColumnKind]) -> list[str]:
    """Columns of candidates and the key."""
    asked = candidates(config, kinds)
    named = [one if isinstance(one, str) else str(one.get("column", one.get("name"))) for one in asked]
    return [*named, *config.key]


@contextmanager
def _roles_named() -> Iterator[None]:
    """Rows that cannot be fitted are told under the role's path in the file."""
    try:
        yield
    except DataError as error:
        raise DataError([_role_problem(one) for one in error.problems], "the rows") from error


def _role_problem(one: Problem) -> Problem:
    role = one.path.removeprefix("rows: ").split(" ")[0]
    if one.path == "rows":
        return dataclasses.replace(one, path="/data")
    if not one.path.startswith("rows: ") or role not in ("target", "exposure", "offset", "weight"):
        return one
    fault = one.path.removeprefix("rows: ")
    return dataclasses.replace(one, path=f"/roles/{role}", found=f"{one.found.rstrip('.')}: {fault}.")


def _rows_line(study: Study[Any]) -> str:
    rows = study.samples
    return f"{counted(sum(rows.values()))}: " + ", ".join(f"{count:,} {name}" for name, count in rows.items())


def _screen_line(study: Study[Any], names: list[str]) -> str:
    said = study.state.ranking or {"table": []}
    return f"{len(names)} of {counted(len(said['table']), 'candidate')} worth a try" + (
        f", first {names[0]}" if names else ""
    )


def _cross_line(study: Study[Any]) -> str:
    said = study.state.interactions
    crossed = [name for name in study.accepted if name not in steps.main_factors(study)]
    pairs = counted(0 if said is None else len(said["table"]), "pair")
    kept = f"{counted(len(crossed), 'interaction')} kept"
    return f"{pairs} tested, {kept}" + (f": {', '.join(crossed)}" if crossed else "")


def _csv(table: pd.DataFrame) -> str:
    return safe_table(table).to_csv(index=False)
