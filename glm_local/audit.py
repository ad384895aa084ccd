"""The auditor's side: history of a study, one run in full, and proof that nothing was changed; any store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from glm_local.contract.audit_findings import (
    account_findings,
    history_findings,
    open_runs,
    row_findings,
    state_findings,
)
from glm_local.contract.audit_queries import DECISIONS
from glm_local.contract.audit_rows import TABLES
from glm_local.contract.counted import counted
from glm_local.contract.fill_rows import Row, from_arrow, row_digest
from glm_local.contract.hash_chain import Finding, Head, chain_findings, head_of
from glm_local.contract.run_log import chain_app
from glm_local.contract.seals import seal_findings, sealed_heads
from glm_local.contract.store import Store
from glm_local.contract.terminal_text import terminal_word
from glm_local.errors import ConfigError, GlmError, StoreError, nearest

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class VerifyReport:
    """What `verify` found.

    Parameters
    ----------
    findings
        Broken ones first; notes do not make the report fail.
    heads
        Study to the last event of its chain; keep it where the store's writers cannot write.
    events, rows
        How many were recomputed.
    """

    findings: tuple[Finding, ...]
    heads: Mapping[str, Head]
    events: int
    rows: int

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return not any(finding.severity == "broken" for finding in self.findings)

    @property
    def head(self) -> Head | None:
        """The head, when one study was looked at."""
        return next(iter(self.heads.values())) if len(self.heads) == 1 else None

    def __str__(self) -> str:
        verdict = "nothing was changed" if self.ok else "something was changed"
        heads = [f"head of {terminal_word(study)}: {head}" for study, head in self.heads.items()]
        first = f"{verdict}: {counted(self.events, 'event')} and {counted(self.rows)} recomputed"
        return "\n".join([first, *(str(one) for one in self.findings), *heads])


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
        lines.append({
            "term": term, "factor": named["factor"], "level": named["level"],
            "estimate_a": one.get("estimate"), "estimate_b": other.get("estimate"),
            "relativity_a": one.get("relativity"), "relativity_b": other.get("relativity"),
        })  # fmt: skip
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
    read = {name: json.loads(str(value)) if name in ("config", "data", "environment") and value else value
            for name, value in row.items()}  # fmt: skip
    decided = [
        {"seq": one["seq"], "event": one["event"], "factor": one["factor"], "by_user": one["by_user"],
         "reason": one["reason"], **json.loads(str(one["payload"]))}
        for one in _line(store, study, last) if one["event"] in (*DECISIONS, "split", "branched")
    ]  # fmt: skip
    models = dict.fromkeys(str(one["model_id"]) for one in _in_order(store, "models", run))
    return {"study": study, "run": read, "models": list(models), "decisions": decided, "last_event": last}


def _line(store: Store, study: str, last: int) -> list[Row]:
    """Events up to a place in a study's chain, those of the study it was branched from before them."""
    own = [event for event in history(store, study) if int(str(event["seq"])) <= last]
    branched = next((json.loads(str(one["payload"])) for one in own if one["event"] == "branched"), None)
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
    return str(json.loads(str(finished["payload"]))["status"]) if finished else "not finished"


def _in_order(store: Store, table: str, run: str) -> list[Row]:
    return sorted(from_arrow(store.read(table, {"run_id": run})), key=lambda row: int(str(row["position"])))


def verify(store: Store, study: str | None = None, expected_head: Head | str | None = None) -> VerifyReport:
    """Recompute everything and name what does not fit; never stops at the first thing it cannot read.

    Parameters
    ----------
    study
        Look at this study's events and rows only; the tables' own history is always looked at. None: all studies.
    expected_head
        A head kept from an earlier run, ``seq:hash``; it must still be in the chain.

    Notes
    -----
    Looked at, in this order: each table's rules and history (every operation that is not an append is named), the
    sealed bytes of every file, the chain of every study, each row's hash, and the rows of every run against what its
    events state. What cannot be seen is said in `glm_local.contract.hash_chain`.
    """
    look = _Look()
    tables = [name for name in TABLES if _looked_at(store, look, name)]
    files = store.files
    if files is None:
        said = "files are out of reach here: bytes were not compared, rows were"
        look.findings.append(Finding("note", "_seals", "", said))
    else:
        look.take("_seals", lambda: seal_findings(files))
    where = {"study_id": study} if study is not None else None
    rows = {name: look.read(name, lambda name=name: from_arrow(store.read(name, where))) for name in tables}  # type: ignore[misc]
    events = rows.pop("events", [])
    heads = _chains(store, look, events or [], study, expected_head)
    for name, found in rows.items():
        look.take(name, lambda name=name, found=found: row_findings(TABLES[name], found or []))  # type: ignore[misc]
    asked = ((name, rows.get(name, [])) for name in TABLES if name != "events")
    readable = {name: found for name, found in asked if found is not None}
    if events is not None:
        sound = [event for event in events if row_digest(event, "row_hash") == event["row_hash"]]
        look.take("events", lambda: account_findings(sound, readable) + open_runs(sound))
    count = sum(len(found) for found in readable.values())
    return VerifyReport(look.in_order(), heads, len(events or []), count)


def _looked_at(store: Store, look: _Look, name: str) -> bool:
    """Look at a table's rules and history; False when there is no such table."""
    states = look.read(name, lambda: [store.state(name)])
    if states == [None]:
        return False
    look.take(name, lambda: state_findings(TABLES[name], states[0]) if states else [])
    look.take(name, lambda: history_findings(name, store.history(name)))
    return True


class _Look:
    """Collects findings; what cannot be read becomes one."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def read(self, table: str, ask: Callable[[], Answer]) -> Answer | None:
        try:
            return ask()
        except StoreError as error:
            said = " ".join(problem.found for problem in error.problems)
        except (ValueError, TypeError, KeyError, ArithmeticError) as error:  # changed bytes make anything of a value
            said = f"what is there cannot be understood: {error!r}"
        self.findings.append(Finding("broken", table, "", said))
        return None

    def take(self, table: str, ask: Callable[[], Iterable[Finding]]) -> None:
        self.findings += self.read(table, lambda: list(ask())) or []

    def in_order(self) -> tuple[Finding, ...]:
        return tuple(sorted(dict.fromkeys(self.findings), key=lambda one: one.severity))


def _chains(
    store: Store, look: _Look, events: list[Row], study: str | None, expected: Head | str | None
) -> dict[str, Head]:
    studies = {study} if study is not None else {str(one["study_id"]) for one in events}
    sealed = sealed_heads(store.files) if store.files else []
    studies |= {name for name, _, _ in sealed} if study is None else set()
    heads: dict[str, Head] = {}
    chains: dict[str, set[Head]] = {}
    for name in sorted(studies):
        own = [event for event in events if event["study_id"] == name]
        look.take("events", lambda own=own: chain_findings(own))  # type: ignore[misc]
        chains[name] = {head_of(event) for event in own}
        heads[name] = max(chains[name], key=lambda head: head.seq, default=Head())
        mark = look.read("events", lambda name=name: store.mark("events", chain_app(name)))  # type: ignore[misc]
        if mark is not None and mark > heads[name].seq:
            said = f"the chain ends at {heads[name].seq}, the table's log knows event {mark}: its tail was cut"
            look.findings.append(Finding("broken", "events", f"study {name}", said))
        for _, run, head in (one for one in sealed if one[0] == name and one[2] not in chains[name]):
            said = f"run {run} was sealed with head {head}, which is not in the chain"
            look.findings.append(Finding("broken", "events", f"study {name} seq {head.seq}", said))
    look.findings += _expected(chains, expected)
    return heads


def _expected(chains: Mapping[str, set[Head]], expected: Head | str | None) -> list[Finding]:
    if expected is None:
        return []
    head = Head.parse(expected) if isinstance(expected, str) else expected
    if any(head in chain for chain in chains.values()):
        return []
    return [Finding("broken", "events", f"seq {head.seq}", f"the expected head {head} is not in the chain")]
