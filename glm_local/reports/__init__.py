"""The report pages: tables in, one self-contained HTML document out; and the figures on it, for notebooks."""

from glm_local.drawing.figure import Figure
from glm_local.reports.bin_path_chart import bin_path_figure
from glm_local.reports.content import CoefficientRow, Decision, DoubleLift, ReportContent
from glm_local.reports.double_lift_chart import double_lift_figure
from glm_local.reports.export_tables import export_tables
from glm_local.reports.factor_figure import factor_figure
from glm_local.reports.interaction_chart import interaction_figure
from glm_local.reports.page import render_report, validation_html
from glm_local.reports.study_content import FactorPage, PairCells, StudyContent
from glm_local.reports.study_page import interactions_html, render_study_report, screening_html
from glm_local.reports.validation_charts import calibration_figure, lift_figure, lorenz_figure, validation_figure
from glm_local.texts.safe_cell import safe_cell, safe_table

__all__ = [
    "CoefficientRow",
    "Decision",
    "DoubleLift",
    "FactorPage",
    "Figure",
    "PairCells",
    "ReportContent",
    "StudyContent",
    "bin_path_figure",
    "calibration_figure",
    "double_lift_figure",
    "export_tables",
    "factor_figure",
    "interaction_figure",
    "interactions_html",
    "lift_figure",
    "lorenz_figure",
    "render_report",
    "render_study_report",
    "safe_cell",
    "safe_table",
    "screening_html",
    "validation_figure",
    "validation_html",
]
