"""What Python workers run on a partition: neutral code of the contract, and nothing that needs Spark's driver side."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain, groupby
from typing import Any

import pyarrow as pa

from glm_local.rows.block_bytes import block_from_bytes, block_to_bytes, sums_from_bytes, sums_to_bytes
from glm_local.rows.blocks import ROWS_PER_BLOCK, Block, BlockDesign, Kernel, Sums, sum_blocks
from glm_local.rows.joined_blocks import fold_sums, joined_blocks
from glm_local.rows.key_layout import KeyLayout
from glm_local.rows.row_pass import RowPass, gather_rows

Batches = Iterator[pa.RecordBatch]
Work = Callable[[Batches], Batches]
Merge = Callable[[int, Iterator[Any]], bytes | None]
"""Item and its answers (buffers, None: given up) in order, to one answer."""

ANSWER_SCHEMA = "partition int, item int, rows bigint, size bigint, answer binary"
KEPT_SCHEMA = "partition int, number int, before bigint, block binary, size bigint, answer binary"

NOT_ASKED = -1
"""Size of an answer that was not computed."""


def row_pass_work(asked: RowPass[Any]) -> Work:
    """Summarise a partition; one row per table, as Arrow IPC (null: given up)."""

    def work(batches: Batches) -> Batches:
        _settle()
        seen = _Seen(batches)
        part = asked.summarise(seen.tables())
        answers = [None if table is None else table_to_bytes(table) for table in part]
        yield _answers(_partition(), 0, answers, seen.rows)

    return work


def row_pass_merge(asked: RowPass[Any]) -> Merge:
    """Put partitions' tables of one number together."""

    def merge(item: int, answers: Iterator[Any]) -> bytes | None:
        table = asked.combine(item, (None if one is None else table_from_bytes(one) for one in answers))
        return None if table is None else table_to_bytes(table)

    return merge


def kernel_merge(kernel: Kernel) -> Merge:
    """Put partitions' sums together; None where no partition had any."""

    def merge(_: int, answers: Iterator[Any]) -> bytes | None:
        sums = fold_sums(kernel, (sums_from_bytes(one) for one in answers if one is not None))
        return None if sums is None else sums_to_bytes(sums)

    return merge


def merge_work(merge: Merge) -> Work:
    """Merge rows of group, item and answer, those of one group and item side by side."""

    def work(batches: Batches) -> Batches:
        _settle()
        rows = (row for batch in batches for row in _rows(batch))
        for (group, item), run in groupby(rows, key=lambda row: row[:2]):
            yield _answers(group, item, [merge(item, (answer for _, _, answer in run))])

    return work


def pack_work(design: BlockDesign, layout: KeyLayout, kernel: Kernel, every: int, answering: int) -> Work:
    """Pack a partition's evaluated rows into blocks, one row each, and add up every `every`-th block on the way.

    The last row has no block: the number of blocks, the rows before it, and the kernel's answer; partitions numbered
    `answering` and above leave that out.
    """

    def work(batches: Batches) -> Batches:
        _settle()
        tables = gather_rows((pa.Table.from_batches([batch]) for batch in batches), ROWS_PER_BLOCK)
        blocks = (block for table in tables for block in layout.unpacked(design, table).blocks(design))
        return _kept(blocks, kernel, every, _partition() < answering)

    return work


def join_work(design: BlockDesign, kernel: Kernel, every: int) -> Work:
    """Put packed blocks together until they are full, and add them up as `pack_work` does."""

    def work(batches: Batches) -> Batches:
        _settle()
        return _kept(joined_blocks(design, _read(design, batches)), kernel, every, asked=True)

    return work


def sum_work(design: BlockDesign, kernel: Kernel, most: int | None = None) -> Work:
    """Run a kernel over a partition's blocks; one row, none when there are no blocks.

    An answer of more than `most` bytes is held back (null).
    """

    def work(batches: Batches) -> Batches:
        _settle()
        blocks = _read(design, batches)
        first = next(blocks, None)
        if first is not None:
            answer = sums_to_bytes(sum_blocks(kernel, chain([first], blocks)))
            yield _answers(_partition(), 0, [None if most is not None and len(answer) > most else answer])

    return work


def table_to_bytes(table: pa.Table) -> bytes:
    """Write a table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def table_from_bytes(data: Any) -> pa.Table:
    """Read an Arrow IPC stream."""
    return pa.ipc.open_stream(data).read_all()


class _Seen:
    """Batches as tables, and the rows they had."""

    def __init__(self, batches: Batches) -> None:
        self.rows = 0
        self._batches = batches

    def tables(self) -> Iterator[pa.Table]:
        for batch in self._batches:
            self.rows += batch.num_rows
            yield pa.Table.from_batches([batch])


def _read(design: BlockDesign, batches: Batches) -> Iterator[Block]:
    cells = (cell for batch in batches for cell in batch.column(0))
    return (block_from_bytes(design, cell.as_buffer()) for cell in cells)


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[int, int, Any]]:
    groups: list[Any] = batch.column(0).to_pylist()
    items: list[Any] = batch.column(1).to_pylist()
    return zip(groups, items, (answer.as_buffer() for answer in batch.column(2)), strict=True)


def _kept(blocks: Iterator[Block], kernel: Kernel, every: int, asked: bool) -> Batches:
    partition, number, before = _partition(), 0, 0
    sums: Sums | None = None
    for block in blocks:
        # Partitions of one block each must not all give their first.
        if asked and (partition + number) % every == 0:
            sums = kernel.begin() if sums is None else sums
            kernel.add(sums, block)
        yield _kept_row(partition, number, before, block_to_bytes(block), None, None)
        number, before = number + 1, before + block.rows
    answer = None if sums is None else sums_to_bytes(kernel.finish(sums))
    size = NOT_ASKED if not asked else 0 if answer is None else len(answer)
    yield _kept_row(partition, number, before, None, size, answer)


def _kept_row(
    partition: int, number: int, before: int, block: bytes | None, size: int | None, answer: bytes | None
) -> pa.RecordBatch:
    cells: dict[str, Any] = {
        "partition": pa.array([partition], pa.int32()),
        "number": pa.array([number], pa.int32()),
        "before": pa.array([before], pa.int64()),
        "block": pa.array([block], pa.binary()),
        "size": pa.array([size], pa.int64()),
        "answer": pa.array([answer], pa.binary()),
    }
    return pa.record_batch(cells)


def _answers(partition: int, first: int, answers: list[bytes | None], rows: int | None = None) -> pa.RecordBatch:
    count, size = len(answers), sum(len(one) for one in answers if one is not None)
    columns: dict[str, Any] = {
        "partition": pa.array([partition] * count, pa.int32()),
        "item": pa.array(range(first, first + count), pa.int32()),
        "rows": pa.array([rows] * count, pa.int64()),
        "size": pa.array([size] * count, pa.int64()),
        "answer": pa.array(answers, pa.binary()),
    }
    return pa.record_batch(columns)


@cache
def _settle() -> None:
    """Exempt what this worker has imported from garbage collection, once.

    PySpark collects after every task; walking the hundred thousand objects of our imports takes longer than a kernel.
    """
    gc.collect()
    gc.freeze()


def _partition() -> int:
    from pyspark import TaskContext

    context = TaskContext.get()
    return 0 if context is None else context.partitionId()
