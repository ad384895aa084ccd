"""Calibration: bands of equal exposure by predicted rate, actual against predicted."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.rows.cells import DesignTable
from glm_local.validation.intervals import IntervalRule, ratio
from glm_local.validation.score_bands import of_sample, samples_of, take


def calibration_table(table: DesignTable, bands: int, rule: IntervalRule) -> pd.DataFrame:
    """Actual and predicted in bands of about equal exposure, per sample, from low to high predicted rate.

    Score bands are never cut: each goes whole to the calibration band that holds the middle of its exposure, so a
    model with few distinct rates gets fewer bands than asked.

    Columns
    -------
    sample, band
        Bands count from 1, the lowest predicted rates.
    rows, exposure, lowest_rate, highest_rate
        Volume, and the range of the predicted rates in the band (on the score grid).
    actual, predicted, actual_rate, predicted_rate
        Weighted totals and totals per exposure.
    actual_to_predicted, lower, upper
        A/E with its interval.
    """
    parts = [_one_sample(of_sample(table, name), bands, rule.of(name), name) for name in samples_of(table)]
    return pd.concat(parts, ignore_index=True)


def equal_exposure_bands(exposure: NDArray[np.float64], bands: int) -> NDArray[np.int64]:
    """Band of every score band (ascending scores): consecutive numbers from 0, by the middle of cumulated exposure.

    Examples
    --------
    >>> equal_exposure_bands(np.array([1.0, 1.0, 6.0, 1.0, 1.0]), 5).tolist()
    [0, 0, 1, 2, 2]
    """
    total = exposure.sum()
    middle = (np.cumsum(exposure) - exposure / 2) / total if total > 0 else np.zeros(len(exposure))
    asked = np.minimum((bands * middle).astype(np.int64), bands - 1)
    return np.unique(asked, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _one_sample(table: DesignTable, bands: int, rule: IntervalRule, sample: str) -> pd.DataFrame:
    table = by_score(table)
    band = equal_exposure_bands(table.sums["exposure"], bands)
    starts = np.flatnonzero(np.diff(band, prepend=-1))
    ends = np.append(starts[1:], len(band))[: len(starts)] - 1
    score = table.keys["band"].astype(np.float64)
    sums = {name: _by_band(band, total, len(starts)) for name, total in table.sums.items()}
    lower, upper = rule.bounds(sums["actual"], sums["predicted"], sums["variance"])
    return pd.DataFrame(
        {
            "sample": sample,
            "band": np.arange(1, len(starts) + 1),
            "rows": _by_band(band, table.rows, len(starts)).astype(np.int64),
            "exposure": sums["exposure"],
            "lowest_rate": score[starts],
            "highest_rate": score[ends],
            "actual": sums["actual"],
            "predicted": sums["predicted"],
            "actual_rate": ratio(sums["actual"], sums["exposure"]),
            "predicted_rate": ratio(sums["predicted"], sums["exposure"]),
            "actual_to_predicted": ratio(sums["actual"], sums["predicted"]),
            "lower": lower,
            "upper": upper,
        }
    )


def _by_band(band: NDArray[np.int64], values: NDArray[np.generic], bands: int) -> NDArray[np.float64]:
    return np.bincount(band, weights=values.astype(np.float64), minlength=bands).astype(np.float64)


def by_score(table: DesignTable) -> DesignTable:
    """The cells in ascending order of their score band."""
    return take(table, np.argsort(table.keys["band"].astype(np.float64), kind="stable"))
