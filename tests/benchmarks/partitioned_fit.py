"""One fit of a wide binomial design in a session of its own, its rows in a given number of partitions.

Prints one line of JSON: seconds of the fit, seconds of one empty job on as many partitions, how many passes over rows
the fit made, the peak of the driver's Python in megabytes, and the numbers it found. Run by `partitions`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.spark_session import session

LEVELS = {"district": 60, "trade": 80, "model": 100, "agent": 250}
WARM_UP = 5_000


def made_rows(rows: int) -> pa.Table:
    """Rows of four factors and a target of 0 and 1, the same ones for any partitioning."""
    draw = np.random.default_rng(1729)
    codes = {name: draw.integers(0, levels, rows) for name, levels in LEVELS.items()}
    eta = -2.0 + sum(0.3 * np.sin(code * (at + 2.0)) for at, code in enumerate(codes.values()))
    columns: dict[str, Any] = {name: np.char.add("l", code.astype(str)) for name, code in codes.items()}
    return pa.table(columns | {"y": (draw.random(rows) < 1 / (1 + np.exp(-eta))).astype(np.float64)})


def factors() -> list[dict[str, Any]]:
    rule = {"kind": "categorical", "missing": "refuse", "unseen": "refuse", "base": {"level": "l0"}}
    return [{**rule, "name": name, "column": name} for name in LEVELS]


def _most_memory() -> float:
    """Megabytes this process held at most; getrusage would begin with what its parent held."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return float(line.split()[1]) / 1024


def _empty_job(spark: Any, partitions: int) -> float:
    start = time.perf_counter()
    spark.range(0, partitions, 1, partitions).selectExpr("sum(id)").collect()
    return time.perf_counter() - start


def write_rows(file: Path, rows: int) -> Path:
    """Write made rows, unless they are there."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(made_rows(rows), file)
    return file


def main(file: Path, partitions: int) -> dict[str, Any]:
    from glm_local.glm.request import FitRequest
    from glm_local.models.fit_frame import fit_frame
    from glm_spark.spark_engine import SparkEngine

    with session() as spark:
        # In cached partitions of a stated number, so that only the fit is measured.
        rows = spark.read.parquet(str(file))
        frame = rows.repartition(partitions).cache()
        frame.count()
        engine = SparkEngine(spark)
        asked: dict[str, Any] = {"target": "y", "family": "binomial", "solver": "blocks"}
        fit_frame(engine, rows.limit(WARM_UP), FitRequest(**asked, factors=factors()[:1]), {})
        empty = min(_empty_job(spark, partitions) for _ in range(3))
        with engine.passes.counting() as passes:
            start = time.perf_counter()
            model: Any = fit_frame(engine, frame, FitRequest(**asked, factors=factors()), {})
            seconds = time.perf_counter() - start
    numbers = [one.estimate for one in model.document.coefficients]
    return {
        "partitions": partitions,
        "seconds": seconds,
        "empty": empty,
        "scans": passes.raw,
        "coefficients": numbers,
        "deviance": model.statistics.deviance,
        "megabytes": _most_memory(),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
