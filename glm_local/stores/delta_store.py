"""The store on the deltalake package: Delta tables without a JVM, on a disk or an object store."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import fs
from pyarrow import parquet as pq

from glm_local.audit.seal_keys import Signer
from glm_local.audit.store import Commit, Guard, TableFiles, TableState
from glm_local.audit.store_errors import cannot_read, cannot_write
from glm_local.audit.table_files import ArrowFiles, local_path
from glm_local.audit.tables import DELTA_PROTOCOL, TABLES, AuditTable
from glm_local.errors import EngineError, StoreError
from glm_local.stores.store_lock import one_writer
from glm_local.texts.places import require_location
from glm_local.texts.read_json import read_object

if TYPE_CHECKING:
    from deltalake import DeltaTable

COLLISIONS = ("Concurrent transaction", "Metadata changed")
"""What deltalake says when another writer's commit came first that carried the guard, or the later columns."""

COMMIT_RETRIES = 200
"""Another writer's commit in between is no conflict unless it carries the same guard; deltalake's own 15 is too few."""


def open_store(
    location: str | Path, storage_options: Mapping[str, str] | None = None, signer: Signer | None = None
) -> DeltaStore:
    """Open the audit store in a folder or under an object store's URI; tables are made when first written.

    Parameters
    ----------
    location
        Folder or URI (``s3://…``, ``abfss://…``) that holds one Delta table per audit table.
    storage_options
        Handed to deltalake: credentials, region, and what else the object store needs.
    signer
        Signs the seals of runs; None asks the environment (``GLM_SEAL_KEY``, ``GLM_SEAL_KEY_FILE``).
    """
    return DeltaStore(location, storage_options, signer)


def _deltalake() -> Any:
    try:
        import deltalake
    except ImportError as error:
        raise EngineError.because(
            "The deltalake package is not installed.",
            "The local audit store writes Delta tables with it.",
            "pip install deltalake, or open the store through glm_spark.",
        ) from error
    return deltalake


class DeltaStore:
    """`Store` on deltalake; it may be shared by threads, which take turns.

    Who reads opens a table anew. Who holds the write lock of a local disk keeps handles and brings them up to date, so
    that an append costs what is new in the log and not its whole length.
    """

    def __init__(
        self, location: str | Path, storage_options: Mapping[str, str] | None = None, signer: Signer | None = None
    ) -> None:
        require_location(location)
        self.signer = signer
        self._deltalake = _deltalake()
        self._folder = local_path(str(location))
        require_location(self._folder or location)  # a relative one stands in a folder with a name of its own
        self.location = str(self._folder or location).rstrip("/")
        self._options = dict(storage_options or {}) or None
        self._known: set[str] = set()
        self._handles: dict[str, tuple[DeltaTable, _LogFile]] = {}
        self._turn, self._holders = RLock(), 0
        self.files: TableFiles | None = self._reachable_files()

    def _reachable_files(self) -> TableFiles:
        if self._folder is not None:
            return ArrowFiles.of_folder(self._folder)
        return ArrowFiles(fs.PyFileSystem(_object_store(self.location, self._options)))

    def _uri(self, table: str) -> str:
        return f"{self.location}/{table}"

    def _open(self, table: str) -> DeltaTable | None:
        from deltalake.exceptions import TableNotFoundError

        with self._reading(table, None):
            kept = self._kept(table) if self._holders else None
            if kept is not None:
                return kept
            try:
                opened = self._deltalake.DeltaTable(self._uri(table), storage_options=self._options)
            except TableNotFoundError:
                return None
            return self._keep(table, opened)

    def _kept(self, table: str) -> DeltaTable | None:
        """The handle from before, up to date; None when the log is not the one it has read."""
        handle, read = self._handles.pop(table, (None, None))
        if handle is None or read is None or _log_file(read.path) != read:
            return None
        handle.update_incremental()
        return self._keep(table, handle)

    def _keep(self, table: str, handle: DeltaTable) -> DeltaTable:
        """Remember a handle with the commit it has read last, by which a log that was put back is told."""
        if self._folder is not None:
            read = _log_file(self._folder / table / "_delta_log" / f"{handle.version():020d}.json")
            if read is not None:
                self._handles[table] = (handle, read)
        return handle

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder's write lock; none on an object store."""
        with one_writer(self._folder), self._turn:
            self._holders += 1
            try:
                yield
            finally:
                self._holders -= 1

    def ensure(self, *tables: str) -> None:
        """Create what is not there: columns, rules and properties in one commit."""
        for name in tables or TABLES:
            if name in self._known:
                continue
            with self.alone():
                if self._open(name) is None:
                    self._create(TABLES[name])
            self._known.add(name)

    def _create(self, table: AuditTable) -> None:
        from deltalake.exceptions import DeltaError

        versions = {"delta.minReaderVersion": str(DELTA_PROTOCOL[0]), "delta.minWriterVersion": str(DELTA_PROTOCOL[1])}
        try:
            self._deltalake.DeltaTable.create(
                self._uri(table.name),
                schema=table.arrow_schema,
                mode="ignore",
                description=table.comment,
                configuration=table.properties | versions,
                storage_options=self._options,
                raise_if_key_not_exists=False,
            )
        except DeltaError as error:
            if self._open(table.name) is None:  # not a race that another process won
                raise cannot_write(table.name, error) from error

    def append(self, table: str, rows: pa.Table, guard: Guard) -> bool:
        """Append in one commit, or find the guard taken."""
        self.ensure(table)
        with self.alone():
            delta = self._open(table)
            if delta is None:
                raise StoreError.because(f"Table {table} is gone from {self.location}.", "", "Restore it from a copy.")
            last = delta.transaction_version(guard.app)
            if last is not None and last >= guard.version:
                return False
            return self._commit(table, delta, rows, guard)

    def _commit(self, table: str, delta: DeltaTable, rows: pa.Table, guard: Guard) -> bool:
        from deltalake import CommitProperties, Transaction
        from deltalake.exceptions import DeltaError

        commit = CommitProperties(
            custom_metadata={"userMetadata": json.dumps({"app": guard.app, "version": guard.version})},
            max_commit_retries=COMMIT_RETRIES,
            app_transactions=[Transaction(guard.app, guard.version)],
        )
        try:
            self._deltalake.write_deltalake(
                delta,
                rows,
                mode="append",
                commit_properties=commit,
                schema_mode="merge" if TABLES[table].later_columns(_columns(delta)) else None,
            )
        except DeltaError as error:
            if any(one in str(error) for one in COLLISIONS):
                return False
            raise cannot_write(table, error) from error
        except OSError as error:
            raise cannot_write(table, error) from error
        return True

    def read(
        self,
        table: str,
        where: Mapping[str, str] | None = None,
        columns: Sequence[str] | None = None,
        above: Mapping[str, int] | None = None,
    ) -> pa.Table:
        """Rows whose text columns equal `where` and whose integer columns are greater than `above`."""
        with self._turn:
            return self._read(table, where or {}, columns, above or {})

    def _read(
        self, table: str, where: Mapping[str, str], columns: Sequence[str] | None, above: Mapping[str, int]
    ) -> pa.Table:
        schema = TABLES[table].arrow_schema
        wanted = pa.schema([schema.field(name) for name in columns or schema.names])
        delta = self._open(table)
        later = set() if delta is None else {one.name for one in TABLES[table].later_columns(_columns(delta))}
        if delta is None or later & {*where, *above}:
            return wanted.empty_table()
        listed = (f"NULL AS {_quoted(name)}" if name in later else _quoted(name) for name in wanted.names)
        sql = f"SELECT {', '.join(listed)} FROM audit_table"
        rules = [f"{_quoted(name)} = {_literal(value)}" for name, value in where.items()]
        rules += [f"{_quoted(name)} > {int(limit)}" for name, limit in above.items()]
        if rules:
            sql += " WHERE " + " AND ".join(rules)
        with self._reading(table, delta):
            query = self._deltalake.QueryBuilder().register("audit_table", delta)
            return pa.table(query.execute(sql).read_all()).cast(wanted)

    def history(self, table: str) -> list[Commit]:
        """The table's commits, oldest first."""
        with self._turn:
            delta = self._open(table)
            if delta is None:
                return []
            with self._reading(table, delta):
                return [_commit(one) for one in reversed(delta.history())]

    def state(self, table: str) -> TableState | None:
        """The table's metadata."""
        with self._turn:
            delta = self._open(table)
            if delta is None:
                return None
            with self._reading(table, delta):
                protocol = delta.protocol()
                return TableState(
                    delta.version(),
                    (protocol.min_reader_version, protocol.min_writer_version),
                    dict(delta.metadata().configuration),
                    _columns(delta),
                )

    def mark(self, table: str, app: str) -> int | None:
        """The last guard version of `app`."""
        with self._turn:
            delta = self._open(table)
            if delta is None:
                return None
            with self._reading(table, delta):
                mark: int | None = delta.transaction_version(app)
                return mark

    @contextmanager
    def _reading(self, table: str, delta: DeltaTable | None) -> Iterator[None]:
        """Whatever deltalake raises while it reads becomes the store's error, panics of its Rust side included."""
        try:
            yield
        except BaseException as error:
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise cannot_read(table, self._uri(table), error, self._bad_files(table, delta)) from error

    def _bad_files(self, table: str, delta: DeltaTable | None) -> list[str]:
        """Files of the table that are gone or cannot be read on their own."""
        files = self.files
        if delta is None:
            return [] if files is None else _broken_commits(files, table)
        bad = []
        for uri in delta.file_uris():
            try:
                pq.read_table(uri) if self._folder else None
            except FileNotFoundError:
                bad.append(f"file {uri.rpartition('/')[2]} is gone")
            except Exception:  # whatever pyarrow makes of broken bytes
                bad.append(f"file {uri.rpartition('/')[2]} is broken")
        return bad


def _object_store(location: str, options: dict[str, str] | None) -> fs.FileSystemHandler:
    from deltalake.fs import DeltaStorageHandler

    class _Handler(DeltaStorageHandler):  # type: ignore[misc]
        """Hands deltalake's writer bytes; it does not take pyarrow's buffers."""

        def open_output_stream(self, path: str, metadata: dict[str, str] | None = None) -> pa.PythonFile:
            sink: Any = _BytesSink(self._handler.open_output_stream(path, metadata))
            return pa.PythonFile(sink, mode="w")

    return _Handler(location, options)


class _BytesSink:
    def __init__(self, sink: Any) -> None:
        self._sink = sink
        self.closed = False

    def write(self, data: object) -> int:
        content = bytes(data)  # type: ignore[call-overload]
        self._sink.write(content)
        return len(content)

    def flush(self) -> None:
        self._sink.flush()

    def close(self) -> None:
        if not self.closed:
            self._sink.close()
        self.closed = True


@dataclass(frozen=True)
class _LogFile:
    """A file of a table's log, as it was when it was read."""

    path: Path
    inode: int
    changed: int


def _log_file(path: Path) -> _LogFile | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return _LogFile(path, stat.st_ino, stat.st_mtime_ns)


def _broken_commits(files: TableFiles, table: str) -> list[str]:
    try:
        names = [name for name in files.names(f"{table}/_delta_log") if name.endswith(".json")]
        return [f"commit {name} is broken" for name in names if not _is_commit(files.texts([name]))]
    except StoreError as error:
        return [problem.found.rstrip(".") for problem in error.problems]


def _is_commit(texts: Mapping[str, str]) -> bool:
    try:
        return all(read_object(line) is not None for text in texts.values() for line in text.split("\n") if line)
    except ValueError:
        return False


def _columns(delta: DeltaTable) -> tuple[str, ...]:
    return tuple(one.name for one in delta.schema().fields)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _commit(line: Mapping[str, Any]) -> Commit:
    return Commit(
        int(line["version"]),
        datetime.datetime.fromtimestamp(line.get("timestamp", 0) / 1000, datetime.UTC),
        str(line.get("operation", "")),
        {name: str(value) for name, value in (line.get("operationParameters") or {}).items()},
        str(line.get("userMetadata") or ""),
    )
