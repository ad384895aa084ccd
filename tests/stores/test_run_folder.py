"""A run's folder: its own in every second, strict JSON, no way out of it, harmless cells, and it can be read."""

from __future__ import annotations

import dataclasses
import datetime
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_local.errors import ConfigError
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.stores.run_folder import RunFolder
from glm_local.validation import validation_report

FORMULA = "=cmd|'/C calc'!A1"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path, "unit test")


def test_the_predecessors_fixture_is_met(run: RunFolder) -> None:
    run.log_params({"target": "claims"})
    run.log_table("table", pd.DataFrame({"a": [1]}))
    assert run.names() == ["params.json", "table.csv"]
    assert run.path.name.endswith("_unit_test")


def test_runs_of_one_second_never_share_a_folder(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = {one.path for one in pool.map(lambda _: RunFolder(tmp_path, "same"), range(40))}
    assert len(paths) == 40
    assert all(path.is_dir() for path in paths)


def test_json_is_strict_and_nan_is_null(run: RunFolder) -> None:
    @dataclasses.dataclass
    class Point:
        x: float
        at: Path

    value = {
        "nan": float("nan"),
        "inf": [np.inf, -np.inf],
        "numpy": np.float32("nan"),
        "int": np.int64(3),
        "flag": np.True_,
        "array": np.array([1.5, np.nan]),
        "day": datetime.date(2024, 1, 2),
        "point": Point(1.0, Path("a/b")),
        "none": None,
        "gone": pd.NaT,
        "set": {"b", "a"},
        "at": pd.Timestamp("2024-01-02 03:04"),
        7: "seven",
    }
    text = run.log_json("value", value).read_text(encoding="utf-8")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    assert (
        json.loads(text, parse_constant=refuse)
        == run.read("value")
        == {
            "nan": None,
            "inf": [None, None],
            "numpy": None,
            "int": 3,
            "flag": True,
            "array": [1.5, None],
            "day": "2024-01-02",
            "point": {"x": 1.0, "at": "a/b"},
            "none": None,
            "gone": None,
            "set": ["a", "b"],
            "at": "2024-01-02T03:04:00",
            "7": "seven",
        }
    )


def test_what_has_no_json_form_is_refused_and_not_written_as_its_repr(run: RunFolder) -> None:
    for value in (object(), pd.DataFrame({"a": [1]}), {"deep": [lambda: 0]}):
        with pytest.raises(ConfigError, match="log_table"):
            run.log_json("value", value)
    assert run.names() == []


ESCAPES = [
    "../escape",
    "..",
    ".",
    "",
    "/etc/x",
    "a/b",
    "a\\b",
    ".hidden",
    "-flag",
    "con",
    "NUL.json",
    "C:x",
    "a\0b",
    "a\nb",
    "x" * 300,
    "tail.",
    "tail ",
    3,
    None,
]


@pytest.mark.parametrize("name", ESCAPES)
def test_a_name_cannot_leave_the_folder(name: Any, run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no name of a file|It is text"):
        run.log_json(name, 1)
    with pytest.raises(ConfigError, match=r"no name of a file|It is text"):
        run.log_table(name, pd.DataFrame({"a": [1]}))
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


@given(st.text(max_size=200))
def test_whatever_a_report_names_its_tables_they_stay_in_the_folder(name: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as base:
        run = RunFolder(base)
        (path,) = run.log_report("validation", {name: pd.DataFrame({"a": [1]})})
        assert path.resolve().parent == run.path.resolve()
        assert [one for one in Path(base).rglob("*") if one.is_file()] == [path]


def test_a_reports_tables_are_one_file_each(run: RunFolder) -> None:
    frame = pd.DataFrame({"y": [1.0, 0, 2, 1], "m": [0.5, 1, 1.5, 1]})
    report = validation_report(PandasEngine(), frame, target="y", prediction="m", family="poisson")
    paths = run.log_report("validation", report)
    assert [path.name for path in paths] == [f"validation_{name}.csv" for name in report.tables()]
    assert run.read("validation_summary")["rows"].tolist() == [4]
    run.log_report("by factor", {"age/band <b>": report.summary})
    assert "by factor_age%2Fband %3Cb%3E.csv" in run.names()


def test_cells_of_a_csv_are_harmless_and_come_back_as_they_were(run: RunFolder) -> None:
    table = pd.DataFrame({FORMULA: [FORMULA, "-1", "plain", "'quoted"], "number": [-1.5, 2, 3, 4]})
    path = run.log_table("cells", table)
    cells = path.read_text(encoding="utf-8")
    assert not any(cell.startswith("=") for line in cells.splitlines() for cell in line.split(","))
    pd.testing.assert_frame_equal(run.read("cells"), table)


def test_parquet_comes_back_as_it_went_in(run: RunFolder) -> None:
    table = pd.DataFrame({"text": ["001", None], "whole": pd.array([1, None], "Int64"), "number": [np.nan, 2.5]})
    run.log_table("exact", table, format="parquet")
    pd.testing.assert_frame_equal(run.read("exact"), table)


def test_a_run_is_read_in_another_process_or_added_to(run: RunFolder) -> None:
    run.log_metrics({"gini": 0.3})
    again = RunFolder.open(run.path)
    assert again.read("metrics.json") == {"gini": 0.3}
    again.log_metrics({"gini": 0.4})
    assert run.read("metrics") == {"gini": 0.4}


def test_what_is_not_there_is_told_with_what_is(run: RunFolder, tmp_path: Path) -> None:
    run.log_params({})
    with pytest.raises(ConfigError, match=r"The run has params\.json"):
        run.read("metrics")
    with pytest.raises(ConfigError, match="no name of a file"):
        run.read("../x.json")
    run.log_table("params", pd.DataFrame({"a": [1]}))
    with pytest.raises(ConfigError, match=r"params\.json and params\.csv"):
        run.read("params")
    assert run.read("params.json") == {}
    with pytest.raises(ConfigError, match="not a folder"):
        RunFolder.open(tmp_path / "nowhere")


def test_only_small_tables_are_logged(run: RunFolder) -> None:
    with pytest.raises(ConfigError, match="aggregate_table"):
        run.log_table("table", [[1]])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"csv or parquet|'csv', 'parquet'"):
        run.log_table("table", pd.DataFrame(), format="xlsx")  # type: ignore[arg-type]
