"""Optimal bins beside optbinning (information value) and glm-factor-optimizer (its own objective), on their pre-bins."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tests.benchmarks.binning_rows import (
    BIN_PENALTY,
    FREE_BINS,
    LEAST_SHARE,
    MOST_BINS,
    PRE_BINS,
    SEARCH_CASES,
    SMALL_PENALTY,
    SMALL_SIZE,
    TRENDS,
    SearchCase,
    claims,
    defaults,
    kind_names,
)
from tests.benchmarks.measurement import Ratio, Report, Settings, at_least, at_most, ratio, without_missing_peers

NAME = "binning_peers"
TITLE = "bins beside optbinning (same pre-bins, information value) and glm-factor-optimizer (its five search cases)"
ROOT = Path(__file__).resolve().parents[2]
ROWS, SECONDS_LIMIT = 50_000, 10.0
SEARCH_ROWS = 80_000
SLACK = 1e-9


class Peers:
    """Both packages in a process of their own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, **asked: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("a peer ended early; its own message stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def peers(python: str) -> Iterator[Peers]:
    command = [python, "-m", "tests.benchmarks.binning_contender"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield Peers(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


# -- information value ----------------------------------------------------------------------------------------------


def counts(score: Any, event: Any, pre_bins: int) -> tuple[Any, Any, Any]:
    """Edges, and rows without and with an event per pre-bin."""
    edges = np.quantile(score, np.arange(1, pre_bins) / pre_bins)
    code = np.searchsorted(edges, score, side="right")  # the peer's bins are closed on the left
    events = np.bincount(code, event, pre_bins)
    return edges, np.bincount(code, minlength=pre_bins) - events, events


def values(calm: Any, events: Any) -> tuple[Any, Any]:
    """Information value and event rate of every run of pre-bins; -inf where the run is not allowed."""
    from glm_local.binning.segments import run_sums

    none, some = run_sums(calm.astype(float)), run_sums(events.astype(float))
    with np.errstate(all="ignore"):
        p, q = none / calm.sum(), some / events.sum()
        value, rate = (p - q) * np.log(p / q), some / (none + some)
    least = np.ceil(LEAST_SHARE * (calm.sum() + events.sum()))
    allowed = (none > 0) & (some > 0) & (none + some >= least)
    return np.where(allowed, value, -np.inf), np.where(allowed, rate, 0.0)


def ours_by_value(rows: int, pre_bins: int, trend: str) -> tuple[float, float]:
    """Seconds from raw rows to the bins, and their information value."""
    from glm_local.binning.program import Task, best_partitions

    score, event = defaults(rows)
    start = time.perf_counter()
    _, calm, events = counts(score, event, pre_bins)
    value, rate = values(calm, events)
    found = best_partitions(Task(value, rate, MOST_BINS, trend))  # type: ignore[arg-type]
    best = max((one.value for one in found.values()), default=0.0)
    return time.perf_counter() - start, best


def value_of(splits: Sequence[float], rows: int, pre_bins: int) -> float:
    """Information value of a peer's splits, by our arithmetic."""
    edges, calm, events = counts(*defaults(rows), pre_bins)
    value, _ = values(calm, events)
    borders = [0, *(int(np.abs(edges - one).argmin()) + 1 for one in splits), pre_bins]
    return float(sum(value[run] for run in pairwise(borders)))


def by_value(settings: Settings, other: Peers | None) -> tuple[list[Ratio], dict[str, list[float]], dict[str, Any]]:
    rows = settings.rows or ROWS
    ratios: list[Ratio] = []
    facts: dict[str, Any] = {}
    seconds: dict[str, list[float]] = {}
    for pre_bins in PRE_BINS if settings.rows is None else (20,):
        for trend in TRENDS:
            case = f"{pre_bins} pre-bins, {trend}"
            runs = [ours_by_value(rows, pre_bins, trend) for _ in range((settings.rounds or 5) + 1)][1:]
            seconds[f"ours, {case}"] = [one for one, _ in runs]
            if other is None:
                ratios.append(ratio(f"ours / ours, {case}", *[seconds[f"ours, {case}"]] * 2))
                continue
            answer = other.ask(peer="optbinning", rows=rows, pre_bins=pre_bins, trend=trend, limit=SECONDS_LIMIT)
            seconds[f"optbinning, {case}"] = taken = [answer["seconds"]] * len(runs)
            ratios.append(ratio(f"seconds, ours / optbinning, {case}", seconds[f"ours, {case}"], taken, at_most(0.05)))
            _told(case, seconds[f"ours, {case}"], taken[0])
            theirs = value_of(answer["splits"], rows, pre_bins) if answer["status"] in ("OPTIMAL", "FEASIBLE") else 0.0
            facts[f"information value, {case}"] = {
                "ours": round(runs[0][1], 6),
                "optbinning": round(theirs, 6),
                "(its status)": answer["status"],
            }
            if runs[0][1] < theirs - SLACK:
                raise RuntimeError(f"{case}: our information value {runs[0][1]} is below theirs, {theirs}")
    return ratios, seconds, facts


# -- glm-factor-optimizer's objective -------------------------------------------------------------------------------


def ours_by_its_score(made: dict[str, Any], case: SearchCase) -> float:
    """The least of its score over all its bins: raw arrays to the proven minimum.

    Its score is mean validation deviance of the rates of training, plus 0.001 a bin, as much again for each beyond 8,
    and 0.01 for each with an exposure below 100. Numeric pre-bins are its own training quantiles; categories are cut
    along our order.
    """
    from glm_local.binning.factor_sums import PowerLogSums
    from glm_local.binning.program import Task, best_partitions
    from glm_local.binning.segments import run_sums
    from glm_local.binning.shifts import best_shift, deviance_change

    sums, size = search_sums(made, case)
    train, held = (PowerLogSums(1.0, run_sums(sums[0][k]), run_sums(sums[1][k])) for k in (0, 1))
    shift = best_shift(train)
    allowed = np.isfinite(shift) & (train.b > 0)
    rows = len(made["claims"]) - made["train"]
    change = deviance_change(held, np.where(allowed, shift, 0.0)) / rows
    small = np.where(train.b < SMALL_SIZE, SMALL_PENALTY, 0.0)
    found = best_partitions(Task(np.where(allowed, -change - small, -np.inf), shift, size))
    present = null_deviance(made) / rows
    return min(
        present - one.value + bins * BIN_PENALTY + max(bins - FREE_BINS, 0) * BIN_PENALTY for bins, one in found.items()
    )


def search_sums(made: dict[str, Any], case: SearchCase) -> tuple[tuple[Any, Any], int]:
    """Claims and exposure per ordered unit of training and validation; number of units."""
    at, size = made["train"], 60
    if case.pre_bins:
        edges = np.quantile(made["number"][:at], np.linspace(0, 1, case.pre_bins + 1))[1:-1]
        code, size = np.searchsorted(edges, made["number"], side="left"), case.pre_bins
    else:
        code = made["kind"]
    parts = [slice(0, at), slice(at, None)]
    claims_, exposure = (
        [np.bincount(code[part], made[name][part], size) for part in parts] for name in ("claims", "exposure")
    )
    order = np.arange(size) if case.pre_bins else np.argsort(shrunk(claims_[0], exposure[0]), kind="stable")
    return ([one[order] for one in claims_], [one[order] for one in exposure]), size  # type: ignore[return-value]


def shrunk(amount: Any, weight: Any) -> Any:
    """Claim rates drawn to the mean by their credibility, with the Poisson variance."""
    mean = amount.sum() / weight.sum()
    spread = weight.sum() - (weight**2).sum() / weight.sum()
    between = max(((weight * (amount / weight - mean) ** 2).sum() - (len(weight) - 1) * mean) / spread, 1e-12)
    return mean + weight / (weight + mean / between) * (amount / weight - mean)


def null_deviance(made: dict[str, Any]) -> float:
    """Validation deviance when claims are expected as exposure."""
    count, exposure = made["claims"][made["train"] :], made["exposure"][made["train"] :]
    with np.errstate(all="ignore"):
        logarithm = np.where(count > 0, count * np.log(count / exposure), 0.0)
    return float(2 * (logarithm - count + exposure).sum())


def ours_the_whole_way(made: dict[str, Any], case: SearchCase) -> tuple[float, float]:
    """Seconds of what a user calls: frame, 200 pre-bins, packing, five folds, specification; and its validation deviance."""
    import pandas as pd

    from glm_local.binning.optimal_bins import optimal_bins
    from glm_local.candidates.open_rows import open_rows
    from glm_local.glm.request import FitRequest
    from glm_local.pandas_rows.pandas_engine import PandasEngine
    from glm_local.validation.split import Split

    at, rows = made["train"], len(made["claims"])
    frame = pd.DataFrame({name: made[name] for name in ("number", "exposure", "claims")})
    frame = frame.assign(kind=kind_names(made["kind"]), id=np.arange(rows))
    frame["sample"] = np.where(np.arange(rows) < at, "train", "validation")
    factor = "number" if case.pre_bins else "kind"
    split = Split("column", column="sample", values={"train": ("train",), "validation": ("validation",)})
    start = time.perf_counter()
    request = FitRequest("claims", (), exposure="exposure")
    packed, _ = open_rows(PandasEngine(), frame, request, [factor], split, ("id",))
    result = optimal_bins(packed.sums(None)[factor], packed.candidates[factor])
    seconds = time.perf_counter() - start
    packed.close()
    return seconds, float(result.trials.loc[result.trials["chosen"], "validation_deviance"].iloc[0])


def by_its_score(settings: Settings, other: Peers | None) -> tuple[list[Ratio], dict[str, list[float]], dict[str, Any]]:
    rows = settings.rows or SEARCH_ROWS
    ratios: list[Ratio] = []
    facts: dict[str, Any] = {}
    seconds: dict[str, list[float]] = {}
    made = claims(rows)
    for case in SEARCH_CASES:
        taken = []
        for _ in range((settings.rounds or 5) + 1):
            start = time.perf_counter()
            score = ours_by_its_score(made, case)
            taken.append(time.perf_counter() - start)
        seconds[f"ours, {case.name}"] = taken[1:]
        if other is None:
            ratios.append(ratio(f"ours / ours, {case.name}", taken[1:], taken[1:]))
            continue
        trials = case.trials if settings.rows is None else 2
        answer = other.ask(peer="glm-factor-optimizer", rows=rows, pre_bins=case.pre_bins, trials=trials)
        seconds[f"glm-factor-optimizer, {case.name}"] = theirs = [answer["seconds"]] * len(taken[1:])
        whole = [ours_the_whole_way(made, case) for _ in taken]
        seconds[f"ours from frame to specification, {case.name}"] = way = [one for one, _ in whole[1:]]
        name = f"seconds, glm-factor-optimizer / ours from frame to specification, {case.name}"
        ratios.append(ratio(name, theirs, way))
        facts[f"validation deviance, {case.name}"] = {
            "ours, chosen without validation rows": round(whole[0][1], 6),
            "glm-factor-optimizer, chosen on them": round(answer["validation_deviance"], 6),
        }
        name = f"seconds, glm-factor-optimizer / ours, {case.name}"
        ratios.append(ratio(name, theirs, taken[1:], at_least(500) if settings.rows is None else None))
        _told(case.name, taken[1:], theirs[0])
        facts[f"score, {case.name}"] = {"ours": round(score, 6), "glm-factor-optimizer": round(answer["score"], 6)}
        if score > answer["score"] + SLACK:
            raise RuntimeError(f"{case.name}: our score {score} is above theirs, {answer['score']}")
    return ratios, seconds, facts


def run(settings: Settings) -> Report:
    settings = without_missing_peers(settings, "glm_factor_optimizer", "optbinning")
    if not settings.peers:
        return _report([part(settings, None) for part in (by_value, by_its_score)])
    with peers(settings.peer_python) as other:
        return _report([part(settings, other) for part in (by_value, by_its_score)])


def _told(case: str, mine: Sequence[float], theirs: float) -> None:
    sys.stderr.write(f"  {case}: ours {median(mine):.4f} s, the peer {theirs:.2f} s\n")


def _report(parts: Sequence[tuple[list[Ratio], dict[str, list[float]], dict[str, Any]]]) -> Report:
    ratios = [one for part, _, _ in parts for one in part]
    seconds = {name: taken for _, part, _ in parts for name, taken in part.items()}
    return Report(NAME, TITLE, ratios, seconds, {name: fact for _, _, part in parts for name, fact in part.items()})
