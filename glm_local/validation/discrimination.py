"""Lorenz curve, Gini and ROC AUC on score bands: weighted, ties averaged."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.rows.cells import DesignTable
from glm_local.validation.calibration_table import by_score
from glm_local.validation.score_bands import of_sample, samples_of

Array = NDArray[np.float64]

GINI_DEFINITION = (
    "Gini = 1 - 2 * area under the ordered Lorenz curve: cumulated actual against cumulated exposure, both as shares, "
    "from the lowest predicted rate to the highest; tied rates form one straight piece."
)
LORENZ_POINTS = 200


def lorenz_curve(exposure: Array, actual: Array) -> tuple[Array, Array]:
    """Cumulated shares of exposure and of actual, each starting at 0; both sorted by ascending score.

    NaN throughout where the total of either is not positive.

    Examples
    --------
    >>> x, y = lorenz_curve(np.array([1.0, 1.0]), np.array([1.0, 3.0]))
    >>> x.tolist(), y.tolist()
    ([0.0, 0.5, 1.0], [0.0, 0.25, 1.0])
    """
    return _shares(exposure), _shares(actual)


def gini(exposure: Array, actual: Array) -> float:
    """1 - 2 * area under `lorenz_curve`, by trapezoids: each band a tie.

    Source: Frees, Meyers and Cummings (2011), Summarizing insurance scores using a Gini index, with the predicted
    rate as the ordering score. For a binary target without weights it is (1 - p)(2 AUC - 1), p the share of ones.

    Examples
    --------
    >>> gini(np.array([1.0, 1.0]), np.array([0.0, 2.0]))
    0.5
    """
    x, y = lorenz_curve(exposure, actual)
    return float(1 - np.sum(np.diff(x) * (y[1:] + y[:-1])))


def roc_auc(positive: Array, negative: Array) -> float:
    """Chance that a positive scores above a negative, ties counting one half; both by ascending score.

    `positive` is w y and `negative` w (1 - y) per band; NaN where either total is 0.

    Examples
    --------
    >>> roc_auc(np.array([0.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0]))
    0.875
    """
    total = positive.sum() * negative.sum()
    if not total > 0:
        return math.nan
    below = np.cumsum(negative) - negative / 2
    return float(np.sum(positive * below) / total)


def discrimination_table(table: DesignTable, binary: bool, ranking: str = "every score") -> pd.DataFrame:
    """Per sample: what rows are ranked by, Gini, and for a binomial family ROC AUC and Gini of it (2 AUC - 1).

    `ranked_by` is "every score", or "scores to 12 binary digits" where there are too many; `score_bands` counts them.
    """
    lines: list[dict[str, object]] = []
    for name in samples_of(table):
        sums = by_score(of_sample(table, name)).sums
        line: dict[str, object] = {"sample": name, "ranked_by": ranking, "score_bands": len(sums["actual"])}
        line["gini"] = gini(sums["exposure"], sums["actual"])
        if binary:
            area = roc_auc(sums["actual"], sums["weight"] - sums["actual"])
            line |= {"roc_auc": area, "roc_gini": 2 * area - 1}
        lines.append(line)
    columns = ["sample", "ranked_by", "score_bands", "gini", *(("roc_auc", "roc_gini") if binary else ())]
    return pd.DataFrame(lines, columns=columns)


def lorenz_table(table: DesignTable, points: int = LORENZ_POINTS) -> pd.DataFrame:
    """The Lorenz curve per sample, thinned to about `points` points that lie on it.

    Columns: sample, exposure_share, actual_share, predicted_share (cumulated, 0 to 1). The Gini never uses the
    thinned curve.
    """
    parts: list[pd.DataFrame] = []
    for name in samples_of(table):
        sums = by_score(of_sample(table, name)).sums
        x, y = lorenz_curve(sums["exposure"], sums["actual"])
        kept = _thinned(x, points)
        predicted = _shares(sums["predicted"])
        parts.append(
            pd.DataFrame(
                {
                    "sample": name,
                    "exposure_share": x[kept],
                    "actual_share": y[kept],
                    "predicted_share": predicted[kept],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _shares(values: Array) -> Array:
    total = values.sum()
    with_start = np.concatenate([[0.0], np.cumsum(values)])
    return with_start / total if total > 0 else np.full(len(with_start), np.nan)


def _thinned(x: Array, points: int) -> NDArray[np.int64]:
    if len(x) <= points + 1 or not np.isfinite(x).all():
        return np.arange(len(x))
    return np.unique(np.append(np.searchsorted(x, np.linspace(0, 1, points + 1)[:-1]), len(x) - 1))
