"""The environment of a job: who holds rows, reads data, keeps the audit and gives the second opinion."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression
from glm_local.job.data_fingerprint import DataFingerprint
from glm_local.job.data_sources import DataSource
from glm_local.rows.engine import Frame
from glm_local.study.environment import Environment


@dataclass(frozen=True, kw_only=True)
class JobEnvironment(Environment[Frame]):
    """All a job needs that differs between one machine and a cluster: what a study needs, and where rows come from.

    Parameters
    ----------
    columns
        Kinds of a source's columns, without reading its rows where that can be avoided.
    read
        The rows of a source, only the columns named; lazy where the engine is.
    numbered
        The same with their number in the source as one more column; an EngineError where that has no order.
    keep
        The rows where a flag is true.
    fingerprint
        What identifies a source's rows.
    packages
        Packages whose code decides the result; their digest is part of the run's id.
    """

    columns: Callable[[DataSource], Mapping[str, ColumnKind]]
    read: Callable[[DataSource, Sequence[str]], Frame]
    numbered: Callable[[DataSource, Sequence[str], str], Frame]
    keep: Callable[[Frame, Expression], Frame]
    fingerprint: Callable[[DataSource], DataFingerprint]
    packages: tuple[str, ...] = ("glm_local",)


@cache
def code_version(packages: tuple[str, ...]) -> str:
    """Version of the distribution, and a digest of the packages' source where that can be read."""
    try:
        released = version("glm-spark")
    except PackageNotFoundError:
        released = "source tree"
    digest = hashlib.sha256()
    root = Path(__file__).parents[2]
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return f"{released}+{digest.hexdigest()[:16]}"
