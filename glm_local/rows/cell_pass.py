"""`cells` as one pass: every request's keys, sums and filter evaluated once, grouped per partition, merged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from glm_local.errors import ConfigError, EngineError, GlmError
from glm_local.expressions.expression import Expression
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.group_rows import ArrowArray, Groups, amounts_of, group_rows
from glm_local.rows.row_pass import Part, Positions, column_name, gather_rows

ROWS_AT_ONCE = 1_048_576
GROUPS_HELD = 262_144

Answers = dict[str, DesignTable | None]


@dataclass(frozen=True)
class BoundRequest:
    """A request whose expressions became column numbers; sums keep the order of `sum_names`."""

    name: str
    key_names: tuple[str, ...]
    keys: tuple[int, ...]
    sum_names: tuple[str, ...]
    sums: tuple[int, ...]
    where: int | None
    limit: int
    overflow: str


@dataclass(frozen=True)
class CellPass:
    """The pass that answers several cell requests (`glm_local.rows.row_pass.RowPass`)."""

    expressions: tuple[Expression, ...]
    requests: tuple[BoundRequest, ...]

    def summarise(self, batches: Iterable[pa.Table]) -> Part:
        """Group the rows of one partition: one table per request, None where its limit was passed."""
        groupers = [_Grouper(request) for request in self.requests]
        for table in gather_rows(batches, ROWS_AT_ONCE):
            picked: dict[int | None, pa.Table] = {None: table}
            for grouper in groupers:
                where = grouper.request.where
                if where is not None and where not in picked:
                    picked[where] = table.filter(table.column(column_name(where)))
                grouper.add(picked[where])
        return [grouper.answer() for grouper in groupers]

    @property
    def tables(self) -> int:
        """One per request."""
        return len(self.requests)

    def combine(self, at: int, tables: Iterable[pa.Table | None]) -> pa.Table | None:
        """Regroup what partitions found for one request; None where its limit was passed."""
        grouper = _Grouper(self.requests[at])
        for table in tables:
            grouper.take(table)
        return grouper.answer()

    def answer(self, part: Part) -> Answers:
        """Name the tables, sorted by key.

        Raises
        ------
        EngineError
            A request has more cells than its limit and does not say what to do then.
        """
        answers: Answers = {}
        for request, table in zip(self.requests, part, strict=True):
            groups = _merged(request, [table])
            if groups is None and request.overflow != "none":
                raise _too_many(request)
            answers[request.name] = None if groups is None else _design_table(request, groups)
        return answers


def cell_pass(requests: Sequence[CellRequest]) -> CellPass:
    """Bind requests to the columns of one pass.

    Raises
    ------
    ConfigError
        Two requests have one name.
    """
    names = [request.name for request in requests]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError.because(
            f"Two cell requests are named {twice!r}.", "Answers are found by name.", "Name them apart."
        )
    positions = Positions()
    bound = tuple(_bind(request, positions) for request in requests)
    return CellPass(positions.expressions, bound)


def _bind(request: CellRequest, positions: Positions) -> BoundRequest:
    return BoundRequest(
        request.name,
        tuple(request.by),
        tuple(positions.of(one) for one in request.by.values()),
        tuple(request.sums),
        tuple(positions.of(one) for one in request.sums.values()),
        None if request.where is None else positions.of(request.where),
        request.limit,
        request.overflow,
    )


class _Grouper:
    """The groups of one request so far; regrouped when many wait, given up when there are too many."""

    def __init__(self, request: BoundRequest) -> None:
        self.request = request
        self._waiting: list[pa.Table] = []
        self._held = 0
        self._merged_size = 0
        self._given_up = False

    def add(self, table: pa.Table) -> None:
        if self._given_up:
            return
        keys = [_one_array(table, position) for position in self.request.keys]
        amounts = [amounts_of(_one_array(table, position)) for position in self.request.sums]
        self._keep(_to_table(group_rows(keys, amounts, table.num_rows)))

    def take(self, table: pa.Table | None) -> None:
        """Add groups that were counted elsewhere; None where that was given up."""
        if table is None:
            self._give_up()
        elif table.num_columns and not self._given_up:
            # A partition without rows answers with a table that has no columns, since it saw no types.
            self._keep(table)

    def answer(self) -> pa.Table | None:
        if len(self._waiting) > 1:
            self._regroup()
        if self._given_up:
            return None
        return self._waiting[0] if self._waiting else pa.table({})

    def _keep(self, groups: pa.Table) -> None:
        self._waiting.append(groups)
        self._held += groups.num_rows
        if groups.num_rows > self.request.limit:
            self._give_up()
        elif self._held > max(2 * self._merged_size, GROUPS_HELD) and len(self._waiting) > 1:
            self._regroup()

    def _regroup(self) -> None:
        merged = _merged(self.request, list(self._waiting))
        if merged is None:
            self._give_up()
            return
        self._waiting = [_to_table(merged)]
        self._held = self._merged_size = len(merged.rows)

    def _give_up(self) -> None:
        self._given_up, self._waiting = True, []


def _one_array(table: pa.Table, position: int) -> ArrowArray:
    column = table.column(column_name(position))
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return array.cast(pa.float64()) if pa.types.is_null(array.type) else array


def _to_table(groups: Groups) -> pa.Table:
    columns = {f"k{i}": key for i, key in enumerate(groups.keys)}
    columns["rows"] = pa.array(groups.rows)
    return pa.table(columns | {f"s{i}": pa.array(one) for i, one in enumerate(groups.sums)})


def _merged(request: BoundRequest, tables: Sequence[pa.Table | None]) -> Groups | None:
    if any(table is None for table in tables):
        return None
    full = [table for table in tables if table is not None and table.num_columns]
    if not full:
        return _nothing(request)
    if len(full) == 1:
        groups = _from_table(request, full[0])
    else:
        one = _from_table(request, pa.concat_tables(full))
        groups = group_rows(one.keys, one.sums, len(one.rows), one.rows)
    return None if len(groups.rows) > request.limit else groups


def _from_table(request: BoundRequest, table: pa.Table) -> Groups:
    arrays = {name: table.column(name).combine_chunks() for name in table.column_names}
    return Groups(
        [arrays[f"k{i}"] for i in range(len(request.keys))],
        arrays["rows"].to_numpy(),
        [arrays[f"s{i}"].to_numpy() for i in range(len(request.sums))],
    )


def _nothing(request: BoundRequest) -> Groups:
    nothing = [pa.array([], pa.int64()) for _ in request.keys]
    return group_rows(nothing, [np.zeros(0) for _ in request.sums], 0)


def _design_table(request: BoundRequest, groups: Groups) -> DesignTable:
    keys = dict(zip(request.key_names, groups.keys, strict=True))
    return DesignTable(
        {name: _key_values(key) for name, key in keys.items()},
        {name: key.is_null().to_numpy(zero_copy_only=False) for name, key in keys.items()},
        groups.rows,
        dict(zip(request.sum_names, groups.sums, strict=True)),
    )


def _key_values(key: ArrowArray) -> NDArray[np.generic]:
    """Typed values of one key, 0, False or None in place of missing ones (NaN for numbers)."""
    if pa.types.is_date32(key.type):
        key = pc.strftime(key, format="%Y-%m-%d")
    if pa.types.is_string(key.type) or pa.types.is_large_string(key.type):
        return np.asarray(key.to_numpy(zero_copy_only=False), dtype=object)
    if pa.types.is_floating(key.type):
        return np.asarray(key.to_numpy(zero_copy_only=False), dtype=np.float64)
    blank = pc.fill_null(key, pa.scalar(0, pa.int64()).cast(key.type)) if key.null_count else key
    kind = np.bool_ if pa.types.is_boolean(key.type) else np.int64
    return np.asarray(blank.to_numpy(zero_copy_only=False), dtype=kind)


def _too_many(request: BoundRequest) -> GlmError:
    keys = ", ".join(request.key_names)
    return EngineError.because(
        f"Cell request {request.name!r} has more than {request.limit:,} cells of ({keys}).",
        "A cell table stays small enough for the driver.",
        "Group by fewer or coarser keys, or raise the request's limit.",
        path=request.name,
    )
