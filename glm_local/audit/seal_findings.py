"""What seals show: bytes that are not those that were sealed, seals that are none, runs that no seal vouches for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from glm_local.audit.fill_rows import Row
from glm_local.audit.hash_chain import Finding, head_of
from glm_local.audit.seal_keys import is_signature_true
from glm_local.audit.seal_text import Seal
from glm_local.audit.seals import actions, data_path, hint_digests, table_versions
from glm_local.audit.store import TableFiles
from glm_local.audit.tables import TABLES
from glm_local.texts.counted import counted
from glm_local.texts.read_json import read_object

NO_SEAL = "seal"
"""Key in the last event's payload of a run whose store could not be sealed: files were out of reach."""


def trusted_seals(seals: Mapping[str, Seal], keys: Collection[str]) -> dict[str, Seal]:
    """Return the seals that vouch for something.

    Without keys these are all. With keys: those signed by one of them, and those that such a seal builds upon, for its
    text holds their hashes.
    """
    if not keys:
        return dict(seals)
    trusted: dict[str, Seal] = {}
    for name, seal in seals.items():
        at: str | None = name
        if seal.signature is None or seal.signature.key not in keys or not is_signature_true(seal):
            continue
        while at is not None and at in seals and at not in trusted:
            trusted[at] = seals[at]
            at = seals[at].previous
    return trusted


def seal_findings(
    seals: Mapping[str, Seal], faults: Mapping[str, str], trusted: Mapping[str, Seal], keys: Collection[str]
) -> list[Finding]:
    """Name what is wrong with the seals themselves."""
    findings = [_broken("_seals", name, said) for name, said in faults.items()]
    for name, seal in seals.items():
        if seal.previous is not None and seal.previous not in seals and seal.previous not in faults:
            findings.append(_broken("_seals", seal.previous, f"the seal is gone; {name} names it"))
        if seal.signature is not None and not is_signature_true(seal):
            findings.append(_broken("_seals", name, "its signature is not that of its text by the key it names"))
        elif keys and name not in trusted:
            said = "it is not signed" if seal.signature is None else f"it is signed by the key {seal.signature.key}"
            said += ", and no seal of a key that was given builds upon it"
            findings.append(_broken("_seals", name, said))
    if keys and not any(seal.signature is not None and seal.signature.key in keys for seal in trusted.values()):
        findings.append(_broken("_seals", "", "no seal is signed by a key that was given"))
    return findings


def byte_findings(files: TableFiles, seals: Mapping[str, Seal]) -> list[Finding]:
    """Compare every sealed byte: names the changed or missing file and commit."""
    replaced = {pair for seal in seals.values() for pair in seal.replaced.items()}
    sealed = {
        (path, digest): None
        for seal in seals.values()
        for path, digest in seal.files.items()
        if files.sees_hidden or path.rpartition("/")[2][0] not in "._"
    }
    through = {table: max((seal.through.get(table, -1) for seal in seals.values()), default=-1) for table in TABLES}
    return _file_findings(files, list(sealed), replaced) + _log_findings(files, through)


def _broken(table: str, where: str, said: str) -> Finding:
    return Finding("broken", table, where, said)


def _file_findings(
    files: TableFiles, pairs: Sequence[tuple[str, str]], replaced: Collection[tuple[str, str]]
) -> list[Finding]:
    now = files.digests([path for path, _ in pairs if "@" not in path])
    hints = sorted({path.partition("@")[0] for path, _ in pairs if "/_last_checkpoint@" in path})
    now |= hint_digests(files, hints)
    findings, gone = [], list[str]()
    for path, digest in pairs:
        table, _, name = path.partition("/")
        if path not in now and "@" not in path and (path, digest) not in replaced:
            gone.append(path)
        elif path in now and now[path] != digest:
            where = f"file {name.partition('@')[0]}"
            findings.append(_broken(table, where, "its bytes are not those that were sealed"))
    findings += _gone_findings(files, gone)
    return findings + _pointer_findings(files, hints, now, {path for path, _ in pairs})


GONE = "the file is gone"
COMPACTED = "; OPTIMIZE had replaced it: glm audit reseal proves that its rows are there, and records it"


def _gone_findings(files: TableFiles, gone: Sequence[str]) -> list[Finding]:
    compacted = compacted_files(files, gone) if gone else set()
    return [
        _broken(path.partition("/")[0], f"file {path.partition('/')[2]}", GONE + COMPACTED * (path in compacted))
        for path in dict.fromkeys(gone)
    ]


def is_gone(finding: Finding) -> bool:
    """Say whether a finding is about a sealed file that is not there."""
    return finding.said.startswith(GONE) and finding.where.startswith("file ")


def missing_files(files: TableFiles, seals: Mapping[str, Seal]) -> dict[str, str]:
    """Return sealed files that are not there, and that no seal says were replaced, with their digests."""
    replaced = {pair for seal in seals.values() for pair in seal.replaced.items()}
    sealed = {pair: None for seal in seals.values() for pair in seal.files.items() if "@" not in pair[0]}
    now = files.digests([path for path, _ in sealed])
    return {path: digest for path, digest in sealed if path not in now and (path, digest) not in replaced}


def compacted_files(files: TableFiles, paths: Iterable[str]) -> set[str]:
    """Return those files that a commit took out of its table without changing its rows, and their checksum files."""
    wanted = set(paths)
    found: set[str] = set()
    for table in sorted({path.partition("/")[0] for path in wanted} & set(TABLES)):
        commits = [f"{table}/_delta_log/{version:020d}.json" for version in table_versions(files, table)]
        for action in actions(files, commits, "remove"):
            path = data_path(table, action)
            if path is not None and action.get("dataChange") is False:
                folder, _, name = path.rpartition("/")
                found |= {path, f"{folder}/.{name}.crc"} & wanted
    return found


def _pointer_findings(
    files: TableFiles, hints: Iterable[str], now: Mapping[str, str], sealed: set[str]
) -> list[Finding]:
    """A checkpoint hint that points nowhere: to a version nobody sealed and no checkpoint is there for."""
    findings = []
    for path in sorted(set(now) - sealed):
        hint, _, version = path.partition("@")
        table, _, name = hint.partition("/")
        log = files.names(hint.rpartition("/")[0])
        if not version.isdigit() or not any(f"{int(version):020d}.checkpoint" in one for one in log):
            findings.append(_broken(table, f"file {name}", "it points to no checkpoint: it was changed"))
    gone = [hint.partition("/") for hint in hints if not any(path.startswith(f"{hint}@") for path in now)]
    return findings + [_broken(table, f"file {name}", GONE) for table, _, name in gone]


def _log_findings(files: TableFiles, through: Mapping[str, int]) -> list[Finding]:
    findings = []
    for table in TABLES:
        versions = table_versions(files, table)
        last = max([*versions, through[table]], default=-1)
        for first, end in gaps(versions, last):
            said = "the commit is gone" + (f", and {counted(end - first, 'later one')}" if end > first else "")
            findings.append(_broken(table, f"file _delta_log/{first:020d}.json", said))
        if versions and last > through[table]:
            said = f"{counted(last - through[table], 'commit')} not sealed yet: a run is going on or was stopped"
            findings.append(Finding("note", table, f"version {last}", said))
    return findings


def gaps(numbers: Iterable[int], last: int) -> list[tuple[int, int]]:
    """Return first and last of every run of numbers from 0 to `last` that is not there.

    Examples
    --------
    >>> gaps([1, 2, 5], 7)
    [(0, 0), (3, 4), (6, 7)]
    """
    found = []
    before = -1
    for number in [*sorted(set(numbers)), last + 1]:
        if number > before + 1:
            found.append((before + 1, number - 1))
        before = max(before, number)
    return found


def unsealed_findings(events: Sequence[Row], seals: Mapping[str, Seal], signed: bool) -> list[Finding]:
    """Name every run that has ended and no seal that counts says so, and with keys every run that has not ended.

    Parameters
    ----------
    events
        Events that give their hash, of the studies looked at.
    seals
        The seals that vouch for something.
    signed
        Whether keys were given.
    """
    sealed = {(seal.study, seal.run, seal.head) for seal in seals.values()}
    findings = []
    ended = set()
    for event in events:
        study, run = str(event["study_id"]), str(event["run_id"])
        if event["event"] != "finished":
            continue
        ended.add((study, run))
        if (study, run, head_of(event)) not in sealed:
            findings.append(_unsealed(study, run, event, signed))
    if signed:
        open_runs: dict[tuple[str, str], int] = {}
        for event in events:
            pair = (str(event["study_id"]), str(event["run_id"]))
            open_runs[pair] = open_runs.get(pair, 0) + (pair not in ended)
        said = "no signed seal vouches for {}: who wrote them is not proven"
        findings += [
            Finding("note", "events", f"study {study} run {run}", said.format(counted(count, "event")))
            for (study, run), count in open_runs.items()
            if count
        ]
    return findings


def _unsealed(study: str, run: str, event: Row, signed: bool) -> Finding:
    where = f"study {study} run {run}"
    try:
        out_of_reach = NO_SEAL in read_object(str(event["payload"])) and not signed
    except ValueError:
        out_of_reach = False
    if out_of_reach:
        return Finding("note", "_seals", where, "it ended without a seal: files were out of reach when it was written")
    what = "seal signed by a key that was given" if signed else "seal"
    said = f"it ended, and no {what} holds its last event: run it again with its id, unless seals were taken away"
    return Finding("broken", "_seals", where, said)
