"""Double lift: where two predictions disagree, which of them is nearer to what happened."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal as OneOf
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.diagnostics.scored import Column, FamilyLike, answered, left_out, scored_rows
from glm_local.errors import ConfigError, DataError
from glm_local.expressions.arithmetic import divide, multiply, not_finite, subtract
from glm_local.expressions.expression import AllOf, Expression, Not
from glm_local.families.families import family_from
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import Engine
from glm_local.validation.calibration_table import by_score, equal_exposure_bands
from glm_local.validation.intervals import ratio
from glm_local.validation.score_bands import ScoreBands, of_sample, samples_of
from glm_local.validation.summary import exclusion_request, exclusion_table

Frame = TypeVar("Frame")
Measure = OneOf["ratio", "difference"]

DOUBLE_LIFT_DEFINITION = (
    "Rows are ranked by prediction B {over} prediction A (rounded to 12 binary digits; ties stay together) and cut "
    "into bands of about equal weighted exposure. Relative columns are a band's rate over the average rate of the same "
    "column, so that the level of a prediction plays no part. The distance of a prediction is the exposure-weighted "
    "mean of |its relative rate - the actual relative rate| over bands: the smaller one is nearer to what happened."
)
GRID = ScoreBands()


def double_lift(
    engine: Engine[Frame],
    frame: Frame,
    prediction_a: Column,
    prediction_b: Column,
    *,
    target: Column,
    family: FamilyLike = "poisson",
    exposure: Column | None = None,
    weight: Column | None = None,
    sample: Column | None = None,
    bands: int = 10,
    measure: Measure = "ratio",
) -> pd.DataFrame:
    """Actual and two predictions in bands of the ratio of the two. One pass over rows.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    prediction_a, prediction_b
        Predicted totals: a column, an expression or its document; usually the model in use and a candidate.
    target, family, exposure, weight, sample
        As in `summary`; the family says which targets and predictions exist.
    bands
        2 or more, of about equal weighted exposure; equal ratios are never divided.
    measure
        "ratio" of the predictions, or their "difference" per exposure (for predictions that may be 0 or negative).

    Returns
    -------
    DataFrame
        Per sample and band (1: B lowest against A): sample, band, rows, exposure, lowest, highest (of the measure),
        actual_rate, rate_a, rate_b, actual_to_a, actual_to_b, actual_relative, relative_a, relative_b; all weighted.
        ``attrs``: `definition`, `left_out` (of "a" and of "b", rows by reason), `distance` (per sample, of "a" and
        of "b").

    Raises
    ------
    ConfigError
        A column that is not there, fewer than 2 bands.
    DataError
        No row can be used, or a target does not exist in the family.
    """
    if isinstance(bands, bool) or not isinstance(bands, int) or bands < 2:
        raise ConfigError.because(f"bands is {bands!r}.", "Bands are 2 or more.", "10 is usual.", path="bands")
    columns = engine.columns(frame)
    distribution = family_from(family)
    first, second = (
        scored_rows(
            columns, target=target, prediction=one, family=distribution, exposure=exposure, weight=weight, sample=sample
        )
        for one in (prediction_a, prediction_b)
    )
    over = _measure(measure, first.predicted_rate, second.predicted_rate)
    usable = AllOf((first.usable, second.usable, Not(not_finite(over))))
    sums = {
        "exposure": multiply(first.weight, first.exposure),
        "actual": multiply(first.weight, first.target),
        "a": multiply(first.weight, first.prediction),
        "b": multiply(first.weight, second.prediction),
    }
    request = CellRequest("double lift", {"sample": first.sample, "band": GRID.band(over)}, sums, usable)
    lost = {
        name: replace(exclusion_request(one), name=f"excluded {name}") for name, one in (("a", first), ("b", second))
    }
    tables = answered(engine, frame, [request, *lost.values()])
    table = tables[request.name]
    excluded = {name: left_out(exclusion_table(tables[one.name]), distribution) for name, one in lost.items()}
    if not len(table):
        raise DataError.because(
            f"No row has both predictions (left out: {excluded}).",
            "Bands are of rows with both.",
            'Look at the roles given; for predictions of 0 take measure="difference".',
        )
    parts = [_one_sample(of_sample(table, name), bands, name) for name in samples_of(table)]
    joined = pd.concat(parts, ignore_index=True)
    joined.attrs["definition"] = DOUBLE_LIFT_DEFINITION.format(over="over" if measure == "ratio" else "less")
    joined.attrs["left_out"] = excluded
    joined.attrs["distance"] = {str(part["sample"].iloc[0]): _distances(part) for part in parts}
    return joined


def _measure(measure: str, a: Expression, b: Expression) -> Expression:
    if measure == "ratio":
        return divide(b, a)
    if measure == "difference":
        return subtract(b, a)
    raise ConfigError.because(
        f"measure is {measure!r}.",
        'Predictions are compared by "ratio" or by "difference".',
        "Write one of the two.",
        path="measure",
    )


def _one_sample(table: DesignTable, bands: int, sample: str) -> pd.DataFrame:
    table = by_score(table)
    band = equal_exposure_bands(table.sums["exposure"], bands)
    starts = np.flatnonzero(np.diff(band, prepend=-1))
    ends = np.append(starts[1:], len(band)) - 1
    edges = table.keys["band"].astype(np.float64)
    sums = {name: _by_band(band, total) for name, total in table.sums.items()}
    rates = {name: ratio(sums[name], sums["exposure"]) for name in ("actual", "a", "b")}
    totals = {name: total.sum() for name, total in sums.items()}
    relative = {
        name: rate * totals["exposure"] / totals[name] if totals[name] else np.full_like(rate, np.nan)
        for name, rate in rates.items()
    }
    return pd.DataFrame(
        {
            "sample": sample,
            "band": np.arange(1, len(starts) + 1),
            "rows": _by_band(band, table.rows.astype(np.float64)).astype(np.int64),
            "exposure": sums["exposure"],
            "lowest": edges[starts],
            "highest": edges[ends],
            "actual_rate": rates["actual"],
            "rate_a": rates["a"],
            "rate_b": rates["b"],
            "actual_to_a": ratio(sums["actual"], sums["a"]),
            "actual_to_b": ratio(sums["actual"], sums["b"]),
            "actual_relative": relative["actual"],
            "relative_a": relative["a"],
            "relative_b": relative["b"],
        }
    )


def _by_band(band: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(band, weights=values).astype(np.float64)


def _distances(part: pd.DataFrame) -> dict[str, float]:
    return {
        name: float(np.average((part[f"relative_{name}"] - part["actual_relative"]).abs(), weights=part["exposure"]))
        for name in ("a", "b")
    }
