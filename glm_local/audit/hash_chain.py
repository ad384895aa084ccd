"""The hash chain of a study: each event carries the hash of the one before; a break has a name.

What it proves, and what it does not. A changed, dropped, inserted or reordered event breaks the chain at a place that
`chain_findings` names. A *cut tail* leaves a shorter chain that is whole in itself: it shows only against a head that
was kept elsewhere, which is why every run prints its head and `verify` takes `expected_head`; the transaction mark in
the Delta log and the seals beside the tables show it too, unless they were cut with it. Whoever can rewrite every file
can also compute every hash anew: against that helps only a head kept where they cannot write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from glm_local.audit.fill_rows import Cell, Row, row_digest, sha256_text, with_digest
from glm_local.audit.tables import EVENTS
from glm_local.errors import ConfigError
from glm_local.texts.terminal_text import terminal_word

_HEAD = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})")

FIRST_PREVIOUS = "0" * 64
"""prev_hash of a study's first event."""


@dataclass(frozen=True)
class Head:
    """The last event of a chain: its number and hash; `seq` is -1 before the first.

    Examples
    --------
    >>> str(Head(3, "ab" * 32))[:8]
    '3:ababab'
    """

    seq: int = -1
    row_hash: str = FIRST_PREVIOUS

    def __str__(self) -> str:
        return f"{self.seq}:{self.row_hash}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Read a head as it is printed, ``seq:hash``; ConfigError when it is none."""
        try:
            return cls.read(text)
        except ValueError as error:
            raise ConfigError.because(
                f"{error}.", "A head is seq:hash, as a run prints it.", "Copy it from there.", "head"
            ) from None

    @classmethod
    def read(cls, text: object) -> Head:
        """Read a head; ValueError when it is none."""
        found = _HEAD.fullmatch(text.strip()) if isinstance(text, str) else None
        if found is None:
            raise ValueError(f"{ascii(text)[:100]} is not a head")
        return cls(int(found[1]), found[2])


Severity = Literal["broken", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing `verify` has to say: `broken` means changed or missing, `note` is only worth knowing."""

    severity: Severity
    table: str
    where: str
    said: str

    def __str__(self) -> str:
        return terminal_word(f"{self.severity}  {self.table} {self.where}: {self.said}".replace(" :", ":"))


def link_events(events: Sequence[Row], head: Head) -> list[Row]:
    """Return filled events with `seq`, `prev_hash` and `row_hash`, following `head`."""
    linked: list[Row] = []
    for event in events:
        row = with_digest(EVENTS, {**event, "seq": head.seq + 1, "prev_hash": head.row_hash})
        linked.append(row)
        head = head_of(row)
    return linked


def head_of(event: Mapping[str, Cell]) -> Head:
    """Return the head a chain has after `event`."""
    return Head(int(str(event["seq"])), str(event["row_hash"]))


def chain_findings(events: Iterable[Row]) -> list[Finding]:
    """Recompute one study's chain; the first finding is the first broken event.

    Named are: numbers missing or twice, content that does not give its hash, payloads that do not give theirs, an event
    that does not follow the one before, a step recorded twice in a run.
    """
    findings: list[Finding] = []
    head, seen = Head(), dict[tuple[Cell, Cell], Cell]()
    for event in sorted(events, key=lambda one: (one["seq"], one["row_hash"])):
        findings += [Finding("broken", "events", _place(event), said) for said in _faults(event, head)]
        key = (event["run_id"], event["step"])
        if key in seen:
            findings.append(Finding("broken", "events", _place(event), f"the step is already event {seen[key]}"))
        seen.setdefault(key, event["seq"])
        head = head_of(event)
    return findings


def _place(event: Row) -> str:
    return f"study {event['study_id']} seq {event['seq']} (run {event['run_id']}, step {event['step']})"


def _faults(event: Row, head: Head) -> list[str]:
    faults = []
    seq = int(str(event["seq"]))
    if seq == head.seq:
        faults.append("the number is there twice: the chain forks")
    elif seq != head.seq + 1:
        faults.append(f"events {head.seq + 1} to {seq - 1} are missing")
    if row_digest(event, "row_hash") != event["row_hash"]:
        faults.append("the content does not give the row's hash: it was changed")
    if sha256_text(str(event["payload"])) != event["payload_sha256"]:
        faults.append("the payload does not give its hash: it was changed")
    if seq == head.seq + 1 and event["prev_hash"] != head.row_hash:
        faults.append(f"it does not follow event {head.seq}: that one, or the order, was changed")
    return faults


def rows_digest(digests: Iterable[str]) -> str:
    """Return the digest of several rows from their digests, in order."""
    return sha256_text("\n".join(digests))
