"""One factor on one sample: observed and fitted rate by level over bars of exposure; and interval bars for tables."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from glm_local.drawing.level_axis import LevelAxis, level_axis
from glm_local.drawing.svg import (
    FITTED,
    GRID,
    INK,
    MUTED,
    OBSERVED,
    VOLUME,
    Svg,
    level_text,
    nice_ticks,
    shortened,
    tick_text,
)
from glm_local.numbers.ties import in_steps
from glm_local.texts.number_format import count_text, rate_text, ratio_text, share_text

MOST_LEVELS = 320
MOST_ON_A_PHONE = 60
NARROW = 520.0
"""Pixels below which legends stand under their titles."""
THIN_SHARE = 0.005
LEGEND = 330.0
THIN_SLOT = 9.0
"""Pixels per level below which observed levels are dots alone and fitted ones a line alone."""
WHISKER = "#c3d2e4"
WIDEST = 120.0
"""Pixels of the widest bar."""


def factor_chart(table: pd.DataFrame, title: str = "", width: float = 1040) -> str:
    """Observed (dots with intervals) and fitted (line with squares) rate per level; bars are shares of exposure.

    `table` is one sample of an actual/expected table, levels in the factor's order; beyond `MOST_LEVELS` levels the
    ones with most exposure are drawn, still in that order, and the chart says so.
    """
    drawn = most_exposed(table, most_levels(width))
    axis = level_axis([str(level) for level in drawn["level"]], width)
    panel = Panel(axis, rates_top(width), 230)
    svg = Svg(width, panel.floor + axis.height + 6, f"Observed and fitted by level. {title}")
    draw_rates(svg, panel, drawn, title + left_out(drawn, table, width))
    axis.draw(svg, panel.floor)
    return svg.render()


@dataclass(frozen=True)
class Panel:
    """A band of a drawing above an axis of levels."""

    axis: LevelAxis
    top: float
    height: float

    @property
    def floor(self) -> float:
        """Pixel of the lower edge."""
        return self.top + self.height

    @property
    def right(self) -> float:
        """Pixel of the right edge."""
        return self.axis.left + self.axis.width


def draw_rates(svg: Svg, panel: Panel, table: pd.DataFrame, title: str, joined: bool = True) -> None:
    """Legend, exposure bars, observed and fitted rates; `joined` by lines, or marks alone."""
    _legend(svg, panel, title)
    _exposure_bars(svg, panel, table)
    _rates(svg, panel, table, joined)


def rates_top(width: float) -> float:
    """Pixel where the panel of rates begins, below title and legend."""
    return 34.0 if width >= NARROW else 52.0


def most_levels(width: float) -> int:
    """How many levels a drawing so wide shows."""
    return MOST_LEVELS if width >= NARROW else MOST_ON_A_PHONE


def most_exposed(table: pd.DataFrame, most: int = MOST_LEVELS) -> pd.DataFrame:
    """The levels with most exposure, in the factor's order."""
    if len(table) <= most:
        return table.reset_index(drop=True)
    kept = np.sort(np.argsort(-in_steps(table["exposure"].to_numpy(np.float64)), kind="stable")[:most])
    return table.iloc[kept].reset_index(drop=True)


def left_out(drawn: pd.DataFrame, table: pd.DataFrame, width: float = NARROW) -> str:
    """What a title says about levels that are not drawn."""
    if len(drawn) == len(table):
        return ""
    shown = f"{len(drawn)} of {len(table)}"
    return f" (the {shown} levels with most exposure)" if width >= NARROW else f" (largest {shown})"


def interval_bar(
    estimate: float, lower: float, upper: float, scale: IntervalScale, width: float = 180, height: float = 16
) -> str:
    """A bar from the reference to the estimate with its interval as a whisker, on a scale common to a table."""
    interval = f" ({ratio_text(lower)} to {ratio_text(upper)})" if math.isfinite(lower) and math.isfinite(upper) else ""
    svg = Svg(width, height, ratio_text(estimate) + interval)
    middle, zero = height / 2, scale.at(scale.reference, width)
    svg.line((zero, 0), (zero, height), MUTED, 1)
    if math.isfinite(estimate):
        x = scale.at(estimate, width)
        svg.rectangle(min(x, zero), middle - 4, abs(x - zero), 8, "#b9cde4")
        if math.isfinite(lower) and math.isfinite(upper) and upper > lower:
            a, b = scale.at(lower, width), scale.at(upper, width)
            svg.line((a, middle), (b, middle), OBSERVED, 1.4)
            _whisker_end(svg, a, middle, -1, scale.beyond(lower))
            _whisker_end(svg, b, middle, 1, scale.beyond(upper))
        svg.dot((x, middle), OBSERVED, 3)
    return svg.render()


@dataclass(frozen=True)
class IntervalScale:
    """From values to a bar's pixels: logarithmic for relativities (reference 1), linear for others (reference 0)."""

    low: float
    high: float
    logarithmic: bool

    @property
    def reference(self) -> float:
        """Where bars begin."""
        return 1.0 if self.logarithmic else 0.0

    def at(self, value: float, width: float) -> float:
        """Pixel of a value, moved into the drawing with a small margin."""
        return 6 + self.share(value) * (width - 12)

    def share(self, value: float) -> float:
        """How far up the scale a value lies: 0 to 1, those off the scale at its ends."""
        share = (self._scaled(value) - self._scaled(self.low)) / (self._scaled(self.high) - self._scaled(self.low))
        return min(max(share, 0.0), 1.0)

    def beyond(self, value: float) -> bool:
        """Whether a value lies off the scale."""
        return not self.low <= value <= self.high

    def _scaled(self, value: float) -> float:
        if not self.logarithmic:
            return value
        return math.log(value) if value > 0 else -1e9


def interval_scale(
    estimates: Sequence[float], lowers: Sequence[float], uppers: Sequence[float], logarithmic: bool
) -> IntervalScale:
    """A scale that shows every estimate, and intervals as far as they are not far wider than the estimates' range."""
    kept = [value for value in estimates if math.isfinite(value) and (value > 0 or not logarithmic)]
    kept.append(1.0 if logarithmic else 0.0)
    low, high = min(kept), max(kept)
    ends = [one for one in (*lowers, *uppers) if math.isfinite(one) and (one > 0 or not logarithmic)]
    if logarithmic:
        reach = max(math.sqrt(high / low), 1.25)
        low = max(low / reach, min([*ends, low / 1.02]))
        high = min(high * reach, max([*ends, high * 1.02]))
    else:
        reach = max((high - low) / 2, 1e-12)
        low, high = max(low - reach, min([*ends, low - reach / 9])), min(high + reach, max([*ends, high + reach / 9]))
    return IntervalScale(low, high, logarithmic)


def _legend(svg: Svg, panel: Panel, title: str) -> None:
    narrow = svg.width < NARROW
    svg.text(
        (8, 16) if narrow else (panel.axis.left, 16),
        shortened(title, 54) if narrow else title,
        size=12,
        colour=INK,
        bold=True,
    )
    x, y = (8.0, 33.0) if narrow else (panel.right - LEGEND, 12.0)
    svg.line((x, y), (x + 22, y), OBSERVED, 1.8)
    svg.dot((x + 11, y), OBSERVED)
    svg.text((x + 28, y + 4), "observed")
    svg.line((x + 96, y), (x + 118, y), FITTED, 1.8, "5 3")
    svg.rectangle(x + 104, y - 3, 6, 6, FITTED)
    svg.text((x + 124, y + 4), "fitted")
    svg.rectangle(x + 172, y - 5, 14, 10, VOLUME)
    svg.text((x + 192, y + 4), "exposure (right axis)" if narrow else "share of exposure (right axis)")


def _exposure_bars(svg: Svg, panel: Panel, table: pd.DataFrame) -> None:
    axis = panel.axis
    shares = np.nan_to_num(table["exposure_share"].to_numpy(dtype=float))
    ticks = nice_ticks(0.0, 100 * max(float(shares.max(initial=0.0)), 0.001), 3)
    # Bars fill the lower half at most: the lines above them stay legible.
    per_share = panel.height * 0.5 / (ticks[-1] / 100)
    for i, share in enumerate(shares):
        line = table.iloc[i]
        about = f"{level_text(line['level'])}: exposure {share_text(share)}, {count_text(float(line['rows']))} rows"
        height, width = share * per_share, min(axis.slot * 0.72, WIDEST)
        svg.rectangle(axis.middle(i) - width / 2, panel.floor - height, width, height, VOLUME, about)
    for tick in ticks:
        at = (panel.right + 8, panel.floor - tick / 100 * per_share + 4)
        svg.text(at, f"{tick_text(tick, ticks)} %", colour=MUTED)


def _rates(svg: Svg, panel: Panel, table: pd.DataFrame, joined: bool) -> None:
    low, high = _rate_range(table)
    ticks, axis = nice_ticks(low, high), panel.axis
    thin = axis.slot < THIN_SLOT
    # Side by side, so that one never hides the other where they agree.
    beside = 0.0 if thin else min(5.0, axis.slot * 0.16)

    def at(i: int, rate: float, side: int = 0) -> tuple[float, float]:
        share = (rate - ticks[0]) / (ticks[-1] - ticks[0])
        inside = min(max(share, 0.0), 1.0) if math.isfinite(share) else math.nan
        return axis.middle(i) + side * beside, panel.floor - panel.height * inside

    for tick in ticks:
        svg.line((axis.left, at(0, tick)[1]), (panel.right, at(0, tick)[1]), GRID, 0.8)
        svg.text((axis.left - 7, at(0, tick)[1] + 4), tick_text(tick, ticks), anchor="end")
    svg.line((axis.left, panel.floor), (panel.right, panel.floor), MUTED, 1)
    observed, fitted = (table[name].to_numpy(dtype=float) for name in ("actual_rate", "predicted_rate"))
    if joined and not thin:
        svg.path([at(i, rate, -1) for i, rate in enumerate(observed)], OBSERVED, 1.3)
    for i, line in enumerate(table.to_dict("records")):
        bounds = [float(line[name]) * fitted[i] for name in ("lower", "upper")]
        if all(math.isfinite(bound) for bound in bounds):
            svg.line(at(i, bounds[0], -1), at(i, bounds[1], -1), WHISKER if thin else OBSERVED, min(1.0, axis.slot / 4))
    if joined or thin:
        svg.path([at(i, rate, 1) for i, rate in enumerate(fitted)], FITTED, 1.5 if thin else 1.8, "" if thin else "5 3")
    for i, line in enumerate(table.to_dict("records")):
        if math.isfinite(fitted[i]) and not thin:
            x, y = at(i, fitted[i], 1)
            about, side = f"{level_text(line['level'])}: fitted {rate_text(fitted[i])}", axis.mark * 0.94
            svg.rectangle(x - side, y - side, 2 * side, 2 * side, FITTED, about)
        _observed_mark(svg, at(i, observed[i], -1), line, ticks, axis.mark)


def _observed_mark(
    svg: Svg, at: tuple[float, float], line: dict[Hashable, Any], ticks: Sequence[float], radius: float
) -> None:
    rate = float(line["actual_rate"])
    if not math.isfinite(rate):
        return
    about = f"{level_text(line['level'])}: observed {rate_text(rate)}, A/E {ratio_text(line['actual_to_predicted'])}"
    x, y = at
    if rate > ticks[-1]:
        svg.polygon(
            [(x - radius - 0.8, y + 5), (x + radius + 0.8, y + 5), (x, y - 3)], OBSERVED, f"{about} (off the scale)"
        )
    else:
        svg.dot(at, OBSERVED, radius, about)


def _rate_range(table: pd.DataFrame) -> tuple[float, float]:
    thick = table[table["exposure_share"] >= THIN_SHARE]
    reliable = table if thick.empty else thick
    rates = np.concatenate(
        [
            table["predicted_rate"].to_numpy(dtype=float),
            reliable["actual_rate"].to_numpy(dtype=float),
        ]
    )
    rates = rates[np.isfinite(rates)]
    if not len(rates):
        return 0.0, 1.0
    # Whiskers of thin levels may run off the scale; points of thick levels never do.
    ends = (reliable["upper"] * reliable["predicted_rate"]).to_numpy(dtype=float)
    top = max(rates.max(), min(np.nanmax(ends, initial=rates.max()), rates.max() * 1.35))
    return float(min(rates.min(), 0.0)), float(top)


def _whisker_end(svg: Svg, x: float, y: float, side: int, beyond: bool) -> None:
    if beyond:
        svg.polygon([(x + 4 * side, y), (x - side, y - 3.5), (x - side, y + 3.5)], OBSERVED)
    else:
        svg.line((x, y - 3.5), (x, y + 3.5), OBSERVED, 1.4)
