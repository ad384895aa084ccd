"""What a run is known by: its time, its id, the version it ran, the name of its chain."""

from __future__ import annotations

import datetime
import importlib.metadata
import uuid


def utc_now() -> datetime.datetime:
    """Return the time now, UTC."""
    return datetime.datetime.now(datetime.UTC)


def released_version() -> str:
    """Return the version of the distribution; "source tree" where none is installed."""
    try:
        return importlib.metadata.version("glm-spark")
    except importlib.metadata.PackageNotFoundError:
        return "source tree"


def new_run_id() -> str:
    """Return a run id nobody else has; it begins with the time, so that ids sort."""
    return f"{utc_now():%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


def chain_app(study: str) -> str:
    """Return the guard's name for a study's chain of events."""
    return f"glm-spark/events/{study}"
