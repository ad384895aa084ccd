"""A run in a process of its own, to be killed: ``audit_job.py <folder> <run id> [<append> before|after]``.

With a number it kills itself at that append, before or after the commit; it says "ready" when it is about to write.
"""

from __future__ import annotations

import os
import signal
import sys

import pyarrow as pa

from glm_local.audit.store import Guard
from glm_local.stores.delta_store import DeltaStore, open_store
from glm_local.testing.store_conformance import small_run


class Mortal(DeltaStore):
    """Dies at its n-th append."""

    def __init__(self, location: str, at: int, when: str) -> None:
        super().__init__(location)
        self.left, self.when = at, when

    def append(self, table: str, rows: pa.Table, guard: Guard) -> bool:
        self.left -= 1
        if self.left == 0 and self.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = super().append(table, rows, guard)
        if self.left == 0 and self.when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return done


if __name__ == "__main__":
    folder, run_id, *death = sys.argv[1:]
    store = Mortal(folder, int(death[0]), death[1]) if death else open_store(folder)
    print("ready", flush=True)
    small_run(store, "killed", run_id)
