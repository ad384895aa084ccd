"""The model of a job beside the predictions in use: double lift on the best evidence there is, and rows to record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from glm_local.diagnostics import double_lift
from glm_local.expressions.expression import Expression
from glm_local.glm.document import with_derived
from glm_local.job.column_check import baseline, role
from glm_local.job.config import PageSection, TaskConfig
from glm_local.models.recorded_rows import table_rows
from glm_local.reports.content import DoubleLift, best_sample
from glm_local.rows.engine import Engine
from glm_local.scoring.compile_score import score_expression
from glm_local.scoring.model_spec import ModelDocument
from glm_local.validation import ValidationReport

Frame = TypeVar("Frame")
THIS_MODEL = "this model"
REPORT = "double_lift"
"""Name of the table among the recorded ones."""


@dataclass(frozen=True)
class BaselineLift:
    """What the page shows (the judged sample), and rows of `report_tables` (every sample)."""

    shown: DoubleLift
    rows: list[dict[str, object]]


def baseline_lift(
    config: TaskConfig,
    page: PageSection,
    engine: Engine[Frame],
    frame: Frame,
    sample: Expression,
    model: ModelDocument,
    report: ValidationReport,
) -> BaselineLift | None:
    """Bands of every sample by this model over ``report.baseline``: one pass; None where none is asked.

    Parameters
    ----------
    frame, sample
        The rows a report may look at, with derived columns, and the expression of their samples.
    report
        Tables of the same samples.
    """
    before, target = baseline(config), role(config, "target")
    if before is None or target is None:
        return None
    table = double_lift(
        engine,
        frame,
        before,
        score_expression(with_derived(model, {})),
        target=target,
        family=model.spec.family,
        exposure=role(config, "exposure"),
        weight=role(config, "weight"),
        sample=sample,
        bands=page.bands,
    )
    asked, judged = page.baseline, best_sample(report)
    name = f"the column {asked!r}" if isinstance(asked, str) else "the expression given as baseline"
    shown = DoubleLift(name, THIS_MODEL, table[table["sample"] == judged].reset_index(drop=True), judged)
    return BaselineLift(shown, list(table_rows(REPORT, table.assign(a=name, b=THIS_MODEL))))


def recorded(lift: BaselineLift | None) -> list[Mapping[str, Any]]:
    """The rows to record; none without a baseline."""
    return [] if lift is None else list(lift.rows)
