"""Answers of partitions on their way to the driver: as they are while few and small, else merged on executors.

Every answer carries the number of its partition. A level of the tree puts the answers of `fan_in` neighbouring numbers
into one, in the order of their numbers, so that a sum does not depend on which task ended first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from glm_spark.block_layout import Packed
from glm_spark.partition_work import ANSWER_SCHEMA, NOT_ASKED, Merge, merge_work
from glm_spark.query_settings import BLOCKS_OUT, query_settings

Found = list[list[Any]]
"""For every item the answers (buffers, None: given up) in the order of partitions."""

MERGING_TASKS = 64
BLIND_LEVELS = 2


@dataclass(frozen=True)
class Merging:
    """When answers meet on executors, and how many of them at a time.

    Parameters
    ----------
    fan_in
        Answers that become one at each level.
    parts, size
        The driver takes at most so many partitions' answers as they are, and at most so many bytes of them.
    """

    fan_in: int = 64
    parts: int = 32
    size: int = 12 * 2**20

    @property
    def light(self) -> int:
        """Bytes of a partition's answer that may travel before it is known how many there are."""
        return self.size // 16

    def taken(self, size: int) -> int:
        """How many answers of `size` bytes the driver takes as they are; always one."""
        return max(1, min(self.parts, self.size // max(size, 1)))


DEFAULT = Merging()


@dataclass(frozen=True)
class Heads:
    """What is known of the partitions and their answers, and the answers themselves where they are few and light."""

    found: Found
    partitions: tuple[Packed, ...]
    sizes: tuple[int, ...]
    complete: bool

    @classmethod
    def of(cls, seen: pa.Table, items: int) -> Heads:
        """Sort what `look` brought."""
        heads: Any = seen.filter(pc.field("item") == 0)
        partition, rows, sizes = (heads[name].to_pylist() for name in ("partition", "rows", "size"))
        packed = tuple(Packed(at, held) for at, held in zip(partition, rows, strict=True))
        return cls(in_order(seen, items), packed, tuple(sizes), all(heads["whole"].to_pylist()))


def look(answers: DataFrame, merging: Merging, light: int) -> pa.Table:
    """Look at answers that are kept: their partitions, rows and sizes, and those light enough to travel."""
    whole = f"(partition < {merging.parts} AND size BETWEEN 0 AND {light})"
    columns = ["partition", "item", "rows", "size", f"{whole} AS whole", f"IF({whole}, answer, NULL) AS answer"]
    return answers.where(f"item = 0 OR {whole}").selectExpr(*columns).toArrow()


def gathered(
    answers: DataFrame, merge: Merge, merging: Merging, items: int, keep: bool
) -> tuple[Found, tuple[Packed, ...] | None]:
    """Run a pass whose number and size of answers nobody knows, and bring few and small ones to the driver.

    Also returns the partitions they came from, where the pass has seen those.

    Parameters
    ----------
    keep
        Cache the answers while they are looked at; else, and where the cluster does not cache, they are merged twice,
        needed or not.
    """
    kept = _cached(answers) if keep else None
    if kept is None:
        return in_order(_levels(answers, merge, merging, items, BLIND_LEVELS).toArrow(), items), None
    try:
        heads = Heads.of(look(kept, merging, merging.light), items)
        found = heads.found if heads.complete else met(kept, merge, merging, items, heads.sizes)
        return found, heads.partitions
    finally:
        kept.unpersist()


def met(answers: DataFrame, merge: Merge, merging: Merging, items: int, sizes: Sequence[int]) -> Found:
    """Merge answers of known sizes until all of them may travel; a merged one may be as large as its parts."""
    enough = merging.parts if sum(sizes) <= merging.size else 1
    with query_settings(answers.sparkSession, BLOCKS_OUT):
        return in_order(merged(answers, merge, merging, items, len(sizes), enough).toArrow(), items)


def merged(answers: DataFrame, merge: Merge, merging: Merging, items: int, parts: int, enough: int) -> DataFrame:
    """Merge level by level until answers of at most `enough` partitions are left."""
    levels, left = 0, parts
    while left > enough:
        levels, left = levels + 1, math.ceil(left / merging.fan_in)
    return _levels(answers, merge, merging, items, levels, parts)


def in_order(answers: pa.Table, items: int) -> Found:
    """Sort answers by item and partition; where partitions have no number (0), order is as received."""
    found: list[list[tuple[int, Any]]] = [[] for _ in range(items)]
    columns = (answers[name].to_pylist() for name in ("partition", "item"))
    for partition, item, answer in zip(*columns, answers["answer"], strict=True):
        found[item].append((partition, answer.as_buffer()))
    return [[answer for _, answer in sorted(one, key=lambda pair: pair[0])] for one in found]


def _cached(answers: DataFrame) -> DataFrame | None:
    try:
        return answers.cache()
    except Exception:  # serverless: PERSIST TABLE is not supported
        return None


def _levels(
    answers: DataFrame, merge: Merge, merging: Merging, items: int, levels: int, parts: int | None = None
) -> DataFrame:
    for _ in range(levels):
        parts = None if parts is None else math.ceil(parts / merging.fan_in)
        tasks = MERGING_TASKS if parts is None else min(items * parts, MERGING_TASKS)
        answers = (
            answers.where(f"size <> {NOT_ASKED}")
            .selectExpr(f"CAST(partition DIV {merging.fan_in} AS int) AS above", "partition", "item", "answer")
            .repartition(tasks, "item", "above")
            .sortWithinPartitions("item", "above", "partition")
            .selectExpr("above", "item", "answer")
            .mapInArrow(merge_work(merge), ANSWER_SCHEMA)
        )
    return answers
