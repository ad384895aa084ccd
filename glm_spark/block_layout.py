"""How packed blocks lie among partitions: by rows, whatever partitions the rows came in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame

from glm_local.contract.blocks import ROWS_PER_BLOCK

SINGLE_BLOCKS = 64
"""Partitions of one block each; more blocks than that lie together."""

MOST_BLOCKS = 16
"""Blocks of a partition, where there are many."""


@dataclass(frozen=True)
class Packed:
    """What a partition's rows became."""

    partition: int
    rows: int


def partitions_wanted(packed: Sequence[Packed], enough: int) -> int | None:
    """Return among how many partitions blocks should be divided evenly; None where they lie well.

    Blocks move where more than `enough` partitions are twice as many as blocks would fill, or where one holds far more
    rows than its share.

    Examples
    --------
    >>> partitions_wanted([Packed(at, 1_000) for at in range(1_000)], 32)
    16
    >>> partitions_wanted([Packed(0, 4_000_000), Packed(1, 10), Packed(2, 20)], 32)
    3
    >>> partitions_wanted([Packed(0, 500_000), Packed(1, 500_000)], 32)
    """
    rows = sum(one.rows for one in packed)
    blocks = max(math.ceil(rows / ROWS_PER_BLOCK), 1)
    wanted = min(len(packed), max(min(blocks, SINGLE_BLOCKS), math.ceil(blocks / MOST_BLOCKS)))
    if not rows or len({one.partition for one in packed}) < len(packed):
        # Nothing to divide, or partitions that do not know their numbers.
        return None
    scattered = len(packed) > max(enough, 2 * wanted)
    uneven = max(one.rows for one in packed) > 2 * math.ceil(rows / wanted) + ROWS_PER_BLOCK
    return wanted if scattered or uneven else None


def divided(kept: DataFrame, packed: Sequence[Packed], wanted: int) -> DataFrame:
    """Return the kept blocks in `wanted` partitions of about as many rows, in the order they had.

    `kept` has the columns ``partition, number, before, block``.
    """
    rows = sum(one.rows for one in packed)
    share = f"(start + before) * {wanted} DIV {rows}"
    return (
        kept.where("block IS NOT NULL")
        .join(kept.sparkSession.createDataFrame(_starts(packed)).hint("broadcast"), "partition")
        .selectExpr("partition", "number", "block", f"CAST(least({share}, {wanted - 1}) AS int) AS target")
        .repartitionById(wanted, "target")  # type: ignore[arg-type]
        .sortWithinPartitions("partition", "number")
        .select("block")
    )


def _starts(packed: Sequence[Packed]) -> pa.Table:
    """Rows before each partition's first."""
    partitions, starts, before = [], [], 0
    for one in sorted(packed, key=lambda one: one.partition):
        partitions.append(one.partition)
        starts.append(before)
        before += one.rows
    return pa.table({"partition": pa.array(partitions, pa.int32()), "start": pa.array(starts, pa.int64())})
