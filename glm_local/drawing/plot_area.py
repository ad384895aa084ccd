"""A plot with a title, ticks on both axes and a legend: what lift, calibration and Lorenz charts share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from glm_local.drawing.svg import GRID, INK, MUTED, Point, Svg, nice_ticks, text_width, tick_text

SIDE = 336.0

Entry = tuple[str, str, str]
"""A line of the legend: name, colour, dashes."""


class PlotArea:
    """A drawing with linear axes; `at` maps values to pixels.

    Parameters
    ----------
    title, across, up
        Heading, and what the axes show.
    x_ticks, y_ticks
        Rising; the first and last bound the plot.
    margin
        Room left and right of the outer ticks, in units of x.
    width, height
        Of the whole drawing, in pixels.
    unit
        Written behind the numbers of the vertical axis.
    header
        A legend between title and plot, where it covers nothing.
    """

    def __init__(
        self,
        title: str,
        across: str,
        up: str,
        x_ticks: Sequence[float],
        y_ticks: Sequence[float],
        margin: float = 0.0,
        width: float = SIDE,
        height: float = SIDE,
        unit: str = "",
        header: Sequence[Entry] = (),
    ) -> None:
        self.svg = Svg(width, height, title)
        widest = max(text_width(tick_text(tick, y_ticks) + unit, 10.5) for tick in y_ticks)
        self.left = max(56.0, widest + 28)
        self.width = width - self.left - 12
        placed = legend_places(header, self.width)
        self.top = 28.0 + (17 * (1 + max(row for row, _ in placed)) + 3 if placed else 0)
        self.height = height - self.top - 44
        self.x_range = (x_ticks[0] - margin, x_ticks[-1] + margin)
        self.y_range = (y_ticks[0], y_ticks[-1])
        for tick in y_ticks:
            y = self.at(self.x_range[0], tick)[1]
            self.svg.line((self.left, y), (self.left + self.width, y), GRID, 0.8)
            self.svg.text((self.left - 6, y + 4), tick_text(tick, y_ticks) + unit, anchor="end", size=10.5)
        self._x_axis(x_ticks)
        self.svg.text((self.left, 16), title, size=12, colour=INK, bold=True)
        for entry, (row, x) in zip(header, placed, strict=True):
            self._key(entry, self.left + x, 33.0 + 17 * row)
        self.svg.text((self.left + self.width / 2, height - 8), across, anchor="middle", size=10.5)
        self.svg.text((11, self.top + self.height / 2), up, anchor="middle", turn=-90, size=10.5)

    @property
    def right(self) -> float:
        """Pixel of the right edge."""
        return self.left + self.width

    @property
    def floor(self) -> float:
        """Pixel of the horizontal axis."""
        return self.top + self.height

    def at(self, x: float, y: float) -> Point:
        """Pixel of a point, moved into the plot."""
        across = (x - self.x_range[0]) / ((self.x_range[1] - self.x_range[0]) or 1.0)
        up = (y - self.y_range[0]) / ((self.y_range[1] - self.y_range[0]) or 1.0)
        if not (math.isfinite(across) and math.isfinite(up)):
            return math.nan, math.nan
        return self.left + min(max(across, 0), 1) * self.width, self.top + self.height * (1 - min(max(up, 0), 1))

    def legend(self, entries: Sequence[Entry]) -> None:
        """A legend in the upper left corner, for plots that never draw there."""
        for i, entry in enumerate(entries):
            self._key(entry, self.left + 10, self.top + 12 + 16 * i)

    def _key(self, entry: Entry, x: float, y: float) -> None:
        name, colour, dash = entry
        self.svg.line((x, y), (x + 24, y), colour, 1.9, dash)
        self.svg.text((x + 30, y + 4), name, colour=INK, size=11)

    def _x_axis(self, ticks: Sequence[float]) -> None:
        self.svg.line((self.left, self.floor), (self.right, self.floor), MUTED, 1)
        texts = [tick_text(tick, ticks) for tick in ticks]
        room = (max(map(text_width, texts)) + 6) * max(len(ticks) - 1, 1) / self.width
        every = max(1, math.ceil(len(ticks) / 12), math.ceil(room))
        for tick, text in list(zip(ticks, texts, strict=True))[::every]:
            self.svg.text((self.at(tick, self.y_range[0])[0], self.floor + 15), text, anchor="middle", size=10.5)


def legend_places(entries: Sequence[Entry], width: float) -> list[tuple[int, float]]:
    """Row and left edge of every entry of a legend that breaks into rows so wide."""
    placed: list[tuple[int, float]] = []
    row, x = 0, 0.0
    for name, _, _ in entries:
        taken = 30 + text_width(name)
        if x > 0 and x + taken > width:
            row, x = row + 1, 0.0
        placed.append((row, x))
        x += taken + 18
    return placed


def ticks_around(values: Sequence[float], *, include: Sequence[float] = (), about: int = 5) -> list[float]:
    """Ticks that cover the finite values and what else must be seen; 0 and 1 where there are none.

    Examples
    --------
    >>> ticks_around([0.8, float("nan"), 1.3], include=[1.0], about=3)
    [0.8, 1.0, 1.2, 1.4]
    """
    kept = [value for value in (*values, *include) if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(kept), max(kept)
    return nice_ticks(low, high if high > low else low + (abs(low) or 1.0), about)
