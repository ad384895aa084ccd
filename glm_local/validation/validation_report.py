"""The record of a validation: small tables, their definitions, their JSON, their page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import SpecError
from glm_local.texts.read_json import read_object

TABLES = ("summary", "excluded", "calibration", "lift", "lorenz", "gini")


@arguments_checked
@dataclass(frozen=True)
class ValidationReport:
    """What `validation_report` returns; every table is a small pandas frame.

    Parameters
    ----------
    summary, excluded, calibration, lift, lorenz, gini
        Tables as described in the modules of `glm_local.validation` that make them.
    actual_expected
        Factor name to its A/E table.
    definitions
        One sentence for each measure that needs one.
    """

    summary: pd.DataFrame
    excluded: pd.DataFrame
    actual_expected: Mapping[str, pd.DataFrame]
    calibration: pd.DataFrame
    lift: pd.DataFrame
    lorenz: pd.DataFrame
    gini: pd.DataFrame
    definitions: Mapping[str, str] = field(default_factory=dict)

    @property
    def samples(self) -> tuple[str, ...]:
        """Samples in the order of the summary."""
        return tuple(self.summary["sample"])

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name; A/E tables as ``actual_expected/<factor>``."""
        named = {name: getattr(self, name) for name in TABLES}
        return named | {f"actual_expected/{name}": table for name, table in self.actual_expected.items()}

    def to_json(self) -> str:
        """Canonical JSON (sorted keys, null for NaN and infinities); `from_json` reads it back."""
        tables = {name: _records(table) for name, table in self.tables().items()}
        document = {"definitions": dict(self.definitions), "factors": list(self.actual_expected), "tables": tables}
        return json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> ValidationReport:
        """The report that `to_json` wrote.

        Raises
        ------
        SpecError
            The text is none.
        """
        try:
            document = read_object(text)
            tables = {name: _frame(table) for name, table in document["tables"].items()}
            factors = {name: tables[f"actual_expected/{name}"] for name in document["factors"]}
            plain = {name: tables[name] for name in TABLES}
            return cls(**plain, actual_expected=factors, definitions=document["definitions"])
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise SpecError.because(
                f"The text is no report: {' '.join(str(error).split())[:200]}.",
                "A report is read as `to_json` wrote it.",
                "Take that text.",
                "report",
            ) from None

    def plot(self) -> object:
        """Calibration, lift and Lorenz charts of the last sample, as one figure that notebooks show."""
        from glm_local.reports.validation_charts import validation_figure

        return validation_figure(self)

    def _repr_html_(self) -> str:
        from glm_local.reports.page import validation_html

        return validation_html(self)


def _records(table: pd.DataFrame) -> dict[str, object]:
    columns = [_plain(table[name]) for name in table.columns]
    return {"columns": list(table.columns), "kinds": [_kind(str(one)) for one in table.dtypes], "values": columns}


def _plain(column: pd.Series) -> list[object]:
    values = column.astype(object).tolist()
    return [None if isinstance(value, float) and not math.isfinite(value) else value for value in values]


def _kind(dtype: str) -> str:
    """How a column is written: numbers as what they are, all else alike on every pandas."""
    return dtype if dtype.startswith(("int", "float", "bool")) else "object"


def _frame(table: Mapping[str, list[object]]) -> pd.DataFrame:
    kinds = zip(table["columns"], table["kinds"], table["values"], strict=True)
    return pd.DataFrame({name: _column(str(kind), values) for name, kind, values in kinds})


def _column(kind: str, values: object) -> pd.Series:
    # Text is what pandas makes of it: objects before version 3, its own kind of text from then on.
    return pd.Series(values, dtype=kind if kind.startswith(("int", "float")) else None)
