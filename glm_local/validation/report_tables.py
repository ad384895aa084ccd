"""The validation report: every table of every sample and factor, from one pass over rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import pandas as pd

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import ConfigError, DataError, nearest
from glm_local.expressions.arithmetic import number
from glm_local.expressions.expression import Expression, Read
from glm_local.families.families import Family, family_from
from glm_local.inference.design_effect import least_effect
from glm_local.rows.cells import DesignTable
from glm_local.rows.engine import Engine
from glm_local.validation.actual_expected import FactorCodes, actual_expected_table
from glm_local.validation.calibration_table import calibration_table
from glm_local.validation.discrimination import GINI_DEFINITION, discrimination_table, lorenz_table
from glm_local.validation.intervals import IntervalRule
from glm_local.validation.key_spread import KeyGroups, key_requests, keyed_rule
from glm_local.validation.lift import lift_table
from glm_local.validation.null_deviances import with_null_deviances
from glm_local.validation.score_bands import ScoreBands
from glm_local.validation.scored_rows import ONE, ScoredRows
from glm_local.validation.summary import (
    exclusion_request,
    exclusion_table,
    pearson_dispersion,
    summary_request,
    summary_table,
)
from glm_local.validation.validation_report import ValidationReport

Frame = TypeVar("Frame")
Column = Expression | str

PREDICTION = "__validation_prediction"
USUAL_BANDS = ScoreBands()


@arguments_checked
def validation_report(
    engine: Engine[Frame],
    frame: Frame,
    *,
    target: Column,
    prediction: Column,
    family: Family | str | Mapping[str, object],
    exposure: Column | None = None,
    weight: Column | None = None,
    sample: Column | None = None,
    factors: Mapping[str, tuple[Expression, Sequence[str] | None]] | None = None,
    bands: int = 10,
    score_bands: ScoreBands = USUAL_BANDS,
    dispersion: float | None = None,
    level: float = 0.95,
    keys: KeyGroups | None = None,
) -> ValidationReport:
    """Validate a scored table: summary, A/E by factor level, calibration, lift, Lorenz, Gini. One pass over rows.

    One more where targets vary little beside their size, for the null deviance.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    target, prediction
        Observed y and predicted mean m, both totals over the exposure; a column name or an expression.
    family
        What measures deviance and allows targets ("poisson", "tweedie(1.5)", ...).
    exposure
        Amount e; rates are per exposure and rows are ranked by m / e. Absent: 1.
    weight
        Precision weight w of every sum. Absent: 1.
    sample
        Text column naming each row's sample ("train", "validation", "holdout"). Absent: one sample "all".
    factors
        Name to (integer code expression, label of every code in the factor's order), or to (expression, None) for
        levels that are its values.
    bands
        Calibration and lift bands of about equal exposure.
    score_bands
        How rows are ranked: every distinct rate while there are at most 100,000, else on a grid; the Gini table says
        which.
    dispersion
        phi behind intervals. Absent: 1 for Poisson and binomial, else the first sample's Pearson chi-square per row.
    level
        Coverage of intervals.
    keys
        Groups of whole keys: intervals then take what totals spread by key (`glm_local.validation.key_spread`), 1 at
        least where the family's dispersion is 1.

    Returns
    -------
    ValidationReport

    Raises
    ------
    ConfigError
        A column that is not there, an option out of range.
    DataError
        No row can be used; the message counts why.

    Notes
    -----
    Rows without target, prediction, weight, exposure or sample, or with values outside the family, are left out of
    every table and counted in `ValidationReport.excluded`; rows of weight zero likewise.
    """
    _check_options(bands, level, dispersion)
    _check_columns(
        engine.columns(frame), target=target, prediction=prediction, exposure=exposure, weight=weight, sample=sample
    )
    distribution = family_from(family)
    if not isinstance(prediction, (str, Read)):
        # A model is a large expression used by many sums: named once, it is computed once.
        frame = engine.with_columns(frame, {PREDICTION: prediction})
        prediction = PREDICTION
    if keys is not None:
        frame = engine.with_columns(frame, keys.columns())
    rows = ScoredRows(
        distribution,
        number(target),
        number(prediction),
        ONE if exposure is None else number(exposure),
        ONE if weight is None else number(weight),
        **({} if sample is None else {"sample": _text(sample)}),
    )
    codes = [
        FactorCodes(name, code, None if labels is None else tuple(labels))
        for name, (code, labels) in (factors or {}).items()
    ]
    requests = [summary_request(rows), exclusion_request(rows), *score_bands.requests(rows)]
    requests += [one.request(rows) for one in codes]
    requests += [] if keys is None else key_requests(rows, {one.name: one.code for one in codes})
    answers = engine.cells(frame, requests)
    tables = {name: table for name, table in answers.items() if table is not None}
    scores, ranking = score_bands.ranked(answers)
    excluded = exclusion_table(tables["excluded rows"])
    if not len(tables["summary"]):
        raise _no_rows(excluded)
    names = [one.name for one in codes]
    rules = _rules(distribution, answers, dispersion, level, names, keys is not None, weight is not None)
    rule = rules[None]
    calibration = calibration_table(scores, bands, rule)
    return ValidationReport(
        summary=summary_table(with_null_deviances(engine, frame, rows, tables["summary"], rows.usable), rule),
        excluded=excluded,
        actual_expected={
            one.name: actual_expected_table(tables[f"factor {one.name}"], one, rules[one.name]) for one in codes
        },
        calibration=calibration,
        lift=lift_table(calibration),
        lorenz=lorenz_table(scores),
        gini=discrimination_table(scores, distribution.binary, ranking),
        definitions=_definitions(distribution, rule, bands, score_bands.definition(ranking)),
    )


def _rules(
    family: Family,
    answers: Mapping[str, DesignTable | None],
    dispersion: float | None,
    level: float,
    factors: Sequence[str],
    by_key: bool,
    weighted: bool,
) -> dict[str | None, IntervalRule]:
    """How intervals are made: of samples as a whole (None), and of each factor's levels."""
    summary = answers["summary"]
    assert summary is not None
    rule = interval_rule(family, summary, dispersion, level)
    if not by_key:
        return dict.fromkeys([None, *factors], rule)
    least = least_effect(family, weighted)
    return {name: keyed_rule(rule, answers, name, family.exact_counts, least) for name in [None, *factors]}


def _definitions(family: Family, rule: IntervalRule, bands: int, ranking: str) -> dict[str, str]:
    return {
        "deviance": f"Sum of weight * unit deviance of the {family.name} family; mean deviance is per weight.",
        "interval": rule.definition,
        "score_bands": ranking,
        "gini": GINI_DEFINITION,
        "bands": f"{bands} bands of about equal exposure by predicted rate; tied rates are never cut.",
    }


def interval_rule(family: Family, summary: DesignTable, dispersion: float | None, level: float) -> IntervalRule:
    """How intervals are made: by the dispersion given, the family's own, or the first sample's Pearson chi-square."""
    if dispersion is None:
        dispersion = 1.0 if family.fixed_dispersion else pearson_dispersion(summary)
    # With a precision weight w the count is w y, so its weighted total is a count as well.
    return IntervalRule(dispersion, counts=family.exact_counts and dispersion == 1.0, level=level)


def _text(sample: Column) -> Expression:
    return Read(sample, "text") if isinstance(sample, str) else sample


def _check_options(bands: int, level: float, dispersion: float | None) -> None:
    if isinstance(bands, bool) or not isinstance(bands, int) or bands < 2:
        raise ConfigError.because(f"bands is {bands!r}.", "Calibration needs 2 bands or more.", "10 is usual.", "bands")
    if not 0 < level < 1:
        raise ConfigError.because(f"level is {level!r}.", "A coverage lies between 0 and 1.", "Write 0.95.", "level")
    if dispersion is not None and not dispersion > 0:
        raise ConfigError.because(
            f"dispersion is {dispersion!r}.",
            "A dispersion is positive.",
            "Leave it out to have it estimated.",
            "dispersion",
        )


def _check_columns(known: Mapping[str, object], **roles: Column | None) -> None:
    for role, column in roles.items():
        if isinstance(column, str) and column not in known:
            raise ConfigError.because(
                f"{column!r} is not a column of the table.",
                f"The {role} must be one.",
                nearest(column, list(known)),
                path=role,
            )


def _no_rows(excluded: pd.DataFrame) -> DataError:
    reasons = "; ".join(f"{reason}: {rows}" for reason, rows in excluded.groupby("reason")["rows"].sum().items())
    error = DataError.because(
        f"No row can be validated ({reasons or 'the table is empty'}).",
        "A row needs target, prediction, weight, exposure and sample, within the family's range.",
        "Look at the roles given: is the prediction on the target's scale, is the sample column filled?",
    )
    assert isinstance(error, DataError)
    return error
