from __future__ import annotations

import pytest

from glm_local.expressions.expression import Read
from glm_local.rows.cells import CellRequest
from glm_local.testing.code_counts import CodeCounts, hostile_rows
from glm_local.testing.engine_answers import known, some_design
from tests.doubles import OpaqueEngine, opaque


def test_an_opaque_frame_tells_nothing() -> None:
    frame = opaque(hostile_rows(5))
    for look in (lambda: frame.columns, lambda: len(frame), lambda: list(frame), lambda: frame["x"]):
        with pytest.raises((AssertionError, TypeError)):
            look()


def test_an_opaque_engine_answers_like_any_other() -> None:
    frame, engine, design = opaque(hostile_rows(300)), OpaqueEngine(), some_design()
    assert known(engine.cells(frame, [CellRequest("c", {"t": Read("t", "text")})]), "c").rows.sum() == 300
    assert engine.blocks(frame, design).sum(CodeCounts(design), "p")[-2][0] > 0


def test_rows_do_not_leave_an_opaque_engine() -> None:
    request = CellRequest("rows", {"key": Read("key", "integer")})
    with pytest.raises(AssertionError, match="asked for 10001 cells"):
        OpaqueEngine().cells(opaque(hostile_rows(10_001)), [request])
