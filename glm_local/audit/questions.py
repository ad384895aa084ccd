"""The auditor's side: history of a study, one run in full, and proof that nothing was changed; any store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from glm_local.audit.event_document import event_document
from glm_local.audit.fill_rows import Row, from_arrow
from glm_local.audit.queries import DECISIONS
from glm_local.audit.store import Store
from glm_local.audit.tables import TABLES
from glm_local.errors import ConfigError, GlmError, nearest


@dataclass(frozen=True)
class RunRecord:
    """One run in full: its row in `runs`, its events in order, its rows in every other table."""

    run_id: str
    study: str
    status: str
    run: Row
    events: tuple[Row, ...]
    tables: Mapping[str, tuple[Row, ...]] = field(repr=False)


def history(store: Store, study: str | None = None, factor: str | None = None, run: str | None = None) -> list[Row]:
    """Return events in order: who did what, when, why, on what evidence.

    Parameters
    ----------
    study, factor, run
        Only events of these; None takes all.
    """
    asked = {"study_id": study, "factor": factor, "run_id": run}
    events = from_arrow(store.read("events", {name: value for name, value in asked.items() if value is not None}))
    return sorted(events, key=lambda one: (str(one["study_id"]), int(str(one["seq"]))))


def who_decided(store: Store, factor: str, study: str | None = None) -> list[Row]:
    """Return the decisions on a factor, in order: accepted, rejected, replaced, removed, undone and the like."""
    return [event for event in history(store, study, factor) if event["event"] in DECISIONS]


def why_is_it_in(store: Store, run: str, factor: str) -> list[Row]:
    """Return what was said about a factor up to the end of a run: proposals, comparisons, decisions, with evidence.

    Raises
    ------
    ConfigError
        When no event knows the run.
    """
    return [event for event in _line(store, *_end_of(store, run)) if event["factor"] == factor]


def what_changed(store: Store, run_a: str, run_b: str) -> list[Row]:
    """Return terms of two runs' models that differ, with estimates and relativities side by side.

    Where a run has several models, its last one counts.

    Raises
    ------
    ConfigError
        When no event knows one of the runs.
    """
    a, b = _coefficients(store, run_a), _coefficients(store, run_b)
    lines: list[Row] = []
    for term in dict.fromkeys([*a, *b]):
        one, other = a.get(term, {}), b.get(term, {})
        if term in a and term in b and one["estimate"] == other["estimate"]:
            continue
        named = one or other
        lines.append(
            {
                "term": term,
                "factor": named["factor"],
                "level": named["level"],
                "estimate_a": one.get("estimate"),
                "estimate_b": other.get("estimate"),
                "relativity_a": one.get("relativity"),
                "relativity_b": other.get("relativity"),
            }
        )
    return lines


def holdout_looks(store: Store, study: str) -> list[Row]:
    """Return every look at a study's holdout, in order."""
    events = history(store, study)
    return [event for event in events if event["event"] == "looked" or event["step"] == "holdout_looked_at"]


def reproduce(store: Store, run: str) -> dict[str, Any]:
    """Return what it takes to run a run again: configuration, code, data, engine, seeds, decisions and their specs.

    Returns
    -------
    dict
        ``run`` (its row in `runs`, JSON columns read), ``models`` (fingerprints reached), ``decisions`` (events that
        changed the design, of this study up to the end of the run, payloads read), ``last_event``.
    """
    study, last = _end_of(store, run)
    row = next(iter(_in_order(store, "runs", run)), {})
    documents = ("config", "data", "environment")
    read = {name: event_document(row, name) if name in documents and value else value for name, value in row.items()}
    decided = [
        {
            "seq": one["seq"],
            "event": one["event"],
            "factor": one["factor"],
            "by_user": one["by_user"],
            "reason": one["reason"],
            **event_document(one),
        }
        for one in _line(store, study, last)
        if one["event"] in (*DECISIONS, "split", "branched")
    ]
    models = dict.fromkeys(str(one["model_id"]) for one in _in_order(store, "models", run))
    return {"study": study, "run": read, "models": list(models), "decisions": decided, "last_event": last}


def _line(store: Store, study: str, last: int) -> list[Row]:
    """Events up to a place in a study's chain, those of the study it was branched from before them."""
    own = [event for event in history(store, study) if int(str(event["seq"])) <= last]
    branched = next((event_document(one) for one in own if one["event"] == "branched"), None)
    if branched is None or branched["from_study"] == study:
        return own
    return [*_line(store, branched["from_study"], int(branched["from_seq"])), *own]


def _end_of(store: Store, run: str) -> tuple[str, int]:
    """Study and last event of a run."""
    events = history(store, run=run)
    if not events:
        raise _unknown_run(store, run)
    return str(events[-1]["study_id"]), max(int(str(one["seq"])) for one in events)


def _coefficients(store: Store, run: str) -> dict[str, Row]:
    _end_of(store, run)
    rows = _in_order(store, "coefficients", run)
    last = rows[-1]["model_id"] if rows else None
    return {str(row["term"]): row for row in rows if row["model_id"] == last}


def show(store: Store, run: str) -> RunRecord:
    """Return one run in full.

    Raises
    ------
    ConfigError
        When no event knows the run; the nearest id is named.
    """
    events = history(store, run=run)
    if not events:
        raise _unknown_run(store, run)
    names = [name for name in TABLES if name not in ("events", "runs")]
    tables = {name: tuple(_in_order(store, name, run)) for name in names}
    finished = next((event for event in events if event["event"] == "finished"), None)
    return RunRecord(
        run_id=run,
        study=str(events[0]["study_id"]),
        status=_status(finished),
        run=next(iter(_in_order(store, "runs", run)), {}),
        events=tuple(events),
        tables={name: rows for name, rows in tables.items() if rows},
    )


def _unknown_run(store: Store, run: str) -> GlmError:
    known = sorted({str(one["run_id"]) for one in from_arrow(store.read("events", columns=["run_id"]))})
    return ConfigError.because(f"No event knows run {run!r}.", "A run goes by its id.", nearest(run, known), path="run")


def _status(finished: Row | None) -> str:
    return str(event_document(finished).get("status", "not said")) if finished else "not finished"


def _in_order(store: Store, table: str, run: str) -> list[Row]:
    return sorted(from_arrow(store.read(table, {"run_id": run})), key=lambda row: int(str(row["position"])))
