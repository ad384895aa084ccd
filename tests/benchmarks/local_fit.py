"""The public motor data, nine factors, raw frame in memory to standard errors: this package beside glum and RustyStats."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.measurement import Ratio, Report, Settings, at_most, interleaved, ratio
from tests.benchmarks.motor_design import PUBLIC_DEVIANCE
from tests.benchmarks.motor_rows import motor_files

NAME, TITLE = "local_fit", "freMTPL2 Poisson, 9 factors, raw frame to standard errors"
ROOT = Path(__file__).resolve().parents[2]
OURS, PEERS = ("ours", "ours cells", "ours blocks"), ("glum", "rustystats")
TARGET = at_most(0.12)


class Contender:
    """A process that fits when told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, what: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("a contender ended early; its own message stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def fit_seconds(self) -> float:
        return float(self.ask("fit")["seconds"])


@contextmanager
def contender(name: str, rows: Path, python: str) -> Iterator[Contender]:
    """Start a contender and end it."""
    command = [python, "-m", "tests.benchmarks.contender", name, str(rows)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield Contender(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def run(settings: Settings) -> Report:
    rows = settings.data / "freMTPL2freq.parquet"
    if settings.rows is not None:
        rows = motor_files(settings.scratch, settings.rows)[0]
    if not rows.exists():
        return Report(NAME, TITLE, skipped=f"no {rows.name} in the data folder; give it by --data")
    names = OURS + (PEERS if settings.peers else ())
    with ExitStack() as running:
        python = {name: settings.peer_python if name in PEERS else sys.executable for name in names}
        found = {name: running.enter_context(contender(name, rows, python[name])) for name in names}
        memory, checks = {}, {}
        for name, one in found.items():
            checks[name] = one.ask("fit")
            memory[name] = one.ask("memory")
        seconds = interleaved({name: one.fit_seconds for name, one in found.items()}, settings.rounds or 5, warm_up=0)
    deviances = {name: round(check["deviance"], 4) for name, check in checks.items()}
    if settings.rows is None:
        _check(deviances)
    facts = {
        "deviance": deviances,
        "coefficients with standard errors": {name: check["coefficients"] for name, check in checks.items()},
        "of the time, finding the deviance, s": {n: round(one["finding the deviance"], 3) for n, one in checks.items()},
        "peak memory above data, MB": {name: round(one["above_data_mb"]) for name, one in memory.items()},
    }
    return Report(NAME, TITLE, _ratios(seconds, memory, settings.peers), seconds, facts)


def _ratios(seconds: Mapping[str, list[float]], memory: Mapping[str, dict[str, float]], peers: bool) -> list[Ratio]:
    ratios = [ratio(f"ours / {peer}", seconds["ours"], seconds[peer], TARGET) for peer in PEERS if peers]
    ratios += [ratio(f"{one} / {peer}", seconds[one], seconds[peer]) for one in OURS[1:] for peer in PEERS if peers]
    ratios += [ratio(f"{one} / ours", seconds[one], seconds["ours"]) for one in OURS[1:]]
    for peer in PEERS if peers else ():
        share = memory["ours"]["above_data_mb"] / memory[peer]["above_data_mb"]
        ratios.append(Ratio(f"peak memory above data, ours / {peer}", share, share, share))
    return ratios


def _check(deviances: Mapping[str, float]) -> None:
    wrong = {name: found for name, found in deviances.items() if abs(found - PUBLIC_DEVIANCE) > 6e-4}
    if wrong:
        raise RuntimeError(f"deviance should be {PUBLIC_DEVIANCE}, found {wrong}: another model was fitted")
