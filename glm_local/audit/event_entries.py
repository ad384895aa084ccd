"""What a run may say: the kinds of events, and one event to be recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from glm_local.errors import SpecError, nearest

EVENT_KINDS = (
    "started",
    "resumed",
    "read",
    "checked",
    "split",
    "learned",
    "fitted",
    "verified",
    "validated",
    "reported",
    "saved",
    "scored",
    "accepted",
    "rejected",
    "refined",
    "crossed",
    "ranked",
    "compared",
    "finalized",
    "calibrated",
    "tuned",
    "monitored",
    "decided",
    "warned",
    "failed",
    "finished",
    "proposed",
    "removed",
    "replaced",
    "undone",
    "smoothed",
    "looked",
    "branched",
    "replayed",
    "resealed",
    "inferred",
)
"""What an event may be. The tables themselves ask only for a text, so that a later version can add to this list."""


@dataclass(frozen=True)
class Entry:
    """One event to be recorded: once per run and step."""

    step: str
    kind: str
    reason: str | None = None
    payload: Mapping[str, object] = field(default_factory=dict)
    factor: str | None = None


def check_entries(entries: Sequence[Entry]) -> None:
    """Refuse kinds nobody knows and a step named twice."""
    for entry in entries:
        if entry.kind not in EVENT_KINDS:
            found, hint = f"{entry.kind!r} is not a kind of event.", nearest(entry.kind, EVENT_KINDS)
            raise SpecError.because(found, "Kinds are listed in EVENT_KINDS.", hint, path="kind")
    steps = [entry.step for entry in entries]
    if len(set(steps)) < len(steps):
        found = "A step is named twice."
        raise SpecError.because(found, "A run records each step once.", "Name them apart.", path="step")
