"""Small blocks put together, so that a pass costs by rows and not by how many pieces they once came in; and answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from glm_local.rows.blocks import ROWS_PER_BLOCK, Block, BlockDesign, Kernel, Sums, rows_in_order

PARTS_AT_ONCE = 4


def joined_blocks(design: BlockDesign, blocks: Iterable[Block], rows: int = ROWS_PER_BLOCK) -> Iterator[Block]:
    """Put neighbouring blocks together as long as they have no more than `rows` rows; larger ones stay as they are."""
    waiting: list[Block] = []
    held = 0
    for block in blocks:
        if waiting and held + block.rows > rows:
            yield _joined(design, waiting)
            waiting, held = [], 0
        waiting.append(block)
        held += block.rows
    if waiting:
        yield _joined(design, waiting)


def fold_sums(kernel: Kernel, parts: Iterable[Sums], at_once: int = PARTS_AT_ONCE) -> Sums | None:
    """Merge answers of partitions in the order given, holding a few of them at a time; None when there are none."""
    merged: Sums | None = None
    waiting = iter(parts)
    while taken := list(islice(waiting, at_once)):
        merged = kernel.merge(taken if merged is None else [merged, *taken])
    return merged


def _joined(design: BlockDesign, blocks: Sequence[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    whole = Block(
        tuple(np.concatenate(codes) for codes in zip(*(one.atoms for one in blocks), strict=True)),
        np.concatenate([one.numerics for one in blocks], axis=1),
        np.concatenate([one.amount for one in blocks]),
        _end_to_end([one.weight for one in blocks]),
        _end_to_end([one.offset for one in blocks]),
        np.sum([one.log_scale for one in blocks], axis=0),
        np.sum([one.faults for one in blocks], axis=0),
        _end_to_end([one.within for one in blocks]),
    )
    return rows_in_order(design, whole)


def _end_to_end(arrays: Sequence[NDArray[np.float64] | None]) -> NDArray[np.float64] | None:
    # Blocks of one design have the same arrays.
    given = [one for one in arrays if one is not None]
    return np.concatenate(given) if given else None
