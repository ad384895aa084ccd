"""What Python workers run on a partition: neutral code of the contract, and nothing that needs Spark's driver side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from glm_local.contract.block_bytes import block_from_bytes, block_to_bytes, sums_to_bytes
from glm_local.contract.blocks import ROWS_PER_BLOCK, Block, BlockDesign, Kernel, sum_blocks
from glm_local.contract.pack_rows import code_missing, design_numbers, row_arrays
from glm_local.contract.row_pass import RowPass, gather_rows

Batches = Iterator[pa.RecordBatch]
Work = Callable[[Batches], Batches]

ANSWER_SCHEMA = "partition int, item int, answer binary"
BLOCK_SCHEMA = "number int, rows int, block binary"


def row_pass_work(asked: RowPass[Any]) -> Work:
    """Summarise a partition; one row per table, as Arrow IPC (null: given up)."""

    def work(batches: Batches) -> Batches:
        part = asked.summarise(pa.Table.from_batches([batch]) for batch in batches)
        for item, table in enumerate(part):
            yield _answer(item, None if table is None else table_to_bytes(table))

    return work


def pack_work(design: BlockDesign) -> Work:
    """Pack a partition's evaluated rows into blocks, one row each."""

    def work(batches: Batches) -> Batches:
        partition = _partition()
        numbers = tuple(design_numbers(design))
        full = gather_rows((pa.Table.from_batches([batch]) for batch in batches), ROWS_PER_BLOCK)
        at = 0
        for table in full:
            for block in _packed(design, numbers, table):
                yield _block_row(partition + at, block)
                at += 1

    return work


def sum_work(design: BlockDesign, kernel: Kernel) -> Work:
    """Run a kernel over a partition's blocks; one row, none when there are no blocks."""

    def work(batches: Batches) -> Batches:
        cells = (cell for batch in batches for cell in batch.column(0))
        first = next(cells, None)
        if first is None:
            return
        blocks = _read_blocks(design, first, cells)
        yield _answer(0, sums_to_bytes(sum_blocks(kernel, blocks)))

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
