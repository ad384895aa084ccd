"""Rows a run wrote, by table and step, as its events state them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from glm_local.audit.fill_rows import Row
from glm_local.audit.hash_chain import rows_digest
from glm_local.texts.read_json import read_object


@dataclass(frozen=True)
class Written:
    """Rows of one step in one table: how many, and the digest of their digests."""

    rows: int
    sha256: str

    @property
    def document(self) -> dict[str, object]:
        """As it stands in events."""
        return {"rows": self.rows, "sha256": self.sha256}


def step_digests(rows: Sequence[Row]) -> dict[str, Written]:
    """Return each step's number of rows and digest, rows in the order of their positions."""
    steps: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda one: int(str(one["position"]))):
        steps.setdefault(str(row["step"]), []).append(str(row["row_sha256"]))
    return {step: Written(len(digests), rows_digest(digests)) for step, digests in steps.items()}


def row_count(steps: Mapping[str, Written]) -> int:
    """Return the number of rows of all steps."""
    return sum(one.rows for one in steps.values())


def run_total(steps: Mapping[str, Written]) -> Written:
    """Return what the last event says of one table: rows of all steps and the digest of their digests."""
    if not steps:
        return Written(0, rows_digest(()))
    return Written(row_count(steps), rows_digest(f"{step} {one.sha256}" for step, one in sorted(steps.items())))


def read_totals(event: Row) -> dict[str, Written]:
    """Return what a last event says of every table; ValueError when it cannot be understood."""
    said = read_object(str(event["payload"])).get("tables", {})
    if not isinstance(said, dict):
        raise ValueError("tables is no object")
    totals = {table: read_written(one) for table, one in said.items()}
    own = read_object(str(event["payload"])).get("own_events")
    return totals if own is None else totals | {"events": read_written(own)}


def read_written(said: object) -> Written:
    """Return a number of rows and a digest; ValueError when it is none."""
    rows, digest = (said.get("rows"), said.get("sha256")) if isinstance(said, dict) else (None, None)
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 0 or not isinstance(digest, str):
        raise ValueError("a number of rows and their digest are not there")
    return Written(rows, digest)


def stated_rows(event: Row) -> dict[tuple[str, str], Written]:
    """Table and step of the rows an event states, with number and digest; ValueError when it cannot be understood."""
    wrote = read_object(str(event["wrote"])) if event["wrote"] else {}
    if not all(isinstance(steps, dict) for steps in wrote.values()):
        raise ValueError("steps are no object")
    return {(table, step): read_written(one) for table, steps in wrote.items() for step, one in steps.items()}
