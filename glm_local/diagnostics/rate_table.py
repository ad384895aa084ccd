"""Rate tables: actual, exposure, weight and predicted by group, with rates and actual to predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.diagnostics.groups import By, read_groups
from glm_local.diagnostics.scored import Column, answered, known_columns, number_role
from glm_local.errors import ConfigError
from glm_local.expressions.arithmetic import compare, multiply, not_finite, only_where
from glm_local.expressions.expression import AnyOf, Expression, Not
from glm_local.expressions.where_text import Filter, filter_expression
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import Engine
from glm_local.validation.intervals import ratio
from glm_local.validation.score_bands import take
from glm_local.validation.scored_rows import ONE

Frame = TypeVar("Frame")

RATE_COLUMNS = (
    "rows",
    "left_out",
    "weight",
    "exposure",
    "actual",
    "predicted",
    "actual_rate",
    "predicted_rate",
    "actual_to_predicted",
)


def aggregate_rate_table(
    engine: Engine[Frame],
    frame: Frame,
    by: By,
    *,
    actual: Column,
    exposure: Column | None = None,
    weight: Column | None = None,
    predicted: Column | None = None,
    where: Filter = None,
) -> pd.DataFrame:
    """Totals and rates by group, every total weighted. One pass over rows, besides what a factor has to learn.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    by
        As in `aggregate_table`.
    actual, predicted
        Observed and predicted amounts y and m, totals over the exposure.
    exposure
        Amount e that rates are per; absent, 1 per row.
    weight
        Precision w; absent, 1 per row.
    where
        Filter, as in `fit_glm`; only rows where it is true count.

    Returns
    -------
    DataFrame
        The groups, then `rows` and `left_out` (rows where a role is missing or infinite, a weight negative or an
        exposure not positive: they count nowhere else), `weight` = sum of w, `exposure` = sum of w e, `actual` = sum
        of w y, `predicted` = sum of w m, `actual_rate` and `predicted_rate` per exposure, `actual_to_predicted`.
        Columns of `predicted` only where it is given.
    """
    columns = engine.columns(frame)
    y = number_role(actual, columns, "actual")
    m = None if predicted is None else number_role(predicted, columns, "predicted")
    e = ONE if exposure is None else number_role(exposure, columns, "exposure")
    w = ONE if weight is None else number_role(weight, columns, "weight")
    groups = read_groups(engine, frame, by, columns)
    taken = [name for name in groups.reads if name in RATE_COLUMNS]
    if taken:
        raise ConfigError.because(
            f"a group is named {taken[0]!r}, as a column of the table is.",
            "Columns have different names.",
            'Name it otherwise: by={"name": ...}.',
            path="by",
        )
    usable = Not(_unusable(y, m, e, w))
    used = {"weight": w, "exposure": multiply(w, e), "actual": multiply(w, y)}
    if m is not None:
        used["predicted"] = multiply(w, m)
    sums = {name: only_where(usable, one) for name, one in used.items()} | {"used": usable}
    asked_rows = filter_expression(where, "where", columns)
    flag = None if asked_rows is None else known_columns(asked_rows, columns, "where")
    table = answered(engine, frame, [CellRequest("rates", groups.reads, sums, flag)])["rates"]
    table = take(table, groups.order(table))
    return pd.DataFrame({**groups.columns(table), **_rates(table, list(used))})


def _rates(table: DesignTable, used: Sequence[str]) -> dict[str, NDArray[Any]]:
    sums = table.sums
    rows = sums["used"].astype(np.int64)
    rates = {"rows": rows, "left_out": table.rows - rows, **{name: sums[name] for name in used}}
    rates["actual_rate"] = ratio(sums["actual"], sums["exposure"])
    if "predicted" in used:
        rates["predicted_rate"] = ratio(sums["predicted"], sums["exposure"])
        rates["actual_to_predicted"] = ratio(sums["actual"], sums["predicted"])
    return rates


def _unusable(y: Expression, m: Expression | None, e: Expression, w: Expression) -> Expression:
    flags: list[Expression] = [not_finite(y)]
    if m is not None:
        flags.append(not_finite(m))
    if e != ONE:
        flags += [not_finite(e), compare(e, "<=", 0.0)]
    if w != ONE:
        flags += [not_finite(w), compare(w, "<", 0.0)]
    return AnyOf(tuple(flags))
