"""Summary, calibration and lift of a scored frame, each alone: the tables of `glm_local.validation`, one pass each."""

from __future__ import annotations

from typing import Any, TypeVar

import pandas as pd

from glm_local.diagnostics.scored import Column, FamilyLike, left_out, scored_rows
from glm_local.families.families import family_from
from glm_local.rows.engine import Engine
from glm_local.validation.report_tables import validation_report
from glm_local.validation.validation_report import ValidationReport

Frame = TypeVar("Frame")


def summary(
    engine: Engine[Frame],
    frame: Frame,
    *,
    target: Column,
    prediction: Column,
    family: FamilyLike = "poisson",
    exposure: Column | None = None,
    weight: Column | None = None,
    sample: Column | None = None,
) -> pd.DataFrame:
    """Totals, rates, deviance and errors, per sample. One pass over rows.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    target, prediction
        Observed and predicted totals, y and m: a column, an expression or its document.
    family
        What measures deviance.
    exposure
        Amount that rates are per.
    weight
        Every total, mean and error is weighted by it, not the deviance alone.
    sample
        Text column naming each row's sample; absent, one line "all".

    Returns
    -------
    DataFrame
        As `ValidationReport.summary`, and `gini`. ``attrs["left_out"]`` counts the rows no table counts, by reason.

    Raises
    ------
    ConfigError
        A column that is not there.
    DataError
        No row can be used, or a target does not exist in the family.
    """
    report = _report(
        engine,
        frame,
        target=target,
        prediction=prediction,
        family=family,
        exposure=exposure,
        weight=weight,
        sample=sample,
    )
    return _noted(report, report.summary.merge(report.gini[["sample", "gini"]], on="sample"), family)


def calibration(
    engine: Engine[Frame],
    frame: Frame,
    *,
    target: Column,
    prediction: Column,
    family: FamilyLike = "poisson",
    exposure: Column | None = None,
    weight: Column | None = None,
    sample: Column | None = None,
    bands: int = 10,
) -> pd.DataFrame:
    """Actual against predicted in bands of about equal exposure by predicted rate, ties together. One pass over rows.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    target, prediction, family, exposure, weight, sample
        As in `summary`.
    bands
        2 or more.

    Returns
    -------
    DataFrame
        As `ValidationReport.calibration`; ``attrs["left_out"]`` as in `summary`.
    """
    report = _report(
        engine,
        frame,
        target=target,
        prediction=prediction,
        family=family,
        exposure=exposure,
        weight=weight,
        sample=sample,
        bands=bands,
    )
    return _noted(report, report.calibration, family)


def lift(
    engine: Engine[Frame],
    frame: Frame,
    *,
    target: Column,
    prediction: Column,
    family: FamilyLike = "poisson",
    exposure: Column | None = None,
    weight: Column | None = None,
    sample: Column | None = None,
    bands: int = 10,
) -> pd.DataFrame:
    """Calibration bands with the lift of each over its sample's average. One pass over rows.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    target, prediction, family, exposure, weight, sample, bands
        As in `calibration`.

    Returns
    -------
    DataFrame
        The calibration table, and the columns of `ValidationReport.lift`; ``attrs["left_out"]`` as in `summary`.
    """
    report = _report(
        engine,
        frame,
        target=target,
        prediction=prediction,
        family=family,
        exposure=exposure,
        weight=weight,
        sample=sample,
        bands=bands,
    )
    return _noted(report, report.calibration.merge(report.lift, on=["sample", "band"]), family)


def _report(engine: Engine[Frame], frame: Frame, family: FamilyLike, bands: int = 10, **roles: Any) -> ValidationReport:
    rows = scored_rows(engine.columns(frame), family=family, **roles)
    return validation_report(
        engine,
        frame,
        target=rows.target,
        prediction=rows.prediction,
        family=rows.family,
        bands=bands,
        exposure=None if roles["exposure"] is None else rows.exposure,
        weight=None if roles["weight"] is None else rows.weight,
        sample=None if roles["sample"] is None else rows.sample,
    )


def _noted(report: ValidationReport, table: pd.DataFrame, family: FamilyLike) -> pd.DataFrame:
    noted = table.copy()
    noted.attrs["left_out"] = left_out(report.excluded, family_from(family))
    return noted
