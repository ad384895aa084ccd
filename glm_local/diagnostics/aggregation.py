"""Aggregate tables: any columns added up, averaged or counted by groups, in one pass on either engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import pandas as pd

from glm_local.diagnostics.aggregate_outputs import (
    FUNCTIONS,
    NUMERIC,
    ORDERED,
    PLACE,
    VALUE,
    WEIGHT,
    Aggregate,
    output,
    spread_request,
)
from glm_local.diagnostics.groups import By, Groups, read_groups
from glm_local.diagnostics.scored import Column, answered, column_expression, known_columns, number_role
from glm_local.errors import ConfigError, EngineError, nearest
from glm_local.expressions.arithmetic import multiply
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression, IsMissing, Literal, Not, Read, When
from glm_local.expressions.where_text import Filter, filter_expression
from glm_local.rows.cells import CellRequest
from glm_local.rows.engine import Engine
from glm_local.validation.group_columns import natural_read
from glm_local.validation.score_bands import take
from glm_local.validation.scored_rows import ONE

Frame = TypeVar("Frame")
Sums = Mapping[str, tuple[Column, str]]

ALIASES = {
    "avg": "mean",
    "average": "mean",
    "nunique": "count_distinct",
    "n_unique": "count_distinct",
    "stddev": "std",
    "sd": "std",
    "variance": "var",
    "len": "size",
}
MOST_VALUES = 1_000_000
MOST_PLACES = 5_000_000
ROW_NUMBER = "(row number)"


def aggregate_table(
    engine: Engine[Frame],
    frame: Frame,
    by: By,
    sums: Sums,
    *,
    weight: Column | None = None,
    where: Filter = None,
    order: str | None = None,
) -> pd.DataFrame:
    """Sums, means, counts, spreads and extremes by group. One pass over rows, two with "std" or "var".

    What a factor in `by` has to learn costs its passes besides.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    by
        Column, factor (specification or document), several of these, or expressions by name; None or an empty
        list is one group of all rows. Factors keep the order of their levels, text with digits is in the order of its
        numbers.
    sums
        Output column to (column or expression, function). Functions: "sum", "mean" (also "avg"), "count" (values that
        are there), "size" (rows), "std" and "var" (of a sample: divided by n - 1), "median", "min", "max",
        "count_distinct", "first" and "last" (of the values that are there).
    weight
        A row of weight 2 counts as two in sums, means, spreads and medians; counts, extremes, first and last stay those
        of rows.
    where
        Filter, as in `fit_glm`; only rows where it is true count.
    order
        Column whose order says what is first and last; of rows that share a place, the smallest value is first and
        the largest last. None is the order of the rows, where they have one: a frame, a file; a Spark DataFrame and a
        Delta table have none.

    Returns
    -------
    DataFrame
        The groups, `rows`, and one column per output. Missing values add nothing; where a group has no value its
        sum, mean and extremes are missing, never 0; a spread needs two values. Extremes of a timestamp column are days.

    Raises
    ------
    ConfigError
        An unknown function, a column that is not there, two columns of one name, no order for "first".
    EngineError
        Extremes, medians or distinct counts of a column with more than a million values.

    Examples
    --------
    >>> from glm_local.pandas_rows.pandas_engine import PandasEngine
    >>> frame = pd.DataFrame({"area": ["b", "a", "b"], "claims": [1.0, 0.0, 3.0]})
    >>> aggregate_table(PandasEngine(), frame, "area", {"claims": ("claims", "sum"), "mean": ("claims", "avg")})
      area  rows  claims  mean
    0    a     1     0.0   0.0
    1    b     2     4.0   2.0
    """
    columns = engine.columns(frame)
    placed = None if order is None else natural_read(order, columns, "order")
    asked = [_aggregate(name, one, columns, placed) for name, one in sums.items()]
    if any(one.function in ORDERED for one in asked) and placed is None:
        frame = _numbered(engine, frame)
    groups = read_groups(engine, frame, by, columns)
    _distinct_names([*groups.reads, "rows", *sums])
    w = ONE if weight is None else number_role(weight, columns, "weight")
    asked_rows = filter_expression(where, "where", columns)
    flag = None if asked_rows is None else known_columns(asked_rows, columns, "where")
    tables = answered(engine, frame, [_totals(groups, asked, w, flag), *_by_values(groups, asked, w, flag)])
    for one in asked:
        if one.by_value and f"values of {one.name}" not in tables:
            raise _too_many_values(one)
    main = tables["aggregate"]
    spreads = [one for one in asked if one.is_spread]
    if spreads and len(main):
        tables["spreads"] = answered(engine, frame, [spread_request(groups, spreads, main, w, flag)])["spreads"]
    sequence = groups.order(main)
    outputs = {one.name: output(one, groups, tables)[sequence] for one in asked}
    main = take(main, sequence)
    return pd.DataFrame({**groups.columns(main), "rows": main.rows, **outputs})


def _aggregate(name: str, asked: Any, columns: Mapping[str, ColumnKind], order: Expression | None) -> Aggregate:
    if isinstance(asked, str) or not isinstance(asked, Sequence) or len(asked) != 2:
        raise ConfigError.because(
            f"{name!r} is to be {asked!r}.",
            "An output is (column or expression, function).",
            f'Write ("{asked if isinstance(asked, str) else "column"}", "sum").',
            path=f"sums/{name}",
        )
    column, function = asked
    function = ALIASES.get(function, function) if isinstance(function, str) else function
    if function not in FUNCTIONS:
        raise ConfigError.because(
            f"{function!r} is not a function of a table.",
            f"Functions are {', '.join(FUNCTIONS)}.",
            nearest(str(function), FUNCTIONS) + " Other quantiles come from the engine's quantiles verb.",
            path=f"sums/{name}",
        )
    placed = (order or Read(ROW_NUMBER, "integer")) if function in ORDERED else None
    if isinstance(column, str) and function not in NUMERIC:
        return Aggregate(name, natural_read(column, columns, "sums"), function, placed)
    return Aggregate(name, known_columns(column_expression(column, name), columns, "sums"), function, placed)


def _numbered(engine: Engine[Frame], frame: Frame) -> Frame:
    try:
        return engine.numbered(frame, ROW_NUMBER)
    except EngineError as error:
        raise ConfigError.because(
            f"first or last values are asked for, no order is given, and {error.problems[0].found}",
            "What is first depends on an order of rows.",
            'Name the column that orders them: order="date".',
            path="order",
        ) from None


def _totals(groups: Groups, asked: Sequence[Aggregate], weight: Expression, where: Expression | None) -> CellRequest:
    added: dict[str, Expression] = {}
    for one in asked:
        added[f"count {one.name}"] = Not(IsMissing(one.value))
        if one.function in NUMERIC and not one.by_value:
            amount = multiply(weight, one.value)
            added[f"sum {one.name}"] = amount
            added[f"weight {one.name}"] = When(Not(IsMissing(amount)), weight, Literal(None))
    return CellRequest("aggregate", groups.reads, added, where)


def _by_values(
    groups: Groups, asked: Sequence[Aggregate], weight: Expression, where: Expression | None
) -> list[CellRequest]:
    """One table of distinct values by group for every output that needs them; the order of a first stands before."""
    return [
        CellRequest(
            f"values of {one.name}",
            {**groups.reads, **({} if one.order is None else {PLACE: one.order}), VALUE: one.value},
            {WEIGHT: weight} if one.function == "median" else {},
            where,
            MOST_VALUES if one.order is None else MOST_PLACES,
            "none",
        )
        for one in asked
        if one.by_value
    ]


def _distinct_names(names: Sequence[str]) -> None:
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ConfigError.because(
            f"two columns of the table would be named {twice[0]!r}.",
            "Groups, rows and outputs have different names.",
            "Name the output otherwise.",
            path="sums",
        )


def _too_many_values(one: Aggregate) -> Exception:
    most = MOST_VALUES if one.order is None else MOST_PLACES
    return EngineError.because(
        f"{one.name!r} asks for {one.function} of more than {most:,} distinct values.",
        "Rows answer with sums; extremes, medians and distinct counts are read off the distinct values.",
        "Round the column by an expression first, or ask the engine's quantiles for 0 and 1.",
        path=f"sums/{one.name}",
    )
