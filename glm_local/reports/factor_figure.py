"""A factor in one drawing: exposure, observed and fitted above; relativities with intervals below, level by level."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import pandas as pd

from glm_local.drawing.figure import Figure
from glm_local.drawing.level_axis import LevelAxis, level_axis
from glm_local.drawing.plot_area import legend_places
from glm_local.drawing.svg import (
    BAND,
    BEFORE,
    GRID,
    INK,
    MUTED,
    OBSERVED,
    Point,
    Svg,
    level_text,
    log_ticks,
    nice_ticks,
    shortened,
    text_width,
    tick_text,
)
from glm_local.reports.content import KNOWN, CoefficientRow, known
from glm_local.reports.factor_chart import (
    NARROW,
    THIN_SLOT,
    WIDEST,
    IntervalScale,
    Panel,
    draw_rates,
    interval_scale,
    left_out,
    most_exposed,
    most_levels,
    rates_top,
)
from glm_local.texts.number_format import ratio_text

WIDTH = 920.0


def factor_figure(
    table: pd.DataFrame | None,
    coefficients: Sequence[CoefficientRow] = (),
    previous: Mapping[str, float] | None = None,
    *,
    title: str = "",
    relativity_name: str = "Relativity",
    previous_name: str = "previous version",
    width: float = WIDTH,
) -> Figure:
    """Exposure, observed and fitted rates, relativities with intervals and those of the version before.

    Parameters
    ----------
    table
        One sample of an actual/expected table (`glm_local.validation`), levels in the factor's order; None: the
        lower panel alone.
    coefficients
        The factor's lines, base included; other factors' lines must not be among them.
    previous
        Level to relativity (estimate without `relativity_name`) in the version before; dashed, gaps where unknown.
    title
        Of the upper panel.
    relativity_name
        "" draws estimates on a linear axis instead.
    previous_name
        What the legend calls that version.
    width
        Of the drawing, in pixels; below 520 legends stand under their titles and fewer levels are drawn.
    """
    by_level = {level_text(row.level): row for row in coefficients}
    drawn, said, names = None, "", list(by_level)[: most_levels(width)]
    if table is not None:
        seen = table[(table["rows"] > 0) | table["level"].map(level_text).isin(list(by_level))]
        drawn = most_exposed(seen, most_levels(width))
        said, names = left_out(drawn, seen, width), [level_text(level) for level in drawn["level"]]
    axis, band = level_axis(names, width), _band_name(coefficients)
    top, below = rates_top(width), 0 if width >= NARROW else 17 * _legend_rows(previous, previous_name, band, width)
    upper = None if drawn is None else Panel(axis, top, 200)
    lower = Panel(axis, (34 if upper is None else upper.floor + 44) + below, 150) if coefficients else None
    # Cells of a crossing, net of its factors, have many bases: a line through them would mean nothing.
    joined = sum(row.status == "base" for row in coefficients) < 2
    floor = max(panel.floor for panel in (upper, lower, Panel(axis, 0, 20)) if panel is not None)
    svg = Svg(width, floor + axis.height + 4, f"Observed, fitted and relativities by level. {title}")
    if upper is not None and drawn is not None:
        draw_rates(svg, upper, drawn, title + said, joined)
    if lower is not None:
        rows = [by_level.get(name, CoefficientRow(name, status="empty")) for name in names]
        known_before = {level_text(name): value for name, value in (previous or {}).items()}
        before = [known(known_before.get(name)) for name in names]
        _Relativities(svg, lower, rows, before, relativity_name, previous_name, joined).draw()
    axis.draw(svg, floor)
    return Figure(svg.render())


class _Relativities:
    """The lower panel."""

    def __init__(
        self,
        svg: Svg,
        panel: Panel,
        rows: Sequence[CoefficientRow],
        before: Sequence[float],
        name: str,
        previous_name: str,
        joined: bool,
    ) -> None:
        self.svg, self.panel, self.rows, self.before = svg, panel, rows, before
        self.name, self.previous_name, self.joined = name, previous_name, joined
        self.values = [_values(row, name) for row in rows]
        self.ticks, self.scale = _scale(self.values, before, bool(name))

    @property
    def axis(self) -> LevelAxis:
        return self.panel.axis

    def at(self, i: int, value: float) -> Point:
        """Pixel of a level's value."""
        return self.axis.middle(i), self.height_of(value)

    def height_of(self, value: float) -> float:
        """Pixel of a value, moved into the panel; NaN where there is none."""
        if not math.isfinite(value):
            return math.nan
        return self.panel.floor - self.scale.share(value) * self.panel.height

    def draw(self) -> None:
        """Band, grid, lines, marks, legend."""
        for i, (_, low, high) in enumerate(self.values):
            if math.isfinite(low) and math.isfinite(high):
                top, bottom = self.height_of(high), self.height_of(low)
                about = f"{level_text(self.rows[i].level)}: {ratio_text(low)} to {ratio_text(high)}"
                width = min(self.axis.slot, WIDEST)
                self.svg.rectangle(self.axis.middle(i) - width / 2, top, width, max(bottom - top, 0.8), BAND, about)
        self._grid()
        thin = self.axis.slot < THIN_SLOT
        if self.joined or thin:
            self.svg.path([self.at(i, one) for i, one in enumerate(self.before)], BEFORE, 1.6, "3 3")
        if self.joined and not thin:
            self.svg.path([self.at(i, one[0]) for i, one in enumerate(self.values)], OBSERVED, 1.6)
        for i, row in enumerate(self.rows):
            self._marks(i, row)
        self._legend()

    def _grid(self) -> None:
        left, right = self.axis.left, self.panel.right
        for tick in self.ticks:
            y = self.height_of(tick)
            reference = math.isclose(tick, self.scale.reference)
            self.svg.line((left, y), (right, y), MUTED if reference else GRID, 1 if reference else 0.8)
            self.svg.text((left - 7, y + 4), tick_text(tick, _steps(self.ticks)), anchor="end")

    def _marks(self, i: int, row: CoefficientRow) -> None:
        value, radius, thin = self.values[i][0], self.axis.mark, self.axis.slot < THIN_SLOT
        if math.isfinite(self.before[i]) and not thin:
            x, y = self.at(i, self.before[i])
            about = f"{level_text(row.level)}: {self.previous_name} {ratio_text(self.before[i])}"
            self.svg.polygon([(x - 3.4, y), (x, y - 3.4), (x + 3.4, y), (x, y + 3.4)], BEFORE, about)
        if not math.isfinite(value):
            return
        base = row.status == "base"
        about = f"{level_text(row.level)}: {ratio_text(value)}{' (base)' if base else ''}"
        self.svg.dot(self.at(i, value), OBSERVED, radius + 1 if base else radius, about, hollow=base)

    def _legend(self) -> None:
        y = self.panel.top - 14
        said = "logarithmic axis" if self.scale.logarithmic else "link scale"
        heading = f"{self.name or 'Estimate'} ({said})"
        entries = ["line", "band", "base"] + (["before"] if any(map(math.isfinite, self.before)) else [])
        names = {"line": "this version", "band": _band_name(self.rows), "base": "base level"}
        names["before"] = self.previous_name
        if self.svg.width < NARROW:
            self._legend_below(heading, {one: names[one] for one in entries})
            return
        self.svg.text((self.axis.left, y), heading, size=12, colour=INK, bold=True)
        x = self.panel.right - sum(text_width(names[one]) + 46 for one in entries) + 16
        x = max(x, self.axis.left + text_width(heading, 12) + 12)
        for one in entries:
            self._key(one, x, y - 4)
            self.svg.text((x + 28, y), names[one])
            x += text_width(names[one]) + 46

    def _legend_below(self, heading: str, names: Mapping[str, str]) -> None:
        places = legend_places([(shortened(name, 40), "", "") for name in names.values()], self.svg.width - 16)
        first = self.panel.top - 12 - 17 * max(row for row, _ in places)
        self.svg.text((8, first - 17), heading, size=12, colour=INK, bold=True)
        for (kind, name), (row, x) in zip(names.items(), places, strict=True):
            self._key(kind, 8 + x, first + 17 * row - 4)
            self.svg.text((8 + x + 28, first + 17 * row), shortened(name, 40))

    def _key(self, kind: str, x: float, y: float) -> None:
        if kind == "band":
            self.svg.rectangle(x, y - 5, 22, 10, BAND)
        elif kind == "base":
            self.svg.dot((x + 14, y), OBSERVED, 4.2, hollow=True)
        else:
            colour, dash = (BEFORE, "3 3") if kind == "before" else (OBSERVED, "")
            self.svg.line((x, y), (x + 22, y), colour, 1.7, dash)


def _band_name(rows: Sequence[CoefficientRow]) -> str:
    """What the legend calls the intervals: with the label of those that do not hold."""
    labels = dict.fromkeys(row.inference for row in rows if row.inference)
    return ", ".join(["interval", *labels])


def _legend_rows(previous: Mapping[str, float] | None, previous_name: str, band: str, width: float) -> int:
    """Rows of a legend under its title."""
    names = ["this version", band, "base level", *([shortened(previous_name, 40)] if previous else [])]
    return 1 + max(row for row, _ in legend_places([(name, "", "") for name in names], width - 16))


def _values(row: CoefficientRow, relativity_name: str) -> tuple[float, float, float]:
    """Value and interval of a line; nothing for one without an estimate."""
    if row.status not in KNOWN:
        return math.nan, math.nan, math.nan
    if not relativity_name:
        return known(row.estimate), known(row.lower), known(row.upper)
    return known(row.relativity), known(row.relativity_lower), known(row.relativity_upper)


def _scale(
    values: Sequence[tuple[float, float, float]], before: Sequence[float], logarithmic: bool
) -> tuple[list[float], IntervalScale]:
    estimates, lowers, uppers = zip(*values, strict=True) if values else ((), (), ())
    kept = [one for one in (*estimates, *before) if math.isfinite(one) and (one > 0 or not logarithmic)]
    wanted = interval_scale(kept, lowers, uppers, logarithmic)
    ticks = log_ticks(wanted.low, wanted.high) if logarithmic else nice_ticks(wanted.low, wanted.high)
    return ticks, IntervalScale(min(ticks[0], wanted.low), max(ticks[-1], wanted.high), logarithmic)


def _steps(ticks: Sequence[float]) -> list[float]:
    """The two neighbours that lie closest: they need the most decimals."""
    pairs = sorted(itertools.pairwise(ticks), key=lambda pair: pair[1] - pair[0])
    return list(pairs[0]) if pairs else list(ticks)
