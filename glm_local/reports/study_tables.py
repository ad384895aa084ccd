"""The study's tables: their columns and headings, as the page prints them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from glm_local.drawing.svg import sentence_case
from glm_local.drawing.tables import Column
from glm_local.reports.content import Decision
from glm_local.texts.number_format import (
    amount_text,
    close_text,
    count_text,
    deviance_text,
    probability_text,
    rate_text,
    ratio_text,
    share_text,
)

SCREENING = (
    Column("rank", "Rank", count_text),
    Column("factor", "Candidate"),
    Column("kind", "Kind"),
    Column("status", "Now"),
    Column("levels", "Levels", count_text),
    Column("statistic", "Statistic", amount_text),
    Column("df", "df", count_text),
    Column("p_value", "p", probability_text),
    Column("coarse_p_value", "p, 5 bands", probability_text),
    Column("cut_p_value", "p, one cut", probability_text),
    Column("q_value", "FDR q", probability_text),
    Column("train_gain", "Gain train", amount_text),
    Column("cv_gain", "Gain CV", amount_text),
    Column("cv_gain_se", "± error", amount_text),
    Column("validation_gain", "Gain valid.", amount_text),
    Column("gini", "Gini", ratio_text),
    Column("information_value", "IV", ratio_text),
    Column("missing_share", "Missing", share_text),
    Column("flags", "Flags"),
)
"""Columns of the screening table; those a table does not have are left out. Flags may be text or several texts."""

INTERACTIONS = (
    Column("rank", "Rank", count_text),
    Column("first", "Factor"),
    Column("second", "by"),
    Column("status", "Now"),
    Column("cells", "Cells", count_text),
    Column("thin_cells", "Thin cells", count_text),
    Column("statistic", "Statistic", amount_text),
    Column("df", "df", count_text),
    Column("p_value", "p", probability_text),
    Column("q_value", "FDR q", probability_text),
    Column("gain", "Deviance gain", amount_text),
    Column("cv_gain", "Gain CV", amount_text),
    Column("cv_gain_se", "± error", amount_text),
    Column("stability", "Stable folds", share_text),
    Column("flags", "Flags"),
)
"""Columns of the interaction ranking."""

MODEL_VERSIONS = (
    Column("version", "Version"),
    Column("change", "What changed"),
    Column("factors", "Factors", count_text),
    Column("coefficients", "Coefficients", count_text),
    Column("train_deviance", "Train deviance", deviance_text),
    Column("cv_deviance", "CV deviance", deviance_text),
    Column("validation_deviance", "Validation deviance", deviance_text),
    Column("gini", "Gini", ratio_text),
    Column("aic", "AIC", amount_text),
    Column("dispersion_by_row", "Dispersion by row", ratio_text),
    Column("dispersion_by_key", "by key", ratio_text),
    Column("fingerprint", "Fingerprint"),
)
"""Columns of the versions of the model."""

TRIALS = (
    Column("bins", "Bins", count_text),
    Column("train_deviance", "Train", close_text),
    Column("cv_deviance", "CV", close_text),
    Column("cv_se", "± error", amount_text),
    Column("validation_deviance", "Validation", close_text),
    Column("bic", "BIC", amount_text),
)
"""Columns of the bin path that are always shown; other numeric columns follow."""

PAIR_CELLS = (
    Column("row", "Row"),
    Column("column", "Column"),
    Column("rows", "Rows", count_text),
    Column("exposure", "Exposure", amount_text),
    Column("actual", "Observed", amount_text),
    Column("predicted", "Predicted", amount_text),
    Column("actual_to_predicted", "A/E", ratio_text),
    Column("lower", "from", ratio_text),
    Column("upper", "to", ratio_text),
)

SAMPLES = (
    Column("sample", "Sample"),
    Column("rows", "Rows", count_text),
    Column("exposure", "Exposure", amount_text),
    Column("actual", "Observed", amount_text),
    Column("predicted", "Predicted", amount_text),
    Column("actual_to_predicted", "A/E", ratio_text),
    Column("lower", "from", ratio_text),
    Column("upper", "to", ratio_text),
    Column("dispersion_by_key", "Dispersion by key", ratio_text),
    Column("deviance", "Deviance", amount_text),
    Column("mean_deviance", "Mean deviance", deviance_text),
    Column("deviance_explained", "Explained", share_text),
    Column("gini", "Gini", ratio_text),
    Column("roc_auc", "ROC AUC", ratio_text),
    Column("ranked_by", "Ranked by"),
)
"""The samples on the model's page."""


def trial_columns(trials: pd.DataFrame) -> list[Column]:
    """Columns of a bin path: the known ones, then its other numeric ones under their own names; empty ones are not."""
    known = {column.source for column in TRIALS} | {"chosen", "levels"}
    more = [
        Column(name, _heading(name), close_text if name == "score" else amount_text)
        for name in map(str, trials.columns)
        if name not in known and pd.api.types.is_numeric_dtype(trials[name])
    ]
    return [column for column in (*TRIALS, *more) if column.source in trials and trials[column.source].notna().any()]


def _heading(name: str) -> str:
    return sentence_case(name.removeprefix("penalty_").replace("_", " "))


def with_numbers(trials: pd.DataFrame) -> pd.DataFrame:
    """The bin path with its columns as numbers: what JSON gave back holds None among them."""
    numbers = {str(name): pd.to_numeric(trials[name], errors="coerce") for name in trials.columns if name != "chosen"}
    chosen = {"chosen": trials["chosen"].astype(bool)} if "chosen" in trials else {}
    return pd.DataFrame({**numbers, **chosen})


def without_empty(table: pd.DataFrame, columns: Sequence[Column]) -> list[Column]:
    """Columns of which the table has at least one value that says something."""
    return [column for column in columns if column.source in table and _says_something(table[column.source])]


def _says_something(values: pd.Series) -> bool:
    return any(value is not None and value == value and value != "" for value in values)


LIFT = (
    Column("band", "Band", count_text),
    Column("exposure_share", "Exposure share", share_text),
    Column("actual_lift", "Lift observed", ratio_text),
    Column("predicted_lift", "Lift fitted", ratio_text),
    Column("captured_actual", "Captured from here up", share_text),
)
BANDS = (
    Column("band", "Band", count_text),
    Column("rows", "Rows", count_text),
    Column("predicted_rate", "Predicted rate", rate_text),
    Column("actual_rate", "Observed rate", rate_text),
    Column("actual_to_predicted", "A/E", ratio_text),
    Column("lower", "from", ratio_text),
    Column("upper", "to", ratio_text),
)
GINI = (
    Column("sample", "Sample"),
    Column("gini", "Gini", ratio_text),
    Column("roc_auc", "ROC AUC", ratio_text),
    Column("ranked_by", "Ranked by"),
    Column("score_bands", "Distinct scores", count_text),
)


def with_flags(table: pd.DataFrame) -> pd.DataFrame:
    """The table with several flags of a line written as one text."""
    if "flags" not in table:
        return table
    return table.assign(flags=[_joined(flags) for flags in table["flags"]])


def decision_table(decisions: Sequence[Decision]) -> pd.DataFrame:
    """Decisions as a table."""
    names = ("when", "who", "what", "why", "evidence")
    return pd.DataFrame({name: [getattr(one, name) for one in decisions] for name in names}, columns=list(names))


def _joined(flags: object) -> str:
    if flags is None or flags != flags:
        return ""
    return (
        flags
        if isinstance(flags, str)
        else ", ".join(map(str, flags))
        if isinstance(flags, (list, tuple, set))
        else str(flags)
    )
