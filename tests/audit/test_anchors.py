"""Heads kept elsewhere show what no store can show of itself; a compaction is told from a theft by proof."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlparse

import pytest
from deltalake import DeltaTable, write_deltalake

from glm_local.audit import anchor, history, read_anchors, reseal, verify
from glm_local.audit.seal_keys import read_signer
from glm_local.cli.commands import run_app
from glm_local.errors import ConfigError, StoreError
from glm_local.stores.delta_store import DeltaStore, open_store
from glm_local.testing.store_conformance import small_run

OWN = read_signer("11" * 32)


class _MLflow(BaseHTTPRequestHandler):
    """The two calls of MLflow's REST interface that anchors need."""

    tags: ClassVar[dict[str, dict[str, str]]] = {}

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert urlparse(self.path).path == "/api/2.0/mlflow/runs/set-tag"
        self.tags.setdefault(said["run_id"], {})[said["key"]] = said["value"]
        self._answer({})

    def do_GET(self) -> None:
        run = parse_qs(urlparse(self.path).query)["run_id"][0]
        if run not in self.tags and run != "new":
            self.send_error(404)
            return
        tags = [{"key": key, "value": value} for key, value in self.tags.get(run, {}).items()]
        self._answer({"run": {"data": {"tags": tags}}})

    def _answer(self, said: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())

    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, dict[str, str]]]:
    host = "localhost"
    server = HTTPServer((host, 0), _MLflow)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{host}:{server.server_port}")
    _MLflow.tags.clear()
    yield _MLflow.tags
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    small_run(open_store(folder), "s", "one")
    small_run(open_store(folder), "Größe: 1", "other")
    return folder


@pytest.fixture
def audit(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "audit"))


def _places(tmp_path: Path) -> list[str]:
    return [str(tmp_path / "elsewhere" / "heads.jsonl"), f"delta:{tmp_path / 'heads'}", "mlflow:new"]


def test_what_was_cut_off_is_seen_by_heads_kept_anywhere(
    audit: Path, tmp_path: Path, mlflow: dict[str, dict[str, str]]
) -> None:
    store = open_store(audit)
    shutil.copytree(audit, tmp_path / "before")
    small_run(store, "s", "two")
    for place in _places(tmp_path):
        assert [one.study for one in anchor(store, place)] == ["Größe: 1", "s"]
        anchor(store, place)  # again, which adds nothing that is not so
        assert verify(store, expected_head=read_anchors(store, place)).ok
        cut = verify(open_store(tmp_path / "before"), expected_head=read_anchors(store, place))
        assert "is not in the chain" in str(cut)
        with pytest.raises(StoreError, match="does not verify"):
            anchor(open_store(tmp_path / "before"), place)
    small_run(store, "s", "three")
    report = verify(store, expected_head=read_anchors(store, _places(tmp_path)[0]))
    assert report.ok
    assert len([one for one in report.findings if "after the expected head" in one.said]) == 5
    assert not any("taken away" in one for one in report.unproven)


def test_a_study_that_was_taken_away_whole_is_seen(audit: Path, tmp_path: Path) -> None:
    kept: list[str] = []
    anchor(open_store(audit), kept.append)
    assert len(kept) == 2
    (tmp_path / "heads.jsonl").write_text("\n".join(kept))
    shutil.rmtree(audit)
    small_run(open_store(audit), "s", "one")
    store = open_store(audit)
    said = str(verify(store, expected_head=read_anchors(store, tmp_path / "heads.jsonl")))
    assert said.count("is not in the chain") == 2


def test_places_that_prove_nothing_or_are_none_are_refused(audit: Path, tmp_path: Path) -> None:
    store = open_store(audit)
    for place in (str(audit / "heads.jsonl"), f"delta:{audit / 'heads'}", "s3://bucket/heads.jsonl", "mlflow:run"):
        with pytest.raises(ConfigError):
            anchor(store, place)
    (tmp_path / "heads").write_text('{"study":"s","head":"1:x"}\n')
    for place in ("heads", "nowhere"):
        with pytest.raises(ConfigError):
            read_anchors(store, tmp_path / place)
    with pytest.raises(StoreError, match="cannot be read or written"):
        anchor(store, tmp_path)


def test_a_run_that_mlflow_does_not_know_is_said(audit: Path, mlflow: dict[str, dict[str, str]]) -> None:
    with pytest.raises(StoreError, match="did not answer"):
        read_anchors(open_store(audit), "mlflow:unknown")


def test_commands_keep_heads_look_for_them_and_reseal(
    audit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(*asked: str) -> tuple[int, dict[str, object]]:
        code = run_app(["audit", *asked, "--store", str(audit), "--json"])
        return code, dict(json.loads(capsys.readouterr().out))

    heads = str(tmp_path / "heads.jsonl")
    code, said = ask("anchor", "--to", heads)
    assert (code, len(list(said["anchors"]))) == (0, 2)  # type: ignore[call-overload]
    code, said = ask("verify", "--anchor", heads)
    assert (code, said["ok"]) == (0, True)
    assert said["not_proven"]
    assert ask("verify", "--head", "²:x")[0] == 2
    assert ask("verify", "--public-key", OWN.key)[0] == 1
    code, said = ask("reseal", "--reason", "none")
    assert (code, said["files"]) == (0, {})


def _compacted(audit: Path, *tables: str) -> None:
    for name in tables:
        table = DeltaTable(audit / name)
        table.optimize.compact()
        gone = table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
        assert gone


def _grown(folder: Path, store: DeltaStore) -> None:
    for run in ("two", "three"):
        small_run(store, "s", run)


def test_a_compacted_and_vacuumed_store_verifies_again_once_its_rows_are_proven(audit: Path) -> None:
    store = open_store(audit, signer=OWN)
    _grown(audit, store)
    _compacted(audit, "events", "coefficients", "report_tables")
    said = verify(store)
    assert not said.ok
    assert {one.said for one in said.findings if one.severity == "broken"} == {
        "the file is gone; OPTIMIZE had replaced it: glm audit reseal proves that its rows are there, and records it"
    }
    done = reseal(store, "fewer small files", user="ada")
    assert len(done.files) >= 9
    for report in (verify(store, expected_head=done.head), verify(store, public_keys=OWN.key)):
        assert report.ok, str(report)
    event = next(one for one in history(store, "audit upkeep") if one["event"] == "resealed")
    assert (event["by_user"], event["reason"]) == ("ada", "fewer small files")
    assert reseal(store, "again").files == {}
    small_run(store, "s", "later")
    _compacted(audit, "events")
    assert not verify(store).ok
    reseal(store, "once more")
    assert verify(store, public_keys=OWN.key).ok


def test_nothing_but_a_compaction_is_resealed(audit: Path, tmp_path: Path) -> None:
    store = open_store(audit)
    _grown(audit, store)
    _compacted(audit, "coefficients")
    events = store.read("events").num_rows

    def refused(change: str) -> None:
        folder = tmp_path / change
        shutil.copytree(audit, folder)
        if change == "file":
            sorted((folder / "report_tables").glob("*.parquet"))[0].unlink()
        if change == "byte":
            file = sorted((folder / "report_tables" / "_delta_log").glob("*.json"))[0]
            file.write_text(file.read_text().replace('"', "'", 1))
        if change == "rows":
            table = DeltaTable(folder / "coefficients")
            rows = table.to_pyarrow_table()
            table.alter.set_table_properties({"delta.appendOnly": "false"})
            write_deltalake(table, rows.slice(1), mode="overwrite")
            DeltaTable(folder / "coefficients").alter.set_table_properties({"delta.appendOnly": "true"})
        if change == "log":
            max((folder / "coefficients" / "_delta_log").glob("*.json")).unlink()
        with pytest.raises(StoreError, match=r"Only files that OPTIMIZE had replaced may be gone|cannot be read"):
            reseal(open_store(folder), "hide it")
        assert not verify(open_store(folder)).ok

    for change in ("file", "byte", "rows"):
        refused(change)
    assert store.read("events").num_rows == events
