"""The store through a Spark session: the same Delta tables, on whatever Spark reaches, by path or by catalog name."""

from __future__ import annotations

import datetime
import json
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession, functions

from glm_local.audit.seal_keys import Signer
from glm_local.audit.seals import log_mark
from glm_local.audit.store import Commit, Guard, TableFiles, TableState
from glm_local.audit.store_errors import cannot_read, cannot_write
from glm_local.audit.table_files import ArrowFiles, local_path
from glm_local.audit.tables import TABLES, AuditTable
from glm_local.errors import ConfigError
from glm_local.sql.statement import quote_identifier
from glm_local.stores.store_lock import one_writer
from glm_local.texts.places import require_location
from glm_spark.session import is_connect
from glm_spark.table_files import SparkFiles

MISSING = (
    "PATH_NOT_FOUND",
    "TABLE_OR_VIEW_NOT_FOUND",
    "DELTA_MISSING_DELTA_TABLE",
    "DELTA_TABLE_NOT_FOUND",
    "DELTA_TABLE_ONLY_OPERATION",
)
"""What Spark says of a table that is not there."""

COLLISIONS = ("DELTA_CONCURRENT_", "DELTA_METADATA_CHANGED", "DELTA_PROTOCOL_CHANGED", "ConcurrentTransactionException")
"""What Delta says when another commit came first; nothing was written."""


def open_store(
    spark: SparkSession,
    location: str | os.PathLike[str] | None = None,
    *,
    schema: str | None = None,
    signer: Signer | None = None,
) -> SparkDeltaStore:
    """Open the audit store under a path, or in a schema of the catalog; tables are made when first written.

    Parameters
    ----------
    spark
        A session with Delta, classic or Connect.
    location
        Folder or URI that holds one Delta table per audit table.
    schema
        Instead of `location`: a schema of one or two parts (``audit`` or ``main.audit``), which must exist.
    signer
        Signs the seals of runs; None asks the driver's environment (``GLM_SEAL_KEY``, ``GLM_SEAL_KEY_FILE``).
    """
    return SparkDeltaStore(spark, location, schema=schema, signer=signer)


class SparkDeltaStore:
    """`Store` on delta-spark. DataFrames and Arrow only, so it works through Spark Connect."""

    def __init__(
        self,
        spark: SparkSession,
        location: str | os.PathLike[str] | None = None,
        *,
        schema: str | None = None,
        signer: Signer | None = None,
    ) -> None:
        self.signer = signer
        if (location is None) == (schema is None):
            raise ConfigError.because(
                "Give a location or a schema.",
                "Tables are kept under a path or in a catalog's schema, not both.",
                "open_store(spark, 's3://bucket/audit') or open_store(spark, schema='main.audit').",
            )
        if location is not None:
            require_location(os.fspath(location))
        self._spark, self._schema = spark, schema
        folder = local_path(os.fspath(location)) if location is not None and _on_this_disk(spark, location) else None
        self._folder = folder
        self.location = str(folder or location or schema).rstrip("/")
        self._known: set[str] = set()
        self.files: TableFiles | None = None
        if folder is not None:
            self.files = ArrowFiles.of_folder(folder)
        elif location is not None:
            self.files = SparkFiles(spark, self.location)

    def _name(self, table: str) -> str:
        """The table in SQL, quoted."""
        if self._schema is None:
            return f"delta.{quote_identifier(f'{self.location}/{table}')}"
        return ".".join(quote_identifier(part) for part in (*self._schema.split("."), table))

    def ensure(self, *tables: str) -> None:
        """Create what is not there: columns, rules and properties in one commit."""
        for name in tables or TABLES:
            if name not in self._known and self._detail(name) is None:
                with one_writer(self._folder):
                    self._create(TABLES[name])
            self._known.add(name)

    def _create(self, table: AuditTable) -> None:
        columns = ", ".join(column.ddl for column in table.columns)
        properties = table.properties | {"delta.enableDeletionVectors": "false", "delta.checkpointPolicy": "classic"}
        listed = ", ".join(f"{_literal(name)} = {_literal(value)}" for name, value in properties.items())
        try:
            self._spark.sql(
                f"CREATE TABLE IF NOT EXISTS {self._name(table.name)} ({columns}) USING delta "
                f"COMMENT {_literal(table.comment)} TBLPROPERTIES ({listed})"
            ).collect()
        except Exception as error:
            if self._detail(table.name) is None:  # not a race that another session won
                raise cannot_write(table.name, error) from error

    def append(self, table: str, rows: pa.Table, guard: Guard) -> bool:
        """Append in one commit, or find the guard taken.

        A table made by an earlier version gets its later columns in the same commit. Delta skips a commit whose
        transaction version is not new without a word, so the table's history is asked whether this very commit is
        there.
        """
        self.ensure(table)
        commit_id = uuid.uuid4().hex
        metadata = json.dumps({"app": guard.app, "version": guard.version, "commit": commit_id})
        writer = (
            self._spark.createDataFrame(rows)
            .coalesce(1)
            .write.format("delta")
            .mode("append")
            .option("mergeSchema", "true")
            .option("txnAppId", guard.app)
            .option("txnVersion", str(guard.version))
            .option("userMetadata", metadata)
        )
        with one_writer(self._folder):
            try:
                if self._schema is None:
                    writer.save(f"{self.location}/{table}")
                else:
                    writer.saveAsTable(self._name(table))
            except Exception as error:
                if _says(error, COLLISIONS):
                    return False
                raise cannot_write(table, error) from error
            return self._is_committed(table, commit_id)

    def _is_committed(self, table: str, commit_id: str) -> bool:
        if self._folder is not None:
            return self._is_in_log(table, commit_id)
        for limit in (" LIMIT 20", ""):
            lines = self._spark.sql(f"DESCRIBE HISTORY {self._name(table)}{limit}").select("userMetadata")
            if any(commit_id in (said or "") for said in _arrow(lines)["userMetadata"].to_pylist()):
                return True
        return False

    def _is_in_log(self, table: str, commit_id: str) -> bool:
        """The same question to the commits on this disk, newest first: a millisecond instead of a Spark job."""
        commits = sorted(Path(self.location, table, "_delta_log").glob("*.json"), reverse=True)
        return any(commit_id in commit.read_text("utf-8") for commit in commits)

    def alone(self) -> AbstractContextManager[None]:
        """Hold the folder's write lock; none where the place is no local disk."""
        return one_writer(self._folder)

    def read(
        self,
        table: str,
        where: Mapping[str, str] | None = None,
        columns: Sequence[str] | None = None,
        above: Mapping[str, int] | None = None,
    ) -> pa.Table:
        """Rows whose text columns equal `where` and whose integer columns are greater than `above`."""
        schema = TABLES[table].arrow_schema
        wanted = pa.schema([schema.field(name) for name in columns or schema.names])
        try:
            rows = self._whole(table).select(*(functions.col(quote_identifier(name)) for name in wanted.names))
            for name, value in (where or {}).items():
                rows = rows.where(functions.col(quote_identifier(name)) == functions.lit(value))
            for name, limit in (above or {}).items():
                rows = rows.where(functions.col(quote_identifier(name)) > functions.lit(limit))
            return _arrow(rows).cast(wanted)
        except Exception as error:
            if _says(error, MISSING):
                return wanted.empty_table()
            raise cannot_read(table, self._name(table), error) from error

    def _whole(self, table: str) -> DataFrame:
        """Every column of the audit's table, NULL where an earlier version made the table without it."""
        rows = self._table(table)
        if not TABLES[table].later_columns(()):
            return rows
        later = TABLES[table].later_columns(rows.columns)
        return rows.withColumns({one.name: functions.lit(None).cast(one.sql_type) for one in later}) if later else rows

    def _table(self, table: str) -> DataFrame:
        if self._schema is None:
            return self._spark.read.format("delta").load(f"{self.location}/{table}")
        return self._spark.table(self._name(table))

    def history(self, table: str) -> list[Commit]:
        """The table's commits, oldest first."""
        wanted = ("version", "timestamp", "operation", "operationParameters", "userMetadata")
        lines = self._ask(table, f"DESCRIBE HISTORY {self._name(table)}", wanted)
        return sorted((_commit(one) for one in lines), key=lambda commit: commit.version)

    def _detail(self, table: str) -> dict[str, Any] | None:
        wanted = ("properties", "minReaderVersion", "minWriterVersion")
        return next(iter(self._ask(table, f"DESCRIBE DETAIL {self._name(table)}", wanted)), None)

    def _ask(self, table: str, sql: str, columns: Iterable[str]) -> list[dict[str, Any]]:
        try:
            return _arrow(self._spark.sql(sql).select(*columns)).to_pylist()
        except Exception as error:
            if _says(error, MISSING):
                return []
            raise cannot_read(table, self._name(table), error) from error

    def state(self, table: str) -> TableState | None:
        """The table's metadata."""
        detail = self._detail(table)
        if detail is None:
            return None
        last = self._ask(table, f"DESCRIBE HISTORY {self._name(table)} LIMIT 1", ("version",))
        return TableState(
            int(last[0]["version"]) if last else 0,
            (int(detail["minReaderVersion"]), int(detail["minWriterVersion"])),
            dict(detail["properties"]),
            tuple(self._table(table).columns),
        )

    def mark(self, table: str, app: str) -> int | None:
        """The last guard version of `app`, from the log's files; None when they are out of reach."""
        return log_mark(self.files, table, app) if self.files is not None else None


def _on_this_disk(spark: SparkSession, location: str | os.PathLike[str]) -> bool:
    """Say whether Spark's `location` is this process's own disk: not a cluster's, not a Connect server's."""
    if local_path(os.fspath(location)) is None or is_connect(spark):
        return False
    if os.fspath(location).startswith("file:"):
        return True
    elsewhere = "DATABRICKS_RUNTIME_VERSION" in os.environ
    return not elsewhere and str(spark.conf.get("spark.sql.warehouse.dir", "file:")).startswith(("file:", "/"))


def _arrow(rows: DataFrame) -> pa.Table:
    return rows.toArrow()


def _literal(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _says(error: BaseException, marks: Iterable[str]) -> bool:
    condition = error.getCondition() if isinstance(error, PySparkException) else None
    head = f"{condition or ''} {type(error).__name__} {str(error)[:2000]}"
    return any(mark in head for mark in marks)


def _commit(line: Mapping[str, Any]) -> Commit:
    return Commit(
        int(line["version"]),
        line["timestamp"].astimezone(datetime.UTC),
        str(line["operation"]),
        {name: str(value) for name, value in line["operationParameters"] or ()},
        str(line["userMetadata"] or ""),
    )
