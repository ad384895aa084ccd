"""Turns of writers that race: tries with a pause between them."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator

from glm_local.errors import Problem, StoreError

LONGEST_WAIT = 900.0
"""Seconds of being refused by other writers (on an object store, where nobody can hold a lock) before giving up."""


def attempts(table: str, run_id: str) -> Iterator[int]:
    """Number tries from 0, with a random pause between them that grows to half a second.

    Raises
    ------
    StoreError
        When a try is asked for after `LONGEST_WAIT` seconds.
    """
    started = time.monotonic()
    for attempt in itertools.count():
        yield attempt
        if time.monotonic() - started > LONGEST_WAIT:
            found = f"Table {table} took none of {attempt + 1} tries in {LONGEST_WAIT:.0f} seconds."
            raise StoreError(Problem(f"run {run_id}", found, "Writers take turns.", "Run again with the same run id."))
        time.sleep(random.uniform(0, min(0.01 * 2 ** min(attempt, 6), 0.5)))
