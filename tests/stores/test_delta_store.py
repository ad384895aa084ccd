from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from glm_local.audit import history, verify
from glm_local.audit.run_log import RunLog
from glm_local.audit.store import Guard
from glm_local.audit.table_files import ArrowFiles, local_path
from glm_local.audit.tables import TABLES
from glm_local.errors import StoreError
from glm_local.stores.delta_store import DeltaStore, open_store
from glm_local.testing.store_conformance import StoreConformance, small_run


class TestDeltaStore(StoreConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def store(cls, tmp_path_factory: pytest.TempPathFactory) -> DeltaStore:
        return open_store(tmp_path_factory.mktemp("audit"))

    @pytest.fixture
    def places(self, tmp_path: Path) -> Callable[[], list[DeltaStore]]:  # type: ignore[override]
        return lambda: [open_store(tmp_path / "place")]


def _race(location: str, writer: int) -> None:
    log = RunLog(open_store(location), "race", f"race-{writer}", user=f"user {writer}")
    for step in range(8):
        log.table(f"rows {step}", "trials", [{"trial": f"{writer}.{step}"}])
        log.event(f"step {step}", "checked")


def test_racing_processes_lose_nothing_and_never_fork_the_chain(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_race, args=(str(tmp_path), writer)) for writer in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    store = open_store(tmp_path)
    assert [event["seq"] for event in history(store, "race")] == list(range(32))
    assert store.read("trials").num_rows == 32
    report = verify(store)
    assert report.ok, str(report)


def test_the_guard_holds_without_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Object stores have no lock: the colliding commit alone must do."""
    store = open_store(tmp_path)
    store.ensure("events")
    monkeypatch.setattr(store, "_folder", None)
    spawned = [RunLog(store, "s", f"r{at}", "u") for at in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda log: [log.event(f"step {at}", "checked") for at in range(6)], spawned))
    assert [event["seq"] for event in history(store, "s")] == list(range(36))
    assert verify(store).ok


def test_rows_are_never_deleted_or_overwritten(tmp_path: Path) -> None:
    from deltalake import DeltaTable, write_deltalake
    from deltalake.exceptions import CommitFailedError

    store = open_store(tmp_path)
    small_run(store, "s", "r")
    with pytest.raises(CommitFailedError, match="append-only"):
        DeltaTable(tmp_path / "events").delete()
    with pytest.raises(CommitFailedError, match="append-only"):
        write_deltalake(tmp_path / "events", store.read("events"), mode="overwrite")


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    small_run(store, "s", "r")
    file = next((tmp_path / "coefficients").glob("*.parquet"))
    file.unlink()
    with pytest.raises(StoreError, match=f"file {file.name} is gone"):
        store.read("coefficients")


def test_a_broken_commit_is_named(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    small_run(store, "s", "r")
    commit = tmp_path / "coefficients" / "_delta_log" / f"{1:020d}.json"
    commit.write_text("x" + commit.read_text()[1:])
    with pytest.raises(StoreError, match=rf"{commit.name} is broken"):
        store.read("coefficients")


def test_rows_of_other_columns_are_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    rows = store.read("trials").append_column("more", pa.array([], pa.string()))
    with pytest.raises(StoreError):
        store.append("trials", rows.slice(0, 0).append_column("other", pa.array([], pa.int64())), Guard("x", 0))


def test_a_study_may_have_any_name(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for study in ("a/b", "O'Brien", "Größe %", "..", "a b", "`x`"):
        small_run(store, study, f"run of {study}")
        assert verify(store, study).ok
    assert len(verify(store).heads) == 6


def test_files_are_reached_through_an_object_stores_interface_too(tmp_path: Path) -> None:
    from pyarrow import fs

    from glm_local.stores.delta_store import _object_store

    small_run(open_store(tmp_path), "s", "r")
    near = ArrowFiles.of_folder(tmp_path)
    far = ArrowFiles(fs.PyFileSystem(_object_store(tmp_path.as_uri(), None)))
    names = near.names("events/_delta_log")
    assert far.names("events/_delta_log") == names
    assert far.digests([*names, "nothing"]) == near.digests(names)
    far.write_seal("one.json", "text")
    assert far.read_seals(far.seal_names()) == near.read_seals(near.seal_names())
    assert near.read_seals(["one.json"])["one.json"] == "text"
    assert far.names("nowhere") == near.names("nowhere") == []


def test_locations_mean_folders_only_on_this_disk() -> None:
    assert local_path("s3://bucket/audit") is None
    assert local_path("/data/audit") == local_path("file:///data/audit") == Path("/data/audit")


def test_the_store_says_what_helps_when_deltalake_is_not_installed() -> None:
    code = (
        "import sys; sys.modules['deltalake'] = None\n"
        "from glm_local.stores.delta_store import open_store\n"
        "from glm_local.errors import EngineError\n"
        "try: open_store('x')\n"
        "except EngineError as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install deltalake" in said


def test_every_table_takes_the_rows_its_columns_describe(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    log = RunLog(store, "s", "r", "u")
    log.start("test", "none", {})
    values = {"text": "x", "json": {"a": [1, None]}, "integer": 3, "number": 0.5, "flag": True, "time": log._clock()}
    for name, table in TABLES.items():
        if name not in ("events", "runs"):
            row = {one.name: "0" * 64 if one.length else values[one.type] for one in table.own}
            log.table(name, name, [row])
    log.finish()
    assert verify(store).ok


def _run_runs(location: str, writer: int, runs: int) -> None:
    for run in range(runs):
        small_run(open_store(location), "busy", f"{writer}-{run}")


@pytest.mark.slow
def test_eight_writers_of_fifty_runs_each_all_get_their_turn(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_run_runs, args=(str(tmp_path), writer, 50)) for writer in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    report = verify(open_store(tmp_path), "busy")
    assert report.ok, str(report)
    assert report.events == 8 * 50 * 5


def test_a_writer_that_holds_the_store_is_not_refused_by_others(tmp_path: Path) -> None:
    behind = RunLog(open_store(tmp_path), "turns", "behind", user="u")
    behind.event("first", "checked")
    other = RunLog(open_store(tmp_path), "turns", "other", user="v")
    for step in range(5):
        other.event(f"step {step}", "checked")
    counting = CountingStore(behind.store)
    behind.store = counting
    behind.event("second", "checked")
    assert counting.refused == 1
    assert [event["step"] for event in history(open_store(tmp_path), "turns")][-1] == "second"


def test_what_an_append_reads_does_not_grow_with_the_history(tmp_path: Path) -> None:
    rows_read = []
    for run in range(6):
        store = CountingStore(open_store(tmp_path))
        small_run(store, "long", f"run {run}")
        rows_read.append(store.rows_read)
    assert len(set(rows_read[1:])) == 1, rows_read
    assert verify(open_store(tmp_path), "long").ok


class CountingStore:
    """A store that counts refused appends and rows read."""

    def __init__(self, store: Any) -> None:
        self._store, self.refused, self.rows_read = store, 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append(self, *arguments: Any) -> bool:
        done: bool = self._store.append(*arguments)
        self.refused += not done
        return done

    def read(self, *arguments: Any, **named: Any) -> Any:
        found = self._store.read(*arguments, **named)
        self.rows_read += found.num_rows
        return found


def test_writers_without_a_lock_all_get_their_turn_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glm_local.stores.delta_store.one_writer", lambda folder: nullcontext())
    open_store(tmp_path).ensure("events")

    def write(writer: int) -> None:
        log = RunLog(open_store(tmp_path), "free", f"writer {writer}", user="u")
        for step in range(6):
            log.event(f"step {step}", "checked")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    assert [event["seq"] for event in history(open_store(tmp_path), "free")] == list(range(36))
