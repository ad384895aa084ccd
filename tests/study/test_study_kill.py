"""A study stopped at any moment, opened again and finished, ends with the model of the undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from glm_local.audit import history, seals, verify
from glm_local.audit.run_log import RunLog
from glm_local.audit.store import Guard
from glm_local.on_pandas.studies import GLMStudy
from glm_local.stores.delta_store import open_store
from glm_local.study.memory_store import MemoryStore
from tests.study.study_job import design_and_finalize, opened
from tests.study.study_rows import AGE, AREA, motor_frame

JOB = Path(__file__).with_name("study_job.py")
ROOT = Path(__file__).resolve().parents[2]


class Failing(MemoryStore):
    """Raises at its n-th append, before or after it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.count, self.fail_at, self.after = 0, 0, False

    def append(self, table: str, rows: pa.Table, guard: Guard) -> bool:
        self.count += 1
        fails = self.count == self.fail_at
        if fails and not self.after:
            raise KeyboardInterrupt
        done = super().append(table, rows, guard)
        if fails:
            raise KeyboardInterrupt
        return done


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return motor_frame(2_500)


@pytest.fixture(scope="module")
def undisturbed(frame: pd.DataFrame) -> tuple[str, int]:
    store = Failing()
    return design_and_finalize(opened(store, frame)), store.count


def _stopped_and_finished(frame: pd.DataFrame, at: int, after: bool) -> str:
    store = Failing()
    store.fail_at, store.after = at, after
    with pytest.raises(KeyboardInterrupt):
        design_and_finalize(opened(store, frame))
    found = design_and_finalize(opened(store, frame))
    report = verify(store)
    assert report.ok, str(report)
    return found


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.55, 0.8, 0.97])
def test_a_study_stopped_at_a_write_and_finished_has_the_same_model(
    frame: pd.DataFrame, undisturbed: tuple[str, int], share: float, after: bool
) -> None:
    model, count = undisturbed
    assert _stopped_and_finished(frame, max(1, round(share * count)), after) == model


@pytest.mark.parametrize("after", [False, True])
def test_a_study_interrupted_at_a_write_goes_on_in_the_same_process(frame: pd.DataFrame, after: bool) -> None:
    store = Failing()
    study = opened(store, frame)
    study.samples  # noqa: B018
    store.fail_at, store.after = store.count + 1, after
    with pytest.raises(KeyboardInterrupt):
        study.accept("area", AREA)
    assert study.accepted == (("area",) if after else ())
    study.accept("area", AREA).accept("age", AGE)
    assert study.accepted == ("area", "age")
    assert [one.kind for one in study._history.events] == [str(one["event"]) for one in history(store, "motor")]
    assert verify(store).ok


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_branch_stopped_while_it_is_made_can_be_made_again(frame: pd.DataFrame, write: int, after: bool) -> None:
    store = Failing()
    study = opened(store, frame)
    study.accept("area", AREA)
    store.fail_at, store.after = store.count + write, after
    with pytest.raises(KeyboardInterrupt):
        study.branch("other")
    made = any(one["event"] == "branched" for one in history(store, "other"))
    branch = GLMStudy.load(store, "other", frame) if made else study.branch("other")
    assert made == (write == 3 and after)
    assert branch.remove("area").accepted == ()
    assert study.accepted == ("area",)
    assert verify(store).ok


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_a_study_stopped_at_every_write_and_finished_has_the_same_model(
    frame: pd.DataFrame, undisturbed: tuple[str, int], after: bool
) -> None:
    model, count = undisturbed
    assert count >= 25
    assert {_stopped_and_finished(frame, at, after) for at in range(1, count + 1)} == {model}


def _start(folder: Path, *death: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(JOB), str(folder), *death]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_a_killed_process_is_finished_by_another(
    tmp_path: Path, frame: pd.DataFrame, undisturbed: tuple[str, int]
) -> None:
    process = _start(tmp_path, "11", "after")
    assert process.wait() == -signal.SIGKILL
    assert process.stdout is not None
    process.stdout.close()
    store = open_store(tmp_path)
    assert verify(store).ok
    assert design_and_finalize(opened(store, frame)) == undisturbed[0]
    assert verify(store).ok


@pytest.mark.parametrize("where", ["the last event", "the seal"])
def test_a_study_killed_between_its_last_decision_and_its_seal_is_sealed_by_finalizing_again(
    tmp_path: Path, frame: pd.DataFrame, undisturbed: tuple[str, int], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(*((RunLog, "finish") if where == "the last event" else (seals, "write_seal")), killed)
        with pytest.raises(KeyboardInterrupt):
            design_and_finalize(opened(open_store(tmp_path), frame))
    assert not list((tmp_path / "_seals").glob("*"))
    assert design_and_finalize(opened(open_store(tmp_path), frame)) == undisturbed[0]
    report = verify(open_store(tmp_path))
    assert report.ok, str(report)
    sealed = list((tmp_path / "_seals").glob("*"))
    assert sealed
    assert design_and_finalize(opened(open_store(tmp_path), frame)) == undisturbed[0]
    assert list((tmp_path / "_seals").glob("*")) == sealed


@pytest.mark.slow
@pytest.mark.parametrize("half", [1, 2])
def test_fifty_studies_killed_at_random_moments_reach_the_model_of_the_undisturbed_one(
    tmp_path: Path, frame: pd.DataFrame, undisturbed: tuple[str, int], half: int
) -> None:
    chance = random.Random(half)
    length = _seconds(tmp_path / "whole", undisturbed[0])
    for kill in range(25):
        folder = tmp_path / str(kill)
        process = _start(folder)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, length))
        process.kill()
        process.wait()
        process.stdout.close()
        store = open_store(folder)
        assert design_and_finalize(opened(store, frame)) == undisturbed[0], kill
        assert verify(store).ok


def _seconds(folder: Path, model: str) -> float:
    """How long a whole study takes in a process of its own, once it is ready."""
    process = _start(folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    start = time.perf_counter()
    assert process.communicate()[0].split() == [model]
    return time.perf_counter() - start
