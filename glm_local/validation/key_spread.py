"""How far totals spread by key: the dispersion behind intervals of actual to predicted where rows share keys.

A key's hash puts all its rows into one group. With R_lg the actual less the predicted of level l in group g, and V_l
the model's variance of the level at dispersion 1, the dispersion of a table is

    sum over l, g of (R_lg - s_lg R_l)^2  /  sum over l of V_l (1 - sum over g of s_lg^2),

s_lg the group's share of the level's prediction: what the level is off as a whole is no spread. One number for all
levels of a table, so that thin ones are not judged by their own few keys; where a factor differs within keys, as a year
does, it is no larger than its levels' totals really spread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.expression import Bin, Expression, Read
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.validation.intervals import IntervalRule
from glm_local.validation.score_bands import of_sample, samples_of
from glm_local.validation.scored_rows import ScoredRows

LEVEL_GROUPS = 64
"""Groups of keys a level's total is divided into; the spread of many levels needs no more."""
GROUP_COLUMN, LEVEL_GROUP_COLUMN = "__validation_key_group", "__validation_level_group"


@dataclass(frozen=True)
class KeyGroups:
    """Which group of whole keys a row belongs to.

    Parameters
    ----------
    group
        Integer expression, from 0 to `groups` - 1.
    groups
        How many there are, a multiple of `LEVEL_GROUPS`.
    """

    group: Expression
    groups: int

    def columns(self) -> dict[str, Expression]:
        """Columns a frame is given once: the group, and that of levels."""
        width = self.groups // LEVEL_GROUPS
        edges = tuple(width * at - 0.5 for at in range(1, LEVEL_GROUPS))
        return {
            GROUP_COLUMN: self.group,
            LEVEL_GROUP_COLUMN: Bin(self.group, edges, tuple(range(LEVEL_GROUPS)), None),
        }


def key_requests(rows: ScoredRows, codes: Mapping[str, Expression]) -> list[CellRequest]:
    """Sums by sample and group, and for every factor by sample, level and group."""
    sums = {name: rows.level_sums[name] for name in ("actual", "predicted", "variance")}
    group, part = Read(GROUP_COLUMN, "integer"), Read(LEVEL_GROUP_COLUMN, "integer")
    return [
        CellRequest(_name(None), {"sample": rows.sample, "group": group}, sums, rows.usable),
        *(
            CellRequest(
                _name(name), {"sample": rows.sample, "code": code, "group": part}, sums, rows.usable, overflow="none"
            )
            for name, code in codes.items()
        ),
    ]


def keyed_rule(
    rule: IntervalRule, answers: Mapping[str, DesignTable | None], factor: str | None, counts: bool, least: float
) -> IntervalRule:
    """The rule with the dispersion by key of each sample: of a factor's levels, or of the sample as a whole.

    Parameters
    ----------
    counts
        Whether totals are counts, Poisson but for their dispersion.
    least
        Dispersion that counts at least: the family's where that is known.
    """
    table = answers.get(_name(factor))
    if table is None:  # too many cells: the sample's own
        return keyed_rule(rule, answers, None, counts, least) if factor is not None else rule
    found = {name: table_dispersion(of_sample(table, name)) for name in samples_of(table)}
    known = {name: max(value, least) for name, value in found.items() if math.isfinite(value)}
    return replace(rule, counts=counts, by_sample=known)


def table_dispersion(table: DesignTable) -> float:
    """The dispersion by key of one sample's sums by level and group; NaN where no level has two groups."""
    level = _levels(table)
    size = int(level.max(initial=-1)) + 1
    actual, predicted, variance = (table.sums[name] for name in ("actual", "predicted", "variance"))
    whole, off = np.bincount(level, predicted, size), np.bincount(level, actual - predicted, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(whole[level] != 0, predicted / whole[level], 0.0)
    spread = float(np.sum((actual - predicted - share * off[level]) ** 2))
    left = np.bincount(level, variance, size) * np.maximum(1 - np.bincount(level, share**2, size), 0.0)
    return spread / float(left.sum()) if left.sum() > 0 else math.nan


def _levels(table: DesignTable) -> NDArray[np.int64]:
    if "code" not in table.keys:
        return np.zeros(len(table), dtype=np.int64)
    known = [(missing, str(code)) for code, missing in zip(table.keys["code"], table.missing["code"], strict=True)]
    order = {one: at for at, one in enumerate(dict.fromkeys(known))}
    return np.array([order[one] for one in known], dtype=np.int64)


def _name(factor: str | None) -> str:
    return "summary by key" if factor is None else f"factor {factor} by key"
