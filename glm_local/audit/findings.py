"""What an audit looks at besides the chain: tables' rules and history, and that every row is accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from glm_local.audit.fill_rows import Row, row_digest
from glm_local.audit.hash_chain import Finding, rows_digest
from glm_local.audit.seal_findings import gaps
from glm_local.audit.store import Commit, TableState
from glm_local.audit.tables import DELTA_PROTOCOL, AuditTable
from glm_local.audit.written_rows import Written, read_totals, run_total, stated_rows, step_digests
from glm_local.texts.counted import counted

HARMLESS_OPERATIONS = ("OPTIMIZE", "VACUUM START", "VACUUM END", "ADD CONSTRAINT", "ADD COLUMNS", "COMPUTE STATS")
"""Change no row and loosen no rule; named all the same."""


def history_findings(table: str, commits: Sequence[Commit]) -> list[Finding]:
    """Name every commit that is not an append, and versions the history does not have."""
    findings = []
    versions = {commit.version for commit in commits}
    missing = gaps(versions, max(versions, default=-1))
    if missing:
        count = sum(end - first + 1 for first, end in missing)
        findings.append(Finding("broken", table, f"version {missing[0][0]}", f"missing: {counted(count, 'commit')}"))
    for commit in commits:
        if _is_append(commit):
            continue
        severity = "note" if commit.operation in HARMLESS_OPERATIONS else "broken"
        shown = ", ".join(f"{name} {value}" for name, value in commit.parameters.items() if len(value) < 80)
        what = f"{commit.operation} ({shown})" if shown else commit.operation
        said = f"{what} at {commit.at:%Y-%m-%d %H:%M:%S} UTC is not an append"
        findings.append(Finding(severity, table, f"version {commit.version}", said))  # type: ignore[arg-type]
    return findings


def _is_append(commit: Commit) -> bool:
    mode = commit.parameters.get("mode", "").strip('"').lower()
    return (commit.operation == "WRITE" and mode == "append") or (
        commit.operation == "CREATE TABLE" and commit.version == 0
    )


def state_findings(table: AuditTable, state: TableState | None) -> list[Finding]:
    """Compare a table's protocol, properties, rules and columns with what it was made with."""
    if state is None:
        return []
    where = f"version {state.version}"
    findings = [
        Finding("broken", table.name, where, f"property {name} is {state.properties.get(name)!r}, not {value!r}")
        for name, value in table.properties.items()
        if state.properties.get(name) != value
    ]
    if state.protocol != DELTA_PROTOCOL:
        findings.append(
            Finding("broken", table.name, where, f"its Delta protocol is {state.protocol}, not {DELTA_PROTOCOL}")
        )
    gone = [one.name for one in table.columns if one.since == 1 and one.name not in state.columns]
    return findings + [Finding("broken", table.name, where, f"column {name} is gone") for name in gone]


def row_findings(table: AuditTable, rows: Sequence[Row]) -> list[Finding]:
    """Name rows that do not give their hash, and rows that are there twice or whose neighbours are missing."""
    findings = [
        Finding("broken", table.name, _row_place(row), "the content does not give the row's hash: it was changed")
        for row in rows
        if row_digest(row, table.hash_column) != row[table.hash_column]
    ]
    for (study, run), own in _by_run(rows).items():
        positions = sorted(int(str(row["position"])) for row in own)
        if positions != list(range(len(own))):
            odd = next((at for at, position in enumerate(positions) if at != position), len(own))
            said = f"rows are missing or there twice, first at position {odd}"
            findings.append(Finding("broken", table.name, f"study {study} run {run}", said))
    return findings


def _row_place(row: Row) -> str:
    return f"study {row['study_id']} run {row['run_id']} step {row['step']} row {row['position']}"


def _by_run(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    runs: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        runs.setdefault((str(row["study_id"]), str(row["run_id"])), []).append(row)
    return runs


def account_findings(events: Sequence[Row], tables: Mapping[str, Sequence[Row]]) -> list[Finding]:
    """Compare the rows of every run with what its events say was written.

    Parameters
    ----------
    events
        Events of the studies looked at.
    tables
        Table name to rows of these studies; a table that cannot be read is left out.
    """
    found = {
        (study, run, table): step_digests(own)
        for table, rows in tables.items()
        for (study, run), own in _by_run(rows).items()
    }
    runs = _by_run(events)
    findings: list[Finding] = []
    for (study, run, table), steps in found.items():
        if (study, run) not in runs:
            said = "no event knows of the run: it was stopped before its first event, or rows were added from outside"
            findings.append(Finding("note" if len(steps) == 1 else "broken", table, f"study {study} run {run}", said))
    for (study, run), own in runs.items():
        findings += _run_findings(study, run, own, {table: found.get((study, run, table), {}) for table in tables})
    return findings


def _run_findings(
    study: str, run: str, events: Sequence[Row], found: Mapping[str, Mapping[str, Written]]
) -> list[Finding]:
    findings: list[Finding] = []
    stated: dict[tuple[str, str], Written] = {}
    for event in events:
        try:
            stated |= stated_rows(event)
        except ValueError as error:
            said = f"what it states of rows cannot be read: {error}"
            findings.append(Finding("broken", "events", f"study {study} seq {event['seq']} (run {run})", said))
    for (table, step), written in stated.items():
        place = f"study {study} run {run} step {step}"
        if table in found and (now := found[table].get(step, Written(0, ""))) != written:
            said = f"the chain states {counted(written.rows)}, the table has {now.rows:,}"
            said += "" if now.rows != written.rows else " of other content or order"
            findings.append(Finding("broken", table, place, said))
    finished = [event for event in events if event["event"] == "finished"]
    for table, steps in found.items():
        loose = [step for step in steps if (table, step) not in stated]
        if loose and not finished:
            said = "no event states these rows yet: the run is going on or was stopped"
            findings.append(Finding("note", table, f"study {study} run {run} step {loose[0]}", said))
    return findings + [one for event in finished for one in _total_findings(study, run, event, events, found)]


def _total_findings(
    study: str, run: str, event: Row, events: Sequence[Row], found: Mapping[str, Mapping[str, Written]]
) -> list[Finding]:
    where = f"study {study} run {run}"
    try:
        totals = read_totals(event)
    except ValueError as error:
        return [Finding("broken", "events", f"study {study} seq {event['seq']} (run {run})", f"its totals: {error}")]
    findings = _own_findings(where, event, events, totals.pop("events", None))
    for table, steps in found.items():
        said, now = totals.get(table, Written(0, rows_digest(()))), run_total(steps)
        if said != now:
            text = f"the run finished with {counted(said.rows)} here, the table has {now.rows:,}"
            text += " of other content" if said.rows == now.rows else ""
            findings.append(Finding("broken", table, where, text))
    return findings


def _own_findings(where: str, last: Row, events: Sequence[Row], said: Written | None) -> list[Finding]:
    """A run's own events against what its last one says of them; nothing comes after that one."""
    at = int(str(last["seq"]))
    numbered = sorted((int(str(event["seq"])), str(event["row_hash"])) for event in events)
    own = [digest for seq, digest in numbered if seq < at]
    findings = [
        Finding("broken", "events", f"{where} seq {seq}", "the run had ended: the event was added from outside")
        for seq, _ in numbered
        if seq > at
    ]
    if said is not None and said != Written(len(own), rows_digest(own)):
        text = f"the run finished with {counted(said.rows, 'event')} before its last, there are {len(own):,}"
        text += " of other content" if said.rows == len(own) else ""
        findings.append(Finding("broken", "events", where, text))
    return findings


def open_runs(events: Sequence[Row]) -> list[Finding]:
    """Name runs that have no last event."""
    return [
        Finding("note", "events", f"study {study} run {run}", f"not finished, last event {own[-1]['event']}")
        for (study, run), own in _by_run(sorted(events, key=lambda one: int(str(one["seq"])))).items()
        if not any(event["event"] == "finished" for event in own)
    ]
