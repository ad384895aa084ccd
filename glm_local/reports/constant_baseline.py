"""Double lift against the plainest baseline there is: one rate for every row, taken from tables a page already has."""

from __future__ import annotations

import numpy as np

from glm_local.drawing.tables import ValidationTables, calibration_and_lift
from glm_local.reports.content import DoubleLift

CONSTANT = "one rate for every row"


def against_constant(tables: ValidationTables, sample: str) -> DoubleLift:
    """Bands of a sample by this model's rate, which is its ratio to any constant one; no pass over rows."""
    bands = calibration_and_lift(tables, sample).reset_index(drop=True)
    exposure = bands["exposure"].to_numpy(dtype=float)
    total, predicted = exposure.sum(), bands["predicted"].to_numpy(dtype=float).sum()
    actual = bands["actual"].to_numpy(dtype=float).sum()
    average = predicted / total if total > 0 else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        table = bands[["band", "rows", "exposure", "actual_rate"]].assign(
            lowest=bands["lowest_rate"] / average,
            highest=bands["highest_rate"] / average,
            rate_a=actual / total if total > 0 else np.nan,
            rate_b=bands["predicted_rate"],
            actual_relative=bands["actual_lift"],
            relative_a=1.0,
            relative_b=bands["predicted_lift"],
        )
    return DoubleLift(CONSTANT, "this model", table, sample)
