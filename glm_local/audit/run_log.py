"""The run log: what a run records, in an order that survives being killed, and never twice.

Rows go to their table first, the event that states them after; the event `finished` comes last. Every event carries the
digests of the rows written since the one before, so that the chain covers all tables. A step already recorded for the
run id is left as it is: running a killed run again with the same id completes it.
"""

from __future__ import annotations

import datetime
import getpass
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import RLock

from glm_local.audit import seals
from glm_local.audit.event_document import event_document
from glm_local.audit.event_entries import Entry, check_entries
from glm_local.audit.fill_rows import Row, fill_rows, from_arrow, payload_json, sha256_text, to_arrow, with_digest
from glm_local.audit.hash_chain import Head, head_of, link_events, rows_digest
from glm_local.audit.run_ids import chain_app, new_run_id, released_version, utc_now
from glm_local.audit.seal_findings import NO_SEAL
from glm_local.audit.store import Guard, Store
from glm_local.audit.store_errors import run_closed
from glm_local.audit.tables import EVENTS, TABLES
from glm_local.audit.turns import attempts
from glm_local.audit.written_rows import Written, row_count, run_total, step_digests
from glm_local.errors import ConfigError, GlmError, Problem, SpecError, StoreError, nearest

PATIENCE = 3
"""Refusals before the log's mark is asked whether the table was rolled back."""

Rows = Sequence[Mapping[str, object]]


class RunLog:
    """Records one run in a store.

    Parameters
    ----------
    store
        Any `Store`.
    study
        Study whose chain the events join.
    run_id
        The run's id; give the id of a killed run to complete it. None makes a new one.
    user
        Who runs or decides; None asks the operating system.
    clock
        Returns the time with a zone; for tests.
    """

    def __init__(
        self,
        store: Store,
        study: str,
        run_id: str | None = None,
        user: str | None = None,
        clock: Callable[[], datetime.datetime] = utc_now,
    ) -> None:
        for name, value in (("study", study), ("run_id", run_id)):
            if value is not None and not value.strip():
                raise SpecError.because(f"{name} is empty.", "It names what is recorded.", "Give it a name.", path=name)
        self.store, self.study, self.run_id = store, study, run_id or new_run_id()
        self.user, self._clock, self._lock = user or getpass.getuser(), clock, RLock()
        self._head: Head | None = None
        self._events: dict[str, Head] = {}
        self._stated: set[tuple[str, str]] = set()
        self._tables: dict[str, dict[str, Written]] = {}
        self._resumed = False

    def start(
        self,
        command: str,
        engine: str,
        config: Mapping[str, object],
        *,
        package_version: str = "",
        data: Mapping[str, object] | None = None,
        environment: Mapping[str, object] | None = None,
    ) -> Head:
        """Record the run's row in `runs` and the event `started`; a run stopped half-way gets an event `resumed`.

        Raises
        ------
        ConfigError
            When the run id was started with another configuration.
        """
        row = {
            "command": command,
            "engine": engine,
            "config": config,
            "data": data,
            "environment": environment,
            "package_version": package_version or released_version(),
            "started_at": self._clock(),
            "by_user": self.user,
        }
        said = {"command": command, "engine": engine, "config_sha256": sha256_text(payload_json(config))}
        seals.signer_of(self.store)  # a key that cannot be read is said before anything is written
        with self._lock:
            if "start" in self.done_steps():
                self._check_same_config(said["config_sha256"])
                if not self.is_finished:
                    self._resume(said)
            head = self.event("start", "started", payload=said)
            self.table("start", "runs", [row])
            return head

    def _resume(self, said: Mapping[str, object]) -> None:
        attempt = 1 + sum(step.startswith("resumed:") for step in self._events)
        try:
            self.event(f"resumed:{attempt}", "resumed", payload=said)
        except StoreError:
            if "finish" not in self._events:  # else another writer finished it meanwhile: nothing is left to resume
                raise

    def event(
        self,
        step: str,
        kind: str,
        reason: str | None = None,
        payload: Mapping[str, object] | None = None,
        factor: str | None = None,
    ) -> Head:
        """Record one event, once per run and step; returns its place in the chain."""
        return self.events([Entry(step, kind, reason, payload or {}, factor)])[0]

    def events(self, entries: Sequence[Entry], after: int | None = None) -> list[Head]:
        """Record several events in one commit; those whose step is there already are left as they are.

        Parameters
        ----------
        entries
            In order.
        after
            Number of the last event whoever decides has seen; None does not care.

        Raises
        ------
        StoreError
            When another writer added to the study after `after`; nothing is written.
        """
        check_entries(entries)
        with self._lock:
            self._chain()
            for attempt in attempts("events", self.run_id):
                with self.store.alone():
                    if self._record(entries, after) or (self._refresh() and self._record(entries, after)):
                        return [self._events[one.step] for one in entries]
                    mark = self.store.mark("events", chain_app(self.study)) if attempt > PATIENCE else None
                    self._refresh()
                self._check_not_rolled_back("events", self._chain().seq, mark)
        raise AssertionError

    def _record(self, entries: Sequence[Entry], after: int | None) -> bool:
        """Append what is new behind the events known; False when others added to the study meanwhile."""
        self._check_seen(after)
        fresh = [one for one in entries if one.step not in self._events]
        self._check_open([one.step for one in fresh])
        return not fresh or self._append_events(fresh)

    def table(self, step: str, table: str, rows: Rows) -> Written:
        """Write one step's rows to a table, once per run and step; the next event states them."""
        return self.tables(table, {step: rows})[step]

    def tables(self, table: str, steps: Mapping[str, Rows]) -> dict[str, Written]:
        """Write several steps' rows to one table in one commit; steps that are there already are left as they are."""
        if table not in TABLES or table == "events":
            hint = nearest(table, [name for name in TABLES if name != "events"])
            raise SpecError.because(f"{table!r} is not a table of the audit.", "", hint, path="table")
        with self._lock:
            self._chain()
            for attempt in attempts(table, self.run_id):
                known = self._known(table)
                fresh = {step: rows for step, rows in steps.items() if step not in known and len(rows)}
                self._check_open(list(fresh))
                if not fresh or self._append_rows(table, fresh):
                    nothing = Written(0, rows_digest(()))
                    return {step: self._tables[table].get(step, nothing) for step in steps}
                mark = self.store.mark(table, self._rows_app(table)) if attempt > PATIENCE else None
                self._check_not_rolled_back(table, row_count(self._read_known(table)) - 1, mark)
        raise AssertionError

    def fail(self, reason: str, payload: Mapping[str, object] | None = None) -> Head:
        """Record that this attempt failed; the run stays open and may be run again with its id."""
        with self._lock:
            self._chain()
            attempt = 1 + sum(step.startswith("failed:") for step in self._events)
            return self.event(f"failed:{attempt}", "failed", reason, payload)

    def finish(
        self,
        status: str = "ok",
        payload: Mapping[str, object] | None = None,
        replaced: Mapping[str, str] | None = None,
    ) -> Head:
        """Record the last event, with the digests of everything the run wrote, and seal the files.

        The returned head, kept where the store's writers cannot write, is what proves later that nothing was cut off.
        """
        with self._lock:
            self._chain()
            if "finish" not in self._events:
                for table in TABLES if self._resumed else ():
                    if table != "events":
                        self._known(table)
                totals = {name: run_total(steps).document for name, steps in sorted(self._tables.items()) if steps}
                self.event("finish", "finished", payload={**(payload or {}), "status": status, "tables": totals})
            return self._sealed(self._events["finish"], replaced)

    def _sealed(self, head: Head, replaced: Mapping[str, str] | None) -> Head:
        """Seal the files; what keeps a seal from being written does not undo a run that is recorded."""
        if self.store.files is None:
            return head
        try:
            signer = seals.signer_of(self.store)
            seals.write_seal(self.store.files, self.study, self.run_id, head, self._clock(), signer, replaced)
        except GlmError as error:
            said = f"Run {self.run_id} is recorded, but not sealed, and verify will say so: {error}"
            warnings.warn(f"{said} Run again with the same id, and the seal is added.", stacklevel=3)
        return head

    def done_steps(self) -> set[str]:
        """Steps of this run that have their event."""
        with self._lock:
            self._chain()
            return set(self._events)

    def has_rows(self, table: str, step: str) -> bool:
        """Say whether a step's rows are in a table already."""
        with self._lock:
            self._chain()
            return step in self._known(table)

    @property
    def is_finished(self) -> bool:
        """Whether the run has its last event."""
        return "finish" in self.done_steps()

    def _chain(self) -> Head:
        """The chain's head as far as it is known; what the study's events say of this run is read once.

        The log's mark is the number of the first event of the last append: from there on the tail is read, and of what
        lies before only the run's own events. Without a mark, or with one that no event bears, all of them are read.
        """
        if self._head is None:
            with self.store.alone():
                mark = self.store.mark("events", chain_app(self.study))
                tail = [] if mark is None else self._read_events(above={"seq": mark - 1})
                self._take([*tail, *self._read_events({"run_id": self.run_id})] if tail else self._read_events())
        assert self._head is not None
        return self._head

    def _refresh(self) -> bool:
        """Read what others added behind the head."""
        self._take(self._read_events(above={"seq": self._chain().seq}))
        return True

    def _read_events(self, where: Mapping[str, str] | None = None, above: Mapping[str, int] | None = None) -> list[Row]:
        columns = ["study_id", "seq", "run_id", "step", "row_hash", "wrote"]
        return from_arrow(self.store.read("events", {"study_id": self.study, **(where or {})}, columns, above))

    def _take(self, events: Sequence[Row]) -> None:
        known = self._head or Head()
        self._head = max((head_of(one) for one in events), key=lambda head: head.seq, default=known)
        self._head = max(self._head, known, key=lambda head: head.seq)
        own = [one for one in events if one["run_id"] == self.run_id]
        self._resumed = self._resumed or any(str(one["step"]) not in self._events for one in own)
        self._events |= {str(one["step"]): head_of(one) for one in own}
        wrote = [event_document(one, "wrote") for one in own]
        self._stated |= {(table, step) for one in wrote for table, steps in one.items() for step in steps}

    def _check_seen(self, after: int | None) -> None:
        if after is not None and self._chain().seq != after:
            raise StoreError(
                Problem(
                    f"study {self.study}",
                    f"Its history goes on to event {self._chain().seq}, this one knows it up to {after}.",
                    "Who decides has seen everything decided before.",
                    "Load the study again, look, and decide again.",
                )
            )

    def _check_open(self, steps: Sequence[str]) -> None:
        if "finish" in self._events and steps:
            raise run_closed(self.run_id, steps[0])

    def _check_same_config(self, config_sha256: str) -> None:
        where = {"study_id": self.study, "run_id": self.run_id, "step": "start"}
        said = from_arrow(self.store.read("events", where, ["payload"]))
        if any(event_document(one).get("config_sha256") != config_sha256 for one in said):
            raise ConfigError.because(
                f"Run {self.run_id} was started with another configuration.",
                "A run id stands for one configuration.",
                "Give the configuration it was started with, or a new run id.",
                path="run_id",
            )

    def _check_not_rolled_back(self, table: str, last: int, mark: int | None) -> None:
        """`mark` was read before `last`: rows it knows of must be there."""
        if mark is not None and mark > last:
            raise StoreError(
                Problem(
                    f"table {table}",
                    f"Its rows for study {self.study} end at {last}, its log knows of {mark}.",
                    "Rows are never taken back.",
                    "The table was rolled back: run verify, and take it from a copy.",
                )
            )

    def _append_events(self, entries: Sequence[Entry]) -> bool:
        head, pending = self._chain(), self._pending()
        rows = [self._event_row(self._closed(one), pending if at == 0 else {}) for at, one in enumerate(entries)]
        linked = link_events(fill_rows(EVENTS, [{**one, **_UNLINKED} for one in rows]), head)
        if not self.store.append("events", to_arrow(EVENTS, linked), Guard(chain_app(self.study), head.seq + 1)):
            return False
        self._head = head_of(linked[-1])
        self._events |= {str(one["step"]): head_of(one) for one in linked}
        self._stated |= {(table, step) for table, steps in pending.items() for step in steps}
        return True

    def _closed(self, entry: Entry) -> Entry:
        """A last event, with what it says of the run's events before it and of a store that cannot be sealed."""
        if entry.kind != "finished":
            return entry
        own = [head.row_hash for head in sorted(self._events.values(), key=lambda head: head.seq)]
        said = {"own_events": Written(len(own), rows_digest(own)).document}
        unsealed = {NO_SEAL: "files were out of reach"} if self.store.files is None else {}
        return replace(entry, payload={**entry.payload, **said, **unsealed})

    def _event_row(self, entry: Entry, wrote: Mapping[str, object]) -> dict[str, object]:
        return {
            "study_id": self.study,
            "run_id": self.run_id,
            "step": entry.step,
            "event": entry.kind,
            "at": self._clock(),
            "by_user": self.user,
            "factor": entry.factor,
            "reason": entry.reason,
            "payload": entry.payload,
            "wrote": wrote or None,
        }

    def _pending(self) -> dict[str, dict[str, dict[str, object]]]:
        """Rows in the tables no event of this run has stated yet."""
        pending: dict[str, dict[str, dict[str, object]]] = {}
        for table, steps in self._tables.items():
            for step, written in steps.items():
                if (table, step) not in self._stated:
                    pending.setdefault(table, {})[step] = written.document
        return pending

    def _known(self, table: str) -> dict[str, Written]:
        """Rows of this run in a table; a run without events has none, and if it had, its guard would be refused."""
        if table not in self._tables:
            return self._read_known(table) if self._resumed else self._tables.setdefault(table, {})
        return self._tables[table]

    def _read_known(self, table: str) -> dict[str, Written]:
        columns = ["step", "position", "row_sha256"]
        rows = from_arrow(self.store.read(table, {"study_id": self.study, "run_id": self.run_id}, columns))
        self._tables[table] = step_digests(rows)
        return self._tables[table]

    def _rows_app(self, table: str) -> str:
        return f"glm-spark/{table}/{self.study}/{self.run_id}"

    def _append_rows(self, table: str, steps: Mapping[str, Rows]) -> bool:
        first = row_count(self._known(table))
        fixed = {"study_id": self.study, "run_id": self.run_id, "written_at": self._clock()}
        own = [{**fixed, "step": step, **row} for step, rows in steps.items() for row in rows]
        numbered = [{**row, "position": first + at} for at, row in enumerate(own)]
        filled = [with_digest(TABLES[table], row) for row in fill_rows(TABLES[table], numbered)]
        if not self.store.append(table, to_arrow(TABLES[table], filled), Guard(self._rows_app(table), first)):
            return False
        self._tables[table] = self._known(table) | step_digests(filled)
        return True


_UNLINKED = {"seq": 0, "prev_hash": "0" * 64}
