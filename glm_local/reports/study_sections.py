"""The parts of a study's page ready to print: the model in one page, factor pages, interactions, comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from glm_local.drawing.drawn import at_both_widths
from glm_local.drawing.svg import level_text
from glm_local.drawing.tables import PrintedTable, printed
from glm_local.reports.bin_path_chart import bin_path_figure
from glm_local.reports.content import CoefficientRow, Decision, DoubleLift, caution, known
from glm_local.reports.double_lift_chart import DOUBLE_LIFT, closer_bands, distances, double_lift_figure
from glm_local.reports.factor_chart import IntervalScale
from glm_local.reports.factor_figure import WIDTH, factor_figure
from glm_local.reports.factor_section import (
    AeCell,
    LevelLine,
    exposure_total,
    largest,
    level_lines,
    relativity_scale,
    rows_of,
    single_terms,
    validated_levels,
)
from glm_local.reports.interaction_chart import interaction_figure
from glm_local.reports.study_content import FactorPage, PairCells, StudyContent
from glm_local.reports.study_tables import trial_columns, with_numbers
from glm_local.texts.number_format import ratio_text

MODEL_LEVELS = 24
PAGE_LEVELS = 400


@dataclass(frozen=True)
class FactorLines:
    """A factor's levels on the model's page; `hidden` more are on its own."""

    name: str
    lines: tuple[LevelLine, ...]
    hidden: int


@dataclass(frozen=True)
class PrintedFactor:
    """A factor's page ready to print."""

    name: str
    anchor: str
    page: FactorPage
    lines: tuple[LevelLine, ...]
    before: tuple[str, ...]
    hidden: int
    samples: tuple[str, ...]
    figure: Markup
    path: Markup
    trials: PrintedTable | None
    chosen: str
    decisions: Sequence[Decision]
    caution: str


@dataclass(frozen=True)
class PrintedPair:
    """A map of cells ready to print."""

    pair: PairCells
    figure: Markup


@dataclass(frozen=True)
class PrintedComparison:
    """Two versions ready to print."""

    comparison: DoubleLift
    figure: Markup
    table: PrintedTable
    closer: int
    bands: int
    first_distance: str
    second_distance: str


def model_terms(content: StudyContent) -> list[LevelLine]:
    """Intercept and linear terms of the model's page."""
    return single_terms(content.coefficients, content.relativity_name)


def model_factors(content: StudyContent) -> list[FactorLines]:
    """Factors with levels on the model's page, in its order."""
    scale = relativity_scale(content.coefficients, content.relativity_name)
    names = dict.fromkeys(row.factor for row in content.coefficients if row.factor and row.level)
    return [_on_model_page(name, _rows(content, name), content, scale) for name in names]


def _on_model_page(name: str, rows: list[CoefficientRow], content: StudyContent, scale: IntervalScale) -> FactorLines:
    shown = largest(rows, MODEL_LEVELS)
    lines = level_lines(shown, content.relativity_name, scale, exposure_total(rows), {}, 0)
    return FactorLines(name, lines, len(rows) - len(shown))


def factor_pages(content: StudyContent) -> list[PrintedFactor]:
    """A page for every factor."""
    scale = relativity_scale(content.coefficients, content.relativity_name)
    return [_factor_page(page, f"factor-{i}", content, scale) for i, page in enumerate(content.pages, 1)]


def _factor_page(page: FactorPage, anchor: str, content: StudyContent, scale: IntervalScale) -> PrintedFactor:
    rows, table = _rows(content, page.name), content.actual_expected(page.name)
    judged: pd.DataFrame | None = None
    samples: tuple[str, ...] = ()
    cells: dict[str, tuple[AeCell, ...]] = {}
    if table is not None and len(table):
        table = table[table.groupby("level", sort=False)["rows"].transform("sum") > 0]
        samples, cells = validated_levels(table)
        judged = table[table["sample"] == content.judged_sample]
    fitted = [row for row in rows if row.level]
    lines = largest(fitted or ([] if judged is None else rows_of(judged)), PAGE_LEVELS)
    before = {level_text(name): value for name, value in page.previous.items()}

    def drawn(width: float) -> str:
        return factor_figure(
            judged,
            fitted,
            page.previous,
            title=f"Observed and fitted, {content.judged_sample}",
            relativity_name=content.relativity_name,
            previous_name=page.previous_name,
            width=width,
        ).svg()

    trials = with_numbers(page.trials) if page.trials is not None and len(page.trials) else None
    relativities = level_lines(lines, content.relativity_name, scale, exposure_total(lines), cells, len(samples))
    return PrintedFactor(
        page.name,
        anchor,
        page,
        relativities,
        tuple(ratio_text(known(before.get(level_text(row.level)))) for row in lines) if before else (),
        max(len(fitted) - len(lines), 0),
        samples,
        at_both_widths(drawn, WIDTH) if fitted or judged is not None else Markup(),
        Markup() if trials is None else at_both_widths(lambda width: bin_path_figure(trials, width, 270).svg(), 440),
        None if trials is None else printed(trials, trial_columns(trials)),
        _chosen(trials),
        page.decisions,
        caution(fitted),
    )


def _chosen(trials: pd.DataFrame | None) -> str:
    """First cell of the chosen line of the printed path."""
    if trials is None or "chosen" not in trials:
        return ""
    marked = trials.loc[trials["chosen"].astype(bool), "bins"]
    return "" if marked.empty else f"{int(marked.iloc[0]):,}"


def _rows(content: StudyContent, name: str) -> list[CoefficientRow]:
    return [row for row in content.coefficients if row.factor == name]


def pair_maps(content: StudyContent) -> list[PrintedPair]:
    """Maps of the pairs that have cells."""
    return [
        PrintedPair(pair, Markup(interaction_figure(pair.cells, pair.row, pair.column).svg()))
        for pair in content.pairs
        if len(pair.cells)
    ]


def comparisons(lifts: Sequence[DoubleLift]) -> list[PrintedComparison]:
    """Double lifts."""
    return [_comparison(one) for one in lifts if len(one.table)]


def _comparison(one: DoubleLift) -> PrintedComparison:
    figure = at_both_widths(lambda width: double_lift_figure(one.table, one.first, one.second, width, 330).svg(), 450)
    first, second = (ratio_text(distance) for distance in distances(one.table))
    return PrintedComparison(
        one, figure, printed(one.table, DOUBLE_LIFT), closer_bands(one.table), len(one.table), first, second
    )
