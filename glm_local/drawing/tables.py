"""What the page is given: the validation's tables, and tables ready to print."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from glm_local.drawing.svg import shortened
from glm_local.texts.number_format import (
    amount_text,
    amount_texts,
    count_text,
    deviance_text,
    rate_text,
    ratio_text,
    share_text,
)

MOST_LETTERS = 400

Number = Callable[[float | None], str]


class ValidationTables(Protocol):
    """The tables of a validation (`glm_local.validation.ValidationReport`)."""

    @property
    def summary(self) -> pd.DataFrame:
        """One line per sample."""
        ...

    @property
    def excluded(self) -> pd.DataFrame:
        """Rows left out, by sample and reason."""
        ...

    @property
    def actual_expected(self) -> Mapping[str, pd.DataFrame]:
        """A/E table of every factor."""
        ...

    @property
    def calibration(self) -> pd.DataFrame:
        """Bands of equal exposure by predicted rate."""
        ...

    @property
    def lift(self) -> pd.DataFrame:
        """Lift per band."""
        ...

    @property
    def lorenz(self) -> pd.DataFrame:
        """Points of the Lorenz curves."""
        ...

    @property
    def gini(self) -> pd.DataFrame:
        """Gini per sample."""
        ...

    @property
    def definitions(self) -> Mapping[str, str]:
        """A sentence per measure."""
        ...


@dataclass(frozen=True)
class Column:
    """A column of a printed table: the source's column, its heading, and how its numbers are written (None: text)."""

    source: str
    heading: str
    write: Number | None = None


@dataclass(frozen=True)
class PrintedTable:
    """Headings and cells ready to print; `numeric` columns are set to the right."""

    headings: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """Headings that can stand alone: "from" and "to" say of what.

        Examples
        --------
        >>> PrintedTable(("A/E", "from", "to"), (True, True, True), ()).labels
        ('A/E', 'A/E from', 'A/E to')
        """
        labels: list[str] = []
        about = ""
        for heading in self.headings:
            labels.append(f"{about} {heading}" if heading in ("from", "to") else heading)
            about = about if heading in ("from", "to") else heading.removesuffix(" from")
        return tuple(labels)


def printed(table: pd.DataFrame, columns: Sequence[Column], caption: str = "") -> PrintedTable:
    """A table with its numbers written; columns the table does not have are left out."""
    kept = [column for column in columns if column.source in table.columns]
    cells = [_cells(column, table[column.source]) for column in kept]
    return PrintedTable(
        tuple(column.heading for column in kept),
        tuple(column.write is not None for column in kept),
        tuple(zip(*cells, strict=True)) if cells else (),
        caption,
    )


def _cells(column: Column, values: pd.Series) -> list[str]:
    if column.write is not None:
        numbers = [None if value is None else float(str(value)) for value in values]
        return amount_texts(numbers) if column.write is amount_text else [column.write(one) for one in numbers]
    return [_text(value) for value in values]


def _text(value: object) -> str:
    return "(missing)" if value is None or value != value else shortened(str(value), MOST_LETTERS)


SUMMARY = (
    Column("sample", "Sample"),
    Column("rows", "Rows", count_text),
    Column("exposure", "Exposure", amount_text),
    Column("actual", "Observed", amount_text),
    Column("predicted", "Predicted", amount_text),
    Column("actual_to_predicted", "A/E", ratio_text),
    Column("lower", "from", ratio_text),
    Column("upper", "to", ratio_text),
    Column("actual_rate", "Observed rate", rate_text),
    Column("predicted_rate", "Predicted rate", rate_text),
    Column("mean_deviance", "Mean deviance", deviance_text),
    Column("deviance_explained", "Explained", share_text),
    Column("mean_absolute_error", "MAE", rate_text),
    Column("root_mean_squared_error", "RMSE", rate_text),
    Column("gini", "Gini", ratio_text),
    Column("roc_auc", "ROC AUC", ratio_text),
    Column("ranked_by", "Ranked by"),
)
CALIBRATION = (
    Column("band", "Band", count_text),
    Column("rows", "Rows", count_text),
    Column("exposure", "Exposure", amount_text),
    Column("lowest_rate", "Rates from", rate_text),
    Column("highest_rate", "to", rate_text),
    Column("actual", "Observed", amount_text),
    Column("predicted", "Predicted", amount_text),
    Column("actual_to_predicted", "A/E", ratio_text),
    Column("lower", "from", ratio_text),
    Column("upper", "to", ratio_text),
    Column("actual_lift", "Lift observed", ratio_text),
    Column("predicted_lift", "Lift fitted", ratio_text),
    Column("captured_actual", "Captured from here up", share_text),
)
EXCLUDED = (Column("sample", "Sample"), Column("reason", "Reason"), Column("rows", "Rows", count_text))


def summary_with_gini(report: ValidationTables) -> pd.DataFrame:
    """The summary with the Gini (and ROC AUC) of each sample beside it, and what rows are ranked by if not by all."""
    banded = "ranked_by" in report.gini and (report.gini["ranked_by"] != "every score").any()
    wanted = ("sample", "gini", "roc_auc", *(["ranked_by"] if banded else []))
    names = [name for name in wanted if name in report.gini.columns]
    return report.summary.merge(report.gini[names], on="sample", how="left", sort=False)


def calibration_and_lift(report: ValidationTables, sample: str) -> pd.DataFrame:
    """Calibration and lift of one sample side by side, band by band."""
    calibration = report.calibration[report.calibration["sample"] == sample]
    lift = report.lift[report.lift["sample"] == sample].drop(columns=["sample"])
    return calibration.merge(lift, on="band", how="left", sort=False)
