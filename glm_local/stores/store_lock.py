"""One writer at a time on a local disk.

Object stores refuse to overwrite a commit; a local file system does so for the deltalake package, but Hadoop's, which
Spark uses, checks and then renames, and could overwrite a commit another process made in between. The lock may be held
over reading and appending: then writers take turns and none starves. Not covered: Windows, network disks without
flock, and clusters that write one S3 table without Delta's multi-cluster log store.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

try:
    import fcntl
except ImportError:  # Windows has no flock
    fcntl = None  # type: ignore[assignment]

_THREADS = RLock()
_HELD: set[Path] = set()
"""Folders this process holds; only the thread that has `_THREADS` looks or adds."""


@contextmanager
def one_writer(folder: Path | None) -> Iterator[None]:
    """Hold the folder's write lock; nothing to hold (an object store) holds nothing. A killed holder lets go.

    A thread that holds it may take it again.
    """
    if folder is None or fcntl is None:
        yield
        return
    with _THREADS:
        if folder in _HELD:
            yield
            return
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".write_lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _HELD.add(folder)
            try:
                yield
            finally:
                _HELD.discard(folder)
