from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from glm_local.audit import history, show, verify, who_decided
from glm_local.audit.event_entries import Entry
from glm_local.audit.run_ids import new_run_id
from glm_local.audit.run_log import RunLog
from glm_local.errors import ConfigError, SpecError, StoreError
from glm_local.stores.delta_store import DeltaStore, open_store
from glm_local.testing.store_conformance import small_run

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


@pytest.fixture
def store(tmp_path: Path) -> DeltaStore:
    return open_store(tmp_path)


def test_a_finished_run_takes_nothing_new(store: DeltaStore) -> None:
    log = small_run(store, "s", "r")
    with pytest.raises(StoreError, match="The run is finished, step 'late' is new to it"):
        log.event("late", "checked")
    with pytest.raises(StoreError, match="Start a run with a new id"):
        log.table("late", "trials", [{"trial": "x"}])
    assert verify(store).ok


def test_a_run_id_stands_for_one_configuration(store: DeltaStore) -> None:
    small_run(store, "s", "r", {"seed": 1})
    with pytest.raises(ConfigError, match="started with another configuration"):
        small_run(store, "s", "r", {"seed": 2})


def test_a_failed_attempt_is_recorded_and_the_run_stays_open(store: DeltaStore) -> None:
    for reason in ("no convergence", "disk full"):
        RunLog(store, "s", "r", "u").fail(reason)
    small_run(store, "s", "r")
    events = history(store, "s")
    assert [(event["event"], event["reason"]) for event in events[:2]] == [
        ("failed", "no convergence"),
        ("failed", "disk full"),
    ]
    assert show(store, "r").status == "ok"


def test_done_steps_are_those_with_their_event(store: DeltaStore) -> None:
    log = RunLog(store, "s", "r", "u")
    log.event("first", "checked")
    log.table("second", "trials", [{"trial": "x"}])
    again = RunLog(store, "s", "r", "u")
    assert again.done_steps() == {"first"}
    assert again.has_rows("trials", "second")
    assert not again.has_rows("trials", "first")
    assert not again.is_finished


def test_a_step_without_rows_is_no_row_and_no_fault(store: DeltaStore) -> None:
    log = RunLog(store, "s", "r", "u")
    assert log.table("none", "trials", []).rows == 0
    log.finish()
    assert verify(store).ok


def test_the_clock_is_the_callers(store: DeltaStore) -> None:
    log = RunLog(store, "s", "r", "u", clock=lambda: NOON)
    log.event("e", "checked")
    log.table("t", "trials", [{"trial": "x"}])
    assert history(store)[0]["at"] == NOON
    assert store.read("trials")["written_at"].to_pylist() == [NOON]


def test_times_of_another_zone_are_kept_in_utc(store: DeltaStore) -> None:
    east = datetime.timezone(datetime.timedelta(hours=9))
    RunLog(store, "s", "r", "u", clock=lambda: NOON.astimezone(east)).event("e", "checked")
    assert history(store)[0]["at"] == NOON
    assert verify(store).ok


def test_wrong_names_are_told_the_nearest(store: DeltaStore) -> None:
    log = RunLog(store, "s", "r", "u")
    with pytest.raises(SpecError, match="Nearest: 'accepted'"):
        log.event("e", "acepted")
    with pytest.raises(SpecError, match="Nearest: 'models'"):
        log.table("t", "model", [{}])
    with pytest.raises(SpecError, match="is not a table of the audit"):
        log.table("t", "events", [{}])
    with pytest.raises(SpecError, match="named twice"):
        log.events([Entry("e", "checked"), Entry("e", "checked")])
    with pytest.raises(SpecError, match="study is empty"):
        RunLog(store, " ")


def test_rows_that_do_not_fit_leave_nothing_behind(store: DeltaStore) -> None:
    log = RunLog(store, "s", "r", "u")
    with pytest.raises(StoreError, match="trials/0/trial"):
        log.table("t", "trials", [{"value": 1.0}])
    assert store.state("trials") is None
    log.table("t", "trials", [{"trial": "x"}])
    log.finish()
    assert verify(store).ok


def test_who_decided_lists_a_factors_decisions(store: DeltaStore) -> None:
    small_run(store, "s", "r")
    assert [(event["by_user"], event["reason"]) for event in who_decided(store, "age")] == [("tester", "fits better")]


def test_a_finished_run_is_sealed_when_it_is_run_again(store: DeltaStore) -> None:
    """Killed between its last event and its seal."""
    small_run(store, "s", "r")
    assert store.files is not None
    (seal,) = store.files.seal_names()
    (Path(store.location) / "_seals" / seal).unlink()
    assert "it ended, and no seal holds its last event: run it again" in str(verify(store))
    small_run(store, "s", "r")
    assert len(store.files.seal_names()) == 1
    assert verify(store).findings == ()


def test_run_ids_differ() -> None:
    assert len({new_run_id() for _ in range(100)}) == 100
