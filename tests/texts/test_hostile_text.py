"""Names, reasons and levels are foreign text: on a terminal, in CSV files, to the wrong engine."""

from __future__ import annotations

import csv
import io
from typing import Any

import pandas as pd
import pytest

from glm_local import DataError, fit_glm
from glm_local.audit.event_entries import Entry
from glm_local.audit.run_log import RunLog
from glm_local.cli.audit_commands import _event_line
from glm_local.cli.commands import run_app
from glm_local.job.data_sources import DataSource
from glm_local.job.score_file import score_file
from glm_local.stores.delta_store import open_store
from glm_local.texts.terminal_text import terminal_text, terminal_word

HOSTILE = [
    "\x1b[2J\x1b[H",
    "a\nmotor    9  2026-01-01 00:00:00  chief  accepted   forged",
    "\u202egnp",
    "x\r\ny",
    "\x9b31m",
    "\x07\x00",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_foreign_word_moves_the_cursor_or_begins_a_line(text: str) -> None:
    shown = terminal_word(text)
    assert shown.isprintable()
    assert terminal_text(text).replace("\n", "").isprintable()


def test_a_reason_cannot_forge_a_line_of_the_history(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    log = RunLog(open_store(tmp_path), "motor", "r", user="eve\x1b[1A")
    for at, reason in enumerate(HOSTILE):
        if "\x00" not in reason:
            log.events([Entry(f"s{at}", "accepted", reason, factor="age\n")])
    run_app(["audit", "history", "--store", str(tmp_path)])
    told = capsys.readouterr().out
    assert len(told.splitlines()) == len(HOSTILE) - 1
    assert told.replace("\n", "").isprintable()


def test_an_event_is_one_line_whatever_it_holds() -> None:
    at = pd.Timestamp("2026-01-01")
    event = {
        "study_id": "a\nb",
        "seq": 1,
        "at": at,
        "by_user": "\x1b[0m",
        "event": "accepted",
        "factor": "f",
        "reason": "r\n",
    }
    assert _event_line(event).isprintable()


def test_formulas_in_level_names_are_harmless_in_a_jobs_coefficients(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    levels = ["=cmd|'/C calc'!A1", "@SUM(1)", "plain"]
    pd.DataFrame({"id": range(300), "y": [1, 2, 3] * 100, "area": levels * 100}).to_parquet("rows.parquet")
    conf = """
[job]
name = "hostile"
study = "s"
[data]
path = "rows.parquet"
[roles]
target = "y"
key = "id"
[split]
method = "hash"
fractions = { train = 0.6, validation = 0.2, holdout = 0.2 }
[model]
family = "poisson"
link = "log"
[[factors]]
kind = "categorical"
name = "area"
column = "area"
levels = "learn"
missing = "refuse"
unseen = "base"
[second_opinion]
enabled = false
"""
    (tmp_path / "job.toml").write_text(conf)
    code = run_app(["run", "job.toml", "--run-id", "r", "--quiet"])
    assert code == 0
    (file,) = tmp_path.rglob("coefficients.csv")
    cells = [cell for line in csv.reader(io.StringIO(file.read_text())) for cell in line]
    assert "'=cmd|'/C calc'!A1" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]


def test_a_spark_frame_is_sent_to_the_other_package() -> None:
    kind = type("DataFrame", (), {"__module__": "pyspark.sql.classic.dataframe", "__arrow_c_stream__": None})
    with pytest.raises(DataError, match="glm_spark"):
        fit_glm(kind(), target="y", factors=[])


def test_the_interval_beside_relativities_is_theirs() -> None:
    rows = pd.DataFrame({"y": [1, 2, 3, 4, 5, 6] * 5, "area": ["a", "b"] * 15})
    area = {"kind": "categorical", "name": "area", "column": "area", "missing": "refuse", "unseen": "refuse"}
    for family, link in (("poisson", "log"), ("gaussian", "identity")):
        model = fit_glm(rows, target="y", factors=[area], family=family, link=link)
        (line,) = (one for one in model.summary().splitlines() if one.startswith("(Intercept)"))
        low = f"{model.document.coefficients[0].lower:.5g}"
        assert (low in line) == (link == "identity")


@pytest.mark.parametrize("kind", ["object", "category", "string[pyarrow]"])
def test_formulas_are_harmless_in_a_csv_of_scores_and_whole_in_parquet(tmp_path: Any, kind: str) -> None:
    texts = ["=cmd|'/C calc'!A1", "-12", "@x", "plain", None, "+49 30"]
    rows = pd.DataFrame({"y": [1, 2, 3, 4, 5, 6], "x": [1.0, 2, 3, 4, 5, 7], "@note": pd.Series(texts, dtype=kind)})
    x = {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}
    model = fit_glm(rows, target="y", factors=[x])
    rows.to_parquet(tmp_path / "rows.parquet")
    for name in ("out.csv", "out.parquet"):
        score_file(model, DataSource("path", str(tmp_path / "rows.parquet")), tmp_path / name)
    (head, *lines) = csv.reader(io.StringIO((tmp_path / "out.csv").read_text()))
    assert head[2] == "'@note"
    assert [line[2] for line in lines] == ["'=cmd|'/C calc'!A1", "-12", "'@x", "plain", "", "'+49 30"]
    whole = pd.read_parquet(tmp_path / "out.parquet")["@note"].astype(object)
    assert whole.where(whole.notna(), None).tolist() == texts
