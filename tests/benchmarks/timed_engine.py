"""An engine that keeps a stopwatch beside each pass over blocks; everything else is the engine it wraps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from glm_local.rows.blocks import Blocks, Kernel, Sums


@dataclass(frozen=True)
class TimedPass:
    """One sum over blocks: what for, over which share of them, how long; the first of a handle builds them."""

    purpose: str
    share: float
    builds: bool
    seconds: float


class TimedBlocks:
    """A handle to blocks that notes each sum."""

    def __init__(self, blocks: Blocks, noted: list[TimedPass]) -> None:
        self.design, self._blocks, self._noted, self._built = blocks.design, blocks, noted, False

    def sum(self, kernel: Kernel, purpose: str, every: int = 1) -> Sums:
        start = time.perf_counter()
        sums = self._blocks.sum(kernel, purpose, every)
        self._noted.append(TimedPass(purpose, 1 / every, not self._built, time.perf_counter() - start))
        self._built = True
        return sums

    def close(self) -> None:
        self._blocks.close()


class TimedEngine:
    """Delegates every verb; `passes_timed` grows with each sum over blocks."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.passes_timed: list[TimedPass] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def blocks(self, *asked: Any, **more: Any) -> TimedBlocks:
        return TimedBlocks(self._engine.blocks(*asked, **more), self.passes_timed)

    def taken(self) -> list[TimedPass]:
        """The passes since the last call."""
        found, self.passes_timed = self.passes_timed, []
        return found
