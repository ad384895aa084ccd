"""Screening of 15 candidates: this package beside glm-factor-optimizer's `rank_factors`.

Its call bins and fits every candidate each time it is made. Here a study learns fine codes and packs its rows once, and
every ranking after that, against whatever model, is a few passes over packed rows: that call is compared, and the way
from the raw frame to the first ranking, split and packing included, is shown beside it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.benchmarks.measurement import (
    Ratio,
    Report,
    Seconds,
    Settings,
    at_least,
    interleaved,
    ratio,
    timed,
    without_missing_peers,
)

NAME, TITLE = "screening_peers", "15 candidates, 60,000 training and 20,000 validation rows"
ROOT = Path(__file__).resolve().parents[2]
ROWS, TRAIN_SHARE = 80_000, 0.75
PEER = "glm-factor-optimizer"
TRUE = ("number 0", "number 1", "kind 0")
"""Candidates that act on the claims; the others say nothing."""


def screening_rows(rows: int, seed: int = 1) -> pd.DataFrame:
    """Eight numbers, five text columns of 6 to 60 values and two small integers, Poisson claims with exposure."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({f"number {at}": draw.normal(size=rows) for at in range(8)})
    for at, size in enumerate((6, 8, 12, 30, 60)):
        frame[f"kind {at}"] = pd.Series(draw.integers(0, size, rows)).map("k{:02}".format)
    for at in range(2):
        frame[f"whole {at}"] = draw.integers(0, 20, rows)
    exposure = draw.uniform(0.1, 1, rows)
    acting = 0.2 * frame["number 0"] - 0.15 * np.abs(frame["number 1"]) + 0.3 * (frame["kind 0"] == "k02")
    claims = draw.poisson(exposure * np.exp(-2 + acting)).astype(float)
    sample = np.where(np.arange(rows) < TRAIN_SHARE * rows, "train", "validation")
    return frame.assign(id=np.arange(rows), exposure=exposure, claims=claims, sample=sample)


def candidates_of(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame if name.split(" ")[0] in ("number", "kind", "whole")]


def packed(frame: pd.DataFrame) -> Any:
    """Split, fine codes and packed rows of a study."""
    from glm_local.candidates.open_rows import open_rows
    from glm_local.glm.request import FitRequest
    from glm_local.pandas_rows.pandas_engine import PandasEngine
    from glm_local.validation.split import Split

    split = Split("column", column="sample", values={"train": ("train",), "validation": ("validation",)})
    request = FitRequest("claims", (), exposure="exposure")
    rows, _ = open_rows(PandasEngine(), frame, request, candidates_of(frame), split, ("id",))
    _ = rows.blocks
    return rows


def ranked(rows: Any) -> list[str]:
    """Score tests, gains in training, out of fold and in validation, and checks; candidates by rank."""
    from glm_local.screening.rank_factors import rank_factors

    return [str(name) for name in rank_factors(rows).table["factor"]]


def from_raw(frame: pd.DataFrame) -> list[str]:
    rows = packed(frame)
    try:
        return ranked(rows)
    finally:
        rows.close()


def theirs(train: pd.DataFrame, validation: pd.DataFrame) -> list[str]:
    from glm_factor_optimizer.screening import rank_factors  # type: ignore[import-not-found]

    names = candidates_of(train)
    kinds = {name: "categorical" if name.startswith("kind") else "numeric" for name in names}
    table = rank_factors(
        train, validation, target="claims", factors=names, family="poisson", exposure="exposure", factor_kinds=kinds
    )
    return [str(name) for name in table["factor"]]


def main(rows: str) -> None:
    """Answer each line on standard input with one of JSON: seconds and the ranking."""
    warnings.simplefilter("ignore")
    frame = screening_rows(int(rows))
    train, validation = (frame[frame["sample"] == one].reset_index(drop=True) for one in ("train", "validation"))
    for _ in sys.stdin:
        start = time.perf_counter()
        found = theirs(train, validation)
        print(json.dumps({"seconds": time.perf_counter() - start, "ranking": found}), flush=True)


def _ask(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("rank\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("the peer ended early; its own message stands above")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _in_front(ranking: list[str]) -> int:
    return len(set(ranking[: len(TRUE)]) & set(TRUE))


def run(settings: Settings) -> Report:
    settings = without_missing_peers(settings, "glm_factor_optimizer")
    count = settings.rows or ROWS
    frame = screening_rows(count)
    rows = packed(frame)
    facts: dict[str, Any] = {"acting candidates among our first three": _in_front(ranked(rows))}
    contenders = {"ours": timed(lambda: ranked(rows)), "ours from raw": timed(lambda: from_raw(frame))}
    rounds = settings.rounds or 5
    if not settings.peers:
        seconds = interleaved(contenders, rounds)
        return Report(NAME, TITLE, [_raw_ratio(seconds)], seconds, facts)
    command = [settings.peer_python, "-m", "tests.benchmarks.screening_peers", str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as peer:
        try:
            facts[f"acting candidates among {PEER}'s first three"] = _in_front(_ask(peer)["ranking"])
            seconds = interleaved({**contenders, PEER: lambda: float(_ask(peer)["seconds"])}, rounds)
        finally:
            assert peer.stdin is not None
            peer.stdin.close()
    ratios = [
        ratio(f"{PEER} / ours", seconds[PEER], seconds["ours"], at_least(20)),
        ratio(f"{PEER} / ours from raw", seconds[PEER], seconds["ours from raw"]),
        _raw_ratio(seconds),
    ]
    return Report(NAME, TITLE, ratios, seconds, facts)


def _raw_ratio(seconds: Seconds) -> Ratio:
    return ratio("ours from raw / ours", seconds["ours from raw"], seconds["ours"])


if __name__ == "__main__":
    main(*sys.argv[1:])
