"""The engine: who holds rows and answers six questions about them; and the count of its passes over rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression
from glm_local.rows.blocks import BlockDesign, Blocks
from glm_local.rows.cells import CellRequest, DesignTable

Frame = TypeVar("Frame")


@dataclass(frozen=True)
class Pass:
    """One pass over rows: which verb made it, for what, and over which share of the rows (1 is all)."""

    verb: str
    purpose: str
    share: float = 1.0


@dataclass
class PassCounter:
    """Records every pass over rows an engine makes; `raw` ones read the source, others only packed blocks."""

    passes: list[Pass] = field(default_factory=list)

    def record(self, verb: str, purpose: str, share: float = 1.0) -> None:
        self.passes.append(Pass(verb, purpose, share))

    @property
    def raw(self) -> int:
        """Passes over the source rows (`cells`, `quantiles`, building `blocks`, `sample`)."""
        return sum(1 for one in self.passes if one.verb != "blocks.sum")

    @property
    def packed(self) -> float:
        """Passes over packed blocks, partial ones by their share."""
        return sum(one.share for one in self.passes if one.verb == "blocks.sum")

    @contextmanager
    def counting(self) -> Iterator[PassCounter]:
        """Count the passes made inside the block, on a counter of its own."""
        before = len(self.passes)
        inner = PassCounter()
        try:
            yield inner
        finally:
            inner.passes.extend(self.passes[before:])


class Engine(Protocol[Frame]):
    """Six verbs, and rows numbered where a source has an order; `name` is "pandas" or "spark"; `passes` counts."""

    name: str
    passes: PassCounter

    def holding(self, frame: Frame) -> AbstractContextManager[Frame]:
        """Several verbs on one source: inside the block the engine may keep what it has read of it. No pass."""
        ...

    def columns(self, frame: Frame) -> dict[str, ColumnKind]:
        """Name to physical kind, in the table's order. No pass."""
        ...

    def with_columns(self, frame: Frame, columns: Mapping[str, Expression]) -> Frame:
        """The same rows with more columns; an existing name is replaced. No pass (lazy on Spark)."""
        ...

    def numbered(self, frame: Frame, name: str) -> Frame:
        """The same rows with their number in the source's order, from 0, as one more column.

        EngineError where the source has no stable order. No pass, but over files on a cluster where there are several.
        """
        ...

    def cells(self, frame: Frame, requests: Sequence[CellRequest]) -> dict[str, DesignTable | None]:
        """One design table per request, all in one pass."""
        ...

    def quantiles(
        self,
        frame: Frame,
        columns: Mapping[str, Expression],
        probabilities: Sequence[float],
        weight: Expression | None = None,
        where: Expression | None = None,
        *,
        neighbours: bool = False,
    ) -> dict[str, NDArray[np.float64]]:
        """Cut points of each column, the same for any partitioning and on both engines. One pass.

        With `neighbours` each answer has four rows, `glm_local.rows.quantile_grid.CUT` and so on: the cut points,
        and the values around them.
        """
        ...

    def blocks(self, frame: Frame, design: BlockDesign, where: Expression | None = None) -> Blocks:
        """The rows packed for `design`; built lazily with the first `sum`. One pass in all."""
        ...

    def sample(self, frame: Frame, rows: int, seed: int, key: str | None = None) -> Frame:
        """About `rows` rows, never more than `rows`, chosen by hash of the key (or of the row's content)."""
        ...
