"""Packed blocks on executors: cached binary cells (or a scratch table), and kernels run over them."""

from __future__ import annotations

import uuid
from typing import Literal

import pyarrow as pa
from pyspark.sql import DataFrame

from glm_local.contract.block_bytes import sums_from_bytes
from glm_local.contract.blocks import BlockDesign, Kernel, Sums
from glm_local.contract.engine import PassCounter
from glm_local.contract.key_layout import KeyLayout
from glm_local.contract.memory_blocks import ROWS_VERB, SUM_VERB, blocks_closed
from glm_spark.partition_work import ANSWER_SCHEMA, BUILD_SCHEMA, answers_in_order, pack_work, sum_work
from glm_spark.query_settings import BLOCKS_OUT, ROWS_OUT, query_settings
from glm_spark.spark_errors import explained

Materialise = Literal["cache", "table"]


class SparkBlocks:
    """A `Blocks` handle over a frame of columns ``number, block, answer``, one row per block.

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

    The first sum builds the blocks, keeps them and adds them up where they are built: rows cross to Python once, and
    each partition keeps its answer beside its blocks.
    """

    def __init__(
        self, design: BlockDesign, layout: KeyLayout, rows: DataFrame, passes: PassCounter,
        materialise: Materialise, scratch: str,
    ) -> None:  # fmt: skip
        self.design = design
        self._layout = layout
        self._rows = rows
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
        if self._closed:
            raise blocks_closed()
        if self._kept is None:
            self._passes.record(ROWS_VERB, purpose)
        self._passes.record(SUM_VERB, purpose, 1 / every)
        parts = self._build(kernel, every) if self._kept is None else self._answers(kernel, every)
        if not parts and every > 1:
            parts = self._answers(kernel, 1)
        return kernel.merge(parts or [kernel.finish(kernel.begin())])

    def close(self) -> None:
        """Free the cache or drop the scratch table; the handle is useless afterwards."""
        self._free()
        self._closed = True

    def _free(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            with explained():
                if self._table is None:
                    kept.unpersist()
                else:
                    kept.sparkSession.sql(f"DROP TABLE IF EXISTS {self._table}")

    def _build(self, kernel: Kernel, every: int) -> list[Sums]:
        with explained(), query_settings(self._rows.sparkSession, ROWS_OUT):
            built = self._rows.mapInArrow(pack_work(self.design, self._layout, kernel, every), BUILD_SCHEMA)
            self._kept = built.cache() if self._materialise == "cache" else self._written(built)
            answers = self._kept.where("answer IS NOT NULL").selectExpr("number AS partition", "0 AS item", "answer")
            try:
                return _parts(answers.toArrow())
            except Exception:
                # What was to be kept would run this kernel again.
                self._free()
                raise

    def _written(self, built: DataFrame) -> DataFrame:
        name = f"glm_blocks_{uuid.uuid4().hex}"
        self._table = f"{self._scratch}.{name}" if self._scratch else name
        built.write.saveAsTable(self._table)
        return built.sparkSession.table(self._table)

    def _answers(self, kernel: Kernel, every: int) -> list[Sums]:
        assert self._kept is not None
        wanted = "block IS NOT NULL" + (f" AND number % {int(every)} = 0" if every > 1 else "")
        with explained(), query_settings(self._kept.sparkSession, BLOCKS_OUT):
            blocks = self._kept.where(wanted).select("block")
            return _parts(blocks.mapInArrow(sum_work(self.design, kernel), ANSWER_SCHEMA).toArrow())


def _parts(answers: pa.Table) -> list[Sums]:
    return [sums_from_bytes(part[0]) for part in answers_in_order(answers)]
