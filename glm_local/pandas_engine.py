"""The six verbs on a pandas frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from glm_local.contract.blocks import ROWS_PER_BLOCK, Block, BlockDesign, Blocks
from glm_local.contract.cell_pass import cell_pass
from glm_local.contract.cells import CellRequest, DesignTable
from glm_local.contract.columns import ColumnKind
from glm_local.contract.engine import PassCounter
from glm_local.contract.evaluate import Values, evaluate, evaluate_all
from glm_local.contract.expression import Expression
from glm_local.contract.memory_blocks import MemoryBlocks
from glm_local.contract.pack_rows import RowArrays, code_missing, design_numbers, row_arrays
from glm_local.contract.quantile_grid import quantile_pass
from glm_local.contract.row_pass import RowPass, column_name
from glm_local.contract.sample_rows import checked_key, sample_bucket, sample_filter, sample_request
from glm_local.frames import FrameLike, as_frame
from glm_local.pandas_columns import FrameColumns, column_kinds, values_to_arrow, values_to_series

ROWS_AT_ONCE = 4 * ROWS_PER_BLOCK
ROW_HASH = "row hash"

Answer = TypeVar("Answer")


class PandasEngine:
    """Rows in a pandas frame, or in anything `glm_local.frames.as_frame` makes one of.

    Examples
    --------
    >>> engine = PandasEngine()
    >>> engine.columns(pd.DataFrame({"age": [18, 71], "area": ["A", None]}))
    {'age': 'integer', 'area': 'text'}
    """

    name = "pandas"

    def __init__(self) -> None:
        self.passes = PassCounter()

    def columns(self, frame: FrameLike) -> dict[str, ColumnKind]:
        """Name to physical kind, in the table's order."""
        return column_kinds(as_frame(frame))

    def with_columns(self, frame: FrameLike, columns: Mapping[str, Expression]) -> pd.DataFrame:
        """Return the same rows with more columns: float64, int64, object, bool or Arrow dates by the expression's type."""
        held = as_frame(frame)
        values = evaluate_all(list(columns.values()), FrameColumns(held))
        added = {name: values_to_series(one, held.index) for name, one in zip(columns, values, strict=True)}
        return held.assign(**added)

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
    ) -> dict[str, NDArray[np.float64]]:
        """Cut points of each column; `glm_local.contract.quantile_grid` states the rule."""
        asked = quantile_pass(columns, probabilities, weight, where)
        return self._row_pass("quantiles", ", ".join(columns), as_frame(frame), asked) if columns else {}

    def blocks(self, frame: FrameLike, design: BlockDesign, where: Expression | None = None) -> Blocks:
        """The rows packed for `design`; built with the first `sum`."""
        held = as_frame(frame)
        return MemoryBlocks(design, lambda: frame_blocks(held, design, where), self.passes)

    def sample(self, frame: FrameLike, rows: int, seed: int, key: str | None = None) -> pd.DataFrame:
        """About `rows` rows, never more; `glm_local.contract.sample_rows` states the rule."""
        held = as_frame(frame)
        if key is None:
            hashed, key = _with_row_hash(held), ROW_HASH
        else:
            hashed = held
            checked_key(key, column_kinds(held))
        bucket = sample_bucket(key, seed)
        request = sample_request(bucket)
        table = self._row_pass("sample", f"{rows} rows", hashed, cell_pass([request]))[request.name]
        taken = None if table is None else sample_filter(bucket, table, rows)
        return held if taken is None else held[evaluate(taken, FrameColumns(hashed)).data]

    def _row_pass(self, verb: str, purpose: str, frame: pd.DataFrame, asked: RowPass[Answer]) -> Answer:
        self.passes.record(verb, purpose)
        return asked.merge([asked.summarise(_evaluated(frame, asked.expressions))])


def frame_blocks(frame: pd.DataFrame, design: BlockDesign, where: Expression | None) -> Iterator[Block]:
    """Cut a frame into blocks; expressions are evaluated over a few blocks' rows at a time."""
    kinds: dict[str, ColumnKind] = {}
    for start in range(0, len(frame), ROWS_AT_ONCE):
        yield from _arrays(design, where, FrameColumns(frame, kinds, start, start + ROWS_AT_ONCE)).blocks(design)


def _arrays(design: BlockDesign, where: Expression | None, columns: FrameColumns) -> RowArrays:
    numbers = design_numbers(design)
    flags = () if where is None else (where,)
    codes = len(design.atoms)
    values = evaluate_all([*design.atom_expressions(), *numbers.values(), *flags], columns)
    keep = None if where is None or values[-1].data.all() else values[-1].data
    atoms = [_codes(design, i, values[i], keep) for i in range(codes)]
    return row_arrays(design, atoms, {name: _numbers(one, keep) for name, one in zip(numbers, values[codes:])})


def _codes(design: BlockDesign, atom: int, values: Values, keep: NDArray[np.bool_] | None) -> NDArray[np.integer]:
    codes, missing = values.data, values.missing
    if keep is not None:
        codes, missing = codes[keep], None if missing is None else missing[keep]
    size = design.atoms[atom].size
    if (missing is not None and missing.any()) or (len(codes) and not 0 <= codes.min() <= codes.max() < size):
        raise code_missing(design, atom)
    return codes.astype(design.atoms[atom].dtype)


def _numbers(values: Values, keep: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    numbers = values.data.astype(np.float64, copy=False)
    if values.missing is not None and values.missing.any():
        numbers = np.where(values.missing, np.nan, numbers)
    return numbers if keep is None else numbers[keep]


def _evaluated(frame: pd.DataFrame, expressions: Sequence[Expression]) -> Iterator[pa.Table]:
    kinds: dict[str, ColumnKind] = {}
    for start in range(0, len(frame), ROWS_AT_ONCE):
        reader = FrameColumns(frame, kinds, start, start + ROWS_AT_ONCE)
        values = evaluate_all(list(expressions), reader)
        columns = {column_name(i): values_to_arrow(one) for i, one in enumerate(values)}
        yield pa.table(columns) if columns else pa.table({"rows": pa.nulls(reader.rows)})


def _with_row_hash(frame: pd.DataFrame) -> pd.DataFrame:
    hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy().view(np.int64)
    return frame.assign(**{ROW_HASH: hashes})
