"""From a command to its exit code: what is said where, the last JSON line, and never a traceback unless asked for."""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glm_local.audit.fill_rows import payload_json
from glm_local.errors import GlmError, Problem
from glm_local.job.event_words import sample_words
from glm_local.job.job_environment import JobEnvironment
from glm_local.job.progress import StageLines
from glm_local.job.read_config import read_config, read_study_config
from glm_local.job.run_job import run_job
from glm_local.job.run_study import run_study
from glm_local.job.task_run import JobOptions, JobResult
from glm_local.job.toml_document import read_parameters
from glm_local.texts.terminal_text import terminal_text, terminal_word
from glm_local.validation import SAMPLES

STATUS = {0: "ok", 1: "failed", 2: "bad configuration", 3: "bad data", 4: "not converged"}
"""Exit code to the word that stands for it in the JSON line."""


@dataclass(frozen=True)
class Answer:
    """What a command found: one JSON object, the same in words, and its exit code."""

    document: Mapping[str, Any]
    text: str
    exit_code: int = 0


def answered(ask: Callable[[], Answer], as_json: bool = False, debug: bool = False) -> int:
    """Run a command and return its exit code.

    Words go to standard output when all went well and to standard error when not; with `as_json` standard output has
    one JSON line and nothing else, with ``status`` and ``exit_code``, and ``problems`` when something is wrong.

    Parameters
    ----------
    debug
        Show tracebacks and Python's warnings.
    """
    with warnings.catch_warnings():
        if not debug:
            warnings.simplefilter("ignore")
        answer = _asked(ask, debug)
    document = {"status": STATUS.get(answer.exit_code, "failed"), "exit_code": answer.exit_code, **answer.document}
    try:
        if answer.exit_code or not as_json:
            print(terminal_text(answer.text), file=sys.stderr if answer.exit_code else sys.stdout)
        sys.stderr.flush()
        if as_json:  # last: spark-submit puts both streams into one
            sys.stdout.write(payload_json(document) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return answer.exit_code


def _asked(ask: Callable[[], Answer], debug: bool) -> Answer:
    try:
        return ask()
    except GlmError as error:
        if debug:
            traceback.print_exc()
        return _failure(error.problems, error.exit_code, str(error), type(error).__name__)
    except KeyboardInterrupt:
        stopped = Problem(
            "", "Stopped.", "What was recorded stays recorded.", "Run the same command again to complete it."
        )
        return _failure([stopped], 1, str(stopped), "Stopped")
    except OSError as error:
        if debug:
            traceback.print_exc()
        cause = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}."
        unreachable = Problem(
            "", cause, "Files and stores can be reached and written.", "Check paths, rights and keys."
        )
        return _failure([unreachable], 1, str(unreachable), "EngineError")
    except BaseException as error:  # the last net: a defect is told in one line too, a panic of Rust's is no Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if debug:
            traceback.print_exc()
        cause = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
        defect = Problem(
            "",
            f"{type(error).__name__}: {cause}.",
            "This is a defect, not your input's fault.",
            "Run again with --debug and report what it shows.",
        )
        return _failure([defect], 1, str(defect), "Defect")


def _failure(problems: Sequence[Problem], exit_code: int, text: str, kind: str) -> Answer:
    said = [{"path": one.path, "found": one.found, "rule": one.rule, "way_out": one.way_out} for one in problems]
    return Answer({"error": kind, "problems": said}, f"{kind}: {text}", exit_code)


@dataclass(frozen=True)
class RunArguments:
    """The arguments of ``glm run``, ``glm study`` and of the scripts in ``jobs``."""

    conf: str
    overrides: Sequence[str] = ()
    parameters: Sequence[str] = ()
    run_id: str | None = None
    out: str | None = None
    store: str | None = None
    quiet: bool = False

    @property
    def options(self) -> JobOptions:
        """What they add to a configuration."""
        return JobOptions(self.run_id, self.out, self.store)


def run_answer(arguments: RunArguments, environment: Callable[[], JobEnvironment[Any]]) -> Answer:
    """Run the main job; the environment is made once the configuration is known to be good."""
    config = read_config(arguments.conf, arguments.overrides, read_parameters(arguments.parameters))
    lines = StageLines(quiet=arguments.quiet)
    with lines.waiting("start the engine"):
        engine = environment()
    result = run_job(config, engine, arguments.options, lines)
    return Answer(result.document(), result_text(result))


def study_answer(arguments: RunArguments, environment: Callable[[], JobEnvironment[Any]]) -> Answer:
    """Run an automatic study, likewise."""
    config = read_study_config(arguments.conf, arguments.overrides, read_parameters(arguments.parameters))
    lines = StageLines(quiet=arguments.quiet)
    with lines.waiting("start the engine"):
        engine = environment()
    result = run_study(config, engine, arguments.options, lines)
    return Answer(result.document(), result_text(result))


def result_text(result: JobResult) -> str:
    """A finished run in a few lines."""
    summary = result.summary
    lines = [
        f"run {result.run_id} of study {result.study}"
        + (" was finished before: nothing was added" if result.repeated else "")
    ]
    if "factors" in summary:
        lines.append(f"factors: {', '.join(summary['factors']) or 'none'}; {len(summary['rejected'])} rejected")
    lines.append(f"second opinion: {summary['second_opinion']}")
    for name in [sample for sample in SAMPLES if sample in summary["samples"]]:
        one = summary["samples"][name]
        lines.append(sample_words(name, one))
    lines += [f"warning: {text}" for text in summary["warnings"]]
    lines += [f"report: {result.folder}/report.html", f"history: {result.store}, head {result.head}"]
    return "\n".join(terminal_word(line) for line in lines)


def json_text(value: object) -> str:
    """A value as indented JSON."""
    return json.dumps(json.loads(payload_json(value)), indent=2, ensure_ascii=False)
