"""One factor on the page: its levels with relativities and intervals, its chart, its A/E on every sample."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from glm_local.reports.content import STATUS_NOTES, CoefficientRow, ReportContent, known
from glm_local.reports.factor_chart import IntervalScale, factor_chart, interval_bar, interval_scale
from glm_local.reports.number_format import (
    amount_text,
    count_text,
    estimate_text,
    probability_text,
    ratio_text,
    share_text,
)

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
    actual_expected: tuple[AeCell, ...] = ()


@dataclass(frozen=True)
class FactorSection:
    """A factor ready to print; `hidden` levels are left out of the table (those with least exposure)."""

    name: str
    lines: tuple[LevelLine, ...]
    hidden: int
    samples: tuple[str, ...]
    chart: Markup = field(default_factory=Markup)


def factor_sections(content: ReportContent) -> list[FactorSection]:
    """Sections of all factors of the model, then of factors that were only validated."""
    scale = _scale([row for row in content.coefficients if row.factor and row.level], content)
    names = content.factors + [name for name in content.validation.actual_expected if name not in content.factors]
    return [_section(name, content, scale) for name in names]


def single_terms(content: ReportContent) -> list[LevelLine]:
    """The intercept and the linear terms."""
    rows = [row for row in content.coefficients if not (row.factor and row.level)]
    linear = [row for row in rows if row.factor]
    scale = _scale(linear, content)
    return [_line(row, content, scale, 0.0, (), bar=bool(row.factor), name=row.term) for row in rows]


def _section(name: str, content: ReportContent, scale: IntervalScale) -> FactorSection:
    rows = [row for row in content.coefficients if row.factor == name and row.level]
    table = content.validation.actual_expected.get(name)
    samples: tuple[str, ...] = ()
    cells: dict[str, tuple[AeCell, ...]] = {}
    chart = Markup()
    if table is not None:
        table = table[table.groupby("level", sort=False)["rows"].transform("sum") > 0]
        samples = tuple(dict.fromkeys(str(one) for one in table["sample"]))
        by_level = {key: part.set_index("sample") for key, part in table.groupby("level", sort=False)}
        cells = {str(key): tuple(_ae(part, sample) for sample in samples) for key, part in by_level.items()}
        judged = table[table["sample"] == content.judged_sample]
        rows = rows or [
            CoefficientRow(str(level), name, str(level), rows=int(count), exposure=float(exposure))
            for level, count, exposure in zip(judged["level"], judged["rows"], judged["exposure"], strict=True)
        ]
        chart = Markup(factor_chart(judged, f"Observed and fitted, {content.judged_sample}"))
    shown = _largest(rows)
    total = sum(known(row.exposure) for row in rows if math.isfinite(known(row.exposure)))
    unknown = (AeCell(ratio_text(None), False),) * len(samples)
    lines = tuple(_line(row, content, scale, total, cells.get(row.level, unknown)) for row in shown)
    return FactorSection(name, lines, len(rows) - len(shown), samples, chart)


def _line(
    row: CoefficientRow, content: ReportContent, scale: IntervalScale, total: float, cells: tuple[AeCell, ...],
    bar: bool = True, name: str = "",
) -> LevelLine:
    value, lower, upper = _shown(row, content)
    drawn = bar and row.status in ("fitted", "base") and math.isfinite(value)
    share = known(row.exposure) / total if total > 0 else math.nan
    interval = f"{ratio_text(lower)} to {ratio_text(upper)}" if math.isfinite(lower) and math.isfinite(upper) else ""
    return LevelLine(
        level=name or row.level, note=STATUS_NOTES[row.status], status=row.status,
        exposure=amount_text(row.exposure), share=share_text(share), rows=count_text(row.rows),
        relativity=ratio_text(value), interval=interval,
        bar=Markup(interval_bar(value, lower, upper, scale)) if drawn else Markup(),
        estimate=estimate_text(row.estimate), std_error=estimate_text(row.std_error),
        statistic=ratio_text(row.statistic), p_value=probability_text(row.p_value), actual_expected=cells,
    )


def _shown(row: CoefficientRow, content: ReportContent) -> tuple[float, float, float]:
    if content.relativity_name:
        return known(row.relativity), known(row.relativity_lower), known(row.relativity_upper)
    return known(row.estimate), known(row.lower), known(row.upper)


def _scale(rows: Sequence[CoefficientRow], content: ReportContent) -> IntervalScale:
    shown = [_shown(row, content) for row in rows if row.status in ("fitted", "base")]
    columns = list(zip(*shown, strict=True)) or [(), (), ()]
    return interval_scale(columns[0], columns[1], columns[2], logarithmic=bool(content.relativity_name))


def _ae(part: object, sample: str) -> AeCell:
    line = part.loc[sample]  # type: ignore[attr-defined]
    deviation = float(line["deviation"])
    return AeCell(ratio_text(float(line["actual_to_predicted"])), math.isfinite(deviation) and abs(deviation) > FAR)


def _largest(rows: Sequence[CoefficientRow]) -> list[CoefficientRow]:
    if len(rows) <= MOST_ROWS:
        return list(rows)
    order = sorted(range(len(rows)), key=lambda i: (rows[i].status != "base", -(rows[i].exposure or 0.0)))
    return [rows[i] for i in sorted(order[:MOST_ROWS])]
