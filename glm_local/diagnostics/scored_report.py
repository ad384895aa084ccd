"""The validation report of any scored frame: roles and factors as users name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from glm_local.diagnostics.groups import read_groups
from glm_local.diagnostics.scored import Column, FamilyLike, scored_rows
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression
from glm_local.rows.engine import Engine
from glm_local.validation.report_tables import USUAL_BANDS
from glm_local.validation.report_tables import validation_report as tables_of
from glm_local.validation.score_bands import ScoreBands
from glm_local.validation.validation_report import ValidationReport

Frame = TypeVar("Frame")
Shown = tuple[Expression, Sequence[str] | None]


def validation_report(
    engine: Engine[Frame],
    frame: Frame,
    *,
    target: Column,
    prediction: Column,
    family: FamilyLike = "poisson",
    exposure: Column | None = None,
    weight: Column | None = None,
    sample: Column | None = None,
    factors: Any = None,
    bands: int = 10,
    score_bands: ScoreBands = USUAL_BANDS,
    dispersion: float | None = None,
    level: float = 0.95,
) -> ValidationReport:
    """Validate a scored table: summary, A/E by factor level, calibration, lift, Lorenz, Gini. One pass over rows.

    One more where targets vary little beside their size, for the null deviance.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    target, prediction
        Observed y and predicted mean m, both totals over the exposure; a column name, an expression, or the document
        of one.
    family
        What measures deviance and allows targets ("poisson", "tweedie(1.5)", ...).
    exposure
        Amount e; rates are per exposure and rows are ranked by m / e. Absent: 1.
    weight
        Precision weight w of every sum. Absent: 1.
    sample
        Text column naming each row's sample ("train", "validation", "holdout"). Absent: one sample "all".
    factors
        Columns, by their values (at most 400), factors (specifications or documents; what they leave open is learned
        first, in one or two passes more), or expressions by name. Also name to (integer code expression, label of
        every code).
    bands
        Calibration and lift bands of about equal exposure.
    score_bands
        The grid on which rows are ranked.
    dispersion
        phi behind intervals. Absent: 1 for Poisson and binomial, else the first sample's Pearson chi-square per row.
    level
        Coverage of intervals.

    Returns
    -------
    ValidationReport

    Raises
    ------
    ConfigError, SpecError
        A column that is not there or has too many values, a factor without levels, an option out of range.
    DataError
        No row can be used; the message counts why.

    Notes
    -----
    Rows without target, prediction, weight, exposure or sample, or with values outside the family, are left out of
    every table and counted in `ValidationReport.excluded`; rows of weight zero likewise.

    Examples
    --------
    >>> import pandas as pd
    >>> from glm_local.pandas_rows.pandas_engine import PandasEngine
    >>> frame = pd.DataFrame({"area": ["n", "s", "s"], "y": [1.0, 0.0, 2.0], "m": [0.5, 0.5, 1.0]})
    >>> report = validation_report(PandasEngine(), frame, target="y", prediction="m", factors=["area"])
    >>> report.actual_expected["area"][["level", "actual", "predicted"]].values.tolist()
    [['n', 1.0, 0.5], ['s', 2.0, 1.5]]
    """
    columns = engine.columns(frame)
    rows = scored_rows(
        columns, target=target, prediction=prediction, family=family, exposure=exposure, weight=weight, sample=sample
    )
    return tables_of(
        engine,
        frame,
        target=rows.target,
        prediction=rows.prediction,
        family=rows.family,
        exposure=None if exposure is None else rows.exposure,
        weight=None if weight is None else rows.weight,
        sample=None if sample is None else rows.sample,
        factors=_shown(engine, frame, factors, columns),
        bands=bands,
        score_bands=score_bands,
        dispersion=dispersion,
        level=level,
    )


def _shown(engine: Engine[Frame], frame: Frame, factors: Any, columns: Mapping[str, ColumnKind]) -> dict[str, Shown]:
    """Name to (expression, labels), in the order asked; labels None where the levels are the values."""
    if factors is None:
        return {}
    ready = {name: one for name, one in factors.items() if _is_coded(one)} if isinstance(factors, Mapping) else {}
    asked = {name: one for name, one in factors.items() if name not in ready} if ready else factors
    groups = read_groups(engine, frame, asked, columns)
    read = {name: (one, groups.labels.get(name)) for name, one in groups.reads.items()}
    return {name: ready[name] if name in ready else read[name] for name in (factors if ready else read)}


def _is_coded(one: object) -> bool:
    return isinstance(one, tuple) and len(one) == 2 and not isinstance(one[0], str)
