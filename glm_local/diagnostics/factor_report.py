"""Actual against expected by the levels of one factor, in the factor's own order."""

from __future__ import annotations

from typing import Any, TypeVar

import pandas as pd

from glm_local.diagnostics.groups import read_groups
from glm_local.diagnostics.scored import Column, FamilyLike, answered, left_out, scored_rows
from glm_local.errors import ConfigError, DataError
from glm_local.families.families import family_from
from glm_local.rows.engine import Engine
from glm_local.validation.actual_expected import FactorCodes, actual_expected_table
from glm_local.validation.report_tables import interval_rule
from glm_local.validation.summary import exclusion_request, exclusion_table, summary_request

Frame = TypeVar("Frame")


def by_factor_report(
    engine: Engine[Frame],
    frame: Frame,
    factor: Any,
    *,
    target: Column,
    prediction: Column,
    family: FamilyLike = "poisson",
    exposure: Column | None = None,
    weight: Column | None = None,
    sample: Column | None = None,
    dispersion: float | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Actual, predicted and deviance by the levels of a factor. One pass over rows, besides what it has to learn.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    factor
        A factor specification or document, whose levels keep their order (bins from low to high, empty ones shown);
        or a column, taken by its values, at most 400, numbers and the digits of text in the order of numbers.
    target, prediction, family, exposure, weight, sample
        As in `summary`.
    dispersion, level
        Of the intervals, as in `validation_report`.

    Returns
    -------
    DataFrame
        Columns as in `ValidationReport.actual_expected`: factor, level, code, sample, rows, exposure, exposure_share,
        actual, predicted, actual_rate, predicted_rate, actual_to_predicted, lower, upper, deviation, deviance,
        mean_deviance; all weighted. ``attrs["left_out"]`` counts the rows no table counts, by reason.

    Raises
    ------
    ConfigError, SpecError
        A column that is not there, a factor without levels, a column of more than 400 values.
    DataError
        No row can be used, or a target does not exist in the family.
    """
    columns = engine.columns(frame)
    distribution = family_from(family)
    rows = scored_rows(
        columns,
        target=target,
        prediction=prediction,
        family=distribution,
        exposure=exposure,
        weight=weight,
        sample=sample,
    )
    groups = read_groups(engine, frame, factor, columns)
    if len(groups.reads) != 1:
        raise ConfigError.because(
            f"{len(groups.reads)} factors are given.",
            "The report is about one factor.",
            "Make an interaction of the two, or call it for each.",
            path="factor",
        )
    name = next(iter(groups.reads))
    shown = FactorCodes(name, groups.reads[name], groups.labels.get(name))
    request = shown.request(rows)
    tables = answered(engine, frame, [summary_request(rows), exclusion_request(rows), request])
    excluded = left_out(exclusion_table(tables["excluded rows"]), distribution)
    if not len(tables["summary"]):
        raise DataError.because(
            f"No row can be used ({excluded or 'the table is empty'}).",
            "A row needs target, prediction and sample.",
            "Look at the roles given.",
        )
    rule = interval_rule(distribution, tables["summary"], dispersion, level)
    report = actual_expected_table(tables[request.name], shown, rule)
    report.attrs["left_out"] = excluded
    return report
