"""Where a fit starts, and the units its steps are judged in: all from the rows' own totals, nothing has a scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.design_columns import DesignColumns
from glm_local.glm.summary import Summary

Array = NDArray[np.float64]

PRIOR_ROWS = 5
"""Rows (with a response above 0, where there are zeros) at the overall mean that every level is started with."""

ROUNDING = 1e-15
"""Share of the squared responses that rounding leaves in a sum of squared residuals."""

DIMENSIONLESS = ("log", "logit", "probit", "cloglog")
"""Links whose linear predictor has no unit, and whose coefficients may run away."""


def typical_dispersion(summary: Summary, family: Family) -> float:
    """Dispersion of the rows around their one mean: the unit of a likelihood and of squared standard errors.

    It scales as the dispersion does, whatever the units of target, weight and exposure; it is positive and finite.
    """
    with np.errstate(all="ignore"):
        mean = np.float64(summary.amount) / summary.weight
        spread = summary.square - summary.amount * mean
        variance = family.variance(np.array([mean]))[0]
        found = max(spread, ROUNDING * summary.square) / variance / summary.rows
        # Squares that are no doubles: as if the rows varied by their mean.
        if not 0 < found < np.inf and family.domain != "real":
            found = summary.weight * family.mean_over_spread(mean) / summary.rows
    return float(found) if 0 < found < np.inf else 1.0


def rounding_dispersion(summary: Summary, family: Family) -> float:
    """Least dispersion that doubles can tell from none; 0 where the squared responses are no doubles."""
    with np.errstate(all="ignore"):
        mean = np.array([np.float64(summary.amount) / summary.weight])
        found = ROUNDING * summary.square / family.variance(mean)[0] / summary.rows
    return float(found) if 0 < found < np.inf else 0.0


def starting_predictor(summary: Summary, family: Family, link: Link) -> float:
    """Linear predictor of the rows' mean less their mean offset; of their root mean square where that has none."""
    with np.errstate(all="ignore"):
        mean = family.starting_mean(float(np.float64(summary.amount) / summary.weight))
        root = np.sqrt(np.float64(summary.square) / summary.weight)
        predictors = link.link(np.array([mean, root]))
        shift = np.float64(summary.shift) / summary.weight
    usable = predictors[np.isfinite(predictors)]
    start = float(usable[0]) if len(usable) else 0.0
    return start - float(shift) if np.isfinite(shift) else start


def marginal_start(summary: Summary, columns: DesignColumns, family: Family, link: Link) -> Array:
    """0.6 of each level's own shrunk relativity, shape (columns,): nearer than the mean, free after a first pass."""
    start = np.zeros(len(columns))
    overall = family.starting_mean(summary.amount / summary.weight)
    prior = PRIOR_ROWS * summary.weight / max(summary.non_zero, 1)
    weights, amounts = summary.by_code(columns, 1), summary.by_code(columns, 2)
    for one in columns.design.fields:
        codes = columns.column_of_code[one.name]
        means = (amounts[one.name] + prior * overall) / (weights[one.name] + prior)
        with np.errstate(all="ignore"):
            shift = np.nan_to_num(0.6 * (link.link(means) - link.link(np.array([overall]))), posinf=0.0, neginf=0.0)
        base = float(shift[codes < 0][0]) if (codes < 0).any() else 0.0
        start[codes[codes >= 0]] = shift[codes >= 0] - base
        start[0] += base
    return start


def constant_start(summary: Summary, columns: DesignColumns, family: Family, link: Link, null: float) -> Array:
    """Every row at one predictor, shape (columns,), moved to its levels' means where the predictor has no unit."""
    start = np.zeros(len(columns))
    if columns.has_intercept:
        start[0] = null
        return start + marginal_start(summary, columns, family, link) if link.name in ("log", "logit") else start
    # Without an intercept the first factor carries the level of all rows.
    first = next(iter(columns.column_of_code.values()), np.array([], dtype=np.int64))
    start[first[first >= 0]] = starting_predictor(summary, family, link)
    return start


def amounts_by_column(summary: Summary, columns: DesignColumns) -> Array:
    """Sum of the amounts of the rows of every level and of the intercept, shape (columns,)."""
    amounts = np.zeros(len(columns))
    for at, table in enumerate(summary.atoms[: len(columns.design.atoms)]):
        columns.add_margins(amounts, at, table[2])
    if columns.has_intercept:
        amounts[0] = summary.amount
    return amounts
