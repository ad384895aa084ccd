"""A store in memory, for studies that were given none; `copy_to` moves what it holds to a store that lasts."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock

import pyarrow as pa
import pyarrow.compute as pc

from glm_local.audit.fill_rows import from_arrow
from glm_local.audit.hash_chain import head_of
from glm_local.audit.seal_keys import Signer
from glm_local.audit.seals import signer_of, write_seal
from glm_local.audit.store import Commit, Guard, Store, TableFiles, TableState
from glm_local.audit.tables import DELTA_PROTOCOL, TABLES
from glm_local.errors import StoreError


@dataclass(frozen=True)
class _Append:
    rows: pa.Table
    guard: Guard
    at: datetime.datetime


class MemoryStore:
    """`Store` that ends with the process."""

    location = "memory"
    files: TableFiles | None = None
    signer: Signer | None = None

    def __init__(self) -> None:
        self._appends: dict[str, list[_Append]] = {}
        self._lock = RLock()

    def ensure(self, *tables: str) -> None:
        """Make empty tables."""
        for name in tables or TABLES:
            self._appends.setdefault(name, [])

    def append(self, table: str, rows: pa.Table, guard: Guard) -> bool:
        """Append, or find the guard taken."""
        with self._lock:
            last = self.mark(table, guard.app)
            if last is not None and last >= guard.version:
                return False
            _check_rules(table, rows)
            self.ensure(table)
            self._appends[table].append(_Append(rows, guard, datetime.datetime.now(datetime.UTC)))
            return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other threads out."""
        with self._lock:
            yield

    def read(
        self,
        table: str,
        where: Mapping[str, str] | None = None,
        columns: Sequence[str] | None = None,
        above: Mapping[str, int] | None = None,
    ) -> pa.Table:
        """Rows whose text columns equal `where` and whose integer columns are greater than `above`."""
        schema = TABLES[table].arrow_schema
        held = [one.rows for one in self._appends.get(table, [])]
        found = pa.concat_tables(held) if held else schema.empty_table()
        for name, value in (where or {}).items():
            found = found.filter(pc.equal(found[name], pa.scalar(value, pa.string())))
        for name, limit in (above or {}).items():
            found = found.filter(pc.greater(found[name], pa.scalar(limit, pa.int64())))
        return found.select(list(columns)) if columns is not None else found

    def history(self, table: str) -> list[Commit]:
        """The table's appends, after its making."""
        if table not in self._appends:
            return []
        now = datetime.datetime.now(datetime.UTC)
        made = self._appends[table]
        first = Commit(0, made[0].at if made else now, "CREATE TABLE")
        writes = [Commit(at, one.at, "WRITE", {"mode": "Append"}) for at, one in enumerate(made, 1)]
        return [first, *writes]

    def state(self, table: str) -> TableState | None:
        """What the table would say of itself on a disk."""
        if table not in self._appends:
            return None
        made = TABLES[table]
        return TableState(len(self._appends[table]), DELTA_PROTOCOL, made.properties, tuple(made.by_name))

    def mark(self, table: str, app: str) -> int | None:
        """The last guard version of `app`."""
        return max((one.guard.version for one in self._appends.get(table, []) if one.guard.app == app), default=None)

    def copy_to(self, store: Store) -> None:
        """Append everything to another store: rows first, the events that state them last; hashes stay as they are.

        A table's appends of one guard travel in one commit. What is there already is left as it is, so a copy that was
        stopped can be made again.
        """
        for table in (*(name for name in TABLES if name != "events"), "events"):
            for app in dict.fromkeys(one.guard.app for one in self._appends.get(table, [])):
                own = [one for one in self._appends[table] if one.guard.app == app]
                rows = pa.concat_tables([one.rows for one in own])
                store.append(table, rows, Guard(app, own[-1].guard.version))
        if store.files is not None:
            self._seal(store, store.files)

    def _seal(self, store: Store, files: TableFiles) -> None:
        for event in from_arrow(self.read("events")):
            if event["event"] == "finished":
                now, signer = datetime.datetime.now(datetime.UTC), signer_of(store)
                write_seal(files, str(event["study_id"]), str(event["run_id"]), head_of(event), now, signer)


def _check_rules(table: str, rows: pa.Table) -> None:
    """The tables' rules, as far as rows made by `fill_rows` could break them: numbers below their least."""
    for column in TABLES[table].columns:
        if column.least is not None and len(rows):
            smallest = pc.min(rows[column.name]).as_py()
            if smallest is not None and smallest < column.least:
                raise StoreError.because(
                    f"The rows break a rule of table {table}: {column.name} is {smallest}.",
                    f"It is at least {column.least}.",
                    "Write other rows.",
                )
