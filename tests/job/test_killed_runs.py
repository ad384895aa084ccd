"""A run killed at any moment and run again records everything once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glm_local.audit import history, verify
from glm_local.stores.delta_store import open_store
from glm_local.testing.store_conformance import SMALL_RUN_EVENTS, small_run

JOB = Path(__file__).with_name("audit_job.py")
APPENDS = 7


def _start(folder: Path, run_id: str, *death: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(JOB), str(folder), run_id, *death]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _is_complete(folder: Path, run_id: str) -> None:
    store = open_store(folder)
    small_run(store, "killed", run_id)
    steps = [event["step"] for event in history(store, run=run_id) if event["event"] != "resumed"]
    assert steps == SMALL_RUN_EVENTS
    counts = {name: store.read(name, {"run_id": run_id}).num_rows for name in ("runs", "coefficients", "report_tables")}
    assert counts == {"runs": 1, "coefficients": 5, "report_tables": 4}
    report = verify(store)
    assert report.ok, str(report)
    assert not any("not finished" in finding.said for finding in report.findings)


def _killed_at_append(folder: Path, at: int, when: str) -> None:
    with _start(folder, "run", str(at), when) as process:
        assert process.wait() == -signal.SIGKILL
    half = verify(open_store(folder))
    said = ["it ended, and no seal holds its last event"] if (at, when) == (APPENDS, "after") else []
    assert [one.said.partition(":")[0] for one in half.findings if one.severity == "broken"] == said
    _is_complete(folder, "run")


@pytest.mark.parametrize(("at", "when"), [(1, "after"), (3, "before"), (5, "after"), (APPENDS, "after")])
def test_a_run_killed_between_commits_is_completed_exactly(tmp_path: Path, at: int, when: str) -> None:
    _killed_at_append(tmp_path, at, when)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, APPENDS + 1))
def test_a_run_killed_at_every_commit_is_completed_exactly(tmp_path: Path, at: int, when: str) -> None:
    _killed_at_append(tmp_path, at, when)


def _killed_at_random(folder: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    small_run(open_store(folder), "killed", "before")
    for kill in range(kills):
        process = _start(folder, f"run {kill}")
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.12))
        process.kill()
        process.wait()
        process.stdout.close()
        _is_complete(folder, f"run {kill}")


def test_runs_killed_at_random_moments_are_completed_exactly(tmp_path: Path) -> None:
    _killed_at_random(tmp_path, kills=4, seed=1)


@pytest.mark.slow
def test_fifty_runs_killed_at_random_moments_are_completed_exactly(tmp_path: Path) -> None:
    _killed_at_random(tmp_path, kills=50, seed=2)
