"""The cells of two factors as a map of observed over predicted: blue too few, orange too many, for any eyes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.drawing.figure import Figure
from glm_local.drawing.svg import INK, MUTED, Svg, level_text, shortened, text_width
from glm_local.texts.number_format import amount_text, ratio_text

MOST_ROWS, MOST_COLUMNS = 40, 24
WIDTH, CELL_HEIGHT = 920.0, 26.0
THIN_SHARE, FAR = 0.002, 2.0
LOW, HIGH, EVEN = (33, 102, 172), (179, 88, 6), (247, 247, 245)
"""Ends and middle of the scale: blue and orange are told apart by readers with any colour vision."""

Array = NDArray[np.float64]


def interaction_figure(cells: pd.DataFrame, row: str = "", column: str = "") -> Figure:
    """A/E of every cell of two factors.

    `cells` is as in `glm_local.reports.PairCells`; `row` and `column` name the factors. A cell whose interval leaves
    out 1, or whose deviation is above two standard deviations, has a frame and bold figures; a thin one (below 0.2 % of
    exposure, or pooled) is a small square; an empty one a dot.
    Beyond 40 rows or 24 columns the levels with most exposure are drawn, in their order.
    """
    grid = _grid(cells)
    longest = max((text_width(shortened(level_text(name), 24)) for name in grid.rows), default=40.0)
    left = min(max(longest + 14, 70.0), 190.0)
    widths = [text_width(shortened(level_text(name), 18)) for name in grid.columns] or [0.0]
    turned, room = max(widths), WIDTH - left - 10
    size = min(104.0, room / max(len(grid.columns), 1))
    upright = turned > size - 6
    if upright:
        # Turned labels reach to the right of their column; the last ones must not leave the drawing.
        size = min(size, *(room / (j + 0.5 + 0.77 * one / size) for j, one in enumerate(widths)))
    top = 44 + (turned * 0.72 + 10 if upright else 22)
    height = top + CELL_HEIGHT * len(grid.rows) + 62
    svg = Svg(WIDTH, height, f"Observed over predicted by {row} and {column}")
    said = "" if grid.hidden == 0 else f", {grid.hidden} levels with less exposure not drawn"
    svg.text((8, 18), shortened(f"{row} (down) by {column} (across): A/E{said}", 110), size=12, colour=INK, bold=True)
    for j, name in enumerate(grid.columns):
        x = left + size * (j + 0.5)
        svg.text(
            (x + 3, top - 8),
            shortened(level_text(name), 18),
            anchor="start" if upright else "middle",
            turn=-40 if upright else 0,
            title=level_text(name),
            colour=INK,
        )
    for i, name in enumerate(grid.rows):
        svg.text(
            (left - 8, top + CELL_HEIGHT * (i + 0.5) + 4),
            shortened(level_text(name), 24),
            anchor="end",
            title=level_text(name),
            colour=INK,
        )
        for j in range(len(grid.columns)):
            _cell(svg, grid, (i, j), (left + size * j, top + CELL_HEIGHT * i), size)
    _key(svg, left, height - 40, grid.reach)
    return Figure(svg.render())


@dataclass(frozen=True)
class _Grid:
    """Cells by row and column; NaN where there are none. `reach` is the A/E at the ends of the scale."""

    rows: list[str]
    columns: list[str]
    ratio: Array
    lower: Array
    upper: Array
    deviation: Array
    exposure: Array
    thin: NDArray[np.bool_]
    reach: float
    hidden: int


def _grid(cells: pd.DataFrame) -> _Grid:
    cells = cells.assign(row=cells["row"].astype(str), column=cells["column"].astype(str))
    rows, more_rows = _kept(cells, "row", MOST_ROWS)
    columns, more_columns = _kept(cells, "column", MOST_COLUMNS)
    values = {name: _wide(cells, name, rows, columns) for name in ("actual", "predicted", "exposure")}
    known = {name: _wide(cells, name, rows, columns) for name in ("lower", "upper", "deviation", "pooled")}
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(values["predicted"] > 0, values["actual"] / values["predicted"], np.nan)
    thin = (values["exposure"] < THIN_SHARE * float(cells["exposure"].sum())) | (known["pooled"] == 1)
    thick = ratio[np.isfinite(ratio) & (ratio > 0) & ~thin]
    reach = float(np.exp(np.abs(np.log(thick)).max(initial=0.0)))
    return _Grid(
        rows,
        columns,
        ratio,
        known["lower"],
        known["upper"],
        known["deviation"],
        values["exposure"],
        thin,
        min(max(reach, 1.1), 2.5),
        more_rows + more_columns,
    )


def _kept(cells: pd.DataFrame, axis: str, most: int) -> tuple[list[str], int]:
    totals = cells.groupby(axis, sort=False)["exposure"].sum()
    largest = set(totals.sort_values(ascending=False, kind="stable").index[:most])
    return [str(name) for name in totals.index if name in largest], max(len(totals) - most, 0)


def _wide(cells: pd.DataFrame, name: str, rows: list[str], columns: list[str]) -> Array:
    if name not in cells:
        return np.full((len(rows), len(columns)), np.nan)
    first = cells.drop_duplicates(["row", "column"])
    wide = first.pivot(index="row", columns="column", values=name).reindex(index=rows, columns=columns)
    return wide.astype(float).to_numpy()


def _cell(svg: Svg, grid: _Grid, at: tuple[int, int], corner: tuple[float, float], size: float) -> None:
    (x, y), ratio, exposure = corner, float(grid.ratio[at]), float(grid.exposure[at])
    middle = (x + size / 2, y + CELL_HEIGHT / 2)
    if not math.isfinite(ratio):
        svg.text((middle[0], middle[1] + 4), "·", anchor="middle", colour=MUTED)
        return
    lower, upper = float(grid.lower[at]), float(grid.upper[at])
    far = lower > 1 or upper < 1 or abs(float(grid.deviation[at])) > FAR
    thin = bool(grid.thin[at])
    width, height = (size * 0.4, CELL_HEIGHT * 0.4) if thin else (size - 2, CELL_HEIGHT - 2)
    interval = f" ({ratio_text(lower)} to {ratio_text(upper)})" if math.isfinite(lower + upper) else ""
    where = f"{level_text(grid.rows[at[0]])}, {level_text(grid.columns[at[1]])}"
    if far and not thin:
        svg.rectangle(x, y, size, CELL_HEIGHT, INK)
        width, height = size - 4, CELL_HEIGHT - 4
    svg.rectangle(
        middle[0] - width / 2,
        middle[1] - height / 2,
        width,
        height,
        _colour(ratio, grid.reach),
        f"{where}: A/E {ratio_text(ratio)}{interval}, exposure {amount_text(exposure)}",
    )
    if size >= 34 and not thin:
        svg.text(
            (middle[0], middle[1] + 4),
            f"{ratio:.2f}",
            anchor="middle",
            size=10.5,
            bold=far,
            colour="#fff" if abs(_share(ratio, grid.reach)) > 0.62 else INK,
        )


def _share(ratio: float, reach: float) -> float:
    """How far from even, −1 to 1."""
    return min(max(math.log(max(ratio, 1e-9)) / math.log(reach), -1.0), 1.0)


def _colour(ratio: float, reach: float) -> str:
    share = _share(ratio, reach)
    end = HIGH if share > 0 else LOW
    mixed = (round(a + (b - a) * abs(share)) for a, b in zip(EVEN, end, strict=True))
    return "#" + "".join(f"{one:02x}" for one in mixed)


def _key(svg: Svg, left: float, top: float, reach: float) -> None:
    steps, width = 21, 11.0
    for i in range(steps):
        ratio = math.exp(math.log(reach) * (2 * i / (steps - 1) - 1))
        svg.rectangle(left + width * i, top, width + 0.5, 10, _colour(ratio, reach))
    for share, text in ((0.0, f"{1 / reach:.2f} or less"), (0.5, "1"), (1.0, f"{reach:.2f} or more")):
        svg.text(
            (left + width * steps * share, top + 24),
            text,
            anchor="middle" if share == 0.5 else "start" if share == 0 else "end",
            size=10.5,
        )
    said = "Framed: more than chance. Small square: little exposure. Dot: no rows."
    svg.text((left + width * steps + 22, top + 9), said, size=10.5)
