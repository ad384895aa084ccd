"""One seal: what it says, its one text, and how a text that claims to be a seal is read."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from glm_local.audit.fill_rows import sha256_text
from glm_local.audit.hash_chain import Head
from glm_local.texts.plain_json import canonical_json
from glm_local.texts.read_json import read_object

_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9]{6,}-([0-9a-f]{64})\.json", re.ASCII)
_HASH, _SIGNATURE = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{128}")
_NEEDED = {"study_id", "run_id", "head", "through", "files", "previous"}
_OPTIONAL = {"replaced", "signature"}


@dataclass(frozen=True)
class Signature:
    """Public key of who signed a seal's body, and the Ed25519 signature; both in hexadecimal digits."""

    key: str
    value: str


@dataclass(frozen=True)
class Seal:
    """What a run's end looked like.

    Parameters
    ----------
    study, run, head
        Whose end, and the last event of the study's chain then.
    through
        Table to its last commit.
    files
        File to SHA-256, of all that the tables gained since the seal before.
    previous
        Name of the seal before, which holds the hash of its text.
    replaced
        Files that were gone when this seal was made, their content proven to be there in others (`glm audit reseal`).
    """

    study: str
    run: str
    head: Head
    through: Mapping[str, int]
    files: Mapping[str, str]
    previous: str | None = None
    replaced: Mapping[str, str] = field(default_factory=dict)
    signature: Signature | None = None

    @property
    def text(self) -> str:
        """The whole text, as it is written."""
        said: dict[str, Any] = {
            "study_id": self.study,
            "run_id": self.run,
            "head": str(self.head),
            "through": dict(self.through),
            "files": dict(self.files),
            "previous": self.previous,
        }
        if self.replaced:
            said["replaced"] = dict(self.replaced)
        if self.signature is not None:
            said["signature"] = {"key": self.signature.key, "value": self.signature.value}
        return canonical_json(said)

    @property
    def signed_bytes(self) -> bytes:
        """What a signature is of: the text without it, after words that no other document begins with."""
        return b"glm-spark/seal\n" + replace(self, signature=None).text.encode("utf-8")

    def name(self, at: datetime.datetime) -> str:
        """Name of its file: time, number of the last event, SHA-256 of the text."""
        return f"{name_time(at)}-{self.head.seq:06d}-{sha256_text(self.text)}.json"


def name_time(at: datetime.datetime) -> str:
    """Return the time as seals' names begin with it.

    Examples
    --------
    >>> name_time(datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC))
    '20260102T000000.000000Z'
    """
    return f"{at.astimezone(datetime.UTC):%Y%m%dT%H%M%S.%fZ}"


def read_seal(name: str, text: str) -> Seal:
    """Read a seal.

    Raises
    ------
    ValueError
        With one sentence that says why it is none.
    """
    named = _NAME.fullmatch(name)
    if named is None:
        raise ValueError("its name is not that of a seal")
    if sha256_text(text.encode("utf-8", "replace").decode("utf-8")) != named[1]:
        raise ValueError("the text does not give the hash in its name: the seal was changed")
    said = read_object(text)
    absent, odd = sorted(_NEEDED - set(said)), sorted(set(said) - _NEEDED - _OPTIONAL)
    if absent or odd:
        raise ValueError(f"it is no seal: {absent[0]} is not there" if absent else f"it is no seal: it has {odd[0]!r}")
    return Seal(
        _text(said, "study_id"),
        _text(said, "run_id"),
        Head.read(_text(said, "head")),
        _numbers(said, "through"),
        _digests(said, "files"),
        None if said["previous"] is None else _text(said, "previous"),
        _digests(said, "replaced") if "replaced" in said else {},
        _signature(said.get("signature")),
    )


def _text(said: Mapping[str, Any], name: str) -> str:
    if not isinstance(said[name], str) or not said[name]:
        raise ValueError(f"it is no seal: {name} is no text")
    return str(said[name])


def _object(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(said[name], dict):
        raise ValueError(f"it is no seal: {name} is no object")
    return dict(said[name])


def _numbers(said: Mapping[str, Any], name: str) -> dict[str, int]:
    found = _object(said, name)
    for table, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
            raise ValueError(f"it is no seal: {name} of {table!r} is no number of a commit")
    return found


def _digests(said: Mapping[str, Any], name: str) -> dict[str, str]:
    found = _object(said, name)
    for path, digest in found.items():
        if not isinstance(digest, str) or not _HASH.fullmatch(digest):
            raise ValueError(f"it is no seal: {name} of {path!r} is no SHA-256")
        if not is_inside(path):
            raise ValueError(f"it is no seal: {path!r} is no file of a table")
    return found


def is_inside(path: str) -> bool:
    """Say whether a path is one of a file in a table's folder, and leads nowhere else.

    Examples
    --------
    >>> is_inside("events/_delta_log/0.json"), is_inside("events/../../x"), is_inside("/etc/x"), is_inside("s3://b/x")
    (True, False, False, False)
    """
    parts = path.split("/")
    return len(parts) > 1 and "\x00" not in path and not {"..", ".", ""} & set(parts)


def _signature(said: object) -> Signature | None:
    if said is None:
        return None
    parts = (said.get("key"), said.get("value")) if isinstance(said, dict) and len(said) == 2 else (None, None)
    key, value = parts
    if not (isinstance(key, str) and _HASH.fullmatch(key) and isinstance(value, str) and _SIGNATURE.fullmatch(value)):
        raise ValueError("it is no seal: its signature has not the form of one")
    return Signature(key, value)
