"""Jobs killed at random moments and run again: complete, nothing twice, the chain verifies, the same model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

STEPS = [
    "start",
    "data_read",
    "data_checked",
    "split",
    "fitted",
    "second_opinion",
    "validated",
    "holdout_looked_at",
    "model_saved",
    "report_written",
    "finish",
]
FILES = ["coefficients.csv", "factors.json", "job.json", "model.json", "report.html", "score.sql"]


STUDY = ROOT / "conf" / "base" / "study_quickstart.toml"


def killed_and_completed(
    folder: Path, kills: int, seed: int, *conf: Path
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    driver = str(ROOT / "tests" / "jobs" / "kill_driver.py")
    command = [sys.executable, driver, str(folder), str(kills), str(seed), *map(str, conf)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr
    whole, *rest = [json.loads(line) for line in done.stdout.splitlines()]
    return whole, rest


def assert_complete(found: dict[str, Any], whole: dict[str, Any]) -> None:
    assert found["code"] == 0
    assert found["ok"], found["findings"]
    assert found["runs"] == 1
    assert found["doubled"] == []
    assert found["steps"] == whole["steps"]
    assert found["files"] == whole["files"]
    assert found["rows"] == whole["rows"]
    assert found["models"] == whole["models"]


def test_a_job_killed_at_a_random_moment_completes_when_it_is_run_again(tmp_path: Path) -> None:
    whole, killed = killed_and_completed(tmp_path, kills=5, seed=7)
    assert whole["steps"] == STEPS
    assert whole["files"] == FILES
    for found in killed:
        assert_complete(found, whole)


@pytest.mark.slow
def test_fifty_random_kills_leave_no_run_incomplete_and_no_event_doubled(tmp_path: Path) -> None:
    whole, killed = killed_and_completed(tmp_path, kills=50, seed=1977)
    assert len(killed) == 50
    assert sum(found["killed"] for found in killed) >= 40
    assert sum(found["resumed"] for found in killed) >= 10
    for found in killed:
        assert_complete(found, whole)


def test_a_study_killed_at_a_random_moment_goes_on_to_the_same_model_when_it_is_run_again(tmp_path: Path) -> None:
    whole, killed = killed_and_completed(tmp_path, 5, 11, STUDY)
    assert [step for step in whole["steps"] if step.split("-")[0].isdigit()]
    for found in killed:
        assert_complete(found, whole)


@pytest.mark.slow
def test_fifty_random_kills_of_a_study_lead_to_the_undisturbed_model(tmp_path: Path) -> None:
    whole, killed = killed_and_completed(tmp_path, 50, 1982, STUDY)
    assert sum(found["killed"] for found in killed) >= 40
    assert sum(found["resumed"] for found in killed) >= 10
    for found in killed:
        assert_complete(found, whole)
