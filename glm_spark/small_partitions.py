"""Many small partitions of a table: their rows meet in a few before they reach Python.

A task of Python takes 10 to 25 ms whatever it holds. Rows meet in the JVM: a task reads many partitions, and every row
goes where its own number sends it, so that neither the task that read it nor its time changes what lies where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from pyspark.sql import DataFrame

from glm_local.rows.engine import PassCounter
from glm_local.sql.statement import quote_identifier
from glm_spark.block_layout import Packed, partitions_wanted, placed

SMALL_ROWS = 10_000
"""Rows of a partition, on average, whose way through a shuffle takes as long as a task of Python."""

READERS, READER_PARTITIONS, READER_ROWS = 24, 64, 262_144
"""Tasks that read the partitions: so many at least, more where they would have more partitions or rows than that."""

AT, ROW_BITS = "(number of a row)", 33
"""What `monotonically_increasing_id` numbers: the partition, above that many bits the row in it."""

_known: WeakKeyDictionary[DataFrame, tuple[Packed, ...]] = WeakKeyDictionary()
_sources: WeakKeyDictionary[DataFrame, DataFrame] = WeakKeyDictionary()


def learn_partitions(frame: DataFrame, partitions: Sequence[Packed]) -> None:
    """Keep in mind how many rows each partition of a frame holds."""
    _known[_source(frame)] = tuple(partitions)


def pass_on(frame: DataFrame, derived: DataFrame) -> DataFrame:
    """Let another frame of the same rows in the same partitions share what is known of them."""
    _sources[derived] = frame
    return derived


def partitions_of(frame: DataFrame, passes: PassCounter) -> tuple[Packed, ...] | None:
    """Rows of each partition where a pass has seen them, or None.

    Rows of a cached frame are counted: a pass in the JVM that reads no column.
    """
    source = _source(frame)
    if source not in _known and _is_cached(source):
        passes.record("cells", "rows of each partition")
        learn_partitions(source, _counted(source))
    return _known.get(source)


def _source(frame: DataFrame) -> DataFrame:
    while frame in _sources:
        frame = _sources[frame]
    return frame


def _is_cached(frame: DataFrame) -> bool:
    try:
        level = frame.storageLevel
    except Exception:  # clusters without a cache do not answer
        return False
    return bool(level.useMemory or level.useDisk)


def gathered_into(partitions: Sequence[Packed], enough: int) -> int | None:
    """Return how many partitions many small ones become; None where rows stay where they are.

    Examples
    --------
    >>> gathered_into([Packed(at, 1_000) for at in range(1_000)], 32)
    4
    >>> gathered_into([Packed(at, 50_000) for at in range(1_000)], 32)
    >>> gathered_into([Packed(at, 1_000) for at in range(20)], 32)
    """
    if sum(one.rows for one in partitions) > len(partitions) * SMALL_ROWS:
        return None
    wanted = partitions_wanted(partitions, enough)
    return None if wanted is None or len(partitions) <= max(enough, 2 * wanted) else wanted


def gathered_rows(rows: DataFrame, partitions: Sequence[Packed] | None, enough: int) -> DataFrame:
    """Return `rows`, read from a frame of these partitions, in few even ones where those are many and small.

    Rows keep their order. Some of the frame's rows may be left out.
    """
    wanted = None if partitions is None else gathered_into(partitions, enough)
    if partitions is None or wanted is None:
        return rows
    names = [quote_identifier(name) for name in rows.columns]
    numbered = rows.selectExpr("*", f"monotonically_increasing_id() AS `{AT}`").coalesce(_readers(partitions))
    parted = numbered.selectExpr(
        "*", f"CAST(shiftright(`{AT}`, {ROW_BITS}) AS int) AS partition", f"`{AT}` & {2**ROW_BITS - 1} AS before"
    )
    met = placed(parted, partitions, wanted).repartitionById(wanted, "target")  # type: ignore[arg-type]
    return met.sortWithinPartitions(AT).selectExpr(*names)


def _readers(partitions: Sequence[Packed]) -> int:
    rows = sum(one.rows for one in partitions)
    return max(READERS, len(partitions) // READER_PARTITIONS, rows // READER_ROWS)


def _counted(frame: DataFrame) -> list[Packed]:
    numbered = frame.selectExpr("spark_partition_id() AS partition").coalesce(READERS)
    found: Any = numbered.groupBy("partition").count().toArrow()
    held = dict(zip(found["partition"].to_pylist(), found["count"].to_pylist(), strict=True))
    return [Packed(at, held.get(at, 0)) for at in range(max(held, default=-1) + 1)]
