"""The bin path: what each number of bins would gain on train, by cross-validation and on validation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.drawing.figure import Figure
from glm_local.drawing.plot_area import PlotArea, ticks_around
from glm_local.drawing.svg import BEFORE, FITTED, OBSERVED
from glm_local.reports.study_tables import with_numbers
from glm_local.texts.number_format import ratio_text

CURVES = (
    ("train_deviance", "train", "#6b7783", "2 3"),
    ("cv_deviance", "cross-validated", OBSERVED, ""),
    ("validation_deviance", "validation", FITTED, "6 3"),
)
CHOSEN = "#f3eaf8"
MOST_FLAT = 0.35
"""Below this share of the whole range, the differences between the other numbers of bins would not be seen."""

Array = NDArray[np.float64]


def bin_path_figure(trials: pd.DataFrame, width: float = 520, height: float = 280) -> Figure:
    """Change of deviance with the number of bins, against the fewest tried, in percent; the chosen one is marked.

    `trials` has `bins` and any of `train_deviance`, `cv_deviance` (with `cv_se`), `validation_deviance`, `chosen`.
    Samples differ in size, so each curve is relative to its own value at the fewest bins. A triangle is off the scale.
    """
    path = with_numbers(trials).sort_values("bins", kind="stable").reset_index(drop=True)
    bins = path["bins"].to_numpy(dtype=float)
    curves = {name: _change(path, name) for name, *_ in CURVES if _is_known(path, name)}
    error = _error(path)
    validated = curves.get("cv_deviance", np.full(len(path), np.nan))
    ends = [*(validated + error), *(validated - error)]
    shown = np.array([*np.concatenate(list(curves.values()) or [np.array([])]), *ends])
    ticks = ticks_around(list(_without_first_drop(shown)), include=[])
    header = [(label, colour, dash) for name, label, colour, dash in CURVES if name in curves]
    plot = PlotArea(
        "Deviance by number of bins",
        "bins",
        "change of deviance",
        list(bins) or [1.0],
        ticks,
        0.5,
        width,
        height,
        " %",
        header,
    )
    chosen = path["chosen"].to_numpy(dtype=bool) if "chosen" in path else np.zeros(len(path), bool)
    for k in bins[chosen]:
        _mark_chosen(plot, k, [float(one[bins == k][0]) for one in curves.values()])
    for name, label, colour, dash in CURVES:
        if name in curves:
            _curve(plot, bins, curves[name], (label, colour, dash), error if name == "cv_deviance" else None)
    return Figure(plot.svg.render())


def _mark_chosen(plot: PlotArea, bins: float, values: list[float]) -> None:
    low = plot.y_range[0]
    left, right = plot.at(bins - 0.5, low)[0], plot.at(bins + 0.5, low)[0]
    marks = [plot.at(bins, value)[1] for value in values if math.isfinite(value)]
    # At the foot of the plot, unless a curve is there.
    foot = plot.floor - 6 if max(marks, default=plot.top) < plot.floor - 24 else plot.top + 13
    plot.svg.rectangle(left, plot.top, right - left, plot.height, CHOSEN, f"chosen: {bins:.0f} bins")
    plot.svg.text(((left + right) / 2, foot), "chosen", anchor="middle", size=10.5, colour=BEFORE, bold=True)


def _curve(plot: PlotArea, bins: Array, change: Array, style: tuple[str, str, str], error: Array | None) -> None:
    label, colour, dash = style
    plot.svg.path([plot.at(x, y) for x, y in zip(bins, change, strict=True)], colour, 1.8, dash)
    for i, (x, y) in enumerate(zip(bins, change, strict=True)):
        if not math.isfinite(y):
            continue
        if error is not None and math.isfinite(error[i]) and error[i] > 0:
            plot.svg.line(plot.at(x, y - error[i]), plot.at(x, y + error[i]), colour, 1.1)
        about = f"{x:.0f} bins: {label} {ratio_text(y)} %"
        if y > plot.y_range[1]:
            across, up = plot.at(x, y)
            plot.svg.polygon(
                [(across - 4, up + 7), (across + 4, up + 7), (across, up)], colour, f"{about} (off the scale)"
            )
        else:
            plot.svg.dot(plot.at(x, y), colour, 3.2, about)


def _without_first_drop(values: Array) -> Array:
    """What the axis must show: where the first cut wins most, the fewest bins run off so that the rest can be told."""
    kept: Array = values[np.isfinite(values)]
    rest: Array = kept[kept < 0]
    if len(rest) < 2 or len(kept) == len(rest):
        return kept
    low, high = float(rest.min()), float(rest.max())
    return rest if high - low < MOST_FLAT * -low else kept


def _is_known(path: pd.DataFrame, name: str) -> bool:
    return name in path and bool(np.isfinite(path[name].to_numpy(dtype=float)).any())


def _reference(path: pd.DataFrame, name: str) -> float:
    return abs(_first(path, name)) or 1.0


def _first(path: pd.DataFrame, name: str) -> float:
    """The value at the fewest bins that have one."""
    values = path[name].to_numpy(dtype=float)
    return float(values[np.isfinite(values)][0])


def _change(path: pd.DataFrame, name: str) -> Array:
    values = path[name].to_numpy(dtype=float)
    return np.asarray(100 * (values - _first(path, name)) / _reference(path, name), dtype=np.float64)


def _error(path: pd.DataFrame) -> Array:
    if not (_is_known(path, "cv_se") and _is_known(path, "cv_deviance")):
        return np.zeros(len(path))
    errors = 100 * path["cv_se"].to_numpy(dtype=float) / _reference(path, "cv_deviance")
    return np.where(np.isfinite(errors), errors, 0.0)
