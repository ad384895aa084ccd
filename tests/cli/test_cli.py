"""The command line: what it prints where, its exit codes, one JSON line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet
import pytest

from glm_local.cli.commands import run_app
from tests.bad_inputs.bad_cases import BASE, good_frame


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished run of a small job."""
    folder = tmp_path_factory.mktemp("cli")
    parquet.write_table(pa.Table.from_pandas(good_frame(), preserve_index=False), folder / "rows.parquet")
    (folder / "job.toml").write_text(BASE.replace("${data}", str(folder / "rows.parquet")))
    assert run_app(["run", str(folder / "job.toml"), "--out", str(folder / "out"), "--quiet", "--run-id", "one"]) == 0
    return folder


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON line, and what went to standard error."""
    capsys.readouterr()
    code = run_app([str(one) for one in arguments] + ["--json"])
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 1
    return code, json.loads(said.out), said.err


def test_a_run_prints_one_json_line_and_its_stages_elsewhere(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document, told = asked(capsys, "run", finished / "job.toml", "--out", tmp_path)
    assert (code, document["status"], document["exit_code"]) == (0, "ok", 0)
    assert document["second_opinion"] == "agrees"
    stages = dict.fromkeys(line.split("  ")[0].strip() for line in told.splitlines())  # a slow one says so again
    assert list(stages) == ["data", "read and split", "fit", "second opinion", "validate", "save and report"]


def test_a_run_in_words_names_its_report(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["run", str(finished / "job.toml"), "--out", str(finished / "out"), "--run-id", "one"]) == 0
    said = capsys.readouterr().out
    assert "nothing was added" in said
    assert "one/report.html" in said


def test_validate_looks_at_the_file_and_with_data_at_its_columns(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ["--set", "factors.0.column='ages'"]
    assert asked(capsys, "validate", finished / "job.toml")[0] == 0
    assert asked(capsys, "validate", finished / "job.toml", *wrong)[0] == 0
    code, document, _ = asked(capsys, "validate", finished / "job.toml", "--data", *wrong)
    assert code == 3
    assert document["problems"][0]["way_out"] == "Nearest: 'age'."
    assert not (finished / "artifacts").exists()


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_file_is_scored_into_a_file(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    model, out = finished / "out" / "one" / "model.json", tmp_path / f"scored.{ending}"
    code, document, _ = asked(capsys, "score", model, finished / "rows.parquet", "--out", out, "--kind", "rate")
    assert (code, document["rows"], document["refused"]) == (0, 900, 0)
    scored = (parquet.read_table(out) if ending == "parquet" else csv.read_csv(out)).to_pandas()
    assert list(scored.columns) == [*good_frame().columns, "prediction"]
    assert scored["prediction"].mean() == pytest.approx(document["mean"], rel=1e-12)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_a_scoring_is_recorded_once_when_an_audit_is_named(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out, store = finished / "out" / "one" / "model.json", tmp_path / "scored.parquet", tmp_path / "audit"
    score = ["score", model, finished / "rows.parquet", "--out", out, "--store", store, "--study", "use"]
    runs = {asked(capsys, *score)[1]["run_id"] for _ in range(2)}
    (run,) = runs
    _, document, _ = asked(capsys, "audit", "show", run, "--store", store)
    assert (document["study"], document["run_status"], document["tables"]) == ("use", "ok", {"scores": 1})
    assert asked(capsys, "audit", "verify", "--store", store)[0] == 0


def test_rows_a_factor_refuses_have_no_score_and_are_counted(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = good_frame()
    frame.loc[[4, 7], "age"] = None
    frame.to_parquet(tmp_path / "rows.parquet")
    model, out = finished / "out" / "one" / "model.json", tmp_path / "scored.parquet"
    _, document, _ = asked(capsys, "score", model, tmp_path / "rows.parquet", "--out", out)
    assert document["refused"] == 2
    assert list(pd.read_parquet(out)["prediction"].isna().to_numpy().nonzero()[0]) == [4, 7]


def test_what_cannot_be_scored_is_told(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, rows, out = finished / "out" / "one" / "model.json", finished / "rows.parquet", tmp_path / "out.parquet"
    good_frame().drop(columns="bonus").to_parquet(tmp_path / "short.parquet")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "other.json").write_text("{}")
    edited = model.read_text().replace('"estimate": 0.0', '"estimate": 0.1', 1)
    (tmp_path / "edited.json").write_text(edited)
    cases = [
        (2, "does not exist", ["score", tmp_path / "none.json", rows, "--out", out]),
        (2, "no model file", ["score", tmp_path / "broken.json", rows, "--out", out]),
        (2, "content_sha256 is not there", ["score", tmp_path / "other.json", rows, "--out", out]),
        (2, "content_sha256", ["score", tmp_path / "edited.json", rows, "--out", out]),
        (2, ".parquet or .csv", ["score", model, rows, "--out", tmp_path / "out.xlsx"]),
        (2, "Nearest: 'rate'", ["score", model, rows, "--out", out, "--kind", "rat"]),
        (2, "column 'age' already", ["score", model, rows, "--out", out, "--column", "age"]),
        (3, "does not exist", ["score", model, tmp_path / "none.parquet", "--out", out]),
        (3, "column 'bonus'", ["score", model, tmp_path / "short.parquet", "--out", out]),
        (2, "", ["sql", model, "--dialect", "duckdbb"]),
        (2, "holds no audit", ["audit", "history", "--store", tmp_path]),
        (2, "Nearest: 'one'", ["audit", "show", "on", "--store", finished / "out" / "audit"]),
        (2, "is a file", ["run", finished / "job.toml", "--out", model]),
        (2, "is a file", ["run", finished / "job.toml", "--out", tmp_path / "new", "--store", model]),
        (2, "no run id", ["run", finished / "job.toml", "--out", tmp_path / "new", "--run-id", "a/b"]),
        (2, "no run id", ["run", finished / "job.toml", "--out", tmp_path / "new", "--run-id", ""]),
    ]
    for exit_code, words, arguments in cases:
        code, document, told = asked(capsys, *arguments)
        assert code == exit_code, (arguments, document)
        problems = document["problems"]
        assert any(words in " ".join(one.values()) for one in problems), problems
        assert all(one["found"] and one["rule"] and one["way_out"] for one in problems), problems
        assert "Traceback" not in told
        assert not out.exists()


def test_sql_runs_where_it_is_printed_for(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = finished / "out" / "one" / "model.json"
    _, document, _ = asked(capsys, "sql", model, "--dialect", "duckdb", "--table", "rows", "--kind", "rate")
    database = duckdb.connect()
    database.register("rows", pa.Table.from_pandas(good_frame(), preserve_index=False))
    assert len(database.sql(document["sql"]).fetchall()) == 900


def test_the_audit_tells_its_history_and_verifies(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", finished / "out" / "audit"]
    code, document, _ = asked(capsys, "audit", "history", *store, "--run", "one")
    assert code == 0
    assert [event["event"] for event in document["events"]][:3] == ["started", "read", "checked"]
    code, document, _ = asked(capsys, "audit", "verify", *store)
    assert (code, document["ok"]) == (0, True)
    head = document["heads"]["bad-inputs"]
    assert asked(capsys, "audit", "verify", *store, "--head", head)[0] == 0
    code, document, told = asked(capsys, "audit", "verify", *store, "--head", f"3:{'0' * 64}")
    assert (code, document["ok"]) == (1, False)
    assert "expected head" in told
    code, document, _ = asked(capsys, "audit", "show", "one", *store)
    assert (code, document["run_status"], document["tables"]["models"]) == (0, "ok", 1)


def test_words_go_to_standard_output_and_complaints_to_standard_error(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_app(["audit", "verify", "--store", str(finished / "out" / "audit")]) == 0
    said = capsys.readouterr()
    assert "nothing that can be seen here was changed" in said.out
    assert said.err == ""
    assert run_app(["validate", "nowhere.toml"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "nowhere.toml does not exist" in said.err


def test_help_and_version_are_no_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["--help"]) == 0
    assert "audit" in capsys.readouterr().out
    assert run_app(["version"]) == 0
    assert "glm-spark" in capsys.readouterr().out


def test_a_defect_is_told_in_one_line_and_with_debug_in_full(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("glm_local.job.command.run_job", broken)
    code, document, told = asked(capsys, "run", finished / "job.toml")
    assert (code, document["status"]) == (1, "failed")
    assert "ZeroDivisionError: a defect" in told
    assert "Traceback" not in told
    assert "Traceback" in asked(capsys, "run", finished / "job.toml", "--debug")[2]


def test_the_installed_command_returns_the_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "glm_local.cli", "run", "nowhere.toml", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["status"] == "bad configuration"
    assert list(tmp_path.iterdir()) == []
