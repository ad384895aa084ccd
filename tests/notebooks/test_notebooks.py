"""The notebooks are Databricks source files and run from the first cell to the last on both engines."""

from __future__ import annotations

import ast
import contextlib
import io
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.py"))
IDS = [one.stem for one in NOTEBOOKS]


def _run(notebook: Path, engine: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], str]:
    monkeypatch.setattr("sys.argv", [str(notebook), "--engine", engine, "--folder", str(folder)])
    with contextlib.redirect_stdout(io.StringIO()) as said:
        names = runpy.run_path(str(notebook))
    return names, said.getvalue()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=IDS)
def test_a_notebook_is_databricks_source_and_valid_python(notebook: Path) -> None:
    text = notebook.read_text(encoding="utf-8")
    assert text.startswith("# Databricks notebook source\n")
    assert text.count("\n# COMMAND ----------\n\n") == text.count("# COMMAND ----------") > 0
    ast.parse(text)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=IDS)
def test_a_notebook_runs_on_the_local_engine(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names, said = _run(notebook, "pandas", tmp_path, monkeypatch)
    assert names["model"].document.convergence.reason in said
    assert [one.suffix for one in tmp_path.iterdir()] == [".json"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=IDS)
def test_a_notebook_gives_the_same_numbers_on_spark(
    notebook: Path, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = _run(notebook, "pandas", tmp_path / "here", monkeypatch)
    there, _ = _run(notebook, "spark", tmp_path / "there", monkeypatch)
    ours, theirs = here["model"].document, there["model"].document
    assert [one.term for one in ours.coefficients] == [one.term for one in theirs.coefficients]
    for one, other in zip(ours.coefficients, theirs.coefficients, strict=True):
        assert (one.estimate or 0.0) == pytest.approx(other.estimate or 0.0, rel=1e-9, abs=1e-11), one.term
    assert ours.statistics.deviance == pytest.approx(theirs.statistics.deviance, rel=1e-12)
    assert here["report"].gini["gini"].tolist() == pytest.approx(there["report"].gini["gini"].tolist(), rel=1e-9)
