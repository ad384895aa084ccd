"""The study's page: one self-contained HTML document that tells the whole study, nothing loaded, nothing run."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from glm_local.drawing.drawn import at_both_widths
from glm_local.drawing.tables import (
    EXCLUDED,
    Column,
    PrintedTable,
    ValidationTables,
    printed,
    summary_with_gini,
)
from glm_local.reports.content import caution
from glm_local.reports.page import page_environment
from glm_local.reports.study_content import StudyContent
from glm_local.reports.study_sections import comparisons, factor_pages, model_factors, model_terms, pair_maps
from glm_local.reports.study_tables import (
    BANDS,
    GINI,
    INTERACTIONS,
    LIFT,
    MODEL_VERSIONS,
    SAMPLES,
    SCREENING,
    with_flags,
    without_empty,
)
from glm_local.reports.validation_charts import calibration_figure, lift_figure, lorenz_figure, of
from glm_local.reports.verdict import plain_verdict

NOT_TESTED = Column("error", "Not tested because")

Sections = list[tuple[str, str]]


def render_study_report(content: StudyContent) -> str:
    """The whole study as one HTML page: inline style and drawings, no script, no outside link; prints on A4.

    Names that come from the data are escaped; a content security policy in the page forbids scripts and loading.
    An empty part is left out; where its absence matters (the holdout, the second opinion) a sentence says so.
    """
    tables, sample, every = content.validation, content.shown_sample, content.every_sample
    fitted = bool(content.coefficients) or tables is not None
    return (
        page_environment()
        .get_template("study.html.j2")
        .render(
            content=content,
            verdict=content.verdict or (plain_verdict(content) if fitted else ""),
            fitted=fitted,
            contents=_contents(content),
            sample=sample,
            samples=None if every is None else printed(every, SAMPLES),
            excluded=None if tables is None or tables.excluded.empty else printed(tables.excluded, EXCLUDED),
            caution=caution(content.coefficients),
            singles=model_terms(content),
            factors=model_factors(content),
            pages=factor_pages(content),
            screening=_optional(content.screening, (*SCREENING, NOT_TESTED)),
            interactions=_optional(content.interactions, INTERACTIONS),
            pairs=pair_maps(content),
            versions=_optional(content.versions, MODEL_VERSIONS),
            comparisons=comparisons(content.double_lifts),
            lift=""
            if tables is None
            else at_both_widths(lambda width: lift_figure(of(tables.lift, sample), sample, width, 320).svg(), 460),
            lorenz=""
            if tables is None
            else at_both_widths(
                lambda width: lorenz_figure(tables.lorenz, tables.gini, width, 0.87 * width).svg(), 460
            ),
            calibration="" if tables is None else _calibration(tables, sample),
            bands=None if tables is None else printed(of(tables.calibration, sample), BANDS),
            lifts=None if tables is None else printed(of(tables.lift, sample), LIFT),
            ginis=None if tables is None else printed(tables.gini, GINI),
            holdout=_holdout(content.holdout),
        )
    )


def screening_html(table: pd.DataFrame, title: str = "") -> str:
    """A screening table for notebooks; columns as in `glm_local.reports.study_tables.SCREENING`."""
    return _table_html(table, (*SCREENING, NOT_TESTED), title)


def interactions_html(table: pd.DataFrame, title: str = "") -> str:
    """An interaction ranking for notebooks; columns as in `glm_local.reports.study_tables.INTERACTIONS`."""
    return _table_html(table, INTERACTIONS, title)


def _table_html(table: pd.DataFrame, columns: tuple[Column, ...], title: str) -> str:
    flagged = with_flags(table)
    shown = printed(flagged, without_empty(flagged, columns), title)
    return page_environment().get_template("table_only.html.j2").render(shown=shown)


def _optional(table: pd.DataFrame | None, columns: tuple[Column, ...]) -> PrintedTable | None:
    if table is None or table.empty:
        return None
    shown = with_flags(table)
    return printed(shown, without_empty(shown, columns))


def _holdout(tables: ValidationTables | None) -> dict[str, object] | None:
    if tables is None:
        return None
    name = str(tables.summary["sample"].iloc[-1])
    return {
        "summary": printed(summary_with_gini(tables), SAMPLES),
        "bands": printed(of(tables.calibration, name), BANDS),
        "calibration": _calibration(tables, name),
    }


def _calibration(tables: ValidationTables, sample: str) -> Markup:
    bands = of(tables.calibration, sample)
    return at_both_widths(lambda width: calibration_figure(bands, sample, width, 0.83 * width).svg(), 460)


def _contents(content: StudyContent) -> Sections:
    """Anchors and titles of the sections there are, in the page's order."""
    fitted = bool(content.coefficients) or content.validation is not None
    lift = "Lift and double lift" if content.double_lifts else "Lift"
    there = {
        ("model", "The model in one page"): fitted or bool(content.purpose or content.model or content.roles),
        ("factors", "Factor pages"): bool(content.pages),
        ("screening", "Screening"): content.screening is not None and not content.screening.empty,
        ("interactions", "Interactions"): bool(content.pairs)
        or (content.interactions is not None and not content.interactions.empty),
        ("versions", "Versions"): content.versions is not None and not content.versions.empty,
        ("lift", lift): content.validation is not None or bool(content.double_lifts),
        ("lorenz", "Lorenz curves"): content.validation is not None,
        ("calibration", "Calibration"): content.validation is not None,
        ("decisions", "Decisions taken"): True,
        ("holdout", "Holdout"): True,
        ("opinion", "Second opinion"): fitted,
        ("provenance", "Provenance"): True,
    }
    return [section for section, present in there.items() if present]
