"""Calibration, lift and Lorenz charts, and the figure that shows all three."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from glm_local.drawing.figure import Figure
from glm_local.drawing.plot_area import SIDE, PlotArea
from glm_local.drawing.svg import FITTED, MUTED, OBSERVED, nice_ticks
from glm_local.drawing.tables import ValidationTables
from glm_local.texts.number_format import rate_text, ratio_text

BESIDE = 0.12
"""Bands between a mark and the middle of its band: observed to the left, fitted to the right."""
STYLES = (("#8a95a0", "2 3"), ("#d1721b", "6 3"), ("#1b4f8a", ""), ("#2e7d4f", "9 3 2 3"), ("#7b3fa0", "4 2"))


def validation_figure(report: ValidationTables, sample: str | None = None) -> Figure:
    """Calibration and lift of one sample (the last unless named) and the Lorenz curves of all, side by side."""
    name = sample or str(report.summary["sample"].iloc[-1])
    charts = [
        calibration_chart(of(report.calibration, name), name),
        lift_chart(of(report.lift, name), name),
        lorenz_chart(report.lorenz, report.gini),
    ]
    placed = [chart.replace("<svg ", f'<svg x="{i * (SIDE + 14)}" ', 1) for i, chart in enumerate(charts)]
    width = 3 * SIDE + 28
    return Figure(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {SIDE}" width="{width}" height="{SIDE}">'
        f"{''.join(placed)}</svg>"
    )


def of(table: pd.DataFrame, sample: str) -> pd.DataFrame:
    """The rows of one sample."""
    return table[table["sample"] == sample].reset_index(drop=True)


def calibration_figure(table: pd.DataFrame, sample: str = "", width: float = 460, height: float = 380) -> Figure:
    """Calibration of one sample; `table` has its bands only."""
    return Figure(calibration_chart(table, sample, width, height))


def lift_figure(table: pd.DataFrame, sample: str = "", width: float = 460, height: float = 320) -> Figure:
    """Lift of one sample; `table` has its bands only."""
    return Figure(lift_chart(table, sample, width, height))


def lorenz_figure(lorenz: pd.DataFrame, gini: pd.DataFrame, width: float = 460, height: float = 400) -> Figure:
    """Lorenz curves of every sample in `gini`."""
    return Figure(lorenz_chart(lorenz, gini, width, height))


def calibration_chart(table: pd.DataFrame, sample: str, width: float = SIDE, height: float = SIDE) -> str:
    """Observed against predicted rate per band with intervals; on the diagonal the model is right."""
    predicted, actual = (table[name].to_numpy(dtype=float) for name in ("predicted_rate", "actual_rate"))
    both = np.concatenate([predicted, actual])
    both = both[np.isfinite(both)]
    low = min(float(both.min(initial=0.0)), 0.0)
    ticks = nice_ticks(low, float(both.max(initial=low + 1e-9)) * 1.04)
    plot = PlotArea(
        f"Calibration, {sample}", "predicted rate", "observed rate", ticks, ticks, width=width, height=height
    )
    plot.svg.line(plot.at(ticks[0], ticks[0]), plot.at(ticks[-1], ticks[-1]), MUTED, 1, "4 3")
    for line in table.to_dict("records"):
        x, y = float(line["predicted_rate"]), float(line["actual_rate"])
        ends = [float(line[name]) * x for name in ("lower", "upper")]
        if all(map(math.isfinite, ends)):
            plot.svg.line(plot.at(x, ends[0]), plot.at(x, ends[1]), OBSERVED, 1.1)
        if math.isfinite(y):
            about = f"band {line['band']}: predicted {rate_text(x)}, observed {rate_text(y)}, "
            plot.svg.dot(plot.at(x, y), OBSERVED, 3.6, about + f"A/E {ratio_text(float(line['actual_to_predicted']))}")
    return plot.svg.render()


def lift_chart(table: pd.DataFrame, sample: str, width: float = SIDE, height: float = SIDE) -> str:
    """Lift of observed and fitted per band of about equal exposure, low to high predicted rate."""
    observed, fitted = (table[name].to_numpy(dtype=float) for name in ("actual_lift", "predicted_lift"))
    both = np.concatenate([observed, fitted, [1.0]])
    both = both[np.isfinite(both)]
    across = [float(band) for band in table["band"]]
    ticks = nice_ticks(min(0.0, float(both.min())), float(both.max()) * 1.04)
    plot = PlotArea(
        f"Lift, {sample}",
        "band of predicted rate, low to high",
        "rate / average rate",
        across,
        ticks,
        0.5,
        width,
        height,
    )
    plot.svg.line(plot.at(across[0] - 0.5, 1.0), plot.at(across[-1] + 0.5, 1.0), MUTED, 1, "4 3")
    # Side by side, so that one never hides the other where they agree.
    plot.svg.path([plot.at(x - BESIDE, y) for x, y in zip(across, observed, strict=True)], OBSERVED, 1.6)
    plot.svg.path([plot.at(x + BESIDE, y) for x, y in zip(across, fitted, strict=True)], FITTED, 1.8, "5 3")
    for x, y, expected in zip(across, observed, fitted, strict=True):
        if math.isfinite(expected):
            at = plot.at(x + BESIDE, expected)
            plot.svg.rectangle(at[0] - 3, at[1] - 3, 6, 6, FITTED, f"band {x:.0f}: fitted {ratio_text(expected)}")
        if math.isfinite(y):
            plot.svg.dot(plot.at(x - BESIDE, y), OBSERVED, 3.4, f"band {x:.0f}: observed {ratio_text(y)}")
    plot.legend([("observed", OBSERVED, ""), ("fitted", FITTED, "5 3")])
    return plot.svg.render()


def lorenz_chart(lorenz: pd.DataFrame, gini: pd.DataFrame, width: float = SIDE, height: float = SIDE) -> str:
    """Lorenz curves of every sample: share of actual against share of exposure, lowest predicted rate first."""
    ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    plot = PlotArea(
        "Lorenz curves",
        "share of exposure, low to high predicted rate",
        "share of actual",
        ticks,
        ticks,
        width=width,
        height=height,
    )
    plot.svg.line(plot.at(0, 0), plot.at(1, 1), MUTED, 1, "4 3")
    legend = []
    names = list(gini["sample"])
    for i, name in enumerate(names):
        colour, dash = STYLES[(i + max(3 - len(names), 0)) % len(STYLES)]
        curve = of(lorenz, name)
        points = [plot.at(x, y) for x, y in zip(curve["exposure_share"], curve["actual_share"], strict=True)]
        plot.svg.path(points, colour, 1.7, dash)
        legend.append((f"{name}: Gini {ratio_text(float(gini['gini'].iloc[i]))}", colour, dash))
    plot.legend(legend)
    return plot.svg.render()
