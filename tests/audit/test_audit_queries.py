from __future__ import annotations

import datetime
from pathlib import Path

import duckdb
import pytest

from glm_local.audit.queries import QUESTIONS, audit_query, tables_at
from glm_local.audit.run_log import RunLog
from glm_local.audit.tables import TABLES
from glm_local.errors import ConfigError
from glm_local.stores.delta_store import open_store
from glm_local.testing.store_conformance import SMALL_RUN_EVENTS, small_run

ASKED = {
    "study": "it's",
    "run": "one",
    "factor": "age",
    "run_a": "one",
    "run_b": "two",
    "table": "motor_scores",
    "at": "2026-07-01 00:00:00+00:00",
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    store = open_store(tmp_path_factory.mktemp("audit"))
    small_run(store, "it's", "one")
    log = RunLog(store, "it's", "two", "u")
    log.start("glm run", "pandas", {"seed": 2})
    log.event("choose", "rejected", "no trend", factor="age")
    log.table("fit", "coefficients", [{"model_id": "m", "term": f"t{at}", "estimate": at / 7} for at in range(1, 6)])
    times = [datetime.datetime(2026, month, 1, tzinfo=datetime.UTC) for month in (5, 6, 8)]
    rows = [{"model_id": f"m{at.month}", "source": "s", "target": "motor_scores", "scored_at": at} for at in times]
    log.table("score", "scores", rows)
    asked = duckdb.connect()
    for name in TABLES:
        asked.register(name, store.read(name))
    return asked


def _ask(answers: duckdb.DuckDBPyConnection, question: str) -> list[tuple[object, ...]]:
    asked = {name: ASKED[name] for name in QUESTIONS[question].asks}
    return answers.execute(audit_query(question, asked, dialect="duckdb")).fetchall()


def test_history_is_every_event_of_the_study_in_order(answers: duckdb.DuckDBPyConnection) -> None:
    steps = [row[7] for row in _ask(answers, "history")]
    assert steps == [*SMALL_RUN_EVENTS, "start", "choose"]


def test_runs_say_how_they_ended(answers: duckdb.DuckDBPyConnection) -> None:
    runs = _ask(answers, "runs")
    assert [(row[0], row[1], row[7]) for row in runs] == [("one", "test", "ok"), ("two", "glm run", "not finished")]


def test_who_decided_lists_the_decisions_on_a_factor(answers: duckdb.DuckDBPyConnection) -> None:
    assert [(row[2], row[3], row[4]) for row in _ask(answers, "who_decided")] == [
        ("tester", "accepted", "fits better"),
        ("u", "rejected", "no trend"),
    ]


def test_why_is_it_in_ends_with_the_run_asked_about(answers: duckdb.DuckDBPyConnection) -> None:
    assert [row[3] for row in _ask(answers, "why_is_it_in")] == ["accepted"]


def test_what_changed_lists_terms_that_differ(answers: duckdb.DuckDBPyConnection) -> None:
    assert [row[0] for row in _ask(answers, "what_changed")] == ["t0", "t5"]


def test_which_model_scored_takes_the_last_one_before_the_time(answers: duckdb.DuckDBPyConnection) -> None:
    assert [row[0] for row in _ask(answers, "which_model_scored")] == ["m6"]


def test_reproduce_gives_the_configuration(answers: duckdb.DuckDBPyConnection) -> None:
    assert _ask(answers, "reproduce")[0][3] == '{"seed":1}'


def test_show_lists_the_events_of_a_run(answers: duckdb.DuckDBPyConnection) -> None:
    assert [row[4] for row in _ask(answers, "show")] == SMALL_RUN_EVENTS


def test_a_question_asked_wrongly_is_told_what_it_is_about() -> None:
    with pytest.raises(ConfigError, match="Nearest: 'history'"):
        audit_query("histroy", {})
    with pytest.raises(ConfigError, match="It is asked about study, factor"):
        audit_query("who_decided", {"factor": "x"})


def test_tables_under_a_path_are_quoted_for_spark() -> None:
    sql = audit_query("history", {"study": "s"}, tables_at(str(Path("/data/a`b"))))
    assert "FROM delta.`/data/a``b/events`" in sql
