"""The demo job killed at random moments and run again: not a time, but long; so it is started by name only."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.measurement import Ratio, Report, Settings, at_least

NAME, TITLE = "kill_stress", "jobs killed by SIGKILL at random moments, then run again"
ROOT = Path(__file__).resolve().parents[2]
KILLS, SEED = 50, 1977


def run(settings: Settings) -> Report:
    kills = settings.rounds or KILLS
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "tests" / "jobs" / "kill_driver.py"), folder, str(kills), str(SEED)]
        answers = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    whole, *found = [json.loads(line) for line in answers.splitlines()]
    complete = sum(_complete(one, whole) for one in found) / len(found)
    facts = {"killed": sum(one["killed"] for one in found), "resumed": sum(one["resumed"] for one in found)}
    return Report(
        NAME, TITLE, [Ratio("share complete and verified", complete, complete, complete, at_least(1))], {}, facts
    )


def _complete(found: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Exit 0, chain verified, one run, no event twice, the steps, files and rows of a run that was left alone."""
    same = all(found[part] == whole[part] for part in ("steps", "files", "rows"))
    return same and found["code"] == 0 and found["ok"] and found["runs"] == 1 and not found["doubled"]
