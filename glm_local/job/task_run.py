"""What every job shares: options, the run's id, its log, its files, a failure recorded, a finished run repeated."""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from glm_local import audit
from glm_local.audit.event_document import event_document
from glm_local.audit.run_log import RunLog
from glm_local.audit.store import Store
from glm_local.audit.table_files import local_path
from glm_local.errors import ConfigError, GlmError
from glm_local.glm.document import package_versions
from glm_local.job.config import TaskConfig
from glm_local.job.job_environment import JobEnvironment, code_version
from glm_local.job.job_files import RunFiles, require_writable
from glm_local.job.job_rows import Table
from glm_local.job.progress import StageLines
from glm_local.texts.places import require_location, require_path
from glm_local.texts.plain_json import canonical_json, readable_json

Config = TypeVar("Config", bound=TaskConfig)
Frame = TypeVar("Frame")

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
            "run_id": self.run_id,
            "study": self.study,
            "repeated": self.repeated,
            "folder": self.folder,
            "store": self.store,
            "files": list(self.files),
            "head": self.head,
            "seconds": round(self.seconds, 3),
            **self.summary,
        }


class TaskRun(ABC, Generic[Config, Frame]):
    """One run of one job; what a kind of job does is in its steps.

    A run's id is made of the configuration, the data's fingerprint, the code and the engine: the same job run again is
    the same run. Steps the audit has are not recorded twice, and a finished run only has its files put back where they
    are gone.
    """

    command: ClassVar[str]

    def __init__(
        self,
        config: Config,
        environment: JobEnvironment[Frame],
        options: JobOptions | None = None,
        progress: StageLines | None = None,
    ) -> None:
        asked = options or JobOptions()
        self.config, self.environment, self.progress = config, environment, progress or StageLines(quiet=True)
        self.directory = Path(asked.directory or config.output.directory)
        self.store = asked.store or config.output.store or str(self.directory / "audit")
        require_path(self.directory, "/output/directory")
        require_location(self.store, "--store" if asked.store else "/output/store")
        self.asked_id = asked.run_id
        self.start = time.perf_counter()

    @abstractmethod
    def check_table(self) -> Table:
        """Look at the source's columns and fingerprint; nothing is written before."""

    @abstractmethod
    def steps(self, files: RunFiles, table: Table) -> JobResult:
        """Do the work, each step recorded once."""

    def open_log(self, store: Store, run_id: str) -> RunLog:
        """The log of the run."""
        return RunLog(store, self.config.study_name, run_id)

    def run(self) -> JobResult:
        """Run the job to its end, or complete one that was stopped."""
        self._check_options()
        with self.progress.stage("data") as told:
            table = self.check_table()
            told.say(f"{table.source.name}: {len(table.kinds)} columns, fingerprint {str(table.fingerprint)[:30]}…")
        run_id = self.asked_id or self._made_id(table)
        log = self.open_log(self.environment.open_store(self.store), run_id)
        files = RunFiles(log, self.directory / run_id)
        if not log.is_finished or self.asked_id is not None:
            self._start(log, table)  # an id that was given must stand for this configuration
        if log.is_finished:
            return self._repeated(files)
        with _failure_recorded(log):
            return self.steps(files, table)

    def _check_options(self) -> None:
        require_writable(self.directory, "/output/directory")
        folder = local_path(self.store)
        if folder is not None:
            require_writable(folder, "/output/store")
        if self.asked_id is not None and not re.fullmatch(RUN_ID, self.asked_id):
            raise ConfigError.because(
                f"{self.asked_id!r} is no run id.",
                "It names a folder: letters, digits, dot, dash, underscore, up to 80.",
                "Give such a name, or leave it out.",
                path="--run-id",
            )

    def _made_id(self, table: Table) -> str:
        made = canonical_json(
            {
                "config": self.config.identity,
                "data": str(table.fingerprint),
                "engine": self.environment.engine.name,
                "code": code_version(self.environment.packages),
            }
        )
        return f"{self.config.job.name}-{hashlib.sha256(made.encode('utf-8')).hexdigest()[:16]}"

    def _start(self, log: RunLog, table: Table) -> None:
        log.start(
            self.command,
            self.environment.engine.name,
            self.config.identity,
            package_version=code_version(self.environment.packages),
            data={"source": table.source.name, "kind": table.source.kind, "fingerprint": str(table.fingerprint)},
            environment={**package_versions(), **self.environment.versions, "store": type(log.store).__name__},
        )

    def _repeated(self, files: RunFiles) -> JobResult:
        """A run that was finished before: its files are put back, its figures read from its last event."""
        log = files.log
        names, head = files.put_back(), log.finish()
        events = audit.history(log.store, log.study, run=log.run_id)
        (finished,) = [event for event in events if event["event"] == "finished"]
        summary = event_document(finished)["summary"]
        return self.result(files, summary, names, str(head), repeated=True)

    def result(
        self, files: RunFiles, summary: Mapping[str, Any], names: tuple[str, ...], head: str, repeated: bool
    ) -> JobResult:
        """How the run ended."""
        return JobResult(
            files.log.run_id,
            files.log.study,
            str(files.folder),
            self.store,
            summary,
            names,
            head,
            repeated,
            time.perf_counter() - self.start,
        )


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


def json_file(value: object) -> str:
    """A value as the text of a JSON file."""
    return readable_json(value) + "\n"
