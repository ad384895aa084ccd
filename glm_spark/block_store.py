"""Packed blocks on executors: cached binary cells (or a scratch table), and kernels run over them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from pyspark.sql import DataFrame

from glm_local.rows.block_bytes import sums_from_bytes, sums_to_bytes
from glm_local.rows.blocks import BlockDesign, Kernel, Sums
from glm_local.rows.engine import PassCounter
from glm_local.rows.joined_blocks import fold_sums
from glm_local.rows.key_layout import KeyLayout
from glm_local.rows.memory_blocks import ROWS_VERB, SUM_VERB, blocks_closed
from glm_spark.answer_tree import Heads, Merging, gathered, in_order, look, merged, met
from glm_spark.block_layout import FEW_PARTITIONS, divided, partitions_wanted
from glm_spark.partition_work import (
    ANSWER_SCHEMA,
    KEPT_SCHEMA,
    NOT_ASKED,
    Work,
    join_work,
    kernel_merge,
    pack_work,
    sum_work,
)
from glm_spark.query_settings import BLOCKS_OUT, ROWS_OUT, query_settings
from glm_spark.spark_errors import explained

Materialise = Literal["cache", "table"]

FEW_MERGED = 4
"""Merged answers the driver takes: what is worth a level of the tree is soon worth the next."""


class SparkBlocks:
    """A `Blocks` handle over packed rows, one row per block and one per partition (`KEPT_SCHEMA`).

    Parameters
    ----------
    design
        What the blocks hold.
    layout, rows
        How rows travel, and the rows; not run yet.
    passes
        Where passes are recorded.
    materialise, scratch
        "cache": blocks stay in the executors' memory, spilled to their disks. "table": they are written to a table of
        their own in the catalog or schema `scratch`, for clusters that do not cache.
    merging
        When partitions' answers meet on executors.

    The first sum builds the blocks, keeps them and adds them up where they are built: rows cross to Python once, and
    each partition keeps its answer beside its blocks. Where the rows' partitions are many and small, or uneven, blocks
    are first put together and divided by rows.
    """

    def __init__(
        self,
        design: BlockDesign,
        layout: KeyLayout,
        rows: DataFrame,
        passes: PassCounter,
        materialise: Materialise,
        scratch: str,
        merging: Merging,
    ) -> None:
        self.design = design
        self._layout = layout
        self._rows = rows
        self._passes = passes
        self._kept = _KeptRows(materialise, scratch)
        self._merging = merging
        self._partitions = 0
        self._closed = False

    def sum(self, kernel: Kernel, purpose: str, every: int = 1) -> Sums:
        """Add up what `kernel` returns over every `every`-th block, partitions merged in their order.

        Raises
        ------
        EngineError
            The cluster does not cache, or the job failed; DataError when a row cannot be evaluated.
        """
        if self._closed:
            raise blocks_closed()
        built = self._kept.frame is not None
        if not built:
            self._passes.record(ROWS_VERB, purpose)
        self._passes.record(SUM_VERB, purpose, 1 / every)
        sums = self._answer(kernel, every) if built else self._build(kernel, every)
        if sums is None and every > 1:
            sums = self._answer(kernel, 1)
        return kernel.merge([kernel.finish(kernel.begin()) if sums is None else sums])

    def close(self) -> None:
        """Free the cache or drop the scratch table; the handle is useless afterwards."""
        self._kept.free()
        self._closed = True

    def _build(self, kernel: Kernel, every: int) -> Sums | None:
        size, merging = _answer_size(kernel), self._merging
        work = pack_work(self.design, self._layout, kernel, every, merging.taken(size))
        try:
            kept, heads = self._keep(self._rows, work, size, ROWS_OUT)
            wanted = partitions_wanted(heads.partitions, min(merging.parts, FEW_PARTITIONS))
            if wanted is not None:
                work = join_work(self.design, kernel, every)
                kept, heads = self._keep(divided(kept, heads.partitions, wanted), work, size, BLOCKS_OUT)
        except Exception:
            # What was to be kept would run this kernel again.
            self._kept.free()
            raise
        self._partitions = len(heads.partitions)
        if heads.complete:
            return _folded(kernel, heads.found[0])
        if NOT_ASKED in heads.sizes:
            return self._answer(kernel, every)
        with explained():
            return _folded(kernel, met(_answers_of(kept), kernel_merge(kernel), merging, 1, heads.sizes)[0])

    def _keep(self, rows: DataFrame, work: Work, size: int, settings: Mapping[str, str]) -> tuple[DataFrame, Heads]:
        """Run what packs, keep its blocks in place of those kept so far, and look at the partitions' answers."""
        with explained(), query_settings(rows.sparkSession, settings):
            kept, free_before = self._kept.replaced(rows.mapInArrow(work, KEPT_SCHEMA))
            try:
                seen = look(_answers_of(kept), self._merging, max(size, self._merging.light))
            finally:
                free_before()
        return kept, Heads.of(seen, 1)

    def _answer(self, kernel: Kernel, every: int) -> Sums | None:
        kept, merging, size = self._kept.frame, self._merging, _answer_size(kernel)
        assert kept is not None
        wanted = "block IS NOT NULL" + (f" AND (partition + number) % {int(every)} = 0" if every > 1 else "")
        blocks, merge = kept.where(wanted).select("block"), kernel_merge(kernel)
        enough = merging.taken(size)
        with explained(), query_settings(kept.sparkSession, BLOCKS_OUT):
            if self._partitions > enough:
                answers = blocks.mapInArrow(sum_work(self.design, kernel), ANSWER_SCHEMA)
                answers = merged(answers, merge, merging, 1, self._partitions, min(enough, FEW_MERGED))
                return _folded(kernel, in_order(answers.toArrow(), 1)[0])
            most = 2 * max(size, merging.light)
            plain = blocks.mapInArrow(sum_work(self.design, kernel, most), ANSWER_SCHEMA).toArrow()
            if not plain["answer"].null_count:
                return _folded(kernel, in_order(plain, 1)[0])
            answers = blocks.mapInArrow(sum_work(self.design, kernel), ANSWER_SCHEMA)
            return _folded(kernel, gathered(answers, merge, merging, 1, self._kept.caches)[0][0])


class _KeptRows:
    """Where rows of blocks are kept: cached, or in a scratch table."""

    def __init__(self, materialise: Materialise, scratch: str) -> None:
        self.caches = materialise == "cache"
        self.frame: DataFrame | None = None
        self._scratch = scratch
        self._table: str | None = None

    def replaced(self, built: DataFrame) -> tuple[DataFrame, Callable[[], None]]:
        """Keep rows from now on; also returns what frees the ones before, which they may be made from."""
        before = partial(_freed, self.frame, self._table)
        self.frame = built.cache() if self.caches else self._written(built)
        return self.frame, before

    def free(self) -> None:
        """Keep nothing."""
        kept, self.frame = self.frame, None
        with explained():
            _freed(kept, self._table)

    def _written(self, built: DataFrame) -> DataFrame:
        name = f"glm_blocks_{uuid.uuid4().hex}"
        self._table = f"{self._scratch}.{name}" if self._scratch else name
        built.write.saveAsTable(self._table)
        return built.sparkSession.table(self._table)


def _freed(kept: DataFrame | None, table: str | None) -> None:
    if kept is not None:
        if table is None:
            kept.unpersist()
        else:
            kept.sparkSession.sql(f"DROP TABLE IF EXISTS {table}")


def _answers_of(kept: DataFrame) -> DataFrame:
    return kept.where("size IS NOT NULL").selectExpr("partition", "0 AS item", "before AS rows", "size", "answer")


def _answer_size(kernel: Kernel) -> int:
    """Bytes of an answer without rows: those of any answer, unless the kernel collects keys of its own."""
    return len(sums_to_bytes(kernel.finish(kernel.begin())))


def _folded(kernel: Kernel, answers: Sequence[Any]) -> Sums | None:
    return fold_sums(kernel, (sums_from_bytes(one) for one in answers if one is not None))
