"""Proof that nothing was changed, as far as a store can prove it; what it cannot is said beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from glm_local.audit.fill_rows import Row, from_arrow, row_digest
from glm_local.audit.findings import (
    account_findings,
    history_findings,
    open_runs,
    row_findings,
    state_findings,
)
from glm_local.audit.hash_chain import Finding, Head, chain_findings, head_of
from glm_local.audit.run_ids import chain_app
from glm_local.audit.seal_findings import byte_findings, seal_findings, trusted_seals, unsealed_findings
from glm_local.audit.seal_keys import read_public_key
from glm_local.audit.seal_text import Seal
from glm_local.audit.seals import read_all
from glm_local.audit.store import Store
from glm_local.audit.tables import TABLES
from glm_local.errors import StoreError
from glm_local.texts.counted import counted
from glm_local.texts.terminal_text import terminal_word

Answer = TypeVar("Answer")
Heads = Head | str | Sequence[Head | str] | None


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
    proven, unproven
        Sentences: what this look shows when nothing is broken, and what no look at this store can show.
    """

    findings: tuple[Finding, ...]
    heads: Mapping[str, Head]
    events: int
    rows: int
    proven: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return not any(finding.severity == "broken" for finding in self.findings)

    @property
    def head(self) -> Head | None:
        """The head, when one study was looked at."""
        return next(iter(self.heads.values())) if len(self.heads) == 1 else None

    def __str__(self) -> str:
        verdict = "nothing that can be seen here was changed" if self.ok else "something was changed"
        heads = [f"head of {terminal_word(study)}: {head}" for study, head in self.heads.items()]
        first = f"{verdict}: {counted(self.events, 'event')} and {counted(self.rows)} recomputed"
        proof = [f"proven: {one}" for one in self.proven if self.ok] + [f"not proven: {one}" for one in self.unproven]
        return "\n".join([first, *(str(one) for one in self.findings), *proof, *heads])


def verify(
    store: Store,
    study: str | None = None,
    expected_head: Heads = None,
    public_keys: str | Path | Sequence[str | Path] | None = None,
) -> VerifyReport:
    """Recompute everything and name what does not fit; never stops at the first thing it cannot read.

    Parameters
    ----------
    study
        Look at this study's events and rows only; the tables' own history is always looked at. None: all studies.
    expected_head
        Heads kept from earlier runs, ``seq:hash``; each must still be in a chain, and every event after it is named.
    public_keys
        Ed25519 keys: PEM, OpenSSH line, 64 hexadecimal digits, or files of these. Then every run that has ended must
        have a seal signed by one of them, or older than the first such seal and named by it.

    Notes
    -----
    Looked at, in this order: each table's rules and history (every operation that is not an append is named), seals and
    the sealed bytes of every file, the chain of every study, each row's hash, and the rows of every run against what
    its events state. What cannot be seen is in ``unproven``.
    """
    look = _Look()
    given = [public_keys] if isinstance(public_keys, str | Path) else public_keys or ()
    keys = frozenset(read_public_key(one) for one in given)
    tables = [name for name in TABLES if _looked_at(store, look, name)]
    seals = _seals(store, look, keys)
    where = {"study_id": study} if study is not None else None
    rows = {name: look.read(name, lambda name=name: from_arrow(store.read(name, where))) for name in tables}  # type: ignore[misc]
    events = rows.pop("events", [])
    chains = _chains(store, look, events or [], study, seals or {})
    expected = _expected(look, events or [], chains, expected_head)
    for name, found in rows.items():
        look.take(name, lambda name=name, found=found: row_findings(TABLES[name], found or []))  # type: ignore[misc]
    readable = {name: found for name in TABLES if name != "events" and (found := rows.get(name, [])) is not None}
    if events is not None:
        sound = look.read("events", lambda: [one for one in events if row_digest(one, "row_hash") == one["row_hash"]])
        look.take("events", lambda: [*account_findings(sound or [], readable), *open_runs(sound or [])])
        if seals is not None:
            look.take("_seals", lambda: unsealed_findings(sound or [], seals, bool(keys)))
        look.findings += _nothing(events, study)
    count = sum(len(found) for found in readable.values())
    heads = {name: max(own, key=lambda head: head.seq, default=Head()) for name, own in chains.items()}
    proof = _proof(keys, seals, expected, heads, any("no signed seal vouches" in one.said for one in look.findings))
    return VerifyReport(look.in_order(), heads, len(events or []), count, *proof)


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
        except Exception as error:  # changed bytes make anything of a value, and readers anything of changed bytes
            said = f"what is there cannot be understood: {type(error).__name__}: {str(error)[:300]}"
        self.findings.append(Finding("broken", table, "", said))
        return None

    def take(self, table: str, ask: Callable[[], Iterable[Finding]]) -> None:
        self.findings += self.read(table, lambda: list(ask())) or []

    def in_order(self) -> tuple[Finding, ...]:
        return tuple(sorted(dict.fromkeys(self.findings), key=lambda one: one.severity))


def _nothing(events: Sequence[Row], study: str | None) -> list[Finding]:
    """A study that was asked for and is not there is amiss; a store without events is at least odd."""
    if events:
        return []
    if study is not None:
        return [Finding("broken", "events", f"study {study}", "no event knows the study")]
    return [Finding("note", "events", "", "there is no event at all")]


def _seals(store: Store, look: _Look, keys: Collection[str]) -> dict[str, Seal] | None:
    """Look at seals and bytes; the seals that vouch for something, None where files are out of reach."""
    files = store.files
    if files is None:
        severity, said = "note", "files are out of reach here: bytes and seals were not looked at, rows were"
        if keys:
            severity, said = "broken", "files are out of reach here, so no signed seal can be read: give the path"
        look.findings.append(Finding(severity, "_seals", "", said))  # type: ignore[arg-type]
        return None
    texts = look.read("_seals", lambda: files.read_seals(files.seal_names()))
    seals, faults = read_all(texts or {})
    trusted = trusted_seals(seals, keys)
    look.take("_seals", lambda: seal_findings(seals, faults, trusted, keys))
    look.take("_seals", lambda: byte_findings(files, trusted))
    return trusted


def _chains(
    store: Store, look: _Look, events: list[Row], study: str | None, seals: Mapping[str, Seal]
) -> dict[str, set[Head]]:
    sealed = {(seal.study, seal.run, seal.head) for seal in seals.values()}
    studies = {str(one["study_id"]) for one in events} | {name for name, _, _ in sealed}
    chains: dict[str, set[Head]] = {}
    for name in sorted(studies) if study is None else [study]:
        own = [event for event in events if event["study_id"] == name]
        look.take("events", lambda own=own: chain_findings(own))  # type: ignore[misc]
        chains[name] = look.read("events", lambda own=own: {head_of(event) for event in own}) or set()  # type: ignore[misc]
        last = max((head.seq for head in chains[name]), default=-1)
        mark = look.read("events", lambda name=name: store.mark("events", chain_app(name)))  # type: ignore[misc]
        if mark is not None and mark > last:
            said = f"the chain ends at {last}, the table's log knows event {mark}: its tail was cut"
            look.findings.append(Finding("broken", "events", f"study {name}", said))
        for _, run, head in sorted((one for one in sealed if one[0] == name and one[2] not in chains[name]), key=str):
            said = f"run {run} was sealed with head {head}, which is not in the chain"
            look.findings.append(Finding("broken", "events", f"study {name} seq {head.seq}", said))
    return chains


def _expected(look: _Look, events: Sequence[Row], chains: Mapping[str, set[Head]], expected: Heads) -> set[str]:
    """Look for the heads that were kept, name what came after them; returns the studies they are of."""
    kept: dict[str, int] = {}
    for given in expected if isinstance(expected, list | tuple | set) else [expected]:
        if given is None:
            continue
        try:
            head = given if isinstance(given, Head) else Head.read(given)
        except ValueError as error:
            look.findings.append(Finding("broken", "events", "", f"the expected head: {error}"))
            continue
        found = [name for name, chain in chains.items() if head in chain]
        kept |= {name: max(head.seq, kept.get(name, -1)) for name in found}
        if not found:
            said = f"the expected head {head} is not in the chain"
            look.findings.append(Finding("broken", "events", f"seq {head.seq}", said))
    look.take("events", lambda: [_after(event) for event in sorted(events, key=_place) if _is_after(event, kept)])
    return set(kept)


def _place(event: Row) -> tuple[str, int]:
    return str(event["study_id"]), int(str(event["seq"]))


def _is_after(event: Row, kept: Mapping[str, int]) -> bool:
    study, seq = _place(event)
    return study in kept and seq > kept[study]


def _after(event: Row) -> Finding:
    about = f"{event['event']} {event['factor'] or ''}".strip()
    said = f"after the expected head: {about} by {event['by_user']} at {event['at']:%Y-%m-%d %H:%M:%S} UTC"
    return Finding("note", "events", f"study {event['study_id']} seq {event['seq']} run {event['run_id']}", said)


def _proof(
    keys: Collection[str],
    seals: Mapping[str, Seal] | None,
    expected: Collection[str],
    heads: Mapping[str, Head],
    some_go_on: bool,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was shown, and what could not be."""
    proven = ["every event and row gives its hash, and rows and events agree"]
    unproven = []
    if seals:
        proven.append(f"bytes are those of {counted(len(seals), 'seal')}")
    if keys:
        proven.append("every run that has ended was sealed by a holder of the secret key, and its events with it")
        if some_go_on:
            unproven.append("who wrote the events of runs that have not ended: a run is sealed at its end")
    else:
        signed = any(seal.signature is not None for seal in (seals or {}).values())
        said = "seals are signed, but no public key was given" if signed else "no seal is signed"
        unproven.append(
            f"who wrote this ({said}): whoever can write the store can add events and runs with new hashes and seals"
        )
    if expected:
        proven.append(f"up to the heads that were given nothing was changed or taken away: {_listed(expected)}")
    rest = [name for name in heads if name not in expected]
    if rest or not heads:
        unproven.append(
            "that no run and no study was taken away from the end with its seals: only a head kept elsewhere shows it "
            f"(--head, glm audit anchor); none was given for {_listed(rest) or 'any study'}"
        )
    return tuple(proven), tuple(unproven)


def _listed(names: Iterable[str]) -> str:
    known = sorted(names)
    more = f" and {len(known) - 5} more" if len(known) > 5 else ""
    return ", ".join(terminal_word(name) for name in known[:5]) + more
