"""The model of a run beside the predictions in use: double lift on the best evidence there is."""

from __future__ import annotations

from typing import TypeVar

from glm_local.contract.compile_score import score_expression
from glm_local.contract.expression import Read
from glm_local.contract.model_spec import ModelDocument
from glm_local.diagnostics import double_lift
from glm_local.glm.document import with_derived
from glm_local.job.column_check import SAMPLE, baseline, role
from glm_local.job.config import JobConfig
from glm_local.job.environment import Environment
from glm_local.job.job_steps import Rows, seen_rows
from glm_local.reports.content import DoubleLift, best_sample
from glm_local.validation import ValidationReport

Frame = TypeVar("Frame")


def baseline_lift(
    config: JobConfig, environment: Environment[Frame], rows: Rows[Frame], model: ModelDocument,
    report: ValidationReport,
) -> DoubleLift | None:
    """Bands of the judged sample by this model over ``report.baseline``: one pass; None where none is asked."""
    before, target = baseline(config), role(config, "target")
    if before is None or target is None:
        return None
    table = double_lift(
        environment.engine, seen_rows(config, environment, rows), before, score_expression(with_derived(model, {})),
        target=target, family=model.spec.family, exposure=role(config, "exposure"),
        weight=role(config, "weight"), sample=Read(SAMPLE, "text"), bands=config.report.bands,
    )  # fmt: skip
    asked, sample = config.report.baseline, best_sample(report)
    name = f"the column {asked!r}" if isinstance(asked, str) else "the expression given as baseline"
    return DoubleLift(name, "this model", table[table["sample"] == sample].reset_index(drop=True), sample)
