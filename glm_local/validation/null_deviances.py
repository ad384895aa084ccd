"""The deviance of the best constant rate per sample: from one pass's sums, or around the rate in a second pass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.arithmetic import MISSING_NUMBER, multiply
from glm_local.expressions.expression import Compare, Expression, Literal, When
from glm_local.families.family import Family
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import Engine
from glm_local.validation.scored_rows import ScoredRows

Frame = TypeVar("Frame")

LOST_DIGITS = 1e-4
"""Below this share of its parts a difference of sums is taken anew: of the sixteen digits more than four are lost."""


def with_null_deviances(
    engine: Engine[Frame], frame: Frame, rows: ScoredRows, table: DesignTable, where: Expression
) -> DesignTable:
    """The summary's table with "null_deviance" among its sums.

    Passes over rows: none, where the difference of the table's sums keeps its digits; else one. It loses them where
    targets vary little beside their size, such as amounts of 1e9 give or take 1.

    Parameters
    ----------
    engine, frame, rows
        What the table was made of.
    table
        One line per sample, with `ScoredRows.sample_sums`.
    where
        Flag of the rows that counted.

    Returns
    -------
    DesignTable
        NaN where no constant rate exists: nothing was observed in the sample.
    """
    family = rows.family
    lines = [{name: float(sums[at]) for name, sums in table.sums.items()} for at in range(len(table))]
    rates = [family.null_rate(line) for line in lines]
    nulls = np.array([_difference(family, line) for line in lines])
    if family.null_needs_rows or any(_cancels(family, line) for line in lines):
        nulls = np.where(np.isnan(rates), np.nan, _around(engine, frame, rows, table, rates, where))
    return replace(table, sums={**table.sums, "null_deviance": nulls})


def _difference(family: Family, line: Mapping[str, float]) -> float:
    saturated, fitted = family.null_parts(line)
    return saturated - fitted


def _cancels(family: Family, line: Mapping[str, float]) -> bool:
    saturated, fitted = family.null_parts(line)
    return not math.isnan(fitted) and saturated - fitted < LOST_DIGITS * (abs(saturated) + abs(fitted))


def _around(
    engine: Engine[Frame], frame: Frame, rows: ScoredRows, table: DesignTable, rates: list[float], where: Expression
) -> NDArray[np.float64]:
    """Sum of weight * d(y, rate e) per line of the table."""
    rate: Expression = MISSING_NUMBER
    for name, one in zip(table.keys["sample"].tolist(), rates, strict=True):
        if not math.isnan(one):
            rate = When(Compare("==", rows.sample, Literal(name)), Literal(one), rate)
    family = rows.family
    unit = family.deviance_expression(rows.target, multiply(rate, rows.exposure))
    request = CellRequest("null", {"sample": rows.sample}, {"null": multiply(rows.weight, unit)}, where)
    found = engine.cells(frame, [request])["null"]
    assert found is not None
    sums = dict(zip(found.keys["sample"].tolist(), found.sums["null"].tolist(), strict=True))
    return np.array([sums[name] for name in table.keys["sample"].tolist()])
