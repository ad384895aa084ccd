"""Double lift: where two versions disagree, which one the observations follow."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.drawing.figure import Figure
from glm_local.drawing.plot_area import PlotArea, ticks_around
from glm_local.drawing.svg import BEFORE, FITTED, INK, MUTED, shortened
from glm_local.drawing.tables import Column
from glm_local.texts.number_format import count_text, rate_text, ratio_text

DOUBLE_LIFT = (
    Column("band", "Band", count_text),
    Column("lowest", "B / A from", ratio_text),
    Column("highest", "to", ratio_text),
    Column("actual_rate", "Observed rate", rate_text),
    Column("rate_a", "A", rate_text),
    Column("rate_b", "B", rate_text),
)
NARROW = 420.0
"""Pixels below which an axis names the versions by their letters."""
CURVES = ("actual", "a", "b")


def double_lift_figure(
    table: pd.DataFrame, first: str = "A", second: str = "B", width: float = 520, height: float = 320
) -> Figure:
    """Observed rate and both versions' rates, each over its average, in bands by the ratio second / first.

    `table` is as in `glm_local.reports.DoubleLift`. The version whose line lies closer to the observed one is right
    where the two disagree.
    """
    bands = [float(band) for band in table["band"]]
    rates = {name: relative(table, name) for name in CURVES}
    ticks = ticks_around(list(np.concatenate(list(rates.values()))), include=[1.0])
    named_axis = f"{shortened(second, 22)} to {shortened(first, 22)}" if width >= NARROW else "B to A"
    across = f"band, low to high ratio of {named_axis}"
    styles = {"actual": (INK, ""), "a": (BEFORE, "2 3"), "b": (FITTED, "5 3")}
    named = {"actual": "observed", "a": f"A: {shortened(first, 28)}", "b": f"B: {shortened(second, 28)}"}
    header = [(named[name], *style) for name, style in styles.items()]
    plot = PlotArea(
        "Double lift", across, "rate / average rate", bands or [1.0], ticks, 0.5, width, height, header=header
    )
    plot.svg.line(plot.at(plot.x_range[0], 1.0), plot.at(plot.x_range[1], 1.0), MUTED, 1, "4 3")
    for name, (colour, dash) in styles.items():
        plot.svg.path([plot.at(x, y) for x, y in zip(bands, rates[name], strict=True)], colour, 1.9, dash)
    for name, (colour, _) in styles.items():
        for x, y in zip(bands, rates[name], strict=True):
            if math.isfinite(y):
                plot.svg.dot(plot.at(x, y), colour, 3.2, f"band {x:.0f}: {named[name]} {ratio_text(y)}")
    return Figure(plot.svg.render())


def relative(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Rates over their average: "actual", "a" or "b"."""
    column = "actual_relative" if name == "actual" else f"relative_{name}"
    return table[column].to_numpy(dtype=float)


def distances(table: pd.DataFrame) -> tuple[float, float]:
    """Exposure-weighted mean distance of A and of B from the observed line; NaN without exposure."""
    actual, exposure = relative(table, "actual"), table["exposure"].to_numpy(dtype=float)
    gaps = [np.abs(relative(table, name) - actual) for name in ("a", "b")]
    known = np.isfinite(gaps[0] + gaps[1]) & (exposure > 0)
    if not known.any():
        return math.nan, math.nan
    first, second = (float(np.average(gap[known], weights=exposure[known])) for gap in gaps)
    return first, second


def closer_bands(table: pd.DataFrame) -> int:
    """In how many bands B lies closer to the observed line than A."""
    actual = relative(table, "actual")
    return int((np.abs(relative(table, "b") - actual) < np.abs(relative(table, "a") - actual)).sum())
