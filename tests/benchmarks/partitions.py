"""The same rows in 2 to 5,000 partitions: the same numbers, the driver's memory, and time beyond the scheduler's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.measurement import Ratio, Report, Settings, at_most, ratio, within
from tests.benchmarks.partitioned_fit import write_rows
from tests.benchmarks.spark_session import spark_missing

NAME, TITLE = "partitions", "1M made rows, binomial, 487 coefficients: 2 to 5,000 partitions, local[2]"
ROOT = Path(__file__).resolve().parents[2]
ROWS = 1_000_000
PARTITIONS = (2, 20, 200, 1_000, 5_000)
FEW_ROWS_PARTITIONS = (2, 60)


def run(settings: Settings) -> Report:
    missing = spark_missing()
    if missing:
        return Report(NAME, TITLE, skipped=missing)
    rows = settings.rows or ROWS
    file = write_rows(settings.scratch / f"partitions-{rows}.parquet", rows)
    asked = PARTITIONS if settings.rows is None else FEW_ROWS_PARTITIONS
    found = {count: [_fit(file, count) for _ in range(settings.rounds or 1)] for count in asked}
    few = found[asked[0]]
    ratios = [one for count in asked[1:] for one in _against(count, found[count], few)]
    facts = {f"{count} partitions": _told(fits[0]) for count, fits in found.items()}
    return Report(
        NAME, TITLE, ratios, {str(count): [one["seconds"] for one in fits] for count, fits in found.items()}, facts
    )


def _fit(file: Path, partitions: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.partitioned_fit", str(file), str(partitions)]
    answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    found: dict[str, Any] = json.loads(answer.splitlines()[-1])
    sys.stderr.write(f"  {partitions} partitions: {_told(found)}\n")
    return found


def _told(found: dict[str, Any]) -> str:
    return (
        f"{found['seconds']:.1f} s for {found['scans']} passes over rows and the rest; an empty job {found['empty']:.1f} s; "
        f"{found['megabytes']:.0f} MB; deviance {found['deviance']!r}"
    )


def _against(count: int, many: list[dict[str, Any]], few: list[dict[str, Any]]) -> list[Ratio]:
    own = [[one["seconds"] - one["empty"] for one in fits] for fits in (many, few)]
    memory = [[one["megabytes"] for one in fits] for fits in (many, few)]
    apart = max(_apart(one, other) for one, other in zip(many, few, strict=True))
    name = f"{count:,} partitions / {few[0]['partitions']}"
    return [
        ratio(f"{name}: seconds beyond one empty job", *own, at_most(1.5)),
        ratio(f"{name}: driver's memory", *memory, within(0.1)),
        Ratio(f"{name}: numbers, largest relative distance x 1e12", apart, apart, apart, at_most(1)),
    ]


def _apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    mine, theirs = (np.array([*found["coefficients"], found["deviance"]]) for found in (one, other))
    return 1e12 * float(np.max(np.abs(mine - theirs) / np.maximum(np.abs(theirs), 1e-3)))
