"""The command line of a job's script: the same options for every job, on any engine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from glm_local.errors import ConfigError, nearest
from glm_local.job.command import Answer, RunArguments, answered
from glm_local.job.job_environment import JobEnvironment
from glm_local.job.run_options import CONF_HELP, RUN_OPTIONS

Run = Callable[[RunArguments, Callable[[], JobEnvironment[Any]]], Answer]


def run_script(run: Run, environment: Callable[[], JobEnvironment[Any]], description: str | None) -> None:
    """Run a job with the options of the command line and leave with its exit code.

    0 ok, 2 bad configuration, 3 bad data, 4 not converged, 1 anything else.
    """
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--conf", required=True, help=CONF_HELP)
    for one in RUN_OPTIONS:
        if not one.takes:
            parser.add_argument(one.flag, action="store_true", help=one.help)
        elif one.many:
            parser.add_argument(one.flag, action="append", default=[], metavar=one.takes, help=one.help)
        else:
            parser.add_argument(one.flag, metavar=one.takes, help=one.help)
    asked, unknown = parser.parse_known_args()
    if unknown:
        known = sorted(name for name in parser._option_string_actions if name.startswith("--"))
        sys.exit(answered(lambda: _refused(unknown[0], known), asked.json))
    arguments = RunArguments(asked.conf, asked.set, asked.param, asked.run_id, asked.out, asked.store, asked.quiet)
    code = answered(lambda: run(arguments, environment), asked.json, asked.debug)
    if code:  # Databricks takes any sys.exit for a failure
        sys.exit(code)


def _refused(given: str, known: list[str]) -> Answer:
    rule, word = "A script takes the options of its help.", given.partition("=")[0]
    raise ConfigError.because(f"{word!r} is not one of them.", rule, nearest(word, known))
