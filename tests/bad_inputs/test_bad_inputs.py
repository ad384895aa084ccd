"""Each of the bad inputs of a job or a study: three-part message, exit code, no trace, nothing half written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from glm_local import audit
from glm_local.cli.commands import run_app
from glm_local.stores.delta_store import open_store
from tests.bad_inputs.bad_cases import BASE, CASES, BadCase, good_frame
from tests.bad_inputs.bad_study_cases import STUDY_BASE, STUDY_CASES

COMMANDS = {"run": BASE, "study": STUDY_BASE}
EVERY = [("run", case) for case in CASES] + [("study", case) for case in STUDY_CASES]


@pytest.fixture(scope="module")
def good_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "good.parquet"
    parquet.write_table(pa.Table.from_pandas(good_frame(), preserve_index=False), path)
    return path


def outcome(case: BadCase, good_rows: Path, folder: Path, command: str = "run") -> int:
    text = COMMANDS[command]
    for old, new in case.text:
        assert old in text
        text = text.replace(old, new)
    (folder / "job.toml").write_bytes(text.encode() if case.whole is None else case.whole)
    (folder / "nothing").mkdir()
    rows = good_rows
    if case.edit is not None:
        rows = folder / "rows.parquet"
        parquet.write_table(pa.Table.from_pandas(case.edit(good_frame()), preserve_index=False), rows)
    sets = [part for one in case.sets for part in ("--set", one)]
    given = ["--param", f"data={rows}"] if "${data}" in text and case.whole is None else []
    return run_app([command, "job.toml", "--json", "--out", "out", *given, *sets, *case.arguments])


@pytest.mark.parametrize(("command", "case"), EVERY, ids=[f"{command}: {case.name}" for command, case in EVERY])
def test_a_bad_input_is_told_in_three_parts_and_leaves_nothing_half_written(
    command: str,
    case: BadCase,
    good_rows: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code = outcome(case, good_rows, tmp_path, command)
    said = capsys.readouterr()
    assert code == case.exit_code, said.err
    assert "Traceback" not in said.out + said.err
    document = json.loads(said.out.splitlines()[-1])
    assert document["exit_code"] == code
    assert len(said.out.splitlines()) == 1
    assert_three_parts(document["problems"])
    assert_named(case, document["problems"], said.err)
    assert_nothing_half_written(tmp_path / "out")


def assert_three_parts(problems: list[dict[str, str]]) -> None:
    assert problems
    for one in problems:
        assert one["found"].strip(), one
        assert one["rule"].strip(), one
        assert one["way_out"].strip(), one


def assert_named(case: BadCase, problems: list[dict[str, str]], told: str) -> None:
    there = [one for one in problems if one["path"] == case.path]
    assert there, f"{case.path} is none of {[one['path'] for one in problems]}"
    assert any(case.words in " ".join(one.values()) for one in there), there
    for one in problems:
        assert one["found"] in told


def assert_nothing_half_written(out: Path) -> None:
    store = out / "audit"
    others = [path for path in out.rglob("*") if path.is_file() and store not in path.parents] if out.exists() else []
    assert others == []
    if store.exists():
        assert audit.verify(open_store(store)).ok
        steps: list[Any] = [event["event"] for event in audit.history(open_store(store))]
        assert steps[-1] == "failed"
        assert "finished" not in steps


def test_there_are_a_hundred_bad_inputs_and_each_is_another_one() -> None:
    assert len(CASES) >= 100
    assert len({case.name for _, case in EVERY}) == len(EVERY)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_file_all_cases_start_from_is_good(
    command: str, good_rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert outcome(BadCase("good", 0, "", ""), good_rows, tmp_path, command) == 0, capsys.readouterr().err
