"""Spark settings of one query of ours, put back afterwards: batches to Python, and code the JVM will compile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pyspark.sql import SparkSession

ROWS_OUT = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    # Any smaller bound makes Spark measure the whole batch again after every row, which takes longer than the scan.
    "spark.sql.execution.arrow.maxBytesPerBatch": "2147483647",
    # HotSpot does not compile methods of more than 8,000 bytes of bytecode; Spark then had better split the expression.
    "spark.sql.codegen.hugeMethodLimit": "8000",
}
"""Rows on their way to Python: one block a batch."""

BLOCKS_OUT = {
    # Blocks are large rows: small batches keep a task's buffers at a few of them.
    "spark.sql.execution.arrow.maxBytesPerBatch": "4194304",
}
"""Packed blocks on their way to Python."""


@contextmanager
def query_settings(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Set what the cluster lets us set while the queries of this block are planned and run."""
    before: dict[str, Any] = {}
    for key, value in settings.items():
        try:
            before[key] = spark.conf.get(key, None)
            spark.conf.set(key, value)
        except Exception:  # some clusters allow none of it; every query also runs without
            before.pop(key, None)
    try:
        yield
    finally:
        for key, was in before.items():
            if was is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, was)
