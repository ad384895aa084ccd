"""Options of a run, written once: the command ``glm`` and the scripts of `jobs` take the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunOption:
    """One option of a command line.

    Parameters
    ----------
    flag
        As it is typed.
    help
        What it does, in a sentence.
    takes
        What stands behind it in the help; empty for a switch.
    many
        Whether it may be given several times.
    """

    flag: str
    help: str
    takes: str = ""
    many: bool = False


SET = RunOption("--set", "key=value, put into the file: model.ridge=0.1", "KEY=VALUE", many=True)
PARAM = RunOption("--param", "name=value of a ${name} in the file.", "NAME=VALUE", many=True)
RUN_ID = RunOption("--run-id", "Name of the run; made of configuration, data and code otherwise.", "TEXT")
OUT = RunOption("--out", "Folder for the run's files; wins over output.directory.", "TEXT")
STORE = RunOption("--store", "Folder or URI of the audit; wins over output.store.", "TEXT")
QUIET = RunOption("--quiet", "No progress on standard error.")
JSON = RunOption("--json", "One JSON line on standard output, nothing else there.")
DEBUG = RunOption("--debug", "Show tracebacks.")
RUN_OPTIONS = (SET, PARAM, RUN_ID, OUT, STORE, QUIET, JSON, DEBUG)
"""In the order of the help."""
CONF_HELP = "The job's TOML file."
