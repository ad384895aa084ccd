"""Paths and locations as people give them: what no file system or Delta writer holds is told before it is used."""

from __future__ import annotations

import os
import re
from typing import Any

from glm_local.errors import ConfigError

_NOT_BY_ALL = re.compile(r"[%*?\[\]{}|^\\#<>\"`]")
"""Characters that Delta's writers and readers do not take alike: one escapes them, another takes them as a pattern."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
SCHEMES = (
    "file",
    "s3",
    "s3a",
    "gs",
    "gcs",
    "az",
    "azure",
    "adl",
    "abfs",
    "abfss",
    "wasb",
    "wasbs",
    "hdfs",
    "viewfs",
    "dbfs",
    "http",
    "https",
    "memory",
    "lakefs",
    "r2",
    "uc",
    "oss",
    "cos",
    "obs",
)
"""Kinds of places a store may lie in."""


def require_path(path: Any, where: str = "") -> None:
    """Refuse a path with a control character: a NUL would end the process inside a library.

    Examples
    --------
    >>> require_path("a\\x00b", "model")
    Traceback (most recent call last):
    glm_local.errors.ConfigError: model  'a\\x00b' holds a control character. A path is plain text. Remove it.
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
    if isinstance(text, str) and any(one < " " or one == "\x7f" for one in text):
        raise ConfigError.because(
            f"{text[:80]!r} holds a control character.", "A path is plain text.", "Remove it.", path=where
        )


def require_location(location: Any, where: str = "--store") -> None:
    """Refuse a store's location that its writers would not all mean the same by."""
    require_path(location, where)
    text = str(location)
    found = _SCHEME.match(text)
    if found and found[1].lower() not in SCHEMES:
        raise ConfigError.because(
            f"{text[:80]!r} begins with {found[0]!r}.",
            f"A store is a folder, or lies in {', '.join(SCHEMES[1:14])}.",
            "Give a folder, or a location such as s3://bucket/audit.",
            path=where,
        )
    odd = _NOT_BY_ALL.search(text if found is None else text[found.end() :])
    if odd:
        raise ConfigError.because(
            f"{text[:80]!r} holds {odd[0]!r}.",
            "Delta's writers and readers take that character differently, so that "
            "one would not find what the other wrote.",
            "Choose a path of letters, digits, spaces, dots and dashes.",
            path=where,
        )
