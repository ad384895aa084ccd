"""A job's environment on Spark: DataFrames, Delta tables by Spark where it has Delta, Spark ML as second opinion."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from glm_local.audit.store import Store
from glm_local.audit.table_files import local_path
from glm_local.errors import EngineError
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression
from glm_local.job.data_fingerprint import DataFingerprint, data_fingerprint, delta_fingerprint
from glm_local.job.data_sources import DataSource, csv_rows, packaged_rows, read_rows
from glm_local.job.job_environment import JobEnvironment
from glm_local.pandas_rows.frames import no_order
from glm_local.sql.statement import print_sql, quote_identifier
from glm_local.stores.delta_store import open_store as open_local_store
from glm_spark.delta_store import open_store
from glm_spark.fitting import spark_references
from glm_spark.row_numbers import numbered_files
from glm_spark.session import delta_packages, is_connect, on_databricks, spark_session
from glm_spark.spark_engine import SparkEngine
from glm_spark.spark_errors import explained
from glm_spark.spark_frames import collated_columns, column_kinds, read_parquet


def spark_environment(spark: SparkSession | None = None) -> JobEnvironment[DataFrame]:
    """Everything a job needs on a cluster, or on a local session.

    Parameters
    ----------
    spark
        The session; None takes the active one or starts a local one.
    """
    session = spark if spark is not None else spark_session("glm-spark job")
    engine = SparkEngine(session)
    data = _SparkData(session, engine)
    return JobEnvironment(
        engine=engine,
        columns=data.columns,
        read=data.read,
        numbered=data.numbered,
        keep=_keep,
        fingerprint=data.fingerprint,
        open_store=lambda location: _open_store(session, location),
        references=spark_references(engine),
        reference="spark_ml",
        versions={"spark": str(session.version)},
        packages=("glm_local", "glm_spark"),
    )


class _SparkData:
    """Sources as DataFrames, each opened once."""

    def __init__(self, spark: SparkSession, engine: SparkEngine) -> None:
        self._spark, self._engine = spark, engine
        self._frames: dict[DataSource, DataFrame] = {}

    def columns(self, source: DataSource) -> Mapping[str, ColumnKind]:
        return column_kinds(self._frame(source))

    def read(self, source: DataSource, columns: Sequence[str]) -> DataFrame:
        return self._frame(source).select(*(quote_identifier(name) for name in columns))

    def numbered(self, source: DataSource, columns: Sequence[str], name: str) -> DataFrame:
        if source.kind == "table" or (source.kind == "path" and source.known_format == "delta"):
            raise no_order(f"{source.name} is a {'catalog' if source.kind == 'table' else 'Delta'} table, which")
        if source.kind == "dataset" or source.known_format == "csv":
            return self._engine.numbered(read_rows(source, columns), name)
        numbered = numbered_files(self._engine, self._frame(source), name)
        return numbered.select(*(quote_identifier(one) for one in (*columns, name)))

    def _frame(self, source: DataSource) -> DataFrame:
        if source not in self._frames:
            with explained(_way_out(source)):
                self._frames[source] = self._opened(source)
                column_kinds(self._frames[source])
        return self._frames[source]

    def _opened(self, source: DataSource) -> DataFrame:
        spark = self._spark
        if source.kind == "dataset":
            return spark.createDataFrame(packaged_rows(source.name))
        if source.kind == "table":
            name = ".".join(quote_identifier(part) for part in source.name.split("."))
            return (
                spark.table(name)
                if source.version is None
                else spark.sql(f"SELECT * FROM {name} VERSION AS OF {source.version}")
            )
        if source.known_format == "csv":
            return spark.createDataFrame(csv_rows(source))
        if self._driver_sees(source):
            source.require_files()
        if source.known_format == "parquet" and source.version is None:
            return read_parquet(spark, source.name)
        reader = spark.read.format(source.known_format)
        if source.version is not None:
            reader = reader.option("versionAsOf", str(source.version))
        return reader.load(source.name)

    def fingerprint(self, source: DataSource) -> DataFingerprint:
        if source.kind == "dataset" or (
            source.kind == "path" and (source.known_format == "csv" or self._driver_sees(source))
        ):
            return data_fingerprint(source)
        with explained():
            if source.kind == "table" or source.known_format == "delta":
                found = self._delta_version(source)
                if found is not None:
                    return found
            return self._listed(source)

    def _driver_sees(self, source: DataSource) -> bool:
        """Whether the path is on the driver's own disk, the one Spark reads."""
        if not source.is_local or is_connect(self._spark) or on_databricks():
            return False
        return str(self._spark.conf.get("spark.sql.warehouse.dir", "file:")).startswith(("file:", "/"))

    def _delta_version(self, source: DataSource) -> DataFingerprint | None:
        name = (
            f"delta.{quote_identifier(source.name)}"
            if source.kind == "path"
            else ".".join(quote_identifier(part) for part in source.name.split("."))
        )
        try:
            detail = self._spark.sql(f"DESCRIBE DETAIL {name}").toArrow().to_pylist()[0]
        except AnalysisException:  # a view has no files, so no version either
            return None
        if detail.get("format") != "delta":
            return None
        version = source.version
        if version is None:
            version = int(
                self._spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1")
                .select("version")
                .toArrow()
                .to_pylist()[0]["version"]
            )
        return delta_fingerprint(str(detail["id"]), version)

    def _listed(self, source: DataSource) -> DataFingerprint:
        """Names, sizes and times of the files, or only the columns where Spark does not know files (views)."""
        fields = ("file_path", "file_size", "file_modification_time")
        try:
            files = (
                self._frame(source).select(*(f"_metadata.{name}" for name in fields)).distinct().toArrow().to_pylist()
            )
        except Exception:
            kinds = column_kinds(self._frame(source))
            return DataFingerprint("schema", _digest([f"{name} {kind}" for name, kind in kinds.items()]))
        return DataFingerprint(
            "file list", _digest(sorted(" ".join(str(one[name]) for name in fields) for one in files))
        )


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def _keep(frame: DataFrame, flag: Expression) -> DataFrame:
    return frame.where(print_sql(flag, column_kinds(frame), collated=collated_columns(frame)))


def _open_store(spark: SparkSession, location: str) -> Store:
    """Delta through Spark; on a local disk without Delta in the session, the same tables through deltalake."""
    if has_delta(spark):
        return open_store(spark, location)
    if local_path(location) is None:
        raise EngineError.because(
            f"This Spark session has no Delta, and {location} is not a local folder.",
            "The audit is kept in Delta tables.",
            f"Submit with --packages {delta_packages()}, or give a local folder by --store.",
            path="/output/store",
        )
    return open_local_store(location)


def has_delta(spark: SparkSession) -> bool:
    """Whether a session can write Delta tables."""
    if on_databricks() or is_connect(spark):
        return True
    return "delta" in str(spark.conf.get("spark.sql.extensions", "")).lower()


def _way_out(source: DataSource) -> str:
    if source.kind == "path" and source.known_format == "delta":
        return f"Submit with --packages {delta_packages()}, or check the path."
    return "Check data.path or data.table." if source.kind != "dataset" else ""
