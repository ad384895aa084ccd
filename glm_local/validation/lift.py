"""Lift: how far apart the model pulls low and high, against the sample's own average."""

from __future__ import annotations

import pandas as pd


def lift_table(calibration: pd.DataFrame) -> pd.DataFrame:
    """Lift per calibration band.

    Columns
    -------
    sample, band, exposure_share
        As in the calibration table; the share is of the sample's exposure.
    actual_lift, predicted_lift
        The band's rate over the sample's rate.
    captured_actual, captured_exposure
        Shares of the sample's actual and exposure in this band and all bands above it: what is caught by taking the
        highest predicted rates first.
    """
    parts = [_one_sample(part) for _, part in calibration.groupby("sample", sort=False)]
    return pd.concat(parts, ignore_index=True)


def _one_sample(part: pd.DataFrame) -> pd.DataFrame:
    exposure, actual, predicted = part["exposure"].sum(), part["actual"].sum(), part["predicted"].sum()
    return pd.DataFrame(
        {
            "sample": part["sample"],
            "band": part["band"],
            "exposure_share": part["exposure"] / exposure,
            "actual_lift": part["actual_rate"] / (actual / exposure) if actual else float("nan"),
            "predicted_lift": part["predicted_rate"] / (predicted / exposure) if predicted else float("nan"),
            "captured_exposure": part["exposure"][::-1].cumsum()[::-1] / exposure,
            "captured_actual": part["actual"][::-1].cumsum()[::-1] / actual if actual else float("nan"),
        }
    )
