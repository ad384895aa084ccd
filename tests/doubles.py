"""Test doubles: an engine whose frames tell nothing, which proves that neutral rooms never touch rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.rows.blocks import BlockDesign, Blocks, Kernel, Sums
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import PassCounter

MOST_ROWS_OUT = 10_000


class OpaqueFrame:
    """A frame with no attributes, no length and no rows to be seen; only its engine can open it."""

    __slots__ = ("__held",)

    def __init__(self, held: Any) -> None:
        self.__held = held

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name not in ("__len__", "__iter__", "__dataframe__"):
            return object.__getattribute__(self, name)
        raise AssertionError(f"a neutral room asked a frame for {name!r}")

    def __len__(self) -> int:
        raise AssertionError("a neutral room asked a frame for its length")

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("a neutral room walked over a frame")


def _opened(frame: Any) -> Any:
    assert isinstance(frame, OpaqueFrame), f"a neutral room handed over a {type(frame).__name__}, not the frame it got"
    return object.__getattribute__(frame, "_OpaqueFrame__held")


class OpaqueEngine:
    """The six verbs on frames nobody can look into; answers of more than 10,000 rows are refused."""

    name = "opaque"

    def __init__(self) -> None:
        self._engine = PandasEngine()

    @property
    def passes(self) -> PassCounter:
        return self._engine.passes

    @contextmanager
    def holding(self, frame: Any) -> Iterator[OpaqueFrame]:
        _opened(frame)
        yield frame

    def columns(self, frame: Any) -> dict[str, ColumnKind]:
        return self._engine.columns(_opened(frame))

    def with_columns(self, frame: Any, columns: Mapping[str, Expression]) -> OpaqueFrame:
        return OpaqueFrame(self._engine.with_columns(_opened(frame), columns))

    def numbered(self, frame: Any, name: str) -> OpaqueFrame:
        return OpaqueFrame(self._engine.numbered(_opened(frame), name))

    def cells(self, frame: Any, requests: Sequence[CellRequest]) -> dict[str, DesignTable | None]:
        answer = self._engine.cells(_opened(frame), requests)
        for name, table in answer.items():
            assert table is None or len(table) <= MOST_ROWS_OUT, f"request {name!r} asked for {len(table)} cells"
        return answer

    def quantiles(
        self,
        frame: Any,
        columns: Mapping[str, Expression],
        probabilities: Sequence[float],
        weight: Expression | None = None,
        where: Expression | None = None,
        *,
        neighbours: bool = False,
    ) -> dict[str, NDArray[np.float64]]:
        assert len(probabilities) <= MOST_ROWS_OUT, f"{len(probabilities)} quantiles are rows in disguise"
        return self._engine.quantiles(_opened(frame), columns, probabilities, weight, where, neighbours=neighbours)

    def blocks(self, frame: Any, design: BlockDesign, where: Expression | None = None) -> Blocks:
        return _GuardedBlocks(self._engine.blocks(_opened(frame), design, where))

    def sample(self, frame: Any, rows: int, seed: int, key: str | None = None) -> OpaqueFrame:
        return OpaqueFrame(self._engine.sample(_opened(frame), rows, seed, key))


class _GuardedBlocks:
    """Blocks whose sums may not grow with the rows beyond what a design explains."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self.design = blocks.design

    def sum(self, kernel: Kernel, purpose: str, every: int = 1) -> Sums:
        sums = self._blocks.sum(kernel, purpose, every)
        allowed = MOST_ROWS_OUT + sum(atom.size for atom in self.design.atoms) ** 2 + len(self.design.numerics) ** 2
        for array in sums:
            assert array.size <= allowed, f"a kernel of {purpose!r} answered {array.size} numbers"
        return sums

    def close(self) -> None:
        self._blocks.close()


def opaque(frame: Any) -> OpaqueFrame:
    """Lock a frame away."""
    return OpaqueFrame(frame)
