"""How packed blocks lie among partitions: by rows, whatever partitions the rows came in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame

from glm_local.rows.blocks import ROWS_PER_BLOCK

TASK_BLOCKS = 4
"""Blocks that share a task: the answer of some hundred columns costs a task about as much as so many."""

FEW_PARTITIONS = 8
"""Blocks of so few partitions stay where they are, with however few rows: a move costs as much as some passes."""

MANY_PARTITIONS = 64
"""Partitions of so few blocks; more blocks than that lie together."""

MOST_BLOCKS = 16
"""Blocks of a partition, where there are many."""


@dataclass(frozen=True)
class Packed:
    """What a partition's rows became."""

    partition: int
    rows: int


def partitions_wanted(packed: Sequence[Packed], enough: int) -> int | None:
    """Return among how many partitions blocks should be divided evenly; None where they lie well.

    Blocks move where more than `enough` partitions are twice as many as tasks would fill, or where one holds far more
    rows than its share.

    Examples
    --------
    >>> partitions_wanted([Packed(at, 1_000) for at in range(1_000)], 32)
    4
    >>> partitions_wanted([Packed(0, 4_000_000), Packed(1, 10), Packed(2, 20)], 32)
    3
    >>> partitions_wanted([Packed(0, 500_000), Packed(1, 500_000)], 32)
    """
    rows = sum(one.rows for one in packed)
    blocks = max(math.ceil(rows / ROWS_PER_BLOCK), 1)
    fewest, most = _filled(blocks, TASK_BLOCKS), min(len(packed), _filled(blocks, 1))
    if not rows or len({one.partition for one in packed}) < len(packed):
        # Nothing to divide, or partitions that do not know their numbers.
        return None
    if len(packed) > max(enough, 2 * fewest):
        return fewest
    uneven = max(one.rows for one in packed) > 2 * math.ceil(rows / most) + ROWS_PER_BLOCK
    return most if uneven else None


def _filled(blocks: int, least: int) -> int:
    return max(min(math.ceil(blocks / least), MANY_PARTITIONS), math.ceil(blocks / MOST_BLOCKS))


def divided(kept: DataFrame, packed: Sequence[Packed], wanted: int) -> DataFrame:
    """Return the kept blocks in `wanted` partitions of about as many rows, in the order they had.

    `kept` has the columns ``partition, number, before, block``.
    """
    return (
        placed(kept.where("block IS NOT NULL").select("partition", "number", "before", "block"), packed, wanted)
        .repartitionById(wanted, "target")  # type: ignore[arg-type]
        .sortWithinPartitions("partition", "number")
        .select("block")
    )


def placed(rows: DataFrame, packed: Sequence[Packed], wanted: int) -> DataFrame:
    """Say in a column `target` in which of `wanted` partitions each row should lie, so that all hold as many.

    `rows` have the columns ``partition`` and ``before``: where they lay, and the rows before them there.
    """
    total = max(sum(one.rows for one in packed), 1)
    share = f"(coalesce(start, 0) + before) * {wanted} DIV {total}"
    starts = rows.sparkSession.createDataFrame(_starts(packed)).hint("broadcast")
    target = f"CAST(least({share}, {wanted - 1}) AS int) AS target"
    return rows.join(starts, "partition", "left").selectExpr("*", target)


def _starts(packed: Sequence[Packed]) -> pa.Table:
    """Rows before each partition's first."""
    partitions, starts, before = [], [], 0
    for one in sorted(packed, key=lambda one: one.partition):
        partitions.append(one.partition)
        starts.append(before)
        before += one.rows
    return pa.table({"partition": pa.array(partitions, pa.int32()), "start": pa.array(starts, pa.int64())})
