"""The store's files as bytes, through any pyarrow file system."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from pyarrow import fs

from glm_local.errors import Problem, StoreError

SEALS = "_seals"


def local_path(location: str) -> Path | None:
    """Return the folder a location means on this machine's disk, None for any other scheme.

    Examples
    --------
    >>> local_path("s3://bucket/audit") is None, local_path("file:/data/audit").as_posix()
    (True, '/data/audit')
    """
    scheme, colon, rest = location.partition(":")
    if not colon or len(scheme) == 1:
        return Path(location).absolute()
    return Path("/" + rest.lstrip("/")) if scheme == "file" else None


class ArrowFiles:
    """`TableFiles` over a pyarrow file system whose paths begin at the store."""

    sees_hidden = True

    def __init__(self, filesystem: fs.FileSystem, folder: Path | None = None) -> None:
        self._files = filesystem
        self._folder = folder

    @classmethod
    def of_folder(cls, folder: Path) -> ArrowFiles:
        """Files of a folder on this machine."""
        return cls(fs.SubTreeFileSystem(str(folder), fs.LocalFileSystem()), folder)

    def names(self, folder: str) -> list[str]:
        """Files directly in `folder`."""
        try:
            found = self._files.get_file_info(fs.FileSelector(folder, allow_not_found=True))
        except OSError as error:
            said = f"Folder {folder} cannot be listed: {' '.join(str(error).split())[:200]}."
            raise StoreError(Problem(folder, said, "", "Check what is there in its place, and its rights.")) from error
        return sorted(one.path for one in found if one.type == fs.FileType.File)

    def _bytes(self, name: str) -> bytes | None:
        try:
            with self._files.open_input_file(name) as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(Problem(name, f"File {name} cannot be read: {error}.", "", "Check its rights.")) from error

    def texts(self, names: Sequence[str]) -> dict[str, str]:
        """Path to text."""
        read = ((name, self._bytes(name)) for name in names)
        return {name: found.decode("utf-8", "replace") for name, found in read if found is not None}

    def digests(self, names: Sequence[str]) -> dict[str, str]:
        """Path to SHA-256."""
        read = ((name, self._bytes(name)) for name in dict.fromkeys(names))
        return {name: sha256(found).hexdigest() for name, found in read if found is not None}

    def write_seal(self, name: str, text: str) -> None:
        """Write a seal whole or not at all; on a disk by renaming, on an object store by its single put."""
        try:
            if self._folder is not None:
                self._put(self._folder / SEALS, name, text)
                return
            with self._files.open_output_stream(f"{SEALS}/{name}") as file:
                file.write(text.encode("utf-8"))
        except OSError as error:
            raise _no_seals(error) from error

    def _put(self, folder: Path, name: str, text: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{name}.{os.getpid()}"
        with draft.open("wb") as local:
            local.write(text.encode("utf-8"))
            local.flush()
            os.fsync(local.fileno())
        draft.replace(folder / name)

    def seal_names(self) -> list[str]:
        """Names of every seal."""
        return sorted(self._seals())

    def _seals(self) -> dict[str, str]:
        """Name to path; a seal written through Spark is a folder of that name with one part file."""
        try:
            found = self._files.get_file_info(fs.FileSelector(SEALS, allow_not_found=True, recursive=True))
        except OSError as error:
            raise _no_seals(error) from error
        paths = [one.path for one in found if one.type == fs.FileType.File]
        return {path.split("/")[1]: path for path in paths if is_seal(path)}

    def read_seals(self, names: Sequence[str]) -> dict[str, str]:
        """Name to text."""
        paths = self._seals()
        texts = self.texts([paths[name] for name in names if name in paths])
        return {name: texts[paths[name]].rstrip("\n") for name in names if paths.get(name) in texts}


def _no_seals(error: OSError) -> StoreError:
    return StoreError(
        Problem(
            SEALS,
            f"Seals cannot be read or written: {' '.join(str(error).split())[:200]}.",
            f"{SEALS} is a folder beside the tables.",
            "Check what is there in its place, space and rights.",
        )
    )


def is_seal(path: str) -> bool:
    """Say whether a path below the store is a seal, or the part file of one."""
    parts = path.split("/")
    folder = parts.index(SEALS) if SEALS in parts else -1
    inside = parts[folder + 1 :]
    return bool(inside) and inside[0].endswith(".json") and not inside[0].startswith(".") and inside[-1][0] not in "._"
