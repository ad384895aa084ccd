"""Whatever is changed behind the store's back is found and named."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake

from glm_local.audit import verify
from glm_local.audit.hash_chain import Head
from glm_local.stores.delta_store import open_store
from glm_local.testing.store_conformance import small_run


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Head]:
    folder = tmp_path_factory.mktemp("audit")
    store = open_store(folder)
    small_run(store, "s", "one")
    return folder, small_run(store, "s", "two").finish()


@pytest.fixture
def audit(untouched: tuple[Path, Head], tmp_path: Path) -> Path:
    copy = tmp_path / "audit"
    shutil.copytree(untouched[0], copy)
    return copy


def _log(audit: Path, table: str, version: int) -> Path:
    return audit / table / "_delta_log" / f"{version:020d}.json"


def _flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def _first_data_file(audit: Path, table: str) -> Path:
    return sorted((audit / table).glob("*.parquet"))[0]


def _rewrite(audit: Path, table: str, change: Callable[[list[dict[str, object]]], list[dict[str, object]]]) -> None:
    """Put other rows in the place of a table's, the way a skilled hand would: no protection, then it is set again."""
    handle = DeltaTable(audit / table)
    schema = handle.to_pyarrow_table().schema
    rows = sorted(
        handle.to_pyarrow_table().to_pylist(), key=lambda row: (row["run_id"], row.get("seq", row.get("position")))
    )
    handle.alter.set_table_properties({"delta.appendOnly": "false"})
    write_deltalake(handle, type(handle.to_pyarrow_table()).from_pylist(change(rows), schema=schema), mode="overwrite")
    DeltaTable(audit / table).alter.set_table_properties({"delta.appendOnly": "true"})


def _said(audit: Path, **asked: object) -> str:
    report = verify(open_store(audit), **asked)  # type: ignore[arg-type]
    assert not report.ok, str(report)
    return str(report)


def test_an_untouched_store_verifies(audit: Path, untouched: tuple[Path, Head]) -> None:
    report = verify(open_store(audit), "s", expected_head=str(untouched[1]))
    assert report.ok
    assert report.findings == ()
    assert report.head == untouched[1]


@pytest.mark.parametrize("table", ["events", "coefficients"])
def test_a_byte_flipped_in_a_data_file_names_the_file(audit: Path, table: str) -> None:
    file = _first_data_file(audit, table)
    _flip(file, 40)
    said = _said(audit)
    assert f"{table} file {file.name}: its bytes are not those that were sealed" in said


@pytest.mark.parametrize("table", ["events", "report_tables"])
@pytest.mark.parametrize("at", [1, 60, -20])
def test_a_byte_flipped_in_a_commit_names_the_commit(audit: Path, table: str, at: int) -> None:
    commit = _log(audit, table, 1)
    _flip(commit, at)
    assert f"{table} file _delta_log/{commit.name}: its bytes are not those that were sealed" in _said(audit)


def test_a_byte_flipped_in_a_seal_names_the_seal(audit: Path) -> None:
    seal = sorted((audit / "_seals").iterdir())[0]
    _flip(seal, 30)
    assert f"_seals {seal.name}: the text does not give the hash in its name" in _said(audit)


def test_a_seal_that_is_gone_is_named_by_the_next(audit: Path) -> None:
    seal = sorted((audit / "_seals").iterdir())[0]
    seal.unlink()
    assert f"_seals {seal.name}: the seal is gone" in _said(audit)


def test_a_data_file_that_is_gone_is_named(audit: Path) -> None:
    file = _first_data_file(audit, "coefficients")
    file.unlink()
    said = _said(audit)
    assert f"coefficients file {file.name}: the file is gone" in said
    assert "Table coefficients cannot be read" in said


def test_a_commit_that_is_gone_is_named(audit: Path) -> None:
    _log(audit, "events", 2).unlink()
    assert f"events file _delta_log/{2:020d}.json: the file is gone" in _said(audit)


def test_a_dropped_row_is_named(audit: Path) -> None:
    _rewrite(audit, "coefficients", lambda rows: rows[1:])
    said = _said(audit)
    assert "coefficients study s run one step fit: the chain states 5 rows, the table has 4" in said
    assert "WRITE (mode Overwrite)" in said
    assert "SET TBLPROPERTIES" in said


def test_a_dropped_event_is_named(audit: Path) -> None:
    _rewrite(audit, "events", lambda rows: rows[:3] + rows[4:])
    assert "events study s seq 4 (run one, step finish): events 3 to 3 are missing" in _said(audit)


def test_a_changed_value_names_its_row(audit: Path) -> None:
    _rewrite(audit, "coefficients", lambda rows: [{**rows[0], "estimate": 9.0}, *rows[1:]])
    assert "coefficients study s run one step fit row 0: the content does not give the row's hash" in _said(audit)


def test_a_changed_value_with_its_hash_made_new_is_named_by_the_chain(audit: Path) -> None:
    from glm_local.audit.fill_rows import with_digest
    from glm_local.audit.tables import TABLES

    table = TABLES["coefficients"]
    _rewrite(audit, "coefficients", lambda rows: [with_digest(table, {**rows[0], "estimate": 9.0}), *rows[1:]])  # type: ignore[dict-item]
    said = _said(audit)
    assert "step fit: the chain states 5 rows, the table has 5 of other content or order" in said


def test_reordered_events_are_named(audit: Path) -> None:
    def swap(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        first, second = rows[1], rows[2]
        return [rows[0], {**second, "seq": first["seq"]}, {**first, "seq": second["seq"]}, *rows[3:]]

    _rewrite(audit, "events", swap)
    assert "events study s seq 1 " in _said(audit)


def test_reordered_rows_are_named(audit: Path) -> None:
    def swap(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        return [{**rows[0], "position": 1}, {**rows[1], "position": 0}, *rows[2:]]

    _rewrite(audit, "report_tables", swap)
    assert "report_tables study s run one step report:train row 1: the content does not give" in _said(audit)


def test_added_rows_are_named(audit: Path) -> None:
    rows = DeltaTable(audit / "coefficients").to_pyarrow_table()
    write_deltalake(audit / "coefficients", rows.slice(0, 1), mode="append")
    said = _said(audit)
    assert "rows are missing or there twice" in said
    assert "the run finished with 5 rows here, the table has 6" in said


def test_a_restore_is_named_with_the_tail_it_cut(audit: Path) -> None:
    DeltaTable(audit / "events").restore(3)
    said = _said(audit)
    assert "RESTORE" in said
    assert "the table's log knows event" in said
    assert "run two was sealed with head" in said


def test_a_restore_of_another_table_is_named(audit: Path) -> None:
    DeltaTable(audit / "report_tables").restore(1)
    said = _said(audit)
    assert "report_tables version 3: RESTORE" in said
    assert "report_tables study s run two step report:train: the chain states 3 rows, the table has 0" in said


def test_a_property_flipped_is_named(audit: Path) -> None:
    DeltaTable(audit / "models" if (audit / "models").exists() else audit / "runs").alter.set_table_properties(
        {"delta.appendOnly": "false"}
    )
    said = _said(audit)
    assert "property delta.appendOnly is 'false', not 'true'" in said
    assert "SET TBLPROPERTIES" in said


def test_a_rule_dropped_is_named(audit: Path) -> None:
    DeltaTable(audit / "events").alter.drop_constraint("seq_rule")
    assert "property delta.constraints.seq_rule is None" in _said(audit)


def test_a_log_cut_at_its_end_is_seen_by_the_seals_and_the_chain(audit: Path) -> None:
    for version in (3, 2):
        commit = _log(audit, "report_tables", version)
        if commit.exists():
            commit.unlink()
    said = _said(audit)
    assert "the file is gone" in said
    assert "the chain states" in said


def test_a_tail_cut_everywhere_is_seen_against_a_head_kept_elsewhere(
    audit: Path, untouched: tuple[Path, Head], tmp_path: Path
) -> None:
    """Someone who can replace every file: only the head kept elsewhere tells."""
    forged = tmp_path / "forged"
    small_run(open_store(forged), "s", "one")
    assert verify(open_store(forged)).ok
    said = _said(forged, study="s", expected_head=untouched[1])
    assert f"the expected head {untouched[1]} is not in the chain" in said


def test_a_table_that_is_gone_is_named(audit: Path) -> None:
    shutil.rmtree(audit / "coefficients")
    assert "coefficients study s run two step fit: the chain states 5 rows, the table has 0" in _said(audit)


def test_a_compaction_is_noted_and_breaks_nothing(audit: Path) -> None:
    DeltaTable(audit / "events").optimize.compact()
    report = verify(open_store(audit))
    assert report.ok
    assert any("OPTIMIZE" in finding.said for finding in report.findings)
    small_run(open_store(audit), "s", "three")
    assert verify(open_store(audit)).ok


def test_statistics_changed_to_hide_a_row_are_named(audit: Path) -> None:
    commit = _log(audit, "coefficients", 1)
    lines = [json.loads(line) for line in commit.read_text().splitlines()]
    for line in lines:
        if "add" in line:
            line["add"]["stats"] = line["add"]["stats"].replace('"study_id":"s"', '"study_id":"z"')
    commit.write_text("\n".join(json.dumps(line, separators=(",", ":")) for line in lines))
    assert f"coefficients file _delta_log/{commit.name}" in _said(audit)


def _flips(audit: Path, count: int, seed: int) -> None:
    chance = random.Random(seed)
    files = [file for file in sorted(audit.rglob("*")) if file.is_file() and file.name != ".write_lock"]
    for _ in range(count):
        file = chance.choice(files)
        content = file.read_bytes()
        at, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        file.write_bytes(content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :])
        report = verify(open_store(audit))
        named = any(file.name in str(finding) for finding in report.findings)
        assert not report.ok and named, f"{file.name} byte {at}: {report}"  # noqa: PT018
        file.write_bytes(content)
    assert verify(open_store(audit)).ok


def test_any_bit_flipped_in_any_file_names_the_file(audit: Path) -> None:
    _flips(audit, 40, seed=3)


@pytest.mark.slow
def test_any_of_many_bits_flipped_in_any_file_names_the_file(audit: Path) -> None:
    store = open_store(audit)
    for at in range(30):
        small_run(store, "s", f"more {at}")
    assert list((audit / "events" / "_delta_log").glob("*.checkpoint.parquet"))
    _flips(audit, 300, seed=4)
