"""The history of a study in its store: one event per decision, written as it happens, read back as the truth."""

from __future__ import annotations

import contextlib
import datetime
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glm_local.audit.event_entries import Entry
from glm_local.audit.fill_rows import payload_json, sha256_text
from glm_local.audit.hash_chain import Head
from glm_local.audit.run_ids import new_run_id, utc_now
from glm_local.audit.run_log import RunLog
from glm_local.audit.store import Store
from glm_local.errors import ConfigError, GlmError, StoreError
from glm_local.study.events import StudyEvent, own_events, study_events
from glm_local.study.memory_store import MemoryStore
from glm_local.study.state import StudyState, fold

COMMAND = "study"

Rows = Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Fact:
    """One event about to be committed: what happened, why, on what evidence, and rows it writes to other tables."""

    kind: str
    payload: Mapping[str, Any]
    factor: str | None = None
    reason: str | None = None
    rows: Mapping[str, Rows] = field(default_factory=dict)


class StudyHistory:
    """Reads and appends one study's events; `state` is what they lead to.

    Every commit is one append of events. Rows go to their tables before the events that state them; rows of a commit
    that was killed in between are taken up when the same commit is made again.

    Parameters
    ----------
    store, name
        Where, and which study.
    user
        Who decides; None asks the operating system.
    config
        Recorded with every run: what the study was asked.
    about
        Engine, versions, data source: recorded with every run.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        user: str | None,
        config: Mapping[str, Any],
        about: Mapping[str, Any],
    ) -> None:
        self.store, self.name, self.user = store, name, user
        self.config, self.about = config, about
        self.events: list[StudyEvent] = study_events(store, name)
        self.state: StudyState = fold(self.events)
        self._log: RunLog | None = None
        self._times: list[datetime.datetime] = []
        self._since = time.perf_counter()

    def commit(self, facts: Sequence[Fact], *, finish: bool = False) -> StudyState:
        """Write rows, then events in one append, then take the state they lead to.

        Raises
        ------
        StoreError
            When somebody else added to the study since it was read; nothing is decided then.
        """
        try:
            self._write(facts)
        except StoreError:
            raise
        except BaseException:
            # Interrupted half-way: what was written is taken up, so that the state is what the store has.
            self._log = None
            with contextlib.suppress(GlmError):
                self._read_on()
            raise
        if finish:
            self.finish()
        self._since = time.perf_counter()
        return self.state

    def _write(self, facts: Sequence[Fact]) -> None:
        log = self._open_log()
        steps = self._steps(facts)
        for step, fact in zip(steps, facts, strict=True):
            for table, rows in fact.rows.items():
                log.table(step, table, rows)
        entries = [
            Entry(step, fact.kind, fact.reason, self._stamped(fact, first=at == 0), fact.factor)
            for at, (step, fact) in enumerate(zip(steps, facts, strict=True))
        ]
        self._take(entries, log.events(entries, after=self.state.seq))

    def finish(self) -> None:
        """End the run that is open: its last event and the seal of its files; nothing when none is."""
        if self.state.run_is_open:
            head = self._open_log().finish("ok")
            self._take([Entry("finish", "finished")], [head])

    def end_again(self) -> None:
        """End and seal the last run where a kill came between its last decision and its seal; a sealed one is left."""
        if self.state.run_is_open:
            self.finish()
        elif self.state.run_id is not None:
            self._new_log(self.state.run_id).finish("ok")

    def move_to(self, store: Store) -> None:
        """Copy a history held in memory to a store that lasts, and go on there."""
        if not isinstance(self.store, MemoryStore):
            raise ConfigError.because(
                f"The study is kept in {self.store.location} already.",
                "It is written there as it happens.",
                "Copy that folder, or branch the study.",
                path="path",
            )
        if own_events(store, self.name):
            found = f"{store.location} has a study {self.name!r} already."
            raise ConfigError.because(found, "A study's name is its own.", "Save to another folder.", path="path")
        self.store.copy_to(store)
        self.store = store
        self._log = self._new_log(self.state.run_id) if self.state.run_is_open else None

    def branch(self, name: str, reason: str | None) -> StudyHistory:
        """Return the history of a new study that goes on from here; this one is left as it is."""
        if any(one.kind in ("branched", "split") for one in own_events(self.store, name)):
            found = f"There is a study {name!r} already."
            raise ConfigError.because(found, "A branch has a name of its own.", "Give another name.", path="name")
        last = self.events[-1]
        other = StudyHistory(self.store, name, self.user, self.config, self.about)
        said = {
            "from_study": last.study,
            "from_seq": last.seq,
            "from_hash": last.row_hash,
            "design": self.state.design.fingerprint,
        }
        other.commit([Fact("branched", said, reason=reason)])
        other.events = study_events(self.store, name)
        other.state = fold(other.events)
        return other

    def _open_log(self) -> RunLog:
        """The log of the open run; of a new one where the last is finished. A run taken up again says so."""
        if self._log is None or not self.state.run_is_open:
            goes_on = self.state.run_is_open and self.state.setup is not None
            self._log = self._new_log(self.state.run_id if goes_on else new_run_id())
            about = dict(self.about)
            self._log.start(COMMAND, str(about.pop("engine", "")), self.config, **about)
            self._read_on()
        return self._log

    def _new_log(self, run_id: str | None) -> RunLog:
        return RunLog(self.store, self.name, run_id, self.user, self._clock)

    def _clock(self) -> datetime.datetime:
        self._times = [*self._times[-100:], utc_now()]
        return self._times[-1]

    def _steps(self, facts: Sequence[Fact]) -> list[str]:
        """Names of steps; the same commit made again after a kill has the same, another one has others."""
        number = sum(one.kind != "resumed" for one in self.events)
        return [
            f"{number + at:05d}-{fact.kind}-{sha256_text(payload_json([fact.kind, fact.factor, fact.rows]))[:8]}"
            for at, fact in enumerate(facts)
        ]

    def _stamped(self, fact: Fact, first: bool) -> dict[str, Any]:
        stamps: dict[str, Any] = {"data": self.state.data} if self.state.data else {}
        stamps |= {"engine": self.about.get("engine"), "seed": self.config.get("seed")}
        if first:
            took = time.perf_counter() - self._since
            stamps |= {"seconds": round(took, 3), "versions": self.about.get("environment")}
        return {**stamps, **fact.payload}

    def _take(self, entries: Sequence[Entry], heads: Sequence[Head]) -> None:
        """Fold events that were just written, as a reader of the table would see them."""
        log = self._log
        assert log is not None
        for entry, head, at in zip(entries, heads, self._times[-len(entries) :], strict=True):
            payload = json.loads(payload_json(entry.payload))
            event = StudyEvent(
                entry.kind,
                payload,
                entry.factor,
                entry.reason,
                log.user,
                at,
                self.name,
                head.seq,
                log.run_id,
                entry.step,
                head.row_hash,
            )
            self.state = self.state.after(event)
            self.events.append(event)

    def _read_on(self) -> None:
        """Take up what was appended since: one read, and one fold of what is new."""
        known = self.state.seq if any(one.study == self.name for one in self.events) else -1
        new = [one for one in own_events(self.store, self.name) if one.seq > known]
        self.state = fold(new, self.state)
        self.events += new
