"""What a benchmark measures: seconds of contenders taken in turn, and ratios of their medians beside a target."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, Literal

Seconds = dict[str, list[float]]


@dataclass(frozen=True)
class Settings:
    """How to run.

    Parameters
    ----------
    data
        Folder of the motor data; benchmarks that need them are skipped, with a reason, when it is not there.
    scratch
        Folder where made rows are kept between runs.
    rounds
        Interleaved rounds; None is each benchmark's own number.
    rows
        Run on so few made rows instead of the stated ones, to see that a benchmark still runs; targets do not apply.
    peers
        Whether other packages take part.
    peer_python
        Interpreter that has them.
    """

    data: Path
    scratch: Path
    rounds: int | None
    rows: int | None
    peers: bool
    peer_python: str


def without_missing_peers(settings: Settings, *modules: str) -> Settings:
    """The settings, without peers where the peers' interpreter lacks them; says so on standard error."""
    if not settings.peers:
        return settings
    asked = [settings.peer_python, "-c", f"import {', '.join(modules)}"]
    if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
        return settings
    sys.stderr.write(f"  {', '.join(modules)}: not all in {settings.peer_python}; peers are left out\n")
    return replace(settings, peers=False)


@dataclass(frozen=True)
class Target:
    """A bound a ratio should keep; "within" is a distance from 1 either way."""

    sense: Literal["at most", "at least", "within"]
    bound: float

    def met(self, value: float) -> bool:
        if self.sense == "within":
            return abs(value - 1) <= self.bound
        return value <= self.bound if self.sense == "at most" else value >= self.bound


@dataclass(frozen=True)
class Ratio:
    """One median over another; `low` and `high` are the extremes over the rounds' own ratios."""

    name: str
    value: float
    low: float
    high: float
    target: Target | None = None

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "PASS" if self.target.met(self.value) else "MISS"


@dataclass(frozen=True)
class Report:
    """A benchmark's answer; `skipped` says why there is none."""

    name: str
    title: str
    ratios: Sequence[Ratio] = ()
    seconds: Mapping[str, Sequence[float]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    skipped: str | None = None


def at_most(bound: float) -> Target:
    return Target("at most", bound)


def at_least(bound: float) -> Target:
    return Target("at least", bound)


def within(bound: float) -> Target:
    return Target("within", bound)


def interleaved(contenders: Mapping[str, Callable[[], float]], rounds: int, warm_up: int = 1) -> Seconds:
    """Run contenders in turn, A B A B, and collect the seconds each states; warm-up rounds are thrown away."""
    seconds: Seconds = {name: [] for name in contenders}
    for turn in range(warm_up + rounds):
        for name, run in contenders.items():
            taken = run()
            counts = turn >= warm_up
            sys.stderr.write(f"  {name}: {taken:.3f} s{'' if counts else ' (warm-up)'}\n")
            if counts:
                seconds[name].append(taken)
    return seconds


def timed(run: Callable[[], Any]) -> Callable[[], float]:
    """The same call, answering its seconds."""

    def call() -> float:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    return call


def ratio(
    name: str, above: Sequence[float], below: Sequence[float], target: Target | None = None, scale: float = 1.0
) -> Ratio:
    """Ratio of medians; both were taken in the same rounds, or `below` once for all of them."""
    paired = [scale * a / b for a, b in zip(above, below, strict=False)]
    return Ratio(name, scale * median(above) / median(below), min(paired), max(paired), target)
