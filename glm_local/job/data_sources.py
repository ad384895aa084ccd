"""Where a job's rows come from, and reading them on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as dataset

from glm_local.errors import ConfigError, DataError
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.read_array import physical_kind
from glm_local.job.config import DataFormat, DataSection
from glm_local.pandas_rows.frames import as_frame, csv_table
from glm_local.pandas_rows.partition_folders import parquet_dataset
from glm_local.texts.places import require_path


@dataclass(frozen=True)
class DataSource:
    """One place of rows: a data set of a package, a path, or a catalog table.

    Parameters
    ----------
    kind, name
        "dataset" and its name, "path" and the path or URI, "table" and its name.
    format
        Of a path: told by it when "auto".
    delimiter
        Of a CSV file.
    version
        Of a Delta table; None is the newest.
    """

    kind: str
    name: str
    format: DataFormat = "auto"
    delimiter: str = ","
    version: int | None = None

    @classmethod
    def of(cls, data: DataSection) -> DataSource:
        """The source a configuration names."""
        if data.dataset is not None:
            return cls("dataset", data.dataset)
        if data.table is not None:
            return cls("table", data.table, version=data.version)
        return cls("path", str(data.path), data.format, data.delimiter, data.version)

    @property
    def path(self) -> Path:
        """The path on this machine's disk."""
        return Path(self.name.removeprefix("file://"))

    @property
    def known_format(self) -> DataFormat:
        """Parquet, CSV or Delta: as told, or as the path shows."""
        if self.format != "auto":
            return self.format
        if self.name.lower().endswith((".csv", ".csv.gz", ".txt")):
            return "csv"
        return "delta" if self.version is not None or (self.path / "_delta_log").is_dir() else "parquet"

    @property
    def is_local(self) -> bool:
        """Whether the path lies on this machine's disk as far as its text tells."""
        return self.kind == "path" and ("://" not in self.name or self.name.startswith("file://"))

    def require_files(self) -> None:
        """Check that the path is there.

        Raises
        ------
        DataError
            It is not, or is a folder without files.
        """
        require_path(self.name, "/data/path")
        if not self.path.exists():
            raise DataError.because(
                f"{self.name} does not exist.",
                "The data's path is a file or a folder.",
                "Check the path, or give it by --param.",
                path="/data/path",
            )
        if self.path.is_dir() and not any(one.is_file() for one in self.path.rglob("*")):
            raise DataError.because(
                f"{self.name} is an empty folder.", "The data's path holds rows.", "Check the path.", path="/data/path"
            )


def column_kinds(source: DataSource) -> dict[str, ColumnKind]:
    """Name to kind of a source's columns, without reading its rows where its format allows that."""
    if source.kind == "path" and source.known_format == "parquet":
        source.require_files()
        try:
            nothing = parquet_dataset(source.path).schema.empty_table()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _unreadable(source, error) from None
        return _kinds(as_frame(nothing))
    return _kinds(read_rows(source))


def read_rows(source: DataSource, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read rows into a frame of this machine.

    Parameters
    ----------
    columns
        Only these; None is all.

    Raises
    ------
    DataError
        The source is not there or cannot be read.
    ConfigError
        It is a catalog table, which only Spark has.
    """
    if source.kind == "table":
        raise ConfigError.because(
            f"table {source.name!r} is asked of the local engine.",
            "Only Spark has a catalog.",
            "Give data.path, or run the job by spark-submit.",
            path="/data/table",
        )
    if source.kind == "dataset":
        return as_frame(packaged_rows(source.name), columns)
    source.require_files()
    if source.known_format == "csv":
        return as_frame(csv_rows(source), columns)
    return as_frame(delta_rows(source) if source.known_format == "delta" else source.path, columns)


def delta_rows(source: DataSource) -> dataset.Dataset:
    """Rows of a Delta table on this machine, at the version asked."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        rows: dataset.Dataset = DeltaTable(source.path, version=source.version).to_pyarrow_dataset()
    except (DeltaError, OSError, ValueError) as error:
        raise _unreadable(source, error) from None
    return rows


def csv_rows(source: DataSource) -> pa.Table:
    """Rows of a CSV file; Arrow tells the kinds of columns, the same on every engine. Empty texts are missing."""
    source.require_files()
    try:
        return csv_table(source.path, source.delimiter)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(source, error) from None


@cache
def packaged_rows(name: str) -> pa.Table:
    """Rows of a data set that comes with a package.

    ``statsmodels:randhie``: the RAND Health Insurance Experiment, 20,190 person-years. It has no key, so two columns
    are added: `row`, counted from 0 in the package's order, and `person`. A person's years lie together and have the
    same covariates, so `person` numbers the runs of consecutive rows that agree in all of them (5,294 runs, nearly all
    of 3 or 5 years). Neighbours who agree in everything share a number, which keeps them together in a split.
    """
    from statsmodels.datasets import randhie

    frame = randhie.load_pandas().data
    covariates = frame.drop(columns="mdvis")
    changed = (covariates != covariates.shift()).any(axis=1)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return table.append_column("row", pa.array(np.arange(len(frame)))).append_column(
        "person", pa.array(changed.cumsum().to_numpy())
    )


def _kinds(frame: pd.DataFrame) -> dict[str, ColumnKind]:
    return {str(name): physical_kind(frame[name].array) for name in frame.columns}


def _unreadable(source: DataSource, error: Exception) -> DataError:
    cause = str(error).splitlines()[0]
    told = DataError.because(
        f"{source.name} could not be read as {source.known_format}: {cause}",
        "The data are Parquet, CSV or Delta.",
        "Check the file, or say data.format.",
        path="/data/path",
    )
    assert isinstance(told, DataError)
    return told
