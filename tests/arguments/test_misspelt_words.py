"""Every word that is nearly right is told with the word that was meant: files, factors, splits, commands, options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from glm_local.cli.commands import app, run_app
from glm_local.errors import nearest
from glm_local.sql.dialects import respell
from tests.cli.test_cli import finished
from tests.suites.closed_words_suite import near, toml_text, wrong_words

__all__ = ["finished"]

WRONG = list(wrong_words())
SCRIPT_OPTIONS = ("--conf", "--set", "--param", "--run-id", "--out", "--store", "--quiet", "--json", "--debug")


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What a command says on standard error as it leaves with 2, and without a trace."""
    capsys.readouterr()
    code = run_app([str(one) for one in arguments])
    said = capsys.readouterr().err
    assert code == 2, said
    assert "Traceback" not in said
    return said


def test_the_walk_finds_the_closed_sets() -> None:
    assert len(WRONG) > 300
    for path in ("model solver", "binning trend", "categorical coding", "model dispersion", "data format"):
        assert any(path.split()[-1] in one[0] for one in WRONG), path


@pytest.mark.parametrize("at", range(len(WRONG)), ids=[one[0].replace(" ", "_") for one in WRONG])
def test_a_misspelt_word_of_a_file_is_told_with_the_right_one(
    at: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, document, wrong, right = WRONG[at]
    (tmp_path / "job.toml").write_text(toml_text(document))
    said = told(capsys, "validate", tmp_path / "job.toml")
    assert f"Nearest: {right!r}." in said
    assert wrong in said


def commands() -> list[tuple[str, ...]]:
    """Every command and group of ``glm``."""
    root: Any = typer.main.get_command(app)
    inner = [(name, one) for name, group in root.commands.items() for one in getattr(group, "commands", ())]
    return [(name,) for name in root.commands] + inner


def options() -> list[tuple[tuple[str, ...], str]]:
    """Every command with every option it has."""
    found = []
    for path in commands():
        command: Any = typer.main.get_command(app)
        for name in path:
            command = command.commands[name]
        found += [(path, name) for one in command.params for name in one.opts if name.startswith("--")]
    return found


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_a_misspelt_command_is_told_with_the_right_one(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"Nearest: {path[-1]!r}." in told(capsys, *path[:-1], near(path[-1]))


@pytest.mark.parametrize(("path", "option"), options(), ids=lambda one: one if isinstance(one, str) else " ".join(one))
def test_a_misspelt_option_is_told_with_the_right_one(
    path: tuple[str, ...], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"Nearest: {option!r}." in told(capsys, *path, near(option))


@pytest.mark.parametrize("word", ["mean", "rate", "link"])
@pytest.mark.parametrize("command", ["score", "sql"])
def test_a_misspelt_kind_of_score_is_told_with_the_right_one(
    finished: Path, command: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = finished / "out" / "one" / "model.json"
    rest = [finished / "rows.parquet", "--out", finished / "s.parquet"] if command == "score" else []
    assert f"Nearest: {word!r}." in told(capsys, command, model, *rest, "--kind", near(word))
    assert f"Nearest: {word!r}." in told(capsys, command, model, *rest, "--kind", word.upper())


@pytest.mark.parametrize("dialect", ["snowflake", "bigquery", "spark", "duckdb", "postgres", "redshift"])
def test_a_misspelt_dialect_is_told_with_the_right_one(
    finished: Path, dialect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = finished / "out" / "one" / "model.json"
    assert respell("SELECT 1", dialect)
    assert f"Nearest: {dialect!r}." in told(capsys, "sql", model, "--dialect", near(dialect))


@pytest.mark.parametrize(("ending", "right"), [("parqet", ".parquet"), ("cvs", ".csv"), ("PARQUET", ".parquet")])
def test_a_misspelt_ending_is_told_with_the_right_one(
    finished: Path, ending: str, right: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = finished / "out" / "one" / "model.json"
    said = told(capsys, "score", model, finished / "rows.parquet", "--out", finished / f"s.{ending}")
    assert f"Nearest: {right!r}." in said


@pytest.mark.parametrize(("place", "right"), [("detla:heads", "delta"), ("mlfow:abc", "mlflow")])
def test_a_misspelt_place_of_anchors_is_told_with_the_right_one(
    finished: Path, place: str, right: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store = finished / "out" / "audit"
    assert f"Nearest: {right!r}." in told(capsys, "audit", "anchor", "--store", store, "--to", place)
    assert f"Nearest: {right!r}." in told(capsys, "audit", "verify", "--store", store, "--anchor", place)


@pytest.mark.parametrize("option", SCRIPT_OPTIONS)
def test_a_misspelt_option_of_a_script_is_told_with_the_right_one(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from glm_local.job.script import run_script

    monkeypatch.setattr("sys.argv", ["run_glm.py", "--conf", "x.toml", near(option)])
    with pytest.raises(SystemExit) as ended:
        run_script(lambda *_: pytest.fail("it ran"), lambda: pytest.fail("it started"), None)
    assert ended.value.code == 2
    assert f"Nearest: {option!r}." in capsys.readouterr().err


@pytest.mark.parametrize(("wrong", "right"), [("clgolog", "cloglog"), ("MEAN", "mean"), ("vehicel_age", "vehicle_age")])
def test_swapped_letters_and_another_case_are_slips(wrong: str, right: str) -> None:
    assert nearest(wrong, ["log", "mean", "cloglog", "vehicle_age"]) == f"Nearest: {right!r}."
