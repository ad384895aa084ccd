"""Calibration, lift and Lorenz charts, and the figure that shows all three."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from glm_local.reports.number_format import rate_text, ratio_text
from glm_local.reports.svg import FITTED, GRID, INK, MUTED, OBSERVED, Point, Svg, nice_ticks, tick_text
from glm_local.reports.tables import ValidationTables

SIDE = 336.0
STYLES = (("#8a95a0", "2 3"), ("#d1721b", "6 3"), ("#1b4f8a", ""), ("#2e7d4f", "9 3 2 3"), ("#7b3fa0", "4 2"))


@dataclass(frozen=True)
class Figure:
    """A drawing that notebooks show and `save` writes."""

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str) -> None:
        """Write the drawing as an SVG file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.svg)


def validation_figure(report: ValidationTables, sample: str | None = None) -> Figure:
    """Calibration and lift of one sample (the last unless named) and the Lorenz curves of all, side by side."""
    name = sample or str(report.summary["sample"].iloc[-1])
    charts = [calibration_chart(of(report.calibration, name), name), lift_chart(of(report.lift, name), name),
              lorenz_chart(report.lorenz, report.gini)]
    placed = [chart.replace("<svg ", f'<svg x="{i * (SIDE + 14)}" ', 1) for i, chart in enumerate(charts)]
    width = 3 * SIDE + 28
    return Figure(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {SIDE}" width="{width}" height="{SIDE}">'
        f'{"".join(placed)}</svg>'
    )


def of(table: pd.DataFrame, sample: str) -> pd.DataFrame:
    """The rows of one sample."""
    return table[table["sample"] == sample].reset_index(drop=True)


def calibration_chart(table: pd.DataFrame, sample: str) -> str:
    """Observed against predicted rate per band with intervals; on the diagonal the model is right."""
    predicted, actual = (table[name].to_numpy(dtype=float) for name in ("predicted_rate", "actual_rate"))
    both = np.concatenate([predicted, actual])
    both = both[np.isfinite(both)]
    low = min(float(both.min(initial=0.0)), 0.0)
    ticks = nice_ticks(low, float(both.max(initial=low + 1e-9)) * 1.04)
    plot = _Square(f"Calibration, {sample}", "predicted rate", "observed rate", ticks, ticks)
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


def lift_chart(table: pd.DataFrame, sample: str) -> str:
    """Lift of observed and fitted per band of about equal exposure, low to high predicted rate."""
    observed, fitted = (table[name].to_numpy(dtype=float) for name in ("actual_lift", "predicted_lift"))
    both = np.concatenate([observed, fitted, [1.0]])
    both = both[np.isfinite(both)]
    across = [float(band) for band in table["band"]]
    ticks = nice_ticks(min(0.0, float(both.min())), float(both.max()) * 1.04)
    plot = _Square(f"Lift, {sample}", "band of predicted rate, low to high", "rate / average rate", across, ticks, 0.5)
    plot.svg.line(plot.at(across[0] - 0.5, 1.0), plot.at(across[-1] + 0.5, 1.0), MUTED, 1, "4 3")
    plot.svg.path([plot.at(x, y) for x, y in zip(across, observed, strict=True)], OBSERVED, 1.6)
    plot.svg.path([plot.at(x, y) for x, y in zip(across, fitted, strict=True)], FITTED, 1.8, "5 3")
    for x, y, expected in zip(across, observed, fitted, strict=True):
        if math.isfinite(expected):
            at = plot.at(x, expected)
            plot.svg.rectangle(at[0] - 3, at[1] - 3, 6, 6, FITTED, f"band {x:.0f}: fitted {ratio_text(expected)}")
        if math.isfinite(y):
            plot.svg.dot(plot.at(x, y), OBSERVED, 3.4, f"band {x:.0f}: observed {ratio_text(y)}")
    plot.legend([("observed", OBSERVED, ""), ("fitted", FITTED, "5 3")])
    return plot.svg.render()


def lorenz_chart(lorenz: pd.DataFrame, gini: pd.DataFrame) -> str:
    """Lorenz curves of every sample: share of actual against share of exposure, lowest predicted rate first."""
    ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    plot = _Square("Lorenz curves", "share of exposure, low to high predicted rate", "share of actual", ticks, ticks)
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


class _Square:
    """A square plot with ticks on both axes."""

    def __init__(
        self, title: str, across: str, up: str, x_ticks: Sequence[float], y_ticks: Sequence[float], margin: float = 0.0
    ) -> None:
        self.svg = Svg(SIDE, SIDE, title)
        self.left, self.top, self.side = 56.0, 28.0, SIDE - 56 - 12
        self.height = SIDE - 28 - 44
        self.x_range = (x_ticks[0] - margin, x_ticks[-1] + margin)
        self.y_range = (y_ticks[0], y_ticks[-1])
        for tick in y_ticks:
            y = self.at(self.x_range[0], tick)[1]
            self.svg.line((self.left, y), (self.left + self.side, y), GRID, 0.8)
            self.svg.text((self.left - 6, y + 4), tick_text(tick, y_ticks), anchor="end", size=10.5)
        self._x_axis(x_ticks)
        self.svg.text((self.left, 16), title, size=12, colour=INK, bold=True)
        self.svg.text((self.left + self.side / 2, SIDE - 8), across, anchor="middle", size=10.5)
        self.svg.text((11, self.top + self.height / 2), up, anchor="middle", turn=-90, size=10.5)

    def _x_axis(self, ticks: Sequence[float]) -> None:
        floor = self.top + self.height
        self.svg.line((self.left, floor), (self.left + self.side, floor), MUTED, 1)
        every = max(1, math.ceil(len(ticks) / 10))
        for tick in ticks[::every]:
            x = self.at(tick, self.y_range[0])[0]
            self.svg.text((x, floor + 15), tick_text(tick, ticks), anchor="middle", size=10.5)

    def at(self, x: float, y: float) -> Point:
        """Pixel of a point, moved into the square."""
        across = (x - self.x_range[0]) / ((self.x_range[1] - self.x_range[0]) or 1.0)
        up = (y - self.y_range[0]) / ((self.y_range[1] - self.y_range[0]) or 1.0)
        if not (math.isfinite(across) and math.isfinite(up)):
            return math.nan, math.nan
        return self.left + min(max(across, 0), 1) * self.side, self.top + self.height * (1 - min(max(up, 0), 1))

    def legend(self, entries: Sequence[tuple[str, str, str]]) -> None:
        """Lines of the legend, in the upper left corner."""
        for i, (name, colour, dash) in enumerate(entries):
            y = self.top + 12 + 16 * i
            self.svg.line((self.left + 10, y), (self.left + 34, y), colour, 1.9, dash)
            self.svg.text((self.left + 40, y + 4), name, colour=INK, size=11)
