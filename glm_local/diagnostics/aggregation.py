"""Aggregate tables: any columns added up, averaged or counted by groups, in one pass on either engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.contract.cells import CellRequest, DesignTable
from glm_local.contract.columns import ColumnKind
from glm_local.contract.engine import Engine
from glm_local.contract.expression import Expression, IsMissing, Literal, Not, When
from glm_local.diagnostics.groups import By, Groups, read_groups
from glm_local.diagnostics.scored import Column, answered, column_expression, known_columns, number_role
from glm_local.errors import ConfigError, EngineError, nearest
from glm_local.validation.arithmetic import multiply
from glm_local.validation.group_columns import key_column, key_values, natural_read
from glm_local.validation.intervals import ratio
from glm_local.validation.score_bands import take
from glm_local.validation.scored_rows import ONE

Frame = TypeVar("Frame")
Sums = Mapping[str, tuple[Column, str]]

FUNCTIONS = ("sum", "mean", "count", "min", "max", "count_distinct")
ALIASES = {"avg": "mean", "average": "mean", "nunique": "count_distinct"}
MOST_VALUES = 1_000_000
VALUE = "__value"


@dataclass(frozen=True)
class Aggregate:
    """One output column: what is read and what is made of it."""

    name: str
    value: Expression
    function: str

    @property
    def by_value(self) -> bool:
        """Whether it needs the distinct values, not only sums."""
        return self.function in ("min", "max", "count_distinct")


def aggregate_table(
    engine: Engine[Frame], frame: Frame, by: By, sums: Sums, *, weight: Column | None = None,
    where: Expression | None = None,
) -> pd.DataFrame:
    """Sums, means, counts and extremes by group. One pass over rows, besides what a factor in `by` has to learn.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    by
        Column, factor (specification or document), several of these, or expressions by name; an empty list is one
        group of all rows. Factors keep the order of their levels, text with digits is in the order of its numbers.
    sums
        Output column to (column or expression, function). Functions: "sum", "mean" (also "avg"), "count" (values that
        are there), "min", "max", "count_distinct".
    weight
        Sums become sum of w * value, means sum of w * value / sum of w over the rows with a value; counts and
        extremes stay those of rows.
    where
        Flag; only rows where it is true count.

    Returns
    -------
    DataFrame
        The groups, `rows`, and one column per output. Missing values add nothing; where a group has no value its
        sum, mean and extremes are missing, never 0. Extremes of a timestamp column are days.

    Raises
    ------
    ConfigError
        An unknown function, a column that is not there, two columns of one name.
    EngineError
        Extremes or distinct counts of a column with more than a million values.

    Examples
    --------
    >>> from glm_local.pandas_engine import PandasEngine
    >>> frame = pd.DataFrame({"area": ["b", "a", "b"], "claims": [1.0, 0.0, 3.0]})
    >>> aggregate_table(PandasEngine(), frame, "area", {"claims": ("claims", "sum"), "mean": ("claims", "avg")})
      area  rows  claims  mean
    0    a     1     0.0   0.0
    1    b     2     4.0   2.0
    """
    columns = engine.columns(frame)
    asked = [_aggregate(name, one, columns) for name, one in sums.items()]
    groups = read_groups(engine, frame, by, columns)
    _distinct_names([*groups.reads, "rows", *sums])
    w = ONE if weight is None else number_role(weight, columns, "weight")
    flag = None if where is None else known_columns(where, columns, "where")
    tables = answered(engine, frame, _requests(groups, asked, w, flag))
    main = tables["aggregate"]
    order = groups.order(main)
    for one in asked:
        if one.by_value and f"values of {one.name}" not in tables:
            raise _too_many_values(one)
    outputs = {one.name: _output(one, groups, main, tables)[order] for one in asked}
    main = take(main, order)
    return pd.DataFrame({**groups.columns(main), "rows": main.rows, **outputs})


def _aggregate(name: str, asked: Any, columns: Mapping[str, ColumnKind]) -> Aggregate:
    if isinstance(asked, str) or not isinstance(asked, Sequence) or len(asked) != 2:
        raise ConfigError.because(
            f"{name!r} is to be {asked!r}.", "An output is (column or expression, function).",
            f'Write ("{asked if isinstance(asked, str) else "column"}", "sum").', path=f"sums/{name}",
        )
    column, function = asked
    function = ALIASES.get(function, function)
    if function not in FUNCTIONS:
        raise ConfigError.because(
            f"{function!r} is not a function of a table.", f"Functions are {', '.join(FUNCTIONS)}.",
            nearest(str(function), FUNCTIONS) + " Quantiles come from the engine's quantiles verb.",
            path=f"sums/{name}",
        )
    if isinstance(column, str) and function not in ("sum", "mean"):
        return Aggregate(name, natural_read(column, columns, "sums"), function)
    return Aggregate(name, known_columns(column_expression(column, name), columns, "sums"), function)


def _requests(
    groups: Groups, asked: Sequence[Aggregate], weight: Expression, where: Expression | None
) -> list[CellRequest]:
    added: dict[str, Expression] = {}
    for one in asked:
        there = Not(IsMissing(one.value))
        added[f"count {one.name}"] = there
        if one.function in ("sum", "mean"):
            amount = multiply(weight, one.value)
            added[f"sum {one.name}"] = amount
            added[f"weight {one.name}"] = When(Not(IsMissing(amount)), weight, Literal(None))
    main = CellRequest("aggregate", groups.reads, added, where)
    return [main, *(
        CellRequest(f"values of {one.name}", {**groups.reads, VALUE: one.value}, {}, where, MOST_VALUES,
                    "none")
        for one in asked if one.by_value
    )]  # fmt: skip


def _output(
    one: Aggregate, groups: Groups, main: DesignTable, tables: Mapping[str, DesignTable]
) -> NDArray[Any]:
    count = main.sums[f"count {one.name}"]
    if one.function == "count":
        return count.astype(np.int64)
    if one.by_value:
        return _from_values(one, groups, main, tables[f"values of {one.name}"])
    total = np.where(count > 0, main.sums[f"sum {one.name}"], np.nan)
    return total if one.function == "sum" else ratio(total, main.sums[f"weight {one.name}"])


def _from_values(one: Aggregate, groups: Groups, main: DesignTable, values: DesignTable) -> NDArray[Any]:
    place = {member: at for at, member in enumerate(_members(main, groups))}
    there = np.flatnonzero(~values.missing[VALUE])
    position = np.array([place[member] for member in _members(values, groups)], dtype=np.int64)[there]
    if one.function == "count_distinct":
        return np.bincount(position, minlength=len(main)).astype(np.int64)
    # Cells are in the order of their values: the first of a group is its least, the last its greatest.
    chosen = slice(None, None, -1) if one.function == "min" else slice(None)
    cell = np.full(len(main), -1)
    cell[position[chosen]] = there[chosen]
    if not len(there):
        return np.full(len(main), np.nan)
    found = key_column(values, VALUE).iloc[np.maximum(cell, 0)].reset_index(drop=True)
    picked: NDArray[Any] = found.where(cell >= 0).to_numpy()
    return picked


def _members(table: DesignTable, groups: Groups) -> list[tuple[object, ...]]:
    columns = [key_values(table, name) for name in groups.reads]
    return list(zip(*columns, strict=True)) if columns else [()] * len(table)


def _distinct_names(names: Sequence[str]) -> None:
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ConfigError.because(
            f"two columns of the table would be named {twice[0]!r}.", "Groups, rows and outputs have different names.",
            "Name the output otherwise.", path="sums",
        )


def _too_many_values(one: Aggregate) -> Exception:
    return EngineError.because(
        f"{one.name!r} asks for {one.function} of more than {MOST_VALUES:,} distinct values.",
        "Rows answer with sums; extremes and distinct counts are read off the distinct values.",
        "Round the column by an expression first, or ask the engine's quantiles for 0 and 1.", path=f"sums/{one.name}",
    )
