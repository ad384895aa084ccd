"""Habits of the tests and of the packages: no test fails for time, and every direct dependency has a tested version."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, source_files

CLOCKS = {"perf_counter", "perf_counter_ns", "monotonic", "process_time", "thread_time"}
CLOCKS_ALLOWED = {
    "tests/jobs/kill_driver.py": "measures a run to choose moments to kill others at",
    "tests/study/test_study_kill.py": "the same for studies",
}
OPTIONAL = {"pysail"}
"""Dependencies that the environment of the tests does not have."""


def _names(path: Path) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    keywords = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}
    return keywords | {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(tree)}


def _tests() -> list[Path]:
    return [path for path in source_files("tests") if path.parts[1] != "benchmarks"]


def test_no_test_looks_at_a_clock() -> None:
    looking = {path.as_posix() for path in _tests() if CLOCKS & _names(path)}
    assert looking == set(CLOCKS_ALLOWED)


def test_hypothesis_has_one_profile_and_no_deadline() -> None:
    assert [path.as_posix() for path in _tests() if "deadline" in _names(path)] == ["tests/conftest.py"]


def _project() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"": project["dependencies"], **project["optional-dependencies"]}


def _pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_every_direct_dependency_has_the_version_it_was_tested_with() -> None:
    wanted = {re.split(r"[^\w-]", one)[0] for extra, listed in _project().items() if extra != "bench" for one in listed}
    assert set(_pinned()) == wanted - {"glm-spark"} - OPTIONAL
    assert list(_pinned()) == sorted(_pinned())


def test_tested_versions_are_allowed_ones() -> None:
    requirements = pytest.importorskip("packaging.requirements")
    asked = [
        requirements.Requirement(one) for extra, listed in _project().items() if extra != "bench" for one in listed
    ]
    pinned = _pinned()
    refused = [str(one) for one in asked if one.name in pinned and not one.specifier.contains(pinned[one.name])]
    assert refused == []
