from __future__ import annotations

import io
import time

import pytest

from glm_local.job import progress
from glm_local.job.progress import StageLines


def test_what_takes_long_is_named_while_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.02)
    stream = io.StringIO()
    lines = StageLines(stream)
    with lines.stage("fit") as told:
        for _ in range(500):
            time.sleep(0.01)
            if stream.getvalue():
                break
        assert stream.getvalue().split() == ["fit", "…"]
        told.text = "12 coefficients"
    with lines.waiting("start the engine"):
        pass
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["fit", "fit"]


def test_quiet_is_quiet_and_what_is_quick_is_one_line() -> None:
    stream = io.StringIO()
    for quiet in (True, False):
        lines = StageLines(stream, quiet=quiet)
        with lines.waiting("start"), lines.stage("read"):
            pass
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["read"]
