"""The report's tables as files: a folder of CSV files, or one Excel workbook; formulas in names are made harmless."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from glm_local.drawing.tables import ValidationTables
from glm_local.errors import ConfigError
from glm_local.reports.content import CoefficientRow
from glm_local.reports.study_content import StudyContent
from glm_local.reports.study_tables import decision_table, with_flags
from glm_local.texts.safe_cell import safe_table

SHEET_LETTERS = 31
FILE_LETTERS = 60
VALIDATION = ("summary", "excluded", "calibration", "lift", "lorenz", "gini")


def report_tables(content: StudyContent) -> dict[str, pd.DataFrame]:
    """Every table of the report by name, whole: levels the page leaves out are here; empty ones are not."""
    tables: dict[str, pd.DataFrame] = {
        "coefficients": pd.DataFrame(
            [asdict(row) for row in content.coefficients], columns=list(CoefficientRow.__dataclass_fields__)
        ),
        **_validation("validation", content.validation),
        **_validation("holdout", content.holdout),
    }
    named = {"screening": content.screening, "interactions": content.interactions, "versions": content.versions}
    tables |= {name: with_flags(table) for name, table in named.items() if table is not None}
    tables |= {f"cells {pair.row} by {pair.column}": pair.cells for pair in content.pairs}
    tables |= {f"bins {page.name}": page.trials for page in content.factors if page.trials is not None}
    tables |= {f"double lift {one.first} {one.second}": one.table for one in content.double_lifts}
    tables |= {"decisions": decision_table(content.decisions), "holdout looks": decision_table(content.holdout_looks)}
    tables["provenance"] = _facts(content)
    return {name: table for name, table in tables.items() if len(table)}


def export_tables(content: StudyContent, path: str | Path) -> list[Path]:
    """Write the report's tables.

    Parameters
    ----------
    content
        What the report shows.
    path
        A file that ends in ``.xlsx``: one workbook, a sheet per table (needs openpyxl, the extra ``excel``); anything
        else is a folder that gets a CSV file per table, UTF-8 with a byte order mark, which spreadsheets look for.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    ConfigError
        A workbook is asked for and openpyxl is not installed.
    """
    target, tables = Path(path), report_tables(content)
    if target.suffix.lower() == ".xlsx":
        return [_workbook(tables, target)]
    target.mkdir(parents=True, exist_ok=True)
    files = unique_names(tables, FILE_LETTERS)
    written = []
    for name, table in tables.items():
        file = target / f"{files[name]}.csv"
        safe_table(table).to_csv(file, index=False, encoding="utf-8-sig")
        written.append(file)
    return written


def unique_names(names: Iterable[str], letters: int) -> dict[str, str]:
    """Names fit for files and sheets: ASCII letters, digits and dashes, so long at most, no two alike in any case.

    Examples
    --------
    >>> unique_names(["bins a/b", "bins A b", "=1+1"], 31)
    {'bins a/b': 'bins_a_b', 'bins A b': 'bins_A_b_2', '=1+1': '1_1'}
    """
    taken: set[str] = set()
    given: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9-]+", "_", name).strip("_-") or "table"
        chosen, count = plain[:letters], 1
        while chosen.lower() in taken:
            count += 1
            chosen = f"{plain[: letters - len(str(count)) - 1]}_{count}"
        taken.add(chosen.lower())
        given[name] = chosen
    return given


def _workbook(tables: Mapping[str, pd.DataFrame], path: Path) -> Path:
    if importlib.util.find_spec("openpyxl") is None:
        raise ConfigError.because(
            f"{path.name!r} is an Excel workbook.",
            "Workbooks are written by openpyxl, which is not installed.",
            "Install the extra: pip install 'glm-spark[excel]'; or give a folder and get CSV files.",
            "path",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    sheets = unique_names(tables, SHEET_LETTERS)
    with pd.ExcelWriter(path, engine="openpyxl") as writer:
        for name, table in tables.items():
            safe_table(_printable(table)).to_excel(writer, sheet_name=sheets[name], index=False)
    return path


def _printable(table: pd.DataFrame) -> pd.DataFrame:
    """The table without control characters, which workbooks cannot hold."""
    cleaned = table.copy()
    for at, kind in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            cleaned.isetitem(at, [_visible(value) for value in table.iloc[:, at]])
    cleaned.columns = pd.Index([_visible(name) for name in table.columns])
    return cleaned


def _visible(value: object) -> object:
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "\ufffd", value) if isinstance(value, str) else value


def _validation(name: str, tables: ValidationTables | None) -> dict[str, pd.DataFrame]:
    if tables is None:
        return {}
    plain = {f"{name} {one}": getattr(tables, one) for one in VALIDATION}
    return plain | {f"{name} by {factor}": table for factor, table in tables.actual_expected.items()}


def _facts(content: StudyContent) -> pd.DataFrame:
    parts = {
        "role": content.roles,
        "model": content.model,
        "figure": content.fit_figures,
        "fingerprint": content.fingerprints,
        "package": content.packages,
        "pass": content.passes,
    }
    lines = [(part, name, text) for part, facts in parts.items() for name, text in facts.items()]
    return pd.DataFrame(lines, columns=["what", "name", "value"])
