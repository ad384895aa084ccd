"""Running the main job: read, check, split, fit, second opinion, validate, save, report; each step recorded once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from glm_local import audit
from glm_local.contract.fill_rows import from_arrow
from glm_local.contract.model_spec import ModelDocument
from glm_local.contract.plain_json import canonical_json
from glm_local.contract.run_log import Entry, RunLog
from glm_local.errors import ConfigError, GlmError
from glm_local.glm.document import package_versions
from glm_local.glm.second_opinion import SecondOpinion
from glm_local.job.config import JobConfig
from glm_local.job.environment import Environment, code_version
from glm_local.job.job_files import Made, RunFiles, require_writable
from glm_local.job.job_steps import (
    Rows,
    Table,
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
from glm_local.model import Model
from glm_local.reports import render_report
from glm_local.table_files import local_path
from glm_local.validation import ValidationReport

Frame = TypeVar("Frame")

COMMAND = "glm run"
RUN_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}"


@dataclass(frozen=True)
class JobOptions:
    """What the command line adds to a configuration.

    Parameters
    ----------
    run_id
        Name of the run; None makes one of configuration, data and code, so that the same job is the same run.
    directory, store
        Win over ``output.directory`` and ``output.store``.
    """

    run_id: str | None = None
    directory: str | None = None
    store: str | None = None


@dataclass(frozen=True)
class JobResult:
    """How a run ended.

    Parameters
    ----------
    run_id, study
        What the audit knows it by.
    folder, store
        Where its files and its history are.
    summary
        Figures of the run, as the last event keeps them.
    files
        Names of the files in `folder`.
    head
        Last event of the chain, ``seq:hash``; kept elsewhere it proves later that nothing was cut off.
    repeated
        The run was finished before; nothing was added.
    """

    run_id: str
    study: str
    folder: str
    store: str
    summary: Mapping[str, Any]
    files: tuple[str, ...]
    head: str
    repeated: bool
    seconds: float = field(default=0.0, compare=False)

    def document(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {
            "run_id": self.run_id, "study": self.study, "repeated": self.repeated, "folder": self.folder,
            "store": self.store, "files": list(self.files), "head": self.head, "seconds": round(self.seconds, 3),
            **self.summary,
        }  # fmt: skip


def run_job(
    config: JobConfig,
    environment: Environment[Any],
    options: JobOptions | None = None,
    progress: StageLines | None = None,
) -> JobResult:
    """Run one job to its end, or complete one that was stopped.

    A run's id is made of the configuration, the data's fingerprint, the code and the engine: the same job run again is
    the same run. Steps the audit has are not recorded twice, a recorded model is not fitted again, and a finished run
    only has its files put back where they are gone.

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
    return _JobRun(config, environment, options or JobOptions(), progress or StageLines(quiet=True)).run()


class _JobRun(Generic[Frame]):
    def __init__(
        self, config: JobConfig, environment: Environment[Frame], options: JobOptions, progress: StageLines
    ) -> None:
        self.config, self.environment, self.progress = config, environment, progress
        self.directory = Path(options.directory or config.output.directory)
        self.store = options.store or config.output.store or str(self.directory / "audit")
        self.asked_id = options.run_id
        self.start = time.perf_counter()

    def run(self) -> JobResult:
        self._check_options()
        with self.progress.stage("data") as told:
            table = check_table(self.config, self.environment)
            told.say(f"{table.source.name}: {len(table.kinds)} columns, fingerprint {str(table.fingerprint)[:30]}…")
        run_id = self.asked_id or self._made_id(table)
        log = RunLog(self.environment.open_store(self.store), self.config.study, run_id)
        files = RunFiles(log, self.directory / run_id)
        if not log.is_finished or self.asked_id is not None:
            self._start(log, table)  # an id that was given must stand for this configuration
        if log.is_finished:
            return self._repeated(files)
        with _failure_recorded(log):
            return self._steps(files, table)

    def _check_options(self) -> None:
        require_writable(self.directory, "/output/directory")
        folder = local_path(self.store)
        if folder is not None:
            require_writable(folder, "/output/store")
        if self.asked_id is not None and not re.fullmatch(RUN_ID, self.asked_id):
            raise ConfigError.because(
                f"{self.asked_id!r} is no run id.",
                "It names a folder: letters, digits, dot, dash, underscore, up to 80.",
                "Give such a name, or leave it out.", path="--run-id",
            )  # fmt: skip

    def _made_id(self, table: Table) -> str:
        made = canonical_json({
            "config": self.config.identity, "data": str(table.fingerprint), "engine": self.environment.engine.name,
            "code": code_version(self.environment.packages),
        })  # fmt: skip
        return f"{self.config.job.name}-{hashlib.sha256(made.encode('utf-8')).hexdigest()[:16]}"

    def _start(self, log: RunLog, table: Table) -> None:
        log.start(
            COMMAND, self.environment.engine.name, self.config.identity,
            package_version=code_version(self.environment.packages),
            data={"source": table.source.name, "kind": table.source.kind, "fingerprint": str(table.fingerprint)},
            environment={**package_versions(), **self.environment.versions, "store": type(log.store).__name__},
        )  # fmt: skip

    def _steps(self, files: RunFiles, table: Table) -> JobResult:
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
            report = validate(config, environment, rows, model, log)
            told.say("; ".join(_sample_line(line) for line in sample_figures(report)))
        with stage("save and report") as told:
            page = partial(self._page, log, table, model, report, opinion)
            names = files.keep("model_saved", {**self._texts(model), "report.html": ("text/html", page)})
            log.events([
                Entry("model_saved", "saved", payload={"model": model.fingerprint}),
                Entry("report_written", "reported", payload={"file": "report.html"}),
            ])  # fmt: skip
            told.say(str(files.folder / "report.html"))
        summary = self._summary(rows, table, model, report, opinion)
        head = log.finish("ok", {"summary": summary})
        return self._result(files, summary, names, str(head), repeated=False)

    def _summary(
        self,
        rows: Rows[Frame],
        table: Table,
        model: ModelDocument,
        report: ValidationReport,
        opinion: SecondOpinion | None,
    ) -> dict[str, Any]:
        return {
            "model": model.fingerprint, "engine": self.environment.engine.name, "rows": rows.counts.total,
            "convergence": model.convergence.reason, "deviance": model.statistics.deviance,
            "aic": model.statistics.aic, "second_opinion": "not asked" if opinion is None else opinion.verdict,
            "samples": {str(line.pop("sample")): line for line in sample_figures(report)},
            "data": str(table.fingerprint), "warnings": list(model.warnings),
        }  # fmt: skip

    def _texts(self, model: ModelDocument) -> Made:
        bound = Model(model, self.environment.engine)
        factors = [one.model_dump(mode="json", exclude_none=True) for one in model.factors]
        return {
            "model.json": ("application/json", lambda: bound.to_json() + "\n"),
            "factors.json": ("application/json", lambda: _json(factors)),
            "score.sql": ("application/sql", lambda: bound.to_sql("spark") + "\n"),
            "coefficients.csv": ("text/csv", lambda: bound.coefficients.to_csv(index=False)),
            "job.json": ("application/json", lambda: _json(self.config.identity)),
        }

    def _page(
        self, log: RunLog, table: Table, model: ModelDocument, report: ValidationReport, opinion: SecondOpinion | None
    ) -> str:
        events = audit.history(log.store, log.study, run=log.run_id)
        history = [event for event in events if event["event"] not in ("resumed", "failed")]
        fingerprints = {"data": str(table.fingerprint), "model": model.fingerprint, "run": log.run_id}
        where = {"study_id": log.study, "run_id": log.run_id}
        (started,) = from_arrow(log.store.read("runs", where, ["started_at"]))
        created = f"{started['started_at']:%Y-%m-%d %H:%M:%S} UTC"
        return render_report(report_content(self.config, model, report, opinion, history, fingerprints, created))

    def _repeated(self, files: RunFiles) -> JobResult:
        """A run that was finished before: its files are put back, its figures read from its last event."""
        log = files.log
        names, head = files.put_back(), log.finish()
        events = audit.history(log.store, log.study, run=log.run_id)
        (finished,) = [event for event in events if event["event"] == "finished"]
        summary = json.loads(str(finished["payload"]))["summary"]
        return self._result(files, summary, names, str(head), repeated=True)

    def _result(
        self, files: RunFiles, summary: Mapping[str, Any], names: tuple[str, ...], head: str, repeated: bool
    ) -> JobResult:
        return JobResult(
            files.log.run_id, files.log.study, str(files.folder), self.store, summary, names, head, repeated,
            time.perf_counter() - self.start,
        )  # fmt: skip


@contextlib.contextmanager
def _failure_recorded(log: RunLog) -> Iterator[None]:
    """Record why a run failed; what was recorded before stays, and the run can be run again."""
    try:
        yield
    except GlmError as error:
        problems: Sequence[str] = [str(one) for one in error.problems]
        with contextlib.suppress(GlmError):
            log.fail(
                problems[0] if problems else type(error).__name__, {"error": type(error).__name__, "problems": problems}
            )
        raise


def _rows_line(counts: SampleRows) -> str:
    return f"{counts.total:,} rows: " + ", ".join(f"{count:,} {name}" for name, count in counts.rows.items())


def _fit_line(model: ModelDocument) -> str:
    fitted, end = sum(one.status == "fitted" for one in model.coefficients), model.convergence
    ended = f"{end.reason} after {end.iterations} iterations ({end.route})"
    return f"{fitted} coefficients, deviance {model.statistics.deviance:,.2f}, {ended}"


def _sample_line(line: Mapping[str, Any]) -> str:
    return f"{line['sample']} A/E {line['actual_to_predicted']:.3f}, Gini {line['gini']:.3f}"


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
