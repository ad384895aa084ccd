"""Seals after OPTIMIZE and VACUUM: files are gone, their rows are not; that is proven first, then recorded."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glm_local.audit.hash_chain import Finding, Head
from glm_local.audit.run_ids import utc_now
from glm_local.audit.run_log import RunLog
from glm_local.audit.seal_findings import compacted_files, is_gone, missing_files
from glm_local.audit.seals import readable_seals
from glm_local.audit.store import Store
from glm_local.audit.verify_audit import verify
from glm_local.errors import Problem, StoreError
from glm_local.texts.counted import counted

UPKEEP = "audit upkeep"
"""Study whose chain records what was done to the store itself."""


@dataclass(frozen=True)
class Resealed:
    """What `reseal` did: files no longer asked for, and where that is recorded; no run and head when nothing was."""

    files: Mapping[str, str]
    run_id: str | None = None
    head: Head | None = None


def reseal(
    store: Store, reason: str, user: str | None = None, public_keys: str | Path | Sequence[str | Path] | None = None
) -> Resealed:
    """Accept that files a compaction replaced were taken away, after proving that nothing else changed.

    Every event and row is recomputed, chains, counts and sealed heads are compared: the rows are those that were
    sealed. The only thing amiss may be sealed files that are gone and that a commit without change of data (OPTIMIZE)
    had replaced. Then a run of the study "audit upkeep" states their names and digests, and its seal names them.

    Parameters
    ----------
    reason
        Why the tables were compacted and vacuumed.
    user, public_keys
        Who says so, None asks the operating system; keys as in `verify`.

    Raises
    ------
    StoreError
        Anything else is amiss; nothing is written.
    """
    files = store.files
    if files is None:
        found = f"The files of {store.location} are out of reach here."
        raise StoreError.because(found, "Seals are of files.", "Open the store by its path.")
    seals = readable_seals(files, files.seal_names())
    missing = missing_files(files, seals)
    replaced = {path: digest for path, digest in missing.items() if path in compacted_files(files, missing)}
    report = verify(store, public_keys=public_keys)
    amiss = [one for one in report.findings if one.severity == "broken" and not _is_explained(one, replaced)]
    if amiss:
        rule, way_out = "Only files that OPTIMIZE had replaced may be gone.", "Take the store from a copy."
        raise StoreError([Problem(f"{one.table} {one.where}".strip(), one.said, rule, way_out) for one in amiss])
    if not replaced:
        return Resealed({})
    log = RunLog(store, UPKEEP, f"reseal-{utc_now():%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}", user)
    log.start("reseal", "none", {"reason": reason})
    heads = {name: str(head) for name, head in report.heads.items()}
    proven = f"{counted(report.events, 'event')} and {counted(report.rows)} recomputed"
    log.event("reseal", "resealed", reason, {"files": replaced, "heads": heads, "proven": proven})
    return Resealed(replaced, log.run_id, log.finish(replaced=replaced))


def _is_explained(finding: Finding, replaced: Mapping[str, str]) -> bool:
    return is_gone(finding) and f"{finding.table}/{finding.where.removeprefix('file ')}" in replaced
