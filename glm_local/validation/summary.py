"""One line per sample: volumes, actual and predicted, deviance, errors; and the rows left out, by reason."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.validation.intervals import IntervalRule, ratio
from glm_local.validation.score_bands import of_sample, samples_of, take
from glm_local.validation.scored_rows import EXCLUSIONS, ScoredRows


def summary_request(rows: ScoredRows) -> CellRequest:
    """Everything that is summed per sample."""
    return CellRequest("summary", {"sample": rows.sample}, rows.sample_sums, rows.usable)


def exclusion_request(rows: ScoredRows) -> CellRequest:
    """How many rows each sample loses, by the first reason that holds."""
    return CellRequest("excluded rows", {"sample": rows.sample, "reason": rows.exclusion}, {}, rows.excluded)


def summary_table(table: DesignTable, rule: IntervalRule) -> pd.DataFrame:
    """Summary per sample, in the order train, validation, holdout; from sums that `with_null_deviances` completed.

    Columns
    -------
    rows, weight, exposure, actual, predicted
        Counts and weighted totals (w, w e, w y, w m).
    actual_to_predicted, lower, upper
        A/E of the whole sample with its interval.
    actual_rate, predicted_rate
        Totals per exposure.
    deviance, mean_deviance
        Sum of w d(y, m), and the same per weight (per row when there is none).
    null_deviance, deviance_explained
        Deviance of the constant rate that fits this sample best, and 1 - deviance / null_deviance.
    pearson_dispersion
        Sum of w (y - m)^2 / V(m), per row.
    dispersion_by_key
        What the sample's totals spread by key, where keys are known: intervals are made with it.
    mean_absolute_error, root_mean_squared_error
        Weighted by w.
    """
    names = samples_of(table)
    table = take(table, [list(table.keys["sample"]).index(name) for name in names])
    sums, rows = table.sums, table.rows.astype(np.float64)
    each = [rule.of(name) for name in names]
    bounds = [
        one.bounds(*(sums[part][at : at + 1] for part in ("actual", "predicted", "variance")))
        for at, one in enumerate(each)
    ]
    lower, upper = (np.concatenate([one[side] for one in bounds]) if bounds else np.zeros(0) for side in (0, 1))
    return pd.DataFrame(
        {
            "sample": names,
            "rows": table.rows,
            "weight": sums["weight"],
            "exposure": sums["exposure"],
            "actual": sums["actual"],
            "predicted": sums["predicted"],
            "actual_to_predicted": ratio(sums["actual"], sums["predicted"]),
            "lower": lower,
            "upper": upper,
            "actual_rate": ratio(sums["actual"], sums["exposure"]),
            "predicted_rate": ratio(sums["predicted"], sums["exposure"]),
            "deviance": sums["deviance"],
            "mean_deviance": ratio(sums["deviance"], sums["weight"]),
            "null_deviance": sums["null_deviance"],
            "deviance_explained": 1 - ratio(sums["deviance"], sums["null_deviance"]),
            "pearson_dispersion": ratio(sums["pearson"], rows),
            **({} if rule.by_sample is None else {"dispersion_by_key": [one.dispersion for one in each]}),
            "mean_absolute_error": ratio(sums["absolute_error"], sums["weight"]),
            "root_mean_squared_error": np.sqrt(ratio(sums["squared_error"], sums["weight"])),
        }
    )


def exclusion_table(table: DesignTable) -> pd.DataFrame:
    """Rows left out: sample (None where the sample itself is missing), reason, rows; no line, nothing left out."""
    samples = [None if gone else str(name) for name, gone in _keys(table, "sample")]
    reasons = [EXCLUSIONS[int(code)] for code in table.keys["reason"].tolist()]
    known = [name for name in samples_of(table) if name in samples]
    order = {name: i for i, name in enumerate(known)}
    lines = sorted(
        zip(samples, reasons, table.rows.tolist(), strict=True),
        key=lambda line: (order.get(line[0] or "", len(order)), EXCLUSIONS.index(line[1])),
    )
    frame = pd.DataFrame(lines, columns=["sample", "reason", "rows"], dtype=object)
    return frame.astype({"rows": np.int64})


def _keys(table: DesignTable, name: str) -> Iterator[tuple[object, bool]]:
    return zip(table.keys[name].tolist(), table.missing[name].tolist(), strict=True)


def pearson_dispersion(table: DesignTable) -> float:
    """Pearson chi-square per row of the first sample: the dispersion behind intervals when the family fixes none."""
    names = samples_of(table)
    if not names:
        return math.nan
    first = of_sample(table, names[0])
    return float(first.sums["pearson"][0] / first.rows[0])
