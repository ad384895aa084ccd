"""Rows a run wrote, by table and step, as its events state them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from glm_local.contract.fill_rows import Row
from glm_local.contract.hash_chain import rows_digest


@dataclass(frozen=True)
class Written:
    """Rows of one step in one table: how many, and the digest of their digests."""

    rows: int
    sha256: str


def step_digests(rows: Sequence[Row]) -> dict[str, Written]:
    """Return each step's number of rows and digest, rows in the order of their positions."""
    steps: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda one: int(str(one["position"]))):
        steps.setdefault(str(row["step"]), []).append(str(row["row_sha256"]))
    return {step: Written(len(digests), rows_digest(digests)) for step, digests in steps.items()}


def row_count(steps: Mapping[str, Written]) -> int:
    """Return the number of rows of all steps."""
    return sum(one.rows for one in steps.values())


def run_total(steps: Mapping[str, Written]) -> dict[str, object]:
    """Return what the last event says of one table: rows of all steps and the digest of their digests."""
    return {
        "rows": row_count(steps),
        "sha256": rows_digest(f"{step} {one.sha256}" for step, one in sorted(steps.items())),
    }


def stated_rows(event: Row) -> list[tuple[str, str]]:
    """Table and step of the rows an event states."""
    wrote = json.loads(str(event["wrote"])) if event["wrote"] else {}
    return [(table, step) for table, steps in wrote.items() for step in steps]
