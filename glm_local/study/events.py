"""Events of a study: what each says, read back from the audit's table as it was written."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from glm_local.audit.event_document import event_document
from glm_local.audit.fill_rows import Row, from_arrow
from glm_local.audit.store import Store
from glm_local.errors import ConfigError, nearest

DECISIONS = ("accepted", "replaced", "smoothed", "removed", "refined", "crossed")
"""Events that change the design; `undone` takes the last of them back."""

MOST_BRANCHES = 100


@dataclass(frozen=True)
class StudyEvent:
    """One line of a study's history.

    Parameters
    ----------
    kind, factor, reason, payload
        What happened, to what, why, on what evidence.
    by_user, at
        Who, when (UTC).
    study, seq, run_id, step, row_hash
        Its place in the chain.
    """

    kind: str
    payload: Mapping[str, Any] = field(repr=False)
    factor: str | None = None
    reason: str | None = None
    by_user: str = ""
    at: datetime.datetime | None = None
    study: str = ""
    seq: int = -1
    run_id: str = ""
    step: str = ""
    row_hash: str = field(default="", repr=False)

    @classmethod
    def of(cls, row: Row) -> StudyEvent:
        """Read a row of `events`."""
        at, factor, reason = row["at"], row["factor"], row["reason"]
        return cls(
            str(row["event"]),
            event_document(row),
            None if factor is None else str(factor),
            None if reason is None else str(reason),
            str(row["by_user"]),
            at if isinstance(at, datetime.datetime) else None,
            str(row["study_id"]),
            int(str(row["seq"])),
            str(row["run_id"]),
            str(row["step"]),
            str(row["row_hash"]),
        )


def own_events(store: Store, study: str) -> list[StudyEvent]:
    """Events of a study's own chain, in order."""
    events = [StudyEvent.of(row) for row in from_arrow(store.read("events", {"study_id": study}))]
    return sorted(events, key=lambda one: one.seq)


def study_events(store: Store, study: str) -> list[StudyEvent]:
    """Events that made a study what it is: its own, and before them those of the study it was branched from.

    Raises
    ------
    ConfigError
        When a branch names a study the store does not have, or itself.
    """
    line: list[StudyEvent] = []
    wanted, last = study, None
    for _ in range(MOST_BRANCHES):
        own = [one for one in own_events(store, wanted) if last is None or one.seq <= last]
        line = own + line
        branched = next((one for one in own if one.kind == "branched"), None)
        if branched is None:
            return line
        wanted, last = str(branched.payload["from_study"]), int(branched.payload["from_seq"])
    raise ConfigError.because(
        f"Study {study!r} is a branch of more than {MOST_BRANCHES} others.",
        "A branch has a beginning.",
        "Run glm audit verify.",
    )


def known_studies(store: Store) -> list[str]:
    """Names of the studies a store has events of."""
    return sorted({str(one["study_id"]) for one in from_arrow(store.read("events", columns=["study_id"]))})


def require_study(store: Store, study: str) -> list[StudyEvent]:
    """The events of a study that is there.

    Raises
    ------
    ConfigError
        Naming the nearest study when it is not.
    """
    events = study_events(store, study)
    if not any(one.kind == "split" for one in events):
        found = f"The store has no study {study!r} that was split."
        raise ConfigError.because(found, "", nearest(study, known_studies(store)), path="name")
    return events


def decisions(events: Iterable[StudyEvent]) -> list[StudyEvent]:
    """Events that changed the design, those taken back included."""
    return [one for one in events if one.kind in (*DECISIONS, "undone")]
