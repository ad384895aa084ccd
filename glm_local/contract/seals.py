"""Seals: after a run, the SHA-256 of every file the tables gained, in a small text beside them.

The chain and the digests in it guard the *content* of the tables. A seal guards the *bytes*: a flipped byte in a
Parquet footer, a checkpoint or a commit file changes no row, yet may hide one from a reader that skips files by
statistics. A seal's name holds the SHA-256 of its own text, and each names the one before it.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import unquote

from glm_local.contract.audit_rows import TABLES
from glm_local.contract.fill_rows import sha256_text
from glm_local.contract.hash_chain import Finding, Head
from glm_local.contract.plain_json import canonical_json
from glm_local.contract.store import TableFiles
from glm_local.contract.store_errors import cannot_read

_LOG_NAME = re.compile(r"\.?(\d{20})\..+")
COMMITS_AT_ONCE = 50
_COMMIT_NAME = re.compile(r"(\d{20})\.json")


def write_seal(files: TableFiles, study: str, run_id: str, head: Head, at: datetime.datetime) -> str:
    """Seal what the tables gained since the last seal; returns the seal's name. A head is sealed once."""
    names = files.seal_names()
    same = read_seals(files, [name for name in names if f"-{head.seq:06d}-" in name])
    for name, seal in same.items():
        if seal["study_id"] == study and seal["head"] == str(head):
            return name
    before = read_seals(files, names[-1:])
    last = next(iter(before), None)
    since: Mapping[str, int] = before[last]["through"] if last else {}  # type: ignore[assignment]
    through, digests = _gained(files, since)
    text = canonical_json(
        {"study_id": study, "run_id": run_id, "head": str(head), "through": through, "files": digests, "previous": last}
    )
    name = f"{at.astimezone(datetime.UTC):%Y%m%dT%H%M%S.%fZ}-{head.seq:06d}-{sha256_text(text)}.json"
    files.write_seal(name, text)
    return name


def read_seals(files: TableFiles, names: Sequence[str]) -> dict[str, dict[str, object]]:
    """The seals of these names that are whole."""
    return {name: json.loads(text) for name, text in files.read_seals(names).items() if _is_whole(name, text)}


def _is_whole(name: str, text: str) -> bool:
    return name.endswith(f"-{sha256_text(text)}.json")


def _gained(files: TableFiles, since: Mapping[str, int]) -> tuple[dict[str, int], dict[str, str]]:
    through: dict[str, int] = {}
    wanted: list[str] = []
    hints: list[str] = []
    for table in TABLES:
        log = files.names(f"{table}/_delta_log")
        last = max(_versions(log), default=None)
        if last is None:
            continue
        through[table], first = last, since.get(table, -1) + 1
        wanted += _between(log, first, last)
        wanted += _data_files(files, table, _commit_names(table, range(first, last + 1)))
        hints += [name for name in log if name.endswith("/_last_checkpoint")]
    digests = files.digests(wanted)
    return through, digests | _hint_digests(files, hints)


def _versions(log: Iterable[str]) -> list[int]:
    return [int(found[1]) for name in log if (found := _COMMIT_NAME.fullmatch(name.rpartition("/")[2]))]


def _between(log: Iterable[str], first: int, last: int) -> list[str]:
    found = ((name, _LOG_NAME.fullmatch(name.rpartition("/")[2])) for name in log)
    return [name for name, match in found if match and first <= int(match[1]) <= last]


def _commit_names(table: str, versions: Iterable[int]) -> list[str]:
    return [f"{table}/_delta_log/{version:020d}.json" for version in versions]


def _data_files(files: TableFiles, table: str, commits: list[str]) -> list[str]:
    """Files that commits add, and the checksum files Hadoop puts beside them on a local disk."""
    added: list[str] = []
    for action in _actions(files, commits, "add"):
        folder, _, name = unquote(str(action["path"])).rpartition("/")
        prefix = f"{table}/{folder}/" if folder else f"{table}/"
        added += [f"{prefix}{name}", f"{prefix}.{name}.crc"]
    return added


def _actions(files: TableFiles, commits: list[str], kind: str) -> Iterator[dict[str, object]]:
    for name, text in files.texts(commits).items():
        for line in text.splitlines():
            if line.startswith(f'{{"{kind}"'):
                try:
                    yield json.loads(line)[kind]
                except (ValueError, KeyError) as error:
                    raise cannot_read(name.partition("/")[0], name, error, [f"commit {name} is broken"]) from error


def _hint_digests(files: TableFiles, hints: list[str]) -> dict[str, str]:
    """The checkpoint hint is overwritten in time, so its digest is kept by the version it points to."""
    return {f"{name}@{_pointed_version(text)}": sha256_text(text) for name, text in files.texts(hints).items()}


def _pointed_version(text: str) -> str:
    found = re.search(r'"version":(\d+)', text)
    return found[1] if found else "none"


def seal_findings(files: TableFiles) -> list[Finding]:
    """Compare every sealed byte: names the changed or missing file, commit or seal."""
    texts = files.read_seals(files.seal_names())
    findings = [
        _broken("_seals", name, "the text does not give the hash in its name: the seal was changed")
        for name, text in texts.items()
        if not _is_whole(name, text)
    ]
    seals = {name: json.loads(text) for name, text in texts.items() if _is_whole(name, text)}
    for name, seal in seals.items():
        if seal["previous"] is not None and seal["previous"] not in texts:
            findings.append(_broken("_seals", str(seal["previous"]), f"the seal is gone; {name} names it"))
    sealed = [
        (path, digest)
        for seal in seals.values()
        for path, digest in seal["files"].items()
        if files.sees_hidden or path.rpartition("/")[2][0] not in "._"
    ]
    through = seals[max(seals)]["through"] if seals else {}
    return findings + _file_findings(files, dict.fromkeys(sealed)) + _log_findings(files, through)


def _broken(table: str, where: str, said: str) -> Finding:
    return Finding("broken", table, where, said)


def _file_findings(files: TableFiles, sealed: Iterable[tuple[str, str]]) -> list[Finding]:
    pairs = list(sealed)
    now = files.digests([path for path, _ in pairs if "@" not in path])
    hints = sorted({path.partition("@")[0] for path, _ in pairs if "/_last_checkpoint@" in path})
    now |= _hint_digests(files, hints)
    findings = []
    for path, digest in pairs:
        table, _, name = path.partition("/")
        if path not in now and "@" not in path:
            findings.append(_broken(table, f"file {name}", "the file is gone"))
        elif path in now and now[path] != digest:
            where = f"file {name.partition('@')[0]}"
            findings.append(_broken(table, where, "its bytes are not those that were sealed"))
    return findings + _pointer_findings(files, hints, now, {path for path, _ in pairs})


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
    return findings + [_broken(table, f"file {name}", "the file is gone") for table, _, name in gone]


def _log_findings(files: TableFiles, through: Mapping[str, int]) -> list[Finding]:
    findings = []
    for table in TABLES:
        versions = set(_versions(files.names(f"{table}/_delta_log")))
        last = max([*versions, through.get(table, -1)])
        missing = [f"{version:020d}.json" for version in range(last + 1) if version not in versions]
        findings += [_broken(table, f"file _delta_log/{name}", "the commit is gone") for name in missing]
        if versions and last > through.get(table, -1):
            said = f"{last - through.get(table, -1)} commits are not sealed yet: a run is going on or was stopped"
            findings.append(Finding("note", table, f"version {last}", said))
    return findings


def log_mark(files: TableFiles, table: str, app: str) -> int | None:
    """Return the last guard version of `app` that a table's commits carry, None when there is none.

    Guards of one app rise, so commits are read newest first until one carries it.
    """
    log = files.names(f"{table}/_delta_log")
    commits = _commit_names(table, sorted(_versions(log), reverse=True))
    for start in range(0, len(commits), COMMITS_AT_ONCE):
        part = commits[start : start + COMMITS_AT_ONCE]
        marks = [int(str(one["version"])) for one in _actions(files, part, "txn") if one["appId"] == app]
        if marks:
            return max(marks)
    return None


def sealed_heads(files: TableFiles) -> list[tuple[str, str, Head]]:
    """Study, run and head of every whole seal."""
    seals = read_seals(files, files.seal_names()).values()
    return [(str(one["study_id"]), str(one["run_id"]), Head.parse(str(one["head"]))) for one in seals]
