from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_local.audit.fill_rows import Row, fill_rows, from_arrow, payload_json, row_digest, to_arrow
from glm_local.audit.hash_chain import FIRST_PREVIOUS, Head, chain_findings, head_of, link_events
from glm_local.audit.tables import EVENTS, TABLES
from glm_local.errors import ConfigError, StoreError

AT = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)


def chain(length: int) -> list[Row]:
    rows = [
        {
            "study_id": "s",
            "run_id": "r",
            "step": f"step {at}",
            "event": "checked",
            "by_user": "u",
            "at": AT,
            "seq": 0,
            "payload": {"at": at},
            "reason": "because" if at % 2 else None,
            "prev_hash": "0" * 64,
        }
        for at in range(length)
    ]
    return link_events(fill_rows(EVENTS, rows), Head())


def test_a_whole_chain_has_no_findings_in_any_order_of_rows() -> None:
    events = chain(6)
    assert chain_findings(events) == chain_findings(reversed(events)) == chain_findings([]) == []
    assert events[0]["prev_hash"] == FIRST_PREVIOUS
    assert [event["seq"] for event in events] == list(range(6))


def test_a_chain_survives_arrow() -> None:
    events = chain(4)
    assert from_arrow(to_arrow(EVENTS, events)) == events


def test_the_hash_of_an_event_is_fixed_for_all_time() -> None:
    assert row_digest({"b": 0.1, "a": "é", "n": None, "t": AT, "h": "x", "f": True, "i": 3}, "h") == (
        "1ded252b63eff63b6037e3ec61c300eeba554612a2d9065aadda8c3fccdc6c69"
    )


@settings(max_examples=60)
@given(place=st.integers(0, 5), column=st.sampled_from([one.name for one in EVENTS.columns]))
def test_any_changed_value_is_found_and_the_first_broken_event_is_named(place: int, column: str) -> None:
    events = chain(6)
    old = events[place][column]
    new = {int: 77, datetime.datetime: AT + datetime.timedelta(microseconds=1)}.get(
        type(old), f"{old or ''}x"[1:] + "y"
    )
    events[place] = {**events[place], column: new}
    findings = chain_findings(events)
    assert findings
    if column != "seq":
        assert f"seq {place} " in findings[0].where


@given(place=st.integers(0, 4))
def test_a_dropped_event_is_named_by_the_one_after_it(place: int) -> None:
    events = chain(6)
    del events[place]
    assert chain_findings(events)[0].said == f"events {place} to {place} are missing"
    assert f"seq {place + 1} " in chain_findings(events)[0].where


@given(first=st.integers(0, 5), second=st.integers(0, 5))
def test_swapped_events_are_found(first: int, second: int) -> None:
    events = chain(6)
    events[first], events[second] = (
        {**events[second], "seq": events[first]["seq"]},
        {**events[first], "seq": events[second]["seq"]},
    )
    assert bool(chain_findings(events)) == (first != second)


def test_a_fork_is_found() -> None:
    events = chain(4)
    other = link_events([{**events[3], "reason": "another"}], head_of(events[2]))
    assert any("forks" in finding.said for finding in chain_findings([*events, *other]))


def test_a_step_recorded_twice_is_found() -> None:
    events = chain(3)
    again = link_events([events[1]], head_of(events[2]))
    assert [finding.said for finding in chain_findings([*events, *again])] == ["the step is already event 1"]


def test_a_rewritten_event_whose_hash_was_computed_anew_breaks_the_next() -> None:
    events = chain(4)
    events[1] = link_events([{**events[1], "reason": "forged"}], head_of(events[0]))[0]
    findings = chain_findings(events)
    assert len(findings) == 1
    assert "seq 2" in findings[0].where


def test_a_cut_tail_is_whole_in_itself() -> None:
    assert chain_findings(chain(6)[:4]) == []


def test_a_head_is_read_as_it_is_printed() -> None:
    head = head_of(chain(3)[-1])
    assert Head.parse(str(head)) == head
    with pytest.raises(ConfigError, match="is not a head"):
        Head.parse("12:abc")


def test_every_broken_rule_of_every_row_is_said_at_once() -> None:
    row = {
        "study_id": "s",
        "run_id": "r",
        "step": "s",
        "position": -1,
        "written_at": AT.replace(tzinfo=None),
        "cels": 1,
    }
    with pytest.raises(StoreError) as caught:
        fill_rows(TABLES["report_tables"], [row, {**row, "report": 3}])
    paths = [problem.path for problem in caught.value.problems]
    assert [path for path in paths if path.startswith("report_tables/0/")] == [
        "report_tables/0/cels",
        "report_tables/0/position",
        "report_tables/0/written_at",
        "report_tables/0/report",
        "report_tables/0/cells",
    ]
    assert "Nearest: 'cells'." in str(caught.value)
    assert "report_tables/1/report" in paths


def test_payloads_have_one_text_whatever_the_order_of_keys() -> None:
    assert payload_json({"b": 1, "a": [1.5, float("nan"), float("-inf")]}) == '{"a":[1.5,null,"-Infinity"],"b":1}'
    assert payload_json({"a": AT}) == '{"a":"2026-01-02T03:04:05.678901Z"}'


def test_a_column_added_later_leaves_old_hashes_as_they_were() -> None:
    event = chain(1)[0]
    assert row_digest({**event, "added_later": None}, "row_hash") == event["row_hash"]


def test_no_table_needs_a_feature_that_shuts_the_other_writer_out() -> None:
    for table in TABLES.values():
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names)
        assert table.properties["delta.appendOnly"] == "true"
        assert not any("enable" in name and value == "true" for name, value in table.properties.items())
        assert all(column.comment for column in table.columns)
        assert table.hash_column in ("row_hash", "row_sha256")
