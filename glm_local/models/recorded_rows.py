"""Rows jobs and studies write to the audit's tables: models, coefficients, specs, report tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from glm_local.factors.fingerprint import fingerprint
from glm_local.glm.document import model_json
from glm_local.scoring.model_spec import ModelDocument
from glm_local.validation import ValidationReport

Row = dict[str, object]

_LEVEL_COLUMNS = ("level", "band", "reason")


def model_row(model: ModelDocument) -> Row:
    """The model as a row of `models`."""
    figures, end = model.statistics, model.convergence
    return {
        "model_id": model.fingerprint,
        "name": model.name,
        "family": model.spec.family,
        "link": model.spec.link,
        "route": end.route,
        "converged": end.converged,
        "convergence": end.reason,
        "iterations": end.iterations,
        "rows": figures.rows,
        "deviance": figures.deviance,
        "null_deviance": figures.null_deviance,
        "log_likelihood": figures.log_likelihood,
        "aic": figures.aic,
        "bic": figures.bic,
        "dispersion": figures.dispersion,
        "document": model_json(model),
    }


def coefficient_rows(model: ModelDocument) -> list[Row]:
    """The coefficient table as rows of `coefficients`."""
    return [
        {
            "model_id": model.fingerprint,
            "term": one.term,
            "factor": one.factor,
            "level": one.level,
            "is_base": one.status == "base",
            "is_aliased": one.status == "aliased",
            "estimate": one.estimate,
            "standard_error": one.std_error,
            "statistic": one.statistic,
            "p_value": one.p_value,
            "lower": one.lower,
            "upper": one.upper,
            "relativity": one.relativity,
            "inference": one.inference,
        }
        for one in model.coefficients
    ]


def spec_rows(model: ModelDocument, split: dict[str, Any]) -> list[Row]:
    """The learned factors, the model's specification and the split as rows of `specs`."""
    factors = [(one.name, "factor", one.model_dump(mode="json", exclude_none=True)) for one in model.factors]
    others = [(model.name, "model", model.spec.model_dump(mode="json", exclude_none=True)), ("split", "split", split)]
    return [
        {"fingerprint": fingerprint(document), "kind": kind, "name": name, "document": document}
        for name, kind, document in [*factors, *others]
    ]


def report_rows(report: ValidationReport) -> list[Row]:
    """Every table of a validation as rows of `report_tables`."""
    return [row for name, table in report.tables().items() for row in table_rows(name, table)]


def table_rows(name: str, table: pd.DataFrame) -> Iterator[Row]:
    """A table of a report as rows of `report_tables`, each cell in `cells`."""
    level = next((column for column in _LEVEL_COLUMNS if column in table.columns), None)
    for line in table.to_dict("records"):
        yield {
            "report": name,
            "sample": _text(line.get("sample")),
            "factor": _text(line.get("factor")),
            "level": _text(line.get(level)) if level else None,
            "cells": line,
        }


def _text(value: object) -> str | None:
    return None if value is None or value != value else str(value)
