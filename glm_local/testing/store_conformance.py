"""What every store must keep, as a test suite a store's test class inherits."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

from glm_local.audit import history, show, verify
from glm_local.audit.event_entries import Entry
from glm_local.audit.fill_rows import fill_rows, from_arrow, to_arrow, with_digest
from glm_local.audit.run_log import RunLog
from glm_local.audit.store import Guard, Store
from glm_local.audit.tables import DELTA_PROTOCOL, TABLES
from glm_local.errors import ConfigError, StoreError
from glm_local.texts.level_warnings import SEARCHED

TRICKY_TEXTS = ("plain", "", "  ", "O'Brien", 'a"b', "back\\slash", "Größe %", "日本", "line\nbreak", "`tick`", "null")


def small_run(store: Store, study: str, run_id: str, config: Mapping[str, object] | None = None) -> RunLog:
    """A run of every kind of write: rows, several steps at once, events; it is finished when this returns."""
    log = RunLog(store, study, run_id, user="tester")
    log.start("test", "none", config or {"seed": 1})
    terms = [{"model_id": "m", "term": f"t{at}", "estimate": at / 7, "is_base": at == 0} for at in range(5)]
    log.table("fit", "coefficients", terms)
    log.event("fit", "fitted", payload={"aic": 192818.3333, "terms": 5})
    lines = {"report:train": [_line("train", at) for at in range(3)], "report:holdout": [_line("holdout", 0)]}
    log.tables("report_tables", lines)
    log.events([Entry("report", "reported"), Entry("choose", "accepted", "fits better", factor="age")])
    log.finish(payload={"loss": 0.25})
    return log


SMALL_RUN_EVENTS = ["start", "fit", "report", "choose", "finish"]


def _line(sample: str, at: int) -> dict[str, object]:
    return {"report": "lift", "sample": sample, "level": f"band {at}", "cells": {"ratio": at / 3, "none": None}}


class StoreConformance:
    """Inherit, and give `store` (a store that tests share, in an empty folder) and `other` as fixtures.

    `other` opens the same place with the other writer, `places` opens an empty place with each writer there is; None
    skips what needs it. Tests keep apart by study. `writers` times `steps` events are raced.
    """

    writers, steps = 4, 3

    @pytest.fixture
    def other(self) -> Store | None:
        return None

    @pytest.fixture
    def places(self) -> Callable[[], Sequence[Store]] | None:
        return None

    def test_what_is_written_is_read_back_with_the_same_hash(self, store: Store) -> None:
        at = datetime.datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=datetime.UTC)
        rows = [
            {
                "study_id": "types",
                "run_id": "r",
                "step": "s",
                "position": place,
                "written_at": at,
                "name": text,
                "media_type": "x",
                "size": 2**53 + place,
                "sha256": "0" * 64,
                "content": text or None,
            }
            for place, text in enumerate(one for one in TRICKY_TEXTS if one)
        ]
        table = TABLES["artifacts"]
        filled = [with_digest(table, row) for row in fill_rows(table, rows)]
        assert store.append("artifacts", to_arrow(table, filled), Guard("types", 0))
        read = from_arrow(store.read("artifacts", {"study_id": "types"}))
        assert sorted(read, key=lambda row: int(str(row["position"]))) == filled
        for row in filled[1:5]:
            found = from_arrow(store.read("artifacts", {"study_id": "types", "name": str(row["name"])}))
            assert found == [row]

    def test_doubles_come_back_bit_for_bit(self, store: Store) -> None:
        values = [0.1, -0.0, 1e-320, 1.7976931348623157e308, float("inf"), float("-inf"), 1 / 3, float("nan"), None]
        log = RunLog(store, "doubles", "r", "tester")
        log.table("s", "monitoring", [{"model_id": "m", "period": "p", "metric": "x", "value": one} for one in values])
        read = from_arrow(store.read("monitoring", {"study_id": "doubles"}))
        back = [row["value"] for row in sorted(read, key=lambda row: int(str(row["position"])))]
        assert [repr(one) for one in back] == [repr(one) for one in [*values[:-2], None, None]]

    def test_a_run_is_recorded_and_verifies(self, store: Store) -> None:
        head = small_run(store, "recorded", "r1").finish()
        report = verify(store, "recorded", expected_head=str(head))
        assert report.ok, str(report)
        assert [event["step"] for event in history(store, "recorded")] == SMALL_RUN_EVENTS
        shown = show(store, "r1")
        assert shown.status == "ok"
        assert {name: len(rows) for name, rows in shown.tables.items()} == {"coefficients": 5, "report_tables": 4}

    def test_running_again_with_the_same_id_adds_nothing(self, store: Store) -> None:
        small_run(store, "again", "again-1")
        names = ("events", "runs", "coefficients", "report_tables")
        before = {name: store.read(name, {"study_id": "again"}).num_rows for name in names}
        small_run(store, "again", "again-1")
        assert {name: store.read(name, {"study_id": "again"}).num_rows for name in names} == before

    def test_a_run_stopped_half_way_is_completed(self, store: Store) -> None:
        log = RunLog(store, "half", "half-1", user="tester")
        log.start("test", "none", {"seed": 1})
        log.table("fit", "coefficients", [{"model_id": "m", "term": f"t{at}"} for at in range(5)])
        small_run(store, "half", "half-1")
        assert [event["step"] for event in history(store, "half")] == ["start", "resumed:1", *SMALL_RUN_EVENTS[1:]]
        assert verify(store, "half").ok

    def test_a_taken_guard_writes_nothing(self, store: Store) -> None:
        rows = _artifact_rows("guarded")
        assert store.append("artifacts", rows, Guard("guarded", 3))
        assert not store.append("artifacts", rows, Guard("guarded", 3))
        assert not store.append("artifacts", rows, Guard("guarded", 2))
        assert store.append("artifacts", rows, Guard("guarded, by another", 3))
        assert store.append("artifacts", rows, Guard("guarded", 4))
        assert store.read("artifacts", {"study_id": "guarded"}).num_rows == 3
        assert store.mark("artifacts", "guarded") in (4, None)

    def test_rows_that_break_a_rule_are_refused_in_the_stores_words(self, store: Store) -> None:
        good = _artifact_rows("rules")
        at = good.schema.get_field_index("size")
        bad = good.set_column(at, good.schema.field(at), pa.array([-1], pa.int64()))
        with pytest.raises(StoreError, match=r"break a rule of table artifacts"):
            store.append("artifacts", bad, Guard("rules", 0))
        assert store.read("artifacts", {"study_id": "rules"}).num_rows == 0

    def test_tables_keep_the_protocol_both_writers_know(self, store: Store) -> None:
        store.ensure("events", "events")
        state = store.state("events")
        assert state is not None
        assert state.protocol == DELTA_PROTOCOL
        assert state.columns == tuple(TABLES["events"].by_name)
        assert {name: state.properties.get(name) for name in TABLES["events"].properties} == TABLES["events"].properties

    def test_only_rows_above_a_number_are_read_where_that_is_asked(self, store: Store) -> None:
        small_run(store, "above", "above-1")
        with store.alone():
            tail = from_arrow(store.read("events", {"study_id": "above"}, ["seq", "step"], {"seq": 2}))
        assert sorted(map(str, (row["step"] for row in tail))) == ["choose", "finish"]
        assert store.read("events", {"study_id": "above"}, ["seq"], {"seq": 4}).num_rows == 0
        assert store.read("policies", above={"position": 0}).num_rows == 0

    def test_a_table_nobody_wrote_is_empty(self, store: Store) -> None:
        assert store.read("policies").num_rows == 0
        assert store.history("policies") == []
        assert store.state("policies") is None
        assert store.mark("policies", "x") is None

    def test_history_lists_commits_oldest_first(self, store: Store) -> None:
        small_run(store, "listed", "listed-1")
        commits = store.history("events")
        assert [commit.version for commit in commits] == list(range(len(commits)))
        assert commits[0].operation == "CREATE TABLE"
        assert {commit.operation for commit in commits[1:]} == {"WRITE"}
        assert abs(datetime.datetime.now(datetime.UTC) - commits[-1].at) < datetime.timedelta(hours=1)

    def test_racing_runs_lose_nothing_and_never_fork_the_chain(self, store: Store) -> None:
        def race(writer: int) -> None:
            log = RunLog(store, "race", f"race-{writer}", user=f"user {writer}")
            for step in range(self.steps):
                log.event(f"step {step}", "checked", payload={"writer": writer, "step": step})

        store.ensure("events")
        with ThreadPoolExecutor(self.writers) as pool:
            list(pool.map(race, range(self.writers)))
        events = history(store, "race")
        assert [event["seq"] for event in events] == list(range(self.writers * self.steps))
        assert {(event["run_id"], event["step"]) for event in events} == {
            (f"race-{writer}", f"step {step}") for writer in range(self.writers) for step in range(self.steps)
        }
        assert verify(store, "race").ok

    def test_the_same_run_raced_by_two_is_recorded_once(self, store: Store) -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: small_run(store, "twins", "twin"), range(2)))
        steps = [event["step"] for event in history(store, "twins") if event["event"] != "resumed"]
        assert sorted(map(str, steps)) == sorted(SMALL_RUN_EVENTS)
        assert store.read("coefficients", {"study_id": "twins"}).num_rows == 5
        assert store.read("report_tables", {"study_id": "twins"}).num_rows == 4
        assert verify(store, "twins").ok

    def test_a_run_that_another_writer_finishes_meanwhile_is_not_resumed(self, store: Store) -> None:
        first = RunLog(store, "overtaken", "twin", user="tester")
        first.start("test", "none", {"seed": 1})

        class Overtaken(RunLog):
            """Its first record waits until the other writer has finished."""

            def _record(self, entries: Sequence[Entry], after: int | None) -> bool:
                if not first.is_finished:
                    first.finish()
                return super()._record(entries, after)

        second = Overtaken(store, "overtaken", "twin", user="tester")
        second.start("test", "none", {"seed": 1})
        assert second.is_finished
        assert [event["step"] for event in history(store, "overtaken")] == ["start", "finish"]

    def test_a_run_nobody_knows_is_named_with_the_nearest(self, store: Store) -> None:
        small_run(store, "shown", "shown-2026")
        with pytest.raises(ConfigError, match=r"Nearest: 'shown-2026'"):
            show(store, "shown-2062")

    def test_the_other_writer_reads_continues_and_verifies_the_chain(self, store: Store, other: Store | None) -> None:
        if other is None:
            pytest.skip("the other writer is not here")
        head = small_run(store, "both", "first").finish()
        assert from_arrow(other.read("events", {"study_id": "both"})) != []
        assert verify(other, "both", expected_head=head).ok
        second = small_run(other, "both", "second").finish()
        small_run(store, "both", "third")
        small_run(other, "both", "first")
        for one in (store, other):
            report = verify(one, "both", expected_head=second)
            assert report.ok, str(report)
        assert [event["step"] for event in history(store, "both")] == SMALL_RUN_EVENTS * 3
        assert history(store, "both") == history(other, "both")

    def test_a_store_of_the_version_before_verifies_and_takes_rows_with_the_columns_added_since(
        self, places: Callable[[], Sequence[Store]] | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if places is None:
            pytest.skip("no empty place is given")
        with monkeypatch.context() as before:
            for name, table in TABLES.items():
                own = tuple(one for one in table.own if one.since == 1)
                before.setitem(TABLES, name, dataclasses.replace(table, own=own))  # type: ignore[arg-type]
            head = small_run(places()[0], "old", "first").finish()
        for store in places():
            assert verify(store, expected_head=str(head)).ok, str(verify(store))
            first = [row for row in from_arrow(store.read("coefficients")) if row["run_id"] == "first"]
            assert {(row["term"], row["inference"]) for row in first} == {(f"t{at}", None) for at in range(5)}
            assert store.read("coefficients", {"run_id": "first", "inference": "x"}).num_rows == 0
        for at, store in enumerate(places()):
            log = RunLog(store, "old", f"later {at}", user="tester")
            log.table("fit", "coefficients", [{"model_id": "m", "term": "t", "inference": SEARCHED}])
            log.event("fit", "fitted")
            log.finish()
        for store in places():
            assert verify(store, expected_head=str(head)).ok, str(verify(store))
            found = from_arrow(store.read("coefficients", {"inference": SEARCHED}, ["run_id"]))
            assert sorted(str(row["run_id"]) for row in found) == [f"later {at}" for at in range(len(places()))]

    def test_guards_hold_across_writers(self, store: Store, other: Store | None) -> None:
        if other is None:
            pytest.skip("the other writer is not here")
        rows = _artifact_rows("across")
        assert store.append("artifacts", rows, Guard("across", 0))
        assert not other.append("artifacts", rows, Guard("across", 0))
        assert other.append("artifacts", rows, Guard("across", 1))
        assert not store.append("artifacts", rows, Guard("across", 1))


def _artifact_rows(study: str) -> pa.Table:
    row: dict[str, object] = {
        "study_id": study,
        "run_id": "r",
        "step": "s",
        "position": 0,
        "name": "n",
        "media_type": "x",
        "size": 1,
        "written_at": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        "sha256": "0" * 64,
    }
    table = TABLES["artifacts"]
    return to_arrow(table, [with_digest(table, one) for one in fill_rows(table, [row])])


def folder_of(store: Store) -> Path:
    """The folder of a store on a local disk."""
    return Path(store.location)
