"""Blocks kept in memory: built with the first sum, then any number of passes over the packed arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from glm_local.errors import EngineError, GlmError
from glm_local.rows.blocks import Block, BlockDesign, Kernel, Sums, sum_blocks
from glm_local.rows.engine import PassCounter

ROWS_VERB = "blocks"
SUM_VERB = "blocks.sum"


class MemoryBlocks:
    """A `Blocks` handle over a list of blocks.

    Parameters
    ----------
    design
        What the blocks hold.
    build
        Makes the blocks from the source rows; called once, by the first `sum`.
    passes
        Where passes are recorded: building as ("blocks", purpose), every sum as ("blocks.sum", purpose, share).
    """

    def __init__(self, design: BlockDesign, build: Callable[[], Iterable[Block]], passes: PassCounter) -> None:
        self.design = design
        self._build: Callable[[], Iterable[Block]] | None = build
        self._passes = passes
        self._blocks: Sequence[Block] | None = None
        self._changes: Callable[[str], list[Block]] | None = None

    def sum(self, kernel: Kernel, purpose: str, every: int = 1) -> Sums:
        """Add up what `kernel` returns over every `every`-th block; the first call packs the rows."""
        blocks = self._packed(purpose)
        self._passes.record(SUM_VERB, purpose, 1 / every)
        return kernel.merge([sum_blocks(kernel, blocks[::every])])

    def mapped(self, design: BlockDesign, change: Callable[[Block], Block]) -> MemoryBlocks:
        """These blocks changed one by one, kept until closed; making them is part of the first pass over them."""
        changed = MemoryBlocks(design, list, self._passes)
        changed._changes = lambda purpose: [change(block) for block in self._packed(purpose)]
        return changed

    def close(self) -> None:
        """Free the arrays; the handle is useless afterwards."""
        self._blocks = None
        self._build = self._changes = None

    def _packed(self, purpose: str) -> Sequence[Block]:
        if self._blocks is None and self._changes is not None:
            self._blocks = self._changes(purpose)
            self._changes = self._build = None
        if self._blocks is None:
            if self._build is None:
                raise blocks_closed()
            self._passes.record(ROWS_VERB, purpose)
            self._blocks = list(self._build())
            self._build = None
        return self._blocks


def blocks_closed() -> GlmError:
    """Return the error of a handle used after `close`."""
    return EngineError.because(
        "These blocks were closed.", "A closed handle holds no rows.", "Ask the engine for blocks again."
    )
