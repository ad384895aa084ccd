"""A run's files: each written whole or not at all, from the text the audit keeps."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from glm_local.audit.fill_rows import from_arrow
from glm_local.audit.run_log import RunLog
from glm_local.errors import ConfigError
from glm_local.texts.whole_file import write_whole


@dataclass(frozen=True)
class Artifact:
    """A text a run made: its file's name, what it is, and the text."""

    name: str
    media_type: str
    content: str

    def row(self, location: str) -> dict[str, object]:
        """The artifact as a row of the audit."""
        content = self.content.encode("utf-8")
        return {
            "name": self.name,
            "media_type": self.media_type,
            "location": location,
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "content": self.content,
        }


Made = Mapping[str, tuple[str, Callable[[], str]]]
"""File name to media type and how its text is made."""


@dataclass(frozen=True)
class RunFiles:
    """The files of a run: recorded in the audit first, written after."""

    log: RunLog
    folder: Path

    def keep(self, step: str, made: Made) -> tuple[str, ...]:
        """Record texts and write them as files; returns their names. What the audit has already is taken from it."""
        if self.log.has_rows("artifacts", step):
            artifacts = self.stored()
        else:
            artifacts = [Artifact(name, media_type, make()) for name, (media_type, make) in made.items()]
            self.log.table(step, "artifacts", [one.row(str(self.folder / one.name)) for one in artifacts])
        for one in artifacts:
            write_whole(self.folder / one.name, one.content)
        return tuple(one.name for one in artifacts)

    def put_back(self) -> tuple[str, ...]:
        """Write the recorded files that are not there; returns the names of all."""
        stored = self.stored()
        for one in stored:
            if not (self.folder / one.name).exists():
                write_whole(self.folder / one.name, one.content)
        return tuple(one.name for one in stored)

    def stored(self) -> list[Artifact]:
        """The texts the audit has of this run, in the order they were recorded."""
        where = {"study_id": self.log.study, "run_id": self.log.run_id}
        found = from_arrow(self.log.store.read("artifacts", where, ["position", "name", "media_type", "content"]))
        found.sort(key=lambda row: int(str(row["position"])))
        return [Artifact(str(one["name"]), str(one["media_type"]), str(one["content"])) for one in found]


def require_writable(folder: Path, where: str) -> None:
    """Check before the work that results can be written.

    Raises
    ------
    ConfigError
        The folder, or the nearest one above it, is a file or may not be written.
    """
    above = folder.absolute()
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise ConfigError.because(
            f"{above} is a file.",
            "Results go into a folder.",
            "Give another folder by --out or --store.",
            path=where,
        )
    if not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError.because(
            f"{above} may not be written.",
            "Results go into a folder that can be written.",
            "Give another folder by --out or --store.",
            path=where,
        )
