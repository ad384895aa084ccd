"""Files written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from glm_local.errors import EngineError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under a scratch name, then rename it: a reader sees all of it or none.

    Raises
    ------
    EngineError
        The folder cannot be written.
    """
    # One scratch name per file: what a killed writer left is overwritten, not left lying about.
    scratch = path.with_name(f".{path.name}.part")
    whole = content.encode("utf-8") if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("wb") as file:
            file.write(whole)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and _holds(path, whole):
            return  # another process completed the same run
        scratch.unlink(missing_ok=True)
        raise EngineError.because(
            f"{path} cannot be written: {error.strerror}.",
            "A run writes its files.",
            "Give another folder by --out.",
            path="/output/directory",
        ) from None


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False
