"""Outputs of an aggregate table, made of the sums, the spreads and the distinct values of its groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.diagnostics.groups import Groups
from glm_local.expressions.arithmetic import multiply
from glm_local.expressions.expression import Arithmetic, Expression
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.validation.group_columns import key_column, key_values
from glm_local.validation.intervals import ratio
from glm_local.validation.strata import strata_of

FUNCTIONS = (
    "sum",
    "mean",
    "count",
    "size",
    "std",
    "var",
    "median",
    "min",
    "max",
    "first",
    "last",
    "count_distinct",
)
NUMERIC = ("sum", "mean", "std", "var", "median")
ORDERED = ("first", "last")
VALUE, PLACE, WEIGHT = "__value", "__place", "__weight"


@dataclass(frozen=True)
class Aggregate:
    """One output column: what is read, what is made of it, and by which order where it is a first or last value."""

    name: str
    value: Expression
    function: str
    order: Expression | None = None

    @property
    def by_value(self) -> bool:
        """Whether it needs the distinct values, not only sums."""
        return self.function in ("min", "max", "count_distinct", "median", *ORDERED)

    @property
    def is_spread(self) -> bool:
        """Whether it needs the groups' means first."""
        return self.function in ("std", "var")


def spread_request(
    groups: Groups, spreads: Sequence[Aggregate], main: DesignTable, weight: Expression, where: Expression | None
) -> CellRequest:
    """Sums of squares around the groups' own means, so that no digits are lost to the size of the values."""
    strata, position = strata_of(main, groups.reads)
    added: dict[str, Expression] = {}
    for one in spreads:
        means = ratio(main.sums[f"sum {one.name}"], main.sums[f"weight {one.name}"])
        outputs: list[float | None] = [None] * len(strata.members)
        for place, mean in zip(position.tolist(), means.tolist(), strict=True):
            outputs[place] = mean if np.isfinite(mean) else None
        away = Arithmetic("-", one.value, strata.looked_up(outputs))
        added[f"away {one.name}"] = multiply(weight, away)
        added[f"square {one.name}"] = multiply(weight, Arithmetic("*", away, away))
    return CellRequest("spreads", groups.reads, added, where)


def output(one: Aggregate, groups: Groups, tables: Mapping[str, DesignTable]) -> NDArray[Any]:
    """The values of one output, a cell of the main table each."""
    main = tables["aggregate"]
    count = main.sums[f"count {one.name}"]
    if one.function == "size":
        return main.rows.astype(np.int64)
    if one.function == "count":
        return count.astype(np.int64)
    if one.by_value:
        return _from_values(one, groups, main, tables[f"values of {one.name}"])
    if one.is_spread:
        return _spread(one, main, tables.get("spreads"))
    total = np.where(count > 0, main.sums[f"sum {one.name}"], np.nan)
    return total if one.function == "sum" else ratio(total, main.sums[f"weight {one.name}"])


def _spread(one: Aggregate, main: DesignTable, spreads: DesignTable | None) -> NDArray[np.float64]:
    if spreads is None:
        return np.full(len(main), np.nan)
    # One request after the other asks for the same groups of the same rows: cells come in the same order.
    weight = main.sums[f"weight {one.name}"]
    squares = spreads.sums[f"square {one.name}"] - ratio(spreads.sums[f"away {one.name}"] ** 2, weight)
    known = (main.sums[f"count {one.name}"] > 1) & np.isfinite(main.sums[f"sum {one.name}"])
    variance = np.where(known & (weight > 1), ratio(np.maximum(squares, 0.0), weight - 1), np.nan)
    return np.sqrt(variance) if one.function == "std" else variance


def _from_values(one: Aggregate, groups: Groups, main: DesignTable, values: DesignTable) -> NDArray[Any]:
    place = {member: at for at, member in enumerate(_members(main, groups))}
    there = ~values.missing[VALUE]
    if one.order is not None:
        there &= ~values.missing[PLACE]
    cells = np.flatnonzero(there)
    position = np.array([place[member] for member in _members(values, groups)], dtype=np.int64)[cells]
    if one.function == "count_distinct":
        return np.bincount(position, minlength=len(main)).astype(np.int64)
    if one.function == "median":
        return _medians(values, cells, position, len(main))
    # Cells are in the order of their places, then values: the first of a group is its least, the last its greatest.
    chosen = slice(None, None, -1) if one.function in ("min", "first") else slice(None)
    cell = np.full(len(main), -1)
    cell[position[chosen]] = cells[chosen]
    if not len(cells):
        return np.full(len(main), np.nan)
    found = key_column(values, VALUE).iloc[np.maximum(cell, 0)].reset_index(drop=True)
    picked: NDArray[Any] = found.where(cell >= 0).to_numpy()
    return picked


def _medians(
    values: DesignTable, cells: NDArray[np.intp], position: NDArray[np.int64], groups: int
) -> NDArray[np.float64]:
    """Where half of a group's weight is reached; the middle of two values where the half lies between them."""
    number, weight = values.keys[VALUE][cells].astype(np.float64), values.sums[WEIGHT][cells]
    answer = np.full(groups, np.nan)
    order = np.lexsort((number, position))
    for part in np.split(order, np.flatnonzero(np.diff(position[order])) + 1):
        used = part[weight[part] > 0]
        if len(used):
            answer[position[used[0]]] = _middle(number[used], weight[used])
    return answer


def _middle(number: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    reached = np.cumsum(weight)
    half = reached[-1] / 2
    at = int(np.searchsorted(reached, half * (1 - 1e-12)))
    between = at + 1 < len(number) and reached[at] <= half * (1 + 1e-12)
    low, high = float(number[at]), float(number[at + 1] if between else number[at])
    return low if low == high else low / 2 + high / 2


def _members(table: DesignTable, groups: Groups) -> list[tuple[object, ...]]:
    columns = [key_values(table, name) for name in groups.reads]
    return list(zip(*columns, strict=True)) if columns else [()] * len(table)
