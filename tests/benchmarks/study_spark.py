"""An automatic study of ten candidates on 10M made rows: passes over the source, and time in plain scans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.measurement import Ratio, Report, Settings, at_most, interleaved, ratio, timed
from tests.benchmarks.motor_design import EXPOSURE, MADE_EDGES, MADE_LEVELS, TARGET
from tests.benchmarks.motor_rows import motor_files
from tests.benchmarks.spark_session import read_files, scan_and_sum, session, spark_missing

NAME, TITLE = "study_spark", "10M made rows, ten candidates, automatic study to finalized model and report, local[2]"
ROWS = 10_000_000
MOST_PASSES = 8


def run(settings: Settings) -> Report:
    missing = spark_missing()
    if missing:
        return Report(NAME, TITLE, skipped=missing)
    files = _keyed(motor_files(settings.scratch, settings.rows or ROWS))
    last: dict[str, Any] = {}
    with session() as spark:
        frame = read_files(spark, files)
        plain = frame.drop("policy", "luck")
        contenders = {
            "scan": timed(lambda: scan_and_sum(plain)),
            "study": timed(lambda: last.update(_study(spark, frame))),
        }
        seconds = interleaved(contenders, settings.rounds or 1, warm_up=0)
    passes = float(last["passes over the source"])
    ratios = [
        Ratio("passes over the source", passes, passes, passes, at_most(MOST_PASSES)),
        ratio("study / scan", seconds["study"], seconds["scan"]),
    ]
    return Report(NAME, TITLE, ratios, seconds, last)


def _keyed(files: list[Path]) -> list[Path]:
    """The same rows with a key, and a tenth candidate that is pure chance."""
    made = []
    first = 0
    for at, path in enumerate(files):
        keyed = path.with_name(f"keyed_{path.name}")
        count = pq.read_metadata(path).num_rows
        if not keyed.exists():
            luck = np.random.default_rng(1_000 + at).integers(0, 12, count)
            table = pq.read_table(path).append_column("policy", pa.array(np.arange(first, first + count)))
            pq.write_table(table.append_column("luck", pa.array(luck)), keyed, row_group_size=100_000)
        first += count
        made.append(keyed)
    return made


def _study(spark: Any, frame: Any) -> dict[str, Any]:
    from glm_spark import GLMStudy
    from glm_spark.spark_engine import SparkEngine

    engine = SparkEngine(spark)
    study = GLMStudy(
        frame,
        target=TARGET,
        exposure=EXPOSURE,
        key="policy",
        candidates=[*MADE_EDGES, *MADE_LEVELS, "luck"],
        engine=engine,
    )
    study.auto_design()
    study.finalize()
    page = study.report()
    taken = [one for one in engine.passes.passes if one.verb != "blocks.sum"]
    return {
        "passes over the source": len(taken),
        "which": [f"{one.verb}: {one.purpose[:40]}" for one in taken],
        "packed passes": round(engine.passes.packed, 1),
        "factors": list(study.accepted),
        "page, bytes": len(page),
        "seconds by step": {name: round(seconds, 1) for name, seconds in study.timings.items()},
    }
