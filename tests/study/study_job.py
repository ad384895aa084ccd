"""A study in a process of its own, to be killed: ``study_job.py <folder> [<append> before|after]``.

It opens the study or goes on with it, designs, decides, finalizes; it says "ready" when it is about to begin.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pyarrow as pa

from glm_local.audit.store import Guard, Store
from glm_local.binning.hand import merge_levels
from glm_local.factors.level_names import level_names
from glm_local.on_pandas.studies import GLMStudy
from glm_local.stores.delta_store import DeltaStore, open_store
from glm_local.study.events import study_events
from tests.study.study_rows import motor_frame, motor_study

COLUMNS = ["area", "age", "power", "noise"]


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


def opened(store: Store, frame: Any) -> GLMStudy:
    """The study of a store, begun or gone on with."""
    if any(one.kind == "split" for one in study_events(store, "motor")):
        return GLMStudy.load(store, "motor", frame, user="ann")
    return motor_study(frame, store=store, candidates=COLUMNS)


def design_and_finalize(study: GLMStudy) -> str:
    """Everything a study does, each step only where it is not done yet; returns the final model's fingerprint."""
    if not any(": complete " in mark for mark in study.state.done):
        study.auto_design(interactions=1)
    if "merged" not in {one.reason for one in study._history.events}:
        power = study.design["power"] if "power" in study.design else study.design["age"]
        levels = (level_names(power.document()) or [])[:2]
        study.accept(power.name, merge_levels(power, levels), reason="merged")
    return study.finalize(verify=False, reason="done").model.fingerprint


if __name__ == "__main__":
    folder, *death = sys.argv[1:]
    store: Store = Mortal(folder, int(death[0]), death[1]) if death else open_store(folder)
    frame = motor_frame(2_500)
    print("ready", flush=True)
    print(design_and_finalize(opened(store, frame)), flush=True)
