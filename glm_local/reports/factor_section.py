"""One factor on the page: its levels with relativities and intervals, its chart, its A/E on every sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd
from markupsafe import Markup

from glm_local.drawing.drawn import at_both_widths
from glm_local.drawing.svg import level_text
from glm_local.reports.content import KNOWN, CoefficientRow, ReportContent, caution, known
from glm_local.reports.factor_chart import IntervalScale, interval_bar, interval_scale
from glm_local.reports.factor_figure import factor_figure
from glm_local.texts.number_format import (
    amount_text,
    amount_texts,
    count_text,
    estimate_text,
    probability_text,
    ratio_text,
    share_text,
)

CHART = 1040.0
MOST_ROWS = 120
FAR = 3.0


@dataclass(frozen=True)
class AeCell:
    """A/E of a level on one sample, and whether it is far off."""

    text: str
    far: bool


@dataclass(frozen=True)
class LevelLine:
    """One level ready to print."""

    level: str
    note: str
    status: str
    exposure: str
    share: str
    rows: str
    relativity: str
    interval: str
    bar: Markup
    estimate: str
    std_error: str
    statistic: str
    p_value: str
    credible: str
    actual_expected: tuple[AeCell, ...] = ()
    unseen: str = ""


@dataclass(frozen=True)
class FactorSection:
    """A factor ready to print; `hidden` levels are left out of the table (those with least exposure)."""

    name: str
    anchor: str
    lines: tuple[LevelLine, ...]
    hidden: int
    samples: tuple[str, ...]
    chart: Markup = field(default_factory=Markup)
    caution: str = ""


def factor_sections(content: ReportContent) -> list[FactorSection]:
    """Sections of all factors of the model, then of factors that were only validated."""
    scale = relativity_scale(content.coefficients, content.relativity_name)
    names = content.factors + [name for name in content.validation.actual_expected if name not in content.factors]
    return [_section(name, f"factor-{i}", content, scale) for i, name in enumerate(names, 1)]


def single_terms(coefficients: Sequence[CoefficientRow], relativity_name: str) -> list[LevelLine]:
    """The intercept and the linear terms."""
    rows = [row for row in coefficients if not (row.factor and row.level)]
    scale = _scale([row for row in rows if row.factor], relativity_name)
    return [level_line(row, relativity_name, scale if row.factor else None, name=row.term) for row in rows]


def relativity_scale(coefficients: Sequence[CoefficientRow], relativity_name: str) -> IntervalScale:
    """The scale of the bars of all levels of a model."""
    return _scale([row for row in coefficients if row.factor and row.level], relativity_name)


def validated_levels(table: pd.DataFrame) -> tuple[tuple[str, ...], dict[str, tuple[AeCell, ...]]]:
    """Samples of an A/E table, and for each level a cell per sample."""
    samples = tuple(dict.fromkeys(str(one) for one in table["sample"]))
    by_level = {key: part.set_index("sample") for key, part in table.groupby("level", sort=False)}
    return samples, {level_text(key): tuple(_ae(part, sample) for sample in samples) for key, part in by_level.items()}


def _section(name: str, anchor: str, content: ReportContent, scale: IntervalScale) -> FactorSection:
    fitted = rows = [row for row in content.coefficients if row.factor == name and row.level]
    table = content.validation.actual_expected.get(name)
    samples: tuple[str, ...] = ()
    cells: dict[str, tuple[AeCell, ...]] = {}
    chart = Markup()
    if table is not None:
        table = table[table.groupby("level", sort=False)["rows"].transform("sum") > 0]
        samples, cells = validated_levels(table)
        judged = table[table["sample"] == content.judged_sample]
        rows = rows or rows_of(judged)
        title = f"Observed and fitted, {content.judged_sample}"
        chart = at_both_widths(
            lambda width: factor_figure(
                judged, fitted, title=title, relativity_name=content.relativity_name, width=width
            ).svg(),
            CHART,
        )
    shown = largest(rows)
    lines = level_lines(shown, content.relativity_name, scale, exposure_total(rows), cells, len(samples))
    return FactorSection(name, anchor, lines, len(rows) - len(shown), samples, chart, caution(fitted))


def rows_of(table: pd.DataFrame) -> list[CoefficientRow]:
    """Lines without estimates, for a factor that is not in the model."""
    return [
        CoefficientRow(str(level), str(factor), str(level), rows=int(count), exposure=float(exposure))
        for factor, level, count, exposure in zip(
            table["factor"], table["level"], table["rows"], table["exposure"], strict=True
        )
    ]


def exposure_total(rows: Sequence[CoefficientRow]) -> float:
    """Training exposure of all levels."""
    return sum(known(row.exposure) for row in rows if math.isfinite(known(row.exposure)))


def level_lines(
    rows: Sequence[CoefficientRow],
    relativity_name: str,
    scale: IntervalScale,
    total: float,
    cells: Mapping[str, tuple[AeCell, ...]],
    samples: int,
) -> tuple[LevelLine, ...]:
    """Levels ready to print; those without an A/E get a dash per sample."""
    unknown = (AeCell(ratio_text(None), False),) * samples
    exposures = amount_texts([row.exposure for row in rows])
    lines = (level_line(row, relativity_name, scale, total, cells.get(level_text(row.level), unknown)) for row in rows)
    return tuple(replace(line, exposure=exposure) for line, exposure in zip(lines, exposures, strict=True))


def level_line(
    row: CoefficientRow,
    relativity_name: str,
    scale: IntervalScale | None,
    total: float = 0.0,
    cells: tuple[AeCell, ...] = (),
    name: str = "",
) -> LevelLine:
    """One coefficient ready to print; without a scale it has no bar."""
    value, lower, upper = _shown(row, relativity_name)
    drawn = scale is not None and row.status in KNOWN and math.isfinite(value)
    share = known(row.exposure) / total if total > 0 else math.nan
    return LevelLine(
        level=name or level_text(row.level),
        note=row.notes,
        status=row.status,
        exposure=amount_text(row.exposure),
        share=share_text(share),
        rows=count_text(row.rows),
        relativity=ratio_text(value),
        interval=_interval(lower, upper),
        bar=Markup(interval_bar(value, lower, upper, scale)) if drawn and scale is not None else Markup(),
        estimate=estimate_text(row.estimate),
        std_error=estimate_text(row.std_error),
        statistic=ratio_text(row.statistic),
        p_value=probability_text(row.p_value),
        credible=ratio_text(row.credible) if row.credible is not None else "",
        actual_expected=cells,
        unseen=_interval(*_unseen(row, relativity_name)),
    )


def _interval(lower: float, upper: float) -> str:
    return f"{ratio_text(lower)} to {ratio_text(upper)}" if math.isfinite(lower) and math.isfinite(upper) else ""


def _unseen(row: CoefficientRow, relativity_name: str) -> tuple[float, float]:
    """Interval of rows that took no part in the design; NaN where there is none."""
    if relativity_name:
        return known(row.unseen_relativity_lower), known(row.unseen_relativity_upper)
    return known(row.unseen_lower), known(row.unseen_upper)


def _shown(row: CoefficientRow, relativity_name: str) -> tuple[float, float, float]:
    if relativity_name:
        return known(row.relativity), known(row.relativity_lower), known(row.relativity_upper)
    return known(row.estimate), known(row.lower), known(row.upper)


def _scale(rows: Sequence[CoefficientRow], relativity_name: str) -> IntervalScale:
    shown = [_shown(row, relativity_name) for row in rows if row.status in KNOWN]
    columns = list(zip(*shown, strict=True)) or [(), (), ()]
    return interval_scale(columns[0], columns[1], columns[2], logarithmic=bool(relativity_name))


def _ae(part: object, sample: str) -> AeCell:
    if sample not in part.index:  # type: ignore[attr-defined]
        return AeCell(ratio_text(None), False)
    line = part.loc[sample]  # type: ignore[attr-defined]
    deviation = float(line["deviation"])
    return AeCell(ratio_text(float(line["actual_to_predicted"])), math.isfinite(deviation) and abs(deviation) > FAR)


def largest(rows: Sequence[CoefficientRow], most: int = MOST_ROWS) -> list[CoefficientRow]:
    """The base and the levels with most exposure, in the factor's order."""
    if len(rows) <= most:
        return list(rows)
    order = sorted(range(len(rows)), key=lambda i: (rows[i].status != "base", -(rows[i].exposure or 0.0)))
    return [rows[i] for i in sorted(order[:most])]
