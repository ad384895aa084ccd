"""Kills a job at random moments and completes it: ``python kill_driver.py FOLDER KILLS SEED [CONF]``.

Everything is imported once, then each job runs in a forked child, so that the moments fall into the job and not into
Python's start. Prints one JSON line per kill.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import deltalake  # noqa: F401  imported before forking
import statsmodels.api  # noqa: F401

from glm_local import audit
from glm_local.job.check_config import read_any_config
from glm_local.job.job_environment import code_version
from glm_local.job.run_job import run_job
from glm_local.job.run_study import run_study
from glm_local.job.study_config import StudyConfig
from glm_local.job.task_run import JobOptions
from glm_local.on_pandas.local_environment import local_environment
from glm_local.stores.delta_store import open_store

CONF = Path(__file__).resolve().parents[2] / "conf" / "base" / "quickstart.toml"


def job(folder: str, conf: Path) -> None:
    config, options = read_any_config(conf), JobOptions(directory=folder)
    if isinstance(config, StudyConfig):
        run_study(config, local_environment(), options)
    else:
        run_job(config, local_environment(), options)


def child(folder: str, conf: Path) -> int:
    """Start a job in a child process."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            job(folder, conf)
            code = 0
        finally:
            os._exit(code)
    return process


def seconds_of_one(folder: str, conf: Path) -> float:
    start = time.perf_counter()
    assert os.waitstatus_to_exitcode(os.waitpid(child(folder, conf), 0)[1]) == 0
    return time.perf_counter() - start


def killed_at(folder: str, conf: Path, moment: float) -> bool:
    """Whether the job was still running at that moment after its start, and was killed."""
    process = child(folder, conf)
    time.sleep(moment)
    os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL


def state(folder: str) -> dict[str, object]:
    """What is found after a job was completed; made in a child, so that the driver never starts the store's threads."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.write(writing, json.dumps(_state(folder)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(process, 0)
    return dict(json.loads(text))


def _state(folder: str) -> dict[str, object]:
    store = open_store(Path(folder) / "audit")
    events = audit.history(store)
    report = audit.verify(store)
    steps = [str(event["step"]) for event in events]
    runs = {str(event["run_id"]) for event in events}
    files = sorted(
        path.relative_to(Path(folder) / run).as_posix()
        for run in runs
        for path in (Path(folder) / run).rglob("*")
        if path.is_file()
    )
    rows = {
        name: store.read(name).num_rows
        for name in ("runs", "specs", "models", "coefficients", "report_tables", "artifacts", "rankings", "trials")
    }
    return {
        "ok": report.ok,
        "findings": [str(one) for one in report.findings],
        "runs": len(runs),
        "files": files,
        "rows": rows,
        "steps": [step for step in steps if not step.startswith("resumed")],
        "last": steps[-1],
        "doubled": [step for step, times in Counter(steps).items() if times > 1],
        "models": sorted({str(one) for one in store.read("models", columns=["model_id"])["model_id"].to_pylist()}),
        "resumed": sum(step.startswith("resumed") for step in steps),
    }


def main() -> None:
    code_version(("glm_local",))
    base, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    conf = Path(sys.argv[4]) if len(sys.argv) > 4 else CONF
    seconds_of_one(str(base / "whole"), conf)
    whole = seconds_of_one(str(base / "again"), conf)  # the first one also fills the disk's caches
    print(json.dumps({"seconds": whole, **state(str(base / "whole"))}), flush=True)
    chance = random.Random(seed)
    for at in range(kills):
        folder, moment = str(base / f"kill_{at}"), chance.uniform(0, whole)
        killed = killed_at(folder, conf, moment)
        code = os.waitstatus_to_exitcode(os.waitpid(child(folder, conf), 0)[1])
        print(json.dumps({"moment": moment, "killed": killed, "code": code, **state(folder)}), flush=True)


if __name__ == "__main__":
    main()
