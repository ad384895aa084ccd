"""Seals: after a run, the SHA-256 of every file the tables gained, in a small text beside them.

The chain and the digests in it guard the *content* of the tables. A seal guards the *bytes*: a flipped byte in a
Parquet footer, a checkpoint or a commit file changes no row, yet may hide one from a reader that skips files by
statistics. A seal's name holds the SHA-256 of its own text, and each names the one before it. A *signed* seal says who
made it: by a secret key outside the store.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import unquote

from glm_local.audit.fill_rows import sha256_text
from glm_local.audit.hash_chain import Head
from glm_local.audit.seal_keys import Signer, is_signature_true, signer_of_environment
from glm_local.audit.seal_text import Seal, is_inside, name_time, read_seal
from glm_local.audit.store import Store, TableFiles
from glm_local.audit.store_errors import cannot_read
from glm_local.audit.tables import TABLES
from glm_local.texts.plain_json import EXACT_INTEGERS
from glm_local.texts.read_json import read_object

_LOG_NAME = re.compile(r"\.?([0-9]{20})\..+")
COMMITS_AT_ONCE = 50
SEALS_AT_ONCE = 20
CLOCKS_APART = datetime.timedelta(days=1)
"""Seals named later than this after now are not built upon: a name is only what somebody wrote."""
_COMMIT_NAME = re.compile(r"([0-9]{20})\.json")


def signer_of(store: Store) -> Signer | None:
    """Return who signs the seals of a store: the signer it was opened with, else the environment's."""
    return store.signer or signer_of_environment(store.location)


def write_seal(
    files: TableFiles,
    study: str,
    run_id: str,
    head: Head,
    at: datetime.datetime,
    signer: Signer | None = None,
    replaced: Mapping[str, str] | None = None,
) -> str:
    """Seal what the tables gained since the last seal; returns the seal's name. A head is sealed once.

    A seal that is none, lies ahead of the tables or, where this one is signed, bears no signature of the same key, is
    no ground to build upon: it is passed over, and what it claims is sealed again.
    """
    names = files.seal_names()
    same = readable_seals(files, [name for name in names if f"-{head.seq:06d}-" in name])
    for name, seal in same.items():
        if (seal.study, seal.run, seal.head) == (study, run_id, head) and _is_own(seal, signer):
            return name
    logs = {table: files.names(f"{table}/_delta_log") for table in TABLES}
    last = {table: max(_versions(log)) for table, log in logs.items() if _versions(log)}
    before, since = _ground(files, [name for name in names if name < name_time(at + CLOCKS_APART)], last, signer)
    seal = Seal(study, run_id, head, last, _gained(files, logs, last, since), before, replaced or {})
    signed = seal if signer is None else signer.signed(seal)
    files.write_seal(signed.name(at), signed.text)
    return signed.name(at)


def _ground(
    files: TableFiles, names: Sequence[str], last: Mapping[str, int], signer: Signer | None
) -> tuple[str | None, Mapping[str, int]]:
    """The newest seal to build upon: of the same key where there is one, else the newest that is sound."""
    found: tuple[str | None, Mapping[str, int]] = (None, {})
    end, count = len(names), 1  # the newest is nearly always the one
    while end > 0:
        part = readable_seals(files, names[max(end - count, 0) : end])
        end, count = end - count, SEALS_AT_ONCE
        sound = [name for name, seal in part.items() if not _is_ahead(seal, last)]
        own = [name for name in sound if _is_own(part[name], signer)]
        if own:
            return max(own), part[max(own)].through
        if sound and found[0] is None:
            found = max(sound), part[max(sound)].through
    return found


def _is_ahead(seal: Seal, last: Mapping[str, int]) -> bool:
    return any(version > last.get(table, -1) for table, version in seal.through.items())


def _is_own(seal: Seal, signer: Signer | None) -> bool:
    if signer is None:
        return True
    return seal.signature is not None and seal.signature.key == signer.key and is_signature_true(seal)


def readable_seals(files: TableFiles, names: Sequence[str]) -> dict[str, Seal]:
    """The seals of these names that are seals."""
    seals, _ = read_all(files.read_seals(names))
    return seals


def read_all(texts: Mapping[str, str]) -> tuple[dict[str, Seal], dict[str, str]]:
    """Return seals by name, and why the others are none."""
    seals: dict[str, Seal] = {}
    faults: dict[str, str] = {}
    for name, text in sorted(texts.items()):
        try:
            seals[name] = read_seal(name, text)
        except ValueError as error:
            faults[name] = str(error)
    return seals, faults


def _gained(
    files: TableFiles, logs: Mapping[str, Sequence[str]], last: Mapping[str, int], since: Mapping[str, int]
) -> dict[str, str]:
    wanted: list[str] = []
    hints: list[str] = []
    for table, end in last.items():
        first = since.get(table, -1) + 1
        wanted += _between(logs[table], first, end)
        versions = [version for version in _versions(logs[table]) if version >= first]
        wanted += _data_files(files, table, _commit_names(table, versions))
        hints += [name for name in logs[table] if name.endswith("/_last_checkpoint")]
    return files.digests(wanted) | hint_digests(files, hints)


def _versions(log: Iterable[str]) -> list[int]:
    found = (_COMMIT_NAME.fullmatch(name.rpartition("/")[2]) for name in log)
    return [int(name[1]) for name in found if name and int(name[1]) < EXACT_INTEGERS]


def _between(log: Iterable[str], first: int, last: int) -> list[str]:
    found = ((name, _LOG_NAME.fullmatch(name.rpartition("/")[2])) for name in log)
    return [name for name, match in found if match and first <= int(match[1]) <= last]


def _commit_names(table: str, versions: Iterable[int]) -> list[str]:
    return [f"{table}/_delta_log/{version:020d}.json" for version in versions]


def _data_files(files: TableFiles, table: str, commits: list[str]) -> list[str]:
    """Files that commits add, and the checksum files Hadoop puts beside them on a local disk."""
    added: list[str] = []
    for action in actions(files, commits, "add"):
        path = data_path(table, action)
        if path is not None:
            folder, _, name = path.rpartition("/")
            added += [path, f"{folder}/.{name}.crc"]
    return added


def data_path(table: str, action: Mapping[str, object]) -> str | None:
    """Return the file an action adds or removes, None when it lies outside of the table's folder."""
    path = f"{table}/{unquote(str(action.get('path')))}"
    return path if is_inside(path) else None


def actions(files: TableFiles, commits: Sequence[str], kind: str) -> Iterator[dict[str, object]]:
    """The actions of one kind that commits hold."""
    for name, text in files.texts(commits).items():
        for line in text.split("\n"):
            if line.startswith(f'{{"{kind}"'):
                yield _action(name, line, kind)


def _action(name: str, line: str, kind: str) -> dict[str, object]:
    try:
        found = read_object(line)[kind]
        if isinstance(found, dict):
            return found
        raise ValueError(f"its {kind} is no object")
    except ValueError as error:
        raise cannot_read(name.partition("/")[0], name, error, [f"commit {name} is broken"]) from error


def hint_digests(files: TableFiles, hints: Sequence[str]) -> dict[str, str]:
    """The checkpoint hint is overwritten in time, so its digest is kept by the version it points to."""
    return {f"{name}@{_pointed_version(text)}": sha256_text(text) for name, text in files.texts(hints).items()}


def _pointed_version(text: str) -> str:
    found = re.search(r'"version":([0-9]{1,20})\b', text)
    return found[1] if found else "none"


def table_versions(files: TableFiles, table: str) -> list[int]:
    """Versions whose commits are in a table's log."""
    return _versions(files.names(f"{table}/_delta_log"))


def log_mark(files: TableFiles, table: str, app: str) -> int | None:
    """Return the last guard version of `app` that a table's commits carry, None when there is none.

    Guards of one app rise, so commits are read newest first until one carries it.
    """
    log = files.names(f"{table}/_delta_log")
    commits = _commit_names(table, sorted(_versions(log), reverse=True))
    for start in range(0, len(commits), COMMITS_AT_ONCE):
        part = commits[start : start + COMMITS_AT_ONCE]
        marks = [_guard_version(one, table) for one in actions(files, part, "txn") if one.get("appId") == app]
        if marks:
            return max(marks)
    return None


def _guard_version(action: Mapping[str, object], table: str) -> int:
    version = action.get("version")
    if isinstance(version, bool) or not isinstance(version, int):
        raise cannot_read(table, table, ValueError(f"a transaction's version is {str(version)[:40]!r}"))
    return version
