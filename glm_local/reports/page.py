"""The page: one self-contained HTML document, nothing loaded, nothing run."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from glm_local.drawing.svg import DARK, clean, level_text, sentence_case, shortened
from glm_local.drawing.tables import (
    CALIBRATION,
    EXCLUDED,
    SUMMARY,
    ValidationTables,
    calibration_and_lift,
    printed,
    summary_with_gini,
)
from glm_local.reports.constant_baseline import against_constant
from glm_local.reports.content import ReportContent, caution
from glm_local.reports.factor_section import factor_sections, single_terms
from glm_local.reports.study_sections import comparisons
from glm_local.reports.validation_charts import calibration_chart, lift_chart, lorenz_chart, of, validation_figure
from glm_local.reports.verdict import plain_verdict

MOST_LETTERS = 160
MOST_WORDS = 1_200


def render_report(content: ReportContent) -> str:
    """The whole report as one HTML page: inline style and drawings, no script, no link; prints on A4.

    Names that come from the data are escaped; a content security policy in the page forbids scripts and loading.
    """
    judged = content.judged_sample
    return (
        page_environment()
        .get_template("report.html.j2")
        .render(
            content=content,
            verdict=content.verdict or plain_verdict(content),
            judged=judged,
            caution=caution(content.coefficients),
            singles=single_terms(content.coefficients, content.relativity_name),
            sections=factor_sections(content),
            summary=printed(summary_with_gini(content.validation), SUMMARY),
            calibration=printed(calibration_and_lift(content.validation, judged), CALIBRATION),
            excluded=printed(content.validation.excluded, EXCLUDED),
            figures=_figures(content.validation, judged),
            lifts=comparisons(content.double_lifts or [against_constant(content.validation, judged)]),
            contents=_contents(content),
        )
    )


def _figures(tables: ValidationTables, sample: str) -> list[Markup]:
    """Calibration, lift and Lorenz, each narrow enough for a phone."""
    return [
        Markup(chart)
        for chart in (
            calibration_chart(of(tables.calibration, sample), sample),
            lift_chart(of(tables.lift, sample), sample),
            lorenz_chart(tables.lorenz, tables.gini),
        )
    ]


def _contents(content: ReportContent) -> list[tuple[str, str]]:
    """Anchors and titles of the sections there are, in the page's order."""
    there = {
        ("figures", "Key figures"): True,
        ("warnings", "Warnings"): bool(content.warnings),
        ("ranking", "Calibration, lift and ranking"): True,
        ("double-lift", "Double lift"): True,
        ("model", "Model"): True,
        ("factors", "Factors"): bool(content.factors or content.validation.actual_expected),
        ("fit", "How it was fitted"): True,
        ("decisions", "Decisions"): bool(content.decisions),
        ("provenance", "Provenance and definitions"): True,
    }
    return [section for section, present in there.items() if present]


def validation_html(report: ValidationTables) -> str:
    """A fragment for notebooks: summary, calibration, lift and Lorenz."""
    sample = str(report.summary["sample"].iloc[-1])
    return (
        page_environment()
        .get_template("validation.html.j2")
        .render(
            summary=printed(summary_with_gini(report), SUMMARY),
            calibration=printed(calibration_and_lift(report, sample), CALIBRATION),
            excluded=printed(report.excluded, EXCLUDED),
            figure=Markup(validation_figure(report, sample).svg()),
            sample=sample,
            definitions=report.definitions,
        )
    )


@cache
def page_environment() -> Environment:
    """Templates that escape every name and refuse what is not there."""
    environment = Environment(
        loader=PackageLoader("glm_local.reports", "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.finalize = _finalize
    environment.globals["dark"] = DARK
    environment.filters |= {"name": _name, "long": _long, "sentence_case": sentence_case}
    return environment


def _name(text: object) -> str:
    """A name on the page: never invisible, never longer than a few lines."""
    return shortened(level_text(text), MOST_LETTERS)


def _long(text: object) -> str:
    return shortened(str(text), MOST_WORDS)


def _finalize(value: object) -> object:
    # Control characters in a level's name would make the page invalid.
    return value if not isinstance(value, str) or isinstance(value, Markup) else Markup(clean(value))
