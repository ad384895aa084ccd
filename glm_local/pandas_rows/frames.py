"""What the pandas engine accepts as a table, and how each becomes a pandas frame without losing a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.dataset as dataset

from glm_local.errors import DataError, EngineError, GlmError
from glm_local.pandas_rows.partition_folders import parquet_dataset
from glm_local.texts.places import require_path

FrameLike = Any
"""A pandas or polars frame, an Arrow table or stream, or the path of Parquet files, a CSV file or a Delta table."""


def as_frame(source: FrameLike, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the pandas frame the engine holds.

    A pandas frame stays as it is. Everything else goes through Arrow and keeps Arrow's types, so that integers with
    missing values, decimals and dates stay what they are, and nothing is copied that need not be.

    Parameters
    ----------
    source
        pandas or polars frame (lazy ones are collected), ``pyarrow.Table``, ``RecordBatch``, ``RecordBatchReader`` or
        dataset, or a path: a Parquet file, a folder of them (hive partitions are columns), a CSV file, a Delta table.
    columns
        Only these columns; None is all.

    Raises
    ------
    DataError
        The source is none of these, cannot be read, or its column names are not distinct text.

    Examples
    --------
    >>> as_frame(pa.table({"age": pa.array([18, None, 71])})).dtypes["age"]
    int64[pyarrow]
    """
    if isinstance(source, pd.DataFrame):
        frame = source if columns is None else source[list(columns)]
    else:
        table = arrow_table(source, columns)
        _distinct_names([str(name) for name in table.column_names])
        frame = table.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True, split_blocks=True)
    _distinct_names(list(frame.columns))
    return frame


def arrow_table(source: FrameLike, columns: Sequence[str] | None = None) -> pa.Table:
    """Return any source `as_frame` takes as an Arrow table; a pandas NaN stays NaN.

    Raises
    ------
    DataError
        The source is no table, or cannot be read.
    """
    if isinstance(source, pd.DataFrame):
        return _pandas_table(source if columns is None else source[list(columns)])
    if isinstance(source, str | PathLike):
        return _path_table(Path(source), columns)
    _check_not_spark(source)
    if hasattr(source, "collect") and hasattr(source, "collect_schema"):
        source = source.collect()
    if isinstance(source, pa.RecordBatchReader):
        source = source.read_all()
    elif isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    elif isinstance(source, dataset.Dataset):
        source = source.to_table(columns=None if columns is None else list(columns))
    elif not isinstance(source, pa.Table) and hasattr(source, "__arrow_c_stream__"):
        source = pa.table(source)
    if not isinstance(source, pa.Table):
        raise DataError.because(
            f"A {type(source).__module__}.{type(source).__name__} is not a table.",
            "The local engine takes pandas and polars frames, Arrow tables, paths of Parquet, CSV, Delta tables.",
            "Convert it, or import glm_spark for a Spark DataFrame.",
        )
    return source if columns is None else source.select(list(columns))


def _check_not_spark(source: object) -> None:
    """A Spark DataFrame offers itself as Arrow too, and would be collected without a word."""
    if any(kind.__module__.partition(".")[0] == "pyspark" for kind in type(source).__mro__):
        raise DataError.because(
            f"A {type(source).__module__}.{type(source).__name__} was given to glm_local.",
            "glm_local holds rows in memory; a Spark DataFrame stays on its cluster.",
            "Import the same name from glm_spark; or give frame.toPandas() if the rows are few.",
        )


def _pandas_table(frame: pd.DataFrame) -> pa.Table:
    _distinct_names(list(frame.columns))
    arrays = {}
    for name in frame.columns:
        series = frame[name]
        # from_pandas would turn NaN into null, which text and Decimal columns need and numbers do not.
        plain = isinstance(series.dtype, np.dtype) and series.dtype.kind in "iufb"
        arrays[name] = pa.array(series.to_numpy() if plain else series, from_pandas=not plain)
    return pa.table(arrays)


def is_delta(path: Path) -> bool:
    """Whether a path on this machine is a Delta table."""
    return (path / "_delta_log").is_dir()


def no_order(what: str) -> GlmError:
    """The refusal of a source whose rows may come in any order."""
    return EngineError.because(
        f"{what} has no order of rows.",
        "Row numbers need a stable order.",
        "Give the path of Parquet files, or name a column that identifies a row.",
    )


def _path_table(path: Path, columns: Sequence[str] | None) -> pa.Table:
    require_path(path, "frame")
    if not path.exists():
        raise DataError.because(f"{path} does not exist.", "A table's path is a file or a folder.", "Check the path.")
    wanted = None if columns is None else list(columns)
    table: pa.Table
    try:
        if is_csv(path):
            table = csv_table(path, "\t" if ".tsv" in path.name.lower() else ",")
            return table if wanted is None else table.select(wanted)
        if is_delta(path):
            from deltalake import DeltaTable

            table = DeltaTable(path).to_pyarrow_table(columns=wanted)
            return table
        return parquet_dataset(path).to_table(columns=wanted)
    except (pa.ArrowException, OSError, ValueError) as error:
        cause = str(error).splitlines()[0]
        raise DataError.because(
            f"{path} could not be read: {cause}",
            "Paths hold Parquet files, a CSV file or a Delta table.",
            "Name a CSV file .csv, or convert the file first.",
        ) from error


def is_csv(path: str | PathLike[str]) -> bool:
    """Whether a path names a CSV file: .csv, .tsv or .txt, compressed or not."""
    return str(path).lower().removesuffix(".gz").endswith((".csv", ".tsv", ".txt"))


def csv_table(path: str | PathLike[str], delimiter: str = ",") -> pa.Table:
    """Rows of a CSV file; Arrow tells the kinds of columns, the same on every engine. Empty texts are missing."""
    options = csv.ConvertOptions(strings_can_be_null=True)
    return csv.read_csv(path, parse_options=csv.ParseOptions(delimiter=delimiter), convert_options=options)


def _distinct_names(names: Sequence[object]) -> None:
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise DataError.because(
            f"Column name {wrong[0]!r} is a {type(wrong[0]).__name__}.",
            "Columns are named by text.",
            "Rename them, for example frame.columns = frame.columns.astype(str).",
        )
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        times = Counter(names)[twice[0]]
        raise DataError.because(f"Column {twice[0]!r} exists {times} times.", "Names are distinct.", "Rename one.")
