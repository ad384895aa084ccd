"""One factor on one sample: observed and fitted rate by level over bars of exposure; and interval bars for tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from glm_local.reports.number_format import count_text, rate_text, ratio_text, share_text
from glm_local.reports.svg import FITTED, GRID, INK, MUTED, OBSERVED, VOLUME, Svg, nice_ticks, shortened, tick_text

MOST_LEVELS = 60
THIN_SHARE = 0.005
MOST_LETTERS = 20


def factor_chart(table: pd.DataFrame, title: str = "", width: float = 1040) -> str:
    """Observed (dots with intervals) and fitted (line with squares) rate per level; bars are shares of exposure.

    `table` is one sample of an actual/expected table, levels in the factor's order; beyond `MOST_LEVELS` levels the
    ones with most exposure are drawn, still in that order, and the chart says so.
    """
    drawn, total = _largest(table), len(table)
    labels = [shortened(str(level), MOST_LETTERS) for level in drawn["level"]]
    longest = max((len(label) for label in labels), default=1)
    slot = (width - 130) / max(len(drawn), 1)
    turned = longest * 6.6 > slot - 8
    # A turned label reaches to the left of its level; the first one must not leave the drawing.
    left = max(60.0, len(labels[0]) * 5.2 - slot / 2 + 8) if turned else 60.0
    plot = _Plot(left, 34, width - left - 70, 230)
    slot = plot.width / max(len(drawn), 1)
    bottom = 24 + longest * 4.6 if turned else 30
    svg = Svg(width, plot.top + plot.height + bottom + 6, f"Observed and fitted by level. {title}")
    shown = "" if len(drawn) == total else f" (the {len(drawn)} of {total} levels with most exposure)"
    _legend(svg, plot, title + shown)
    _exposure_bars(svg, plot, drawn, slot)
    _rates(svg, plot, drawn, slot)
    for i, (label, level) in enumerate(zip(labels, drawn["level"], strict=True)):
        x, y = plot.left + slot * (i + 0.5), plot.top + plot.height + (13 if turned else 17)
        svg.text((x + 3 if turned else x, y), label, anchor="end" if turned else "middle",
                 turn=-40 if turned else 0, title=str(level), colour=INK)
    return svg.render()


def interval_bar(
    estimate: float, lower: float, upper: float, scale: IntervalScale, width: float = 180, height: float = 16
) -> str:
    """A bar from the reference to the estimate with its interval as a whisker, on a scale common to a table."""
    svg = Svg(width, height, f"{ratio_text(estimate)} ({ratio_text(lower)} to {ratio_text(upper)})")
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
        share = (self._scaled(value) - self._scaled(self.low)) / (self._scaled(self.high) - self._scaled(self.low))
        return 6 + min(max(share, 0.0), 1.0) * (width - 12)

    def beyond(self, value: float) -> bool:
        """Whether a value lies off the scale."""
        return not self.low <= value <= self.high

    def _scaled(self, value: float) -> float:
        if not self.logarithmic:
            return value
        return math.log(value) if value > 0 else -1e9


def interval_scale(estimates: Sequence[float], lowers: Sequence[float], uppers: Sequence[float], logarithmic: bool
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


@dataclass(frozen=True)
class _Plot:
    left: float
    top: float
    width: float
    height: float


def _largest(table: pd.DataFrame) -> pd.DataFrame:
    if len(table) <= MOST_LEVELS:
        return table.reset_index(drop=True)
    kept = np.sort(np.argsort(-table["exposure"].to_numpy(), kind="stable")[:MOST_LEVELS])
    return table.iloc[kept].reset_index(drop=True)


def _legend(svg: Svg, plot: _Plot, title: str) -> None:
    svg.text((plot.left, 16), title, size=12, colour=INK, bold=True)
    x, y = plot.left + plot.width - 330, 12
    svg.line((x, y), (x + 22, y), OBSERVED, 1.8)
    svg.dot((x + 11, y), OBSERVED)
    svg.text((x + 28, y + 4), "observed")
    svg.line((x + 96, y), (x + 118, y), FITTED, 1.8, "5 3")
    svg.rectangle(x + 104, y - 3, 6, 6, FITTED)
    svg.text((x + 124, y + 4), "fitted")
    svg.rectangle(x + 172, y - 5, 14, 10, VOLUME)
    svg.text((x + 192, y + 4), "share of exposure (right axis)")


def _exposure_bars(svg: Svg, plot: _Plot, table: pd.DataFrame, slot: float) -> None:
    shares = np.nan_to_num(table["exposure_share"].to_numpy(dtype=float))
    ticks = nice_ticks(0.0, 100 * max(float(shares.max(initial=0.0)), 0.01), 3)
    # Bars fill the lower half at most: the lines above them stay legible.
    per_share = plot.height * 0.5 / (ticks[-1] / 100)
    floor, right = plot.top + plot.height, plot.left + plot.width
    for i, share in enumerate(shares):
        line = table.iloc[i]
        about = f"{line['level']}: exposure {share_text(share)}, {count_text(float(line['rows']))} rows"
        height = share * per_share
        svg.rectangle(plot.left + slot * (i + 0.14), floor - height, slot * 0.72, height, VOLUME, about)
    for tick in ticks:
        svg.text((right + 8, floor - tick / 100 * per_share + 4), f"{tick_text(tick, ticks)} %", colour="#8a95a0")


def _rates(svg: Svg, plot: _Plot, table: pd.DataFrame, slot: float) -> None:
    low, high = _rate_range(table)
    ticks = nice_ticks(low, high)
    floor, right = plot.top + plot.height, plot.left + plot.width

    def at(i: int, rate: float) -> tuple[float, float]:
        share = (rate - ticks[0]) / (ticks[-1] - ticks[0])
        inside = min(max(share, 0.0), 1.0) if math.isfinite(share) else math.nan
        return plot.left + slot * (i + 0.5), floor - plot.height * inside

    for tick in ticks:
        svg.line((plot.left, at(0, tick)[1]), (right, at(0, tick)[1]), GRID, 0.8)
        svg.text((plot.left - 7, at(0, tick)[1] + 4), tick_text(tick, ticks), anchor="end")
    svg.line((plot.left, floor), (right, floor), MUTED, 1)
    observed, fitted = (table[name].to_numpy(dtype=float) for name in ("actual_rate", "predicted_rate"))
    svg.path([at(i, rate) for i, rate in enumerate(observed)], OBSERVED, 1.3)
    svg.path([at(i, rate) for i, rate in enumerate(fitted)], FITTED, 1.8, "5 3")
    for i, line in enumerate(table.to_dict("records")):
        bounds = [float(line[name]) * fitted[i] for name in ("lower", "upper")]
        if all(math.isfinite(bound) for bound in bounds):
            svg.line(at(i, bounds[0]), at(i, bounds[1]), OBSERVED, 1)
        if math.isfinite(fitted[i]):
            x, y = at(i, fitted[i])
            svg.rectangle(x - 3, y - 3, 6, 6, FITTED, f"{line['level']}: fitted {rate_text(fitted[i])}")
        _observed_mark(svg, at(i, observed[i]), line, ticks)


def _observed_mark(svg: Svg, at: tuple[float, float], line: dict[object, object], ticks: Sequence[float]) -> None:
    rate = float(str(line["actual_rate"]))
    if not math.isfinite(rate):
        return
    about = f"{line['level']}: observed {rate_text(rate)}, A/E {ratio_text(float(str(line['actual_to_predicted'])))}"
    x, y = at
    if rate > ticks[-1]:
        svg.polygon([(x - 4, y + 5), (x + 4, y + 5), (x, y - 3)], OBSERVED, f"{about} (off the scale)")
    else:
        svg.dot(at, OBSERVED, title=about)


def _rate_range(table: pd.DataFrame) -> tuple[float, float]:
    thick = table[table["exposure_share"] >= THIN_SHARE]
    reliable = table if thick.empty else thick
    rates = np.concatenate([
        table["predicted_rate"].to_numpy(dtype=float), reliable["actual_rate"].to_numpy(dtype=float),
    ])
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
