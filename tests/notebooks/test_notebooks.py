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
LEFT = {
    "01_first_model": ["visits.json"],
    "02_factor_design": ["audit", "visits.html", "visits.json"],
    "03_audit_on_delta": ["audit"],
}
"""What each leaves in its folder."""


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
    assert names["model"].document.convergence.reason == "score below tolerance"
    assert len(said.splitlines()) > 20
    assert sorted(one.name for one in tmp_path.iterdir()) == LEFT[notebook.stem]


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
    for question, answer in there.get("answers", {}).items():
        asked = {"who_decided": "who", "holdout_looks": "looks", "what_changed": "changes"}[question]
        expected = there[asked][there["studies"][0]] if asked == "looks" else there[asked]
        assert len(answer) == (1 if question == "who_decided" else len(expected)) > 0, question


def _named(name: str) -> Path:
    return next(one for one in NOTEBOOKS if one.stem == name)


def test_the_design_notebook_keeps_what_was_decided_by_hand_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, _ = _run(_named("02_factor_design"), "pandas", tmp_path, monkeypatch)
    study = names["study"]
    assert set(study.accepted) >= {"disea", "physlm"}
    assert "lpi" not in study.accepted
    assert study.history["event"].tolist().count("undone") == 1
    assert names["again"].model.fingerprint == names["model"].fingerprint
    assert names["trial"].accepted == tuple(name for name in study.accepted if name != "physlm")
    assert len(names["result"].selected_factors) == 3
    assert "Visits to a doctor" in (tmp_path / "visits.html").read_text(encoding="utf-8")


def test_the_audit_notebook_answers_every_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names, said = _run(_named("03_audit_on_delta"), "pandas", tmp_path, monkeypatch)
    assert names["verified"].ok
    assert {event["by_user"] for event in names["who"]} == {"anna", "bruno"}
    assert [event["event"] for event in names["why"]][-1] in ("accepted", "refined")
    assert all(len(looks) == 1 for looks in names["looks"].values())
    assert names["changes"]
    assert names["again"]["models"] == [names["model"].fingerprint]
    assert "nothing that can be seen here was changed" in said
    again, said = _asked_of(tmp_path / "audit", monkeypatch)
    assert again["studies"] == names["studies"]
    assert "kept" not in said.splitlines()[0]


def _asked_of(store: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], str]:
    monkeypatch.setattr("sys.argv", ["notebook", "--engine", "pandas", "--store", str(store)])
    with contextlib.redirect_stdout(io.StringIO()) as said:
        names = runpy.run_path(str(_named("03_audit_on_delta")))
    return names, said.getvalue()
