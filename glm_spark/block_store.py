"""Packed blocks on executors: cached binary cells (or a scratch table), and kernels run over them."""

from __future__ import annotations

import uuid
from typing import Literal

from pyspark.sql import DataFrame

from glm_local.contract.block_bytes import sums_from_bytes
from glm_local.contract.blocks import BlockDesign, Kernel, Sums
from glm_local.contract.engine import PassCounter
from glm_local.contract.memory_blocks import ROWS_VERB, SUM_VERB, blocks_closed
from glm_spark.partition_work import ANSWER_SCHEMA, answers_in_order, sum_work
from glm_spark.query_settings import BLOCKS_OUT, ROWS_OUT, query_settings
from glm_spark.spark_errors import explained

Materialise = Literal["cache", "table"]


class SparkBlocks:
    """A `Blocks` handle over a frame of columns ``number, block``, one row per block.

    Parameters
    ----------
    design
        What the blocks hold.
    packed
        Makes the blocks when it is run; not run yet.
    passes
        Where passes are recorded.
    materialise, scratch
        "cache": the first sum builds, caches and adds up in one job. "table": blocks are written to a table of their
        own in the catalog or schema `scratch` first, for clusters that do not cache.
    """

    def __init__(
        self, design: BlockDesign, packed: DataFrame, passes: PassCounter, materialise: Materialise, scratch: str
    ) -> None:
        self.design = design
        self._packed = packed
        self._passes = passes
        self._materialise = materialise
        self._scratch = scratch
        self._kept: DataFrame | None = None
        self._table: str | None = None
        self._closed = False

    def sum(self, kernel: Kernel, purpose: str, every: int = 1) -> Sums:
        """Add up what `kernel` returns over every `every`-th block, partitions merged in their order.

        Raises
        ------
        EngineError
            The cluster does not cache, or the job failed; DataError when a row cannot be evaluated.
        """
        blocks = self._blocks(purpose)
        self._passes.record(SUM_VERB, purpose, 1 / every)
        parts = self._answers(blocks.where(f"number % {int(every)} = 0") if every > 1 else blocks, kernel)
        if not parts and every > 1:
            parts = self._answers(blocks, kernel)
        return kernel.merge(parts or [kernel.finish(kernel.begin())])

    def close(self) -> None:
        """Free the cache or drop the scratch table; the handle is useless afterwards."""
        if self._kept is not None and not self._closed:
            with explained():
                if self._table is None:
                    self._kept.unpersist()
                else:
                    self._kept.sparkSession.sql(f"DROP TABLE IF EXISTS {self._table}")
        self._closed = True

    def _blocks(self, purpose: str) -> DataFrame:
        if self._closed:
            raise blocks_closed()
        if self._kept is None:
            self._passes.record(ROWS_VERB, purpose)
            with explained(), query_settings(self._packed.sparkSession, ROWS_OUT):
                self._kept = self._packed.cache() if self._materialise == "cache" else self._written()
        return self._kept

    def _written(self) -> DataFrame:
        name = f"glm_blocks_{uuid.uuid4().hex}"
        self._table = f"{self._scratch}.{name}" if self._scratch else name
        self._packed.write.saveAsTable(self._table)
        return self._packed.sparkSession.table(self._table)

    def _answers(self, blocks: DataFrame, kernel: Kernel) -> list[Sums]:
        # The first job also plans and runs the building, so that both kinds of settings hold.
        with explained(), query_settings(blocks.sparkSession, ROWS_OUT | BLOCKS_OUT):
            answers = blocks.select("block").mapInArrow(sum_work(self.design, kernel), ANSWER_SCHEMA).toArrow()
        return [sums_from_bytes(part[0]) for part in answers_in_order(answers)]
