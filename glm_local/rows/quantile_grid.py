"""Quantiles as one pass: distinct values with their weights, exact or on a stated grid, then interpolation.

The values of a column are kept exactly while there are at most 50,000 distinct ones; beyond that they are rounded
towards zero to 12 significant bits (a relative step of at most 1/2048). Which of the two happens depends on the rows
alone, so the answer is the same for any partitioning and on both engines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from glm_local.errors import ConfigError
from glm_local.expressions.expression import Expression
from glm_local.rows.group_rows import amounts_of, group_rows
from glm_local.rows.row_pass import Part, Positions, column_name, gather_rows

MOST_EXACT_VALUES = 50_000
GRID_BITS = 12
ROWS_AT_ONCE = 262_144

Floats = NDArray[np.float64]

CUT, BELOW, REACHED, ABOVE = range(4)
"""Rows of an answer with neighbours: the cut point, the largest value below it, the largest not above it, the smallest
above it; NaN where there is none."""


@dataclass(frozen=True)
class QuantilePass:
    """The pass that finds several columns' quantiles (`glm_local.rows.row_pass.RowPass`)."""

    expressions: tuple[Expression, ...]
    columns: tuple[tuple[str, int], ...]
    probabilities: tuple[float, ...]
    weight: int | None
    where: int | None
    neighbours: bool = False
    most_exact: int = MOST_EXACT_VALUES

    def summarise(self, batches: Iterable[pa.Table]) -> Part:
        """Count the distinct values of one partition, one table per column."""
        counted = [_ValueCounts(self.most_exact) for _ in self.columns]
        for table in gather_rows(batches, ROWS_AT_ONCE):
            if self.where is not None:
                table = table.filter(table.column(column_name(self.where)))
            weight = None if self.weight is None else _numbers(table, self.weight)
            for counts, (_, position) in zip(counted, self.columns, strict=True):
                counts.add_rows(_numbers(table, position), weight)
        return [counts.to_table() for counts in counted]

    @property
    def tables(self) -> int:
        """One per column."""
        return len(self.columns)

    def combine(self, at: int, tables: Iterable[pa.Table | None]) -> pa.Table:
        """Add up partitions' values of one column."""
        return self._counts(tables).to_table()

    def answer(self, part: Part) -> dict[str, Floats]:
        """Read the quantiles off the values."""
        answer = {}
        for (name, _), table in zip(self.columns, part, strict=True):
            counts = self._counts([table])
            cuts = counts.quantiles(self.probabilities, self.weight is not None)
            answer[name] = counts.around(cuts) if self.neighbours else cuts
        return answer

    def _counts(self, tables: Iterable[pa.Table | None]) -> _ValueCounts:
        counts = _ValueCounts(self.most_exact)
        for table in tables:
            counts.add_table(table)
        return counts


def quantile_pass(
    columns: Mapping[str, Expression],
    probabilities: Sequence[float],
    weight: Expression | None,
    where: Expression | None,
    neighbours: bool = False,
) -> QuantilePass:
    """Bind columns, weight and filter to the columns of one pass.

    Raises
    ------
    ConfigError
        A probability is not between 0 and 1.
    """
    wrong = [p for p in probabilities if not 0 <= p <= 1]
    if wrong:
        raise ConfigError.because(f"Probability {wrong[0]} was asked.", "Probabilities lie in [0, 1].", "Correct it.")
    positions = Positions()
    bound = tuple((name, positions.of(one)) for name, one in columns.items())
    weighted = None if weight is None else positions.of(weight)
    filtered = None if where is None else positions.of(where)
    return QuantilePass(positions.expressions, bound, tuple(probabilities), weighted, filtered, neighbours)


def on_grid(values: Floats) -> Floats:
    """Round towards zero to 12 significant bits.

    Examples
    --------
    >>> on_grid(np.array([1000.3, -4099.0, 1.0])).tolist()
    [1000.25, -4098.0, 1.0]
    """
    kept = np.uint64((2**64 - 1) ^ (2 ** (53 - GRID_BITS) - 1))
    return (np.ascontiguousarray(values, dtype=np.float64).view(np.uint64) & kept).view(np.float64)


def quantiles_of(values: Floats, counts: NDArray[np.int64], probabilities: Sequence[float]) -> Floats:
    """Quantiles of rising distinct values that occur `counts` times each: type 7, numpy's and R's default rule.

    The quantile p of n rows lies at position h = p (n - 1) of the sorted rows, linearly between its neighbours.
    NaN where there are no rows.

    Examples
    --------
    >>> quantiles_of(np.array([1.0, 2.0, 10.0]), np.array([1, 2, 1]), [0.5, 1.0])
    array([ 2., 10.])
    """
    ends = np.cumsum(counts)
    rows = int(ends[-1]) if len(ends) else 0
    if not rows:
        return np.full(len(probabilities), np.nan)
    at = np.asarray(probabilities, dtype=np.float64) * (rows - 1)
    lower = np.floor(at)
    left = values[np.searchsorted(ends, lower, side="right")]
    right = values[np.searchsorted(ends, np.minimum(lower + 1, rows - 1), side="right")]
    return _between(left, right, at - lower)


def weighted_quantiles_of(values: Floats, weights: Floats, squares: float, probabilities: Sequence[float]) -> Floats:
    """Weighted quantiles: type 7 for n* = (sum w)² / sum w² rows in place of n (A. Akinshin 2023, arXiv 2304.07265).

    With W_k the share of weight up to value k, the quantile p is the mean of the values over the stretch of shares
    [(h - 1) / n*, h / n*], h = p (n* - 1) + 1. Equal weights give type 7; the scale of the weights plays no part; the
    rule is continuous in the weights.

    Parameters
    ----------
    values
        Distinct, rising, shape (values,).
    weights
        Positive total weight of each value.
    squares
        Sum of the rows' squared weights.
    """
    total = float(weights.sum())
    if not len(values) or total <= 0:
        return np.full(len(probabilities), np.nan)
    rows = max(total * total / squares, 1.0)
    shares = np.minimum(np.cumsum(weights) / total, 1.0)
    shares[-1] = 1.0
    answer = np.empty(len(probabilities))
    for i, probability in enumerate(probabilities):
        below = probability * (rows - 1)
        reached = np.clip(shares * rows - below, 0.0, 1.0)
        part = np.diff(reached, prepend=0.0)
        used = part > 0
        answer[i] = _mean_of(values[used], part[used])
    return answer


def _mean_of(values: Floats, parts: Floats) -> float:
    if len(values) == 1:
        return float(values[0])
    if values[0] == -np.inf:
        return -np.inf
    # Measured from the lowest value, so that two equal or infinite neighbours do not round or turn into NaN.
    return float(values[0] + ((values - values[0]) * parts).sum() / parts.sum())


def _between(left: Floats, right: Floats, share: Floats) -> Floats:
    # numpy's own interpolation: from the nearer end, so that both ends are hit exactly.
    with np.errstate(invalid="ignore"):
        step = right - left
        moved = np.where(share >= 0.5, right - step * (1 - share), left + step * share)
    moved = np.where(np.isnan(moved), np.where(left == -np.inf, left, right), moved)  # beside an infinity: it
    return np.where((left == right) | (share == 0), left, moved)


class _ValueCounts:
    """Distinct values so far, rising, with rows, weights and squared weights; on the grid once they are too many."""

    def __init__(self, most_exact: int) -> None:
        self._most_exact = most_exact
        self._rounded = False
        self._values, self._weights, self._squares = np.zeros(0), np.zeros(0), np.zeros(0)
        self._counts = np.zeros(0, dtype=np.int64)

    def add_rows(self, values: Floats, weights: Floats | None) -> None:
        used = ~np.isnan(values)
        if weights is not None:
            used &= weights > 0
        values = values if used.all() else values[used]
        if weights is None:
            self._add(values, None, np.zeros(0), np.zeros(0))
        else:
            weights = weights[used]
            self._add(values, None, weights, weights * weights)

    def add_table(self, table: pa.Table | None) -> None:
        assert table is not None
        if _is_rounded(table) and not self._rounded:
            self._round()
        columns = [table.column(name).to_numpy() for name in ("value", "rows", "weight", "square")]
        self._add(columns[0], columns[1], columns[2], columns[3])

    def to_table(self) -> pa.Table:
        columns: dict[str, Any] = {
            "value": self._values,
            "rows": self._counts,
            "weight": self._weights,
            "square": self._squares,
        }
        table = pa.table(columns)
        return table.replace_schema_metadata({"grid": str(GRID_BITS)}) if self._rounded else table

    def quantiles(self, probabilities: Sequence[float], weighted: bool) -> Floats:
        if not weighted:
            return quantiles_of(self._values, self._counts, probabilities)
        return weighted_quantiles_of(self._values, self._weights, float(self._squares.sum()), probabilities)

    def around(self, cuts: Floats) -> Floats:
        """Cut points with the values around them, shape (4, cuts)."""
        padded = np.concatenate([[np.nan], self._values, [np.nan]])
        below = padded[np.searchsorted(self._values, cuts, side="left")]
        after = np.searchsorted(self._values, cuts, side="right")
        found = np.stack([cuts, below, padded[after], padded[after + 1]])
        return np.where(np.isnan(cuts), np.nan, found)

    def _add(self, values: Floats, counts: NDArray[np.int64] | None, weights: Floats, squares: Floats) -> None:
        if not len(values):
            return
        values = on_grid(values) if self._rounded else values
        if counts is None:
            counts = np.ones(len(values), dtype=np.int64)
        weights, squares = (one if len(one) else np.zeros(len(values)) for one in (weights, squares))
        self._regroup(
            np.concatenate([self._values, values]),
            np.concatenate([self._counts, counts]),
            np.concatenate([self._weights, weights]),
            np.concatenate([self._squares, squares]),
        )
        if not self._rounded and len(self._values) > self._most_exact:
            self._round()

    def _round(self) -> None:
        self._rounded = True
        self._regroup(on_grid(self._values), self._counts, self._weights, self._squares)

    def _regroup(self, values: Floats, counts: NDArray[np.int64], weights: Floats, squares: Floats) -> None:
        groups = group_rows([pa.array(values)], [weights, squares], len(values), counts)
        self._values = groups.keys[0].to_numpy(zero_copy_only=False)
        self._counts, self._weights, self._squares = groups.rows, groups.sums[0], groups.sums[1]


def _is_rounded(table: pa.Table) -> bool:
    return bool(table.schema.metadata and b"grid" in table.schema.metadata)


def _numbers(table: pa.Table, position: int) -> Floats:
    column = table.column(column_name(position)).combine_chunks()
    if pa.types.is_boolean(column.type):
        return amounts_of(column)
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
