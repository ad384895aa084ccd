"""The same model by this package on ten million made rows and by Spark ML on one million of them, in turn."""

from __future__ import annotations

from statistics import median
from typing import Any

from tests.benchmarks.measurement import Report, Settings, at_least, interleaved, ratio, timed
from tests.benchmarks.motor_rows import ROWS_PER_FILE, motor_files
from tests.benchmarks.spark_fit import ROWS, OwnFit
from tests.benchmarks.spark_ml_fit import MlFit, fit_spark_ml
from tests.benchmarks.spark_session import read_files, session, spark_missing
from tests.benchmarks.timed_engine import TimedEngine

NAME, TITLE = (
    "spark_ml",
    "10M made rows, Parquet to standard errors, beside Spark ML's GLR on 1M of them, scaled to 10M",
)


def run(settings: Settings) -> Report:
    missing = spark_missing()
    if missing or not settings.peers:
        return Report(NAME, TITLE, skipped=missing or "other packages are left out")
    files = motor_files(settings.scratch, settings.rows or ROWS)
    with session() as spark:
        return _measure(spark, files, settings)


def _measure(spark: Any, files: list[Any], settings: Settings) -> Report:
    from glm_spark.spark_engine import SparkEngine

    engine = TimedEngine(SparkEngine(spark))
    whole, part = OwnFit(engine, read_files(spark, files)), OwnFit(engine, read_files(spark, files[:1]))
    theirs: list[MlFit] = []

    def spark_ml() -> float:
        theirs.append(fit_spark_ml(part.frame))
        return theirs[-1].seconds

    seconds = interleaved(
        {"fit": timed(whole), "fit of 1M": timed(part), "Spark ML on 1M": spark_ml}, settings.rounds or 2
    )
    rows = settings.rows or ROWS
    scale = rows / min(rows, ROWS_PER_FILE)
    fits = [one.seconds - one.preparing for one in theirs[1:]]
    ratios = [
        ratio("Spark ML, scaled to all rows / fit", seconds["Spark ML on 1M"], seconds["fit"], at_least(25), scale),
        ratio("its fit on cached vectors alone, scaled / fit", fits, seconds["fit"], None, scale),
        ratio("Spark ML / fit, both on 1M", seconds["Spark ML on 1M"], seconds["fit of 1M"]),
    ]
    facts = {
        "Spark ML's iterations": theirs[-1].iterations,
        "of its time, indexing, encoding and caching vectors, s": round(median(one.preparing for one in theirs[1:]), 2),
        "deviance on 1M": {"fit": round(part.deviance, 4), "Spark ML": round(theirs[-1].deviance, 4)},
    }
    return Report(NAME, TITLE, ratios, seconds, facts)
