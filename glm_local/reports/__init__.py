"""The report page: tables in, one self-contained HTML document out."""

from glm_local.reports.content import CoefficientRow, Decision, ReportContent
from glm_local.reports.page import render_report, validation_html
from glm_local.reports.safe_cell import safe_cell, safe_table

__all__ = ["CoefficientRow", "Decision", "ReportContent", "render_report", "safe_cell", "safe_table", "validation_html"]
