"""A run's files: each written whole or not at all, from the text the audit keeps."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from glm_local.errors import ConfigError, EngineError


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
            "name": self.name, "media_type": self.media_type, "location": location, "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(), "content": self.content,
        }  # fmt: skip


def write_whole(path: Path, content: str) -> None:
    """Write a text file under a scratch name, then rename it: a reader sees all of it or none.

    Raises
    ------
    EngineError
        The folder cannot be written.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("w", encoding="utf-8", newline="\n") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise EngineError.because(
            f"{path} cannot be written: {error.strerror}.",
            "A run writes its files.",
            "Give another folder by --out.",
            path="/output/directory",
        ) from None


def require_writable(folder: Path) -> None:
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
            "Give another folder by --out.",
            path="/output/directory",
        )
    if not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError.because(
            f"{above} may not be written.",
            "Results go into a folder that can be written.",
            "Give another folder by --out.",
            path="/output/directory",
        )
