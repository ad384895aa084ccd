"""The six verbs on a pandas frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.evaluate import evaluate, evaluate_all
from glm_local.expressions.expression import Expression, Read
from glm_local.expressions.values import Values, as_number
from glm_local.pandas_rows.frames import FrameLike, as_frame, is_delta, no_order
from glm_local.pandas_rows.pandas_columns import (
    FrameColumns,
    Memo,
    held_values,
    kind_of,
    values_to_arrow,
    values_to_series,
)
from glm_local.rows.blocks import ROWS_PER_BLOCK, Block, BlockDesign, Blocks
from glm_local.rows.cell_pass import cell_pass
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import PassCounter
from glm_local.rows.memory_blocks import MemoryBlocks
from glm_local.rows.pack_rows import RowArrays, code_missing, design_numbers, row_arrays
from glm_local.rows.quantile_grid import quantile_pass
from glm_local.rows.row_pass import RowPass, column_name
from glm_local.rows.sample_rows import BUCKETS, checked_key, sample_bucket, sample_filter, sample_request

ROWS_AT_ONCE = 4 * ROWS_PER_BLOCK
BUCKET = "bucket"

Answer = TypeVar("Answer")


class PandasEngine:
    """Rows in a pandas frame, or in anything `glm_local.pandas_rows.frames.as_frame` makes one of.

    Examples
    --------
    >>> engine = PandasEngine()
    >>> engine.columns(pd.DataFrame({"age": [18, 71], "area": ["A", None]}))
    {'age': 'integer', 'area': 'text'}
    """

    name = "pandas"

    def __init__(self) -> None:
        self.passes = PassCounter()
        self._memo: Memo | None = None

    @contextmanager
    def holding(self, frame: FrameLike) -> Iterator[pd.DataFrame]:
        """Read a source once for several verbs; inside the (outermost) block encoded text columns are kept."""
        outer = self._memo
        self._memo = Memo() if outer is None else outer
        try:
            yield as_frame(frame)
        finally:
            self._memo = outer

    def columns(self, frame: FrameLike) -> dict[str, ColumnKind]:
        """Name to physical kind, in the table's order."""
        held = as_frame(frame)
        return {name: kind_of(held_values(held[name]), self._memo) for name in held.columns}

    def with_columns(self, frame: FrameLike, columns: Mapping[str, Expression]) -> pd.DataFrame:
        """Return the same rows with more columns, float64, int64, object, bool or Arrow dates by the expression."""
        held = as_frame(frame)
        values = evaluate_all(list(columns.values()), FrameColumns(held, memo=self._memo))
        # While a source is held nobody else sees the result: its columns need no copy.
        wider = held.copy(deep=self._memo is None)
        for name, one in zip(columns, values, strict=True):
            wider[name] = values_to_series(one, held.index)
        return wider

    def numbered(self, frame: FrameLike, name: str) -> pd.DataFrame:
        """The same rows with their number: in the order of a frame, or of a file (files of a folder by their path)."""
        if isinstance(frame, str | PathLike) and is_delta(Path(frame)):
            raise no_order(f"{frame} is a Delta table, which")
        wider = as_frame(frame).copy(deep=False)
        wider[name] = np.arange(len(wider), dtype=np.int64)
        return wider

    def cells(self, frame: FrameLike, requests: Sequence[CellRequest]) -> dict[str, DesignTable | None]:
        """One design table per request, all in one pass."""
        purpose = ", ".join(request.name for request in requests)
        return self._row_pass("cells", purpose, as_frame(frame), cell_pass(requests)) if requests else {}

    def quantiles(
        self,
        frame: FrameLike,
        columns: Mapping[str, Expression],
        probabilities: Sequence[float],
        weight: Expression | None = None,
        where: Expression | None = None,
        *,
        neighbours: bool = False,
    ) -> dict[str, NDArray[np.float64]]:
        """Cut points of each column; `glm_local.rows.quantile_grid` states the rule."""
        asked = quantile_pass(columns, probabilities, weight, where, neighbours)
        return self._row_pass("quantiles", ", ".join(columns), as_frame(frame), asked) if columns else {}

    def blocks(self, frame: FrameLike, design: BlockDesign, where: Expression | None = None) -> Blocks:
        """The rows packed for `design`; built with the first `sum`."""
        held = as_frame(frame)
        memo = self._memo
        return MemoryBlocks(design, lambda: frame_blocks(held, design, where, memo), self.passes)

    def sample(self, frame: FrameLike, rows: int, seed: int, key: str | None = None) -> pd.DataFrame:
        """About `rows` rows, never more; `glm_local.rows.sample_rows` states the rule."""
        held = as_frame(frame)
        if key is None:
            buckets = pd.DataFrame({BUCKET: content_buckets(held, seed)})
        else:
            checked_key(key, self.columns(held))
            buckets = pd.DataFrame({BUCKET: evaluate(sample_bucket(key, seed), FrameColumns(held)).data})
        bucket = Read(BUCKET, "integer")
        request = sample_request(bucket)
        table = self._row_pass("sample", f"{rows} rows", buckets, cell_pass([request]))[request.name]
        taken = None if table is None else sample_filter(bucket, table, rows)
        return held if taken is None else held[evaluate(taken, FrameColumns(buckets)).data]

    def _row_pass(self, verb: str, purpose: str, frame: pd.DataFrame, asked: RowPass[Answer]) -> Answer:
        self.passes.record(verb, purpose)
        return asked.answer(asked.summarise(_evaluated(frame, asked.expressions, self._memo)))


def frame_blocks(
    frame: pd.DataFrame, design: BlockDesign, where: Expression | None, memo: Memo | None = None
) -> Iterator[Block]:
    """Cut a frame into blocks; expressions are evaluated over a few blocks' rows at a time."""
    kinds: dict[str, ColumnKind] = {}
    for start in range(0, len(frame), ROWS_AT_ONCE):
        yield from _arrays(design, where, FrameColumns(frame, kinds, start, start + ROWS_AT_ONCE, memo)).blocks(design)


def _arrays(design: BlockDesign, where: Expression | None, columns: FrameColumns) -> RowArrays:
    numbers = design_numbers(design)
    flags = () if where is None else (where,)
    values = iter(evaluate_all([*flags, *design.atom_expressions(), *numbers.values()], columns))
    keep = next(values).data if flags else None
    keep = None if keep is None or keep.all() else keep
    atoms = [_codes(design, i, next(values), keep) for i in range(len(design.atoms))]
    return row_arrays(design, atoms, {name: _numbers(next(values), keep) for name in numbers})


def _codes(design: BlockDesign, atom: int, values: Values, keep: NDArray[np.bool_] | None) -> NDArray[np.integer]:
    codes, missing = values.data, values.missing
    if keep is not None:
        codes, missing = codes[keep], None if missing is None else missing[keep]
    size = design.atoms[atom].size
    if (missing is not None and missing.any()) or (len(codes) and not 0 <= codes.min() <= codes.max() < size):
        raise code_missing(", ".join(design.atoms[atom].members))
    return codes.astype(design.atoms[atom].dtype)


def _numbers(values: Values, keep: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    numbers = as_number(values)
    return numbers if keep is None else numbers[keep]


def _evaluated(frame: pd.DataFrame, expressions: Sequence[Expression], memo: Memo | None = None) -> Iterator[pa.Table]:
    kinds: dict[str, ColumnKind] = {}
    for start in range(0, len(frame), ROWS_AT_ONCE):
        reader = FrameColumns(frame, kinds, start, start + ROWS_AT_ONCE, memo)
        values = evaluate_all(list(expressions), reader)
        columns = {column_name(i): values_to_arrow(one) for i, one in enumerate(values)}
        yield pa.table(columns) if columns else pa.table({"rows": pa.nulls(reader.rows)})


def content_buckets(frame: pd.DataFrame, seed: int) -> NDArray[np.int64]:
    """Bucket of every row by all it holds: equal rows fall together."""
    hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    # One round of splitmix64, so that different seeds draw independently.
    mixed = hashes + np.uint64((seed * 0x9E3779B97F4A7C15) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return ((mixed ^ (mixed >> np.uint64(31))) % np.uint64(BUCKETS)).astype(np.int64)
