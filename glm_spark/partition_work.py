"""What Python workers run on a partition: neutral code of the contract, and nothing that needs Spark's driver side."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pyarrow as pa

from glm_local.contract.block_bytes import block_from_bytes, block_to_bytes, sums_to_bytes
from glm_local.contract.blocks import ROWS_PER_BLOCK, BlockDesign, Kernel, Sums, sum_blocks
from glm_local.contract.key_layout import KeyLayout
from glm_local.contract.row_pass import RowPass, gather_rows

Batches = Iterator[pa.RecordBatch]
Work = Callable[[Batches], Batches]

ANSWER_SCHEMA = "partition int, item int, answer binary"
BUILD_SCHEMA = "number int, block binary, answer binary"


def row_pass_work(asked: RowPass[Any]) -> Work:
    """Summarise a partition; one row per table, as Arrow IPC (null: given up)."""

    def work(batches: Batches) -> Batches:
        _settle()
        part = asked.summarise(pa.Table.from_batches([batch]) for batch in batches)
        yield _answers([None if table is None else table_to_bytes(table) for table in part])

    return work


def pack_work(design: BlockDesign, layout: KeyLayout, kernel: Kernel, every: int) -> Work:
    """Pack a partition's evaluated rows into blocks, one row each, and add up every `every`-th block on the way.

    The last row is the kernel's answer instead of a block, numbered by its partition; none when it saw no block.
    """

    def work(batches: Batches) -> Batches:
        _settle()
        number = _partition()
        tables = gather_rows((pa.Table.from_batches([batch]) for batch in batches), ROWS_PER_BLOCK)
        sums: Sums | None = None
        for table in tables:
            for block in layout.unpacked(design, table).blocks(design):
                if number % every == 0:
                    sums = kernel.begin() if sums is None else sums
                    kernel.add(sums, block)
                yield _built(number, block_to_bytes(block), None)
                number += 1
        if sums is not None:
            yield _built(_partition(), None, sums_to_bytes(kernel.finish(sums)))

    return work


def sum_work(design: BlockDesign, kernel: Kernel) -> Work:
    """Run a kernel over a partition's blocks; one row, none when there are no blocks."""

    def work(batches: Batches) -> Batches:
        _settle()
        cells = (cell for batch in batches for cell in batch.column(0))
        first = next(cells, None)
        if first is not None:
            blocks = (block_from_bytes(design, cell.as_buffer()) for cell in chain([first], cells))
            yield _answers([sums_to_bytes(sum_blocks(kernel, blocks))])

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


def answers_in_order(answers: pa.Table) -> list[list[Any]]:
    """Return the partitions' answers in the order of partitions, each as buffers by item (None: given up)."""
    parts: list[tuple[Any, list[Any]]] = []
    numbers, items = answers["partition"].to_pylist(), answers["item"].to_pylist()
    for partition, item, answer in zip(numbers, items, answers["answer"], strict=True):
        # A partition answers in one piece from item 0 on; where its number is not known (0), order is as received.
        if item == 0:
            parts.append((partition, []))
        parts[-1][1].append(answer.as_buffer())
    return [part for _, part in sorted(parts, key=lambda part: part[0])]


def _built(number: int, block: bytes | None, answer: bytes | None) -> pa.RecordBatch:
    cells: list[Any] = [
        pa.array([number], pa.int32()), pa.array([block], pa.binary()), pa.array([answer], pa.binary()),
    ]  # fmt: skip
    return pa.record_batch(cells, names=["number", "block", "answer"])


def _answers(answers: list[bytes | None]) -> pa.RecordBatch:
    count = len(answers)
    columns: list[Any] = [
        pa.array([_partition()] * count, pa.int32()),
        pa.array(range(count), pa.int32()),
        pa.array(answers, pa.binary()),
    ]
    return pa.record_batch(columns, names=["partition", "item", "answer"])


def _settle() -> None:
    """Exempt what this worker has imported from garbage collection, once.

    PySpark collects after every task; walking the hundred thousand objects of our imports takes longer than a kernel.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


def _partition() -> int:
    from pyspark import TaskContext

    context = TaskContext.get()
    return 0 if context is None else context.partitionId()
