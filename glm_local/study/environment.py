"""What a study needs that differs between one machine and a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

from glm_local.audit.store import Store
from glm_local.glm.second_opinion import ReferenceSolver
from glm_local.rows.engine import Engine, Frame
from glm_local.study.memory_store import MemoryStore

StoreLike = Store | str | Path | None


def _no_source(frame: Any) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Environment(Generic[Frame]):
    """Who holds rows, keeps the history and gives the second opinion.

    Parameters
    ----------
    engine
        Who answers questions about rows.
    references, reference
        Independent solvers by name, and the one asked by default.
    open_store
        The store at a location.
    source
        What identifies the source a frame was given as (a Delta table's version); empty for rows in hand.
    versions
        What else a number may depend on (Spark, Java).
    """

    engine: Engine[Frame]
    references: Mapping[str, ReferenceSolver]
    reference: str
    open_store: Callable[[str], Store]
    source: Callable[[Any], Mapping[str, Any]] = _no_source
    versions: Mapping[str, str] = field(default_factory=dict)


def opened_store(environment: Environment[Any], store: StoreLike) -> Store:
    """The store a study is given, opened where it is a location; in memory where it is None."""
    if store is None:
        return MemoryStore()
    return environment.open_store(str(store)) if isinstance(store, str | Path) else store
