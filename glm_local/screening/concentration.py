"""How far a candidate on its own orders the responses: information value and a cross-fitted Gini."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from glm_local.numbers.ties import in_digits
from glm_local.validation.discrimination import gini, roc_auc

Array = NDArray[np.float64]


def information_value(events: Array, others: Array) -> float:
    """Sum over levels of (share of events - share of others) ln(share of events / share of others).

    Half an event and half a non-event are added to levels without, so that one empty level is no infinity. NaN when
    there are no events or nothing else.

    Examples
    --------
    >>> round(information_value(np.array([20.0, 80.0]), np.array([50.0, 50.0])), 4)
    0.4159
    """
    if not (events.sum() > 0 and others.sum() > 0):
        return math.nan
    kept = events + others > 0
    empty = (events[kept] == 0) | (others[kept] == 0)
    good, bad = (one[kept] + 0.5 * empty for one in (events, others))
    first, second = good / good.sum(), bad / bad.sum()
    return float(np.sum((first - second) * np.log(first / second)))


def cross_fitted_gini(weight: Array, amount: Array, binary: bool) -> float:
    """Gini of a candidate's levels as the only predictor, judged on rows it was not learned on.

    Levels are ordered by their rates on the other folds and judged on each fold in turn; the folds' values are averaged
    by amount. A useless candidate is near 0, on either side. For a binary target it is 2 AUC - 1.

    Parameters
    ----------
    weight, amount
        Sums per level and fold, shape (levels, folds).

    Returns
    -------
    float
        NaN for amounts below 0, or a single fold.
    """
    folds = weight.shape[1]
    if folds < 2 or (amount < 0).any() or not amount.sum() > 0:
        return math.nan
    values, shares = [], []
    for fold in range(folds):
        rest = weight.sum(axis=1) - weight[:, fold], amount.sum(axis=1) - amount[:, fold]
        rates = np.where(rest[0] > 0, rest[1] / np.where(rest[0] > 0, rest[0], 1.0), rest[1].sum() / rest[0].sum())
        order = np.argsort(in_digits(rates), kind="stable")
        own = weight[order, fold], amount[order, fold]
        value = 2 * roc_auc(own[1], own[0] - own[1]) - 1 if binary else gini(*own)
        if math.isfinite(value):
            values.append(value)
            shares.append(own[1].sum())
    return float(np.average(values, weights=shares)) if values and sum(shares) > 0 else math.nan


def stability_index(expected: Array, actual: Array) -> float:
    """Population stability index of two distributions over levels, in rows: sum (q - p) ln(q / p).

    Half a row is added to levels that one of them lacks. NaN when either is empty.

    Examples
    --------
    >>> round(stability_index(np.array([50.0, 50.0]), np.array([60.0, 40.0])), 4)
    0.0405
    """
    if not (expected.sum() > 0 and actual.sum() > 0):
        return math.nan
    kept = expected + actual > 0
    empty = (expected[kept] == 0) | (actual[kept] == 0)
    first, second = (one[kept] + 0.5 * empty for one in (expected, actual))
    p, q = first / first.sum(), second / second.sum()
    return float(np.sum((q - p) * np.log(q / p)))
