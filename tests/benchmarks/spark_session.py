"""The Spark session of the benchmarks, and the plain scan everything is measured in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.motor_design import MADE_LEVELS

MASTER = "local[2]"
DRIVER_MEMORY = "8g"


def spark_missing() -> str | None:
    """Why there is no Spark, or None."""
    try:
        import pyspark  # noqa: F401

        from glm_spark.java import require_java

        require_java()
    except Exception as error:
        return f"Spark cannot run here: {error}"
    return None


@contextmanager
def session() -> Iterator[Any]:
    """Two cores and eight gigabytes, without Delta; an active session is used as it is and left running."""
    from glm_spark.session import active_session, spark_session

    found = active_session()
    spark = found or spark_session(
        "benchmarks",
        delta=False,
        **{"spark.master": MASTER, "spark.driver.memory": DRIVER_MEMORY, "spark.sql.shuffle.partitions": "4"},
    )
    try:
        yield spark
    finally:
        if found is None:
            spark.stop()


def read_files(spark: Any, files: Sequence[Path]) -> Any:
    return spark.read.parquet(*map(str, files))


def scan_and_sum(frame: Any) -> None:
    """Read every column the fit reads, and add it up (texts by their length)."""
    from pyspark.sql import functions

    amounts = (functions.length(name) if name in MADE_LEVELS else functions.col(name) for name in frame.columns)
    frame.agg(*(functions.sum(amount) for amount in amounts)).collect()
