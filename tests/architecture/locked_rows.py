"""A pytest plugin: every neutral entry point gets its rows locked away (`tests.doubles.OpaqueEngine`).

``python -m pytest -p tests.architecture.locked_rows tests/reference/test_fit_rules.py`` runs a suite that way. Tests
themselves keep their frames and compare with them; only what is called with (engine, frame, ...) sees locked ones.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tests.doubles import OpaqueEngine, OpaqueFrame, opaque

ENTRY_POINTS = {
    "glm_local.factors.learn_factors": ("learn_factors",),
    "glm_local.glm.fit": ("fit",),
    "glm_local.inference.verify_fit": ("verify_fit",),
    "glm_local.validation.report_tables": ("validation_report",),
    "glm_local.validation.split_learning": ("learn_split", "split_counts"),
}
"""Neutral functions that take (engine, frame, ...)."""

calls: dict[str, int] = {}


class LockedEngine(OpaqueEngine):
    """An opaque engine over the engine a test has made, so that the test can count its passes."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine


def locked(neutral: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, its rows locked away."""

    @functools.wraps(neutral)
    def call(engine: Any, frame: Any, *rest: Any, **options: Any) -> Any:
        if isinstance(frame, OpaqueFrame):
            return neutral(engine, frame, *rest, **options)
        calls[neutral.__name__] = calls.get(neutral.__name__, 0) + 1
        return neutral(LockedEngine(engine), opaque(frame), *rest, **options)

    return call


def pytest_configure() -> None:
    for name, functions in ENTRY_POINTS.items():
        for function in functions:
            original = getattr(import_module(name), function)
            replaced = locked(original)
            for module in [one for key, one in sys.modules.items() if key.startswith("glm_local")]:
                if getattr(module, function, None) is original:
                    setattr(module, function, replaced)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.write_line(" ".join(f"locked:{name}={count}" for name, count in sorted(calls.items())))
