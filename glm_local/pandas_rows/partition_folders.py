"""Columns that folders named ``key=value`` stand for: integers where every value is written as one, else text.

"01", "1" and "007" are three codes; read as integers they would be two. So a folder's value is an integer only where
the name is the integer's own spelling, in every folder; dates and fractions stay text, which a factor reads as it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import dataset

PartitionKind = Literal["integer", "text"]
ABSENT = "__HIVE_DEFAULT_PARTITION__"
LARGEST = 2**63 - 1

_WHOLE = re.compile(r"-?[1-9][0-9]{0,18}|0")
_KINDS: Mapping[PartitionKind, pa.DataType] = {"integer": pa.int64(), "text": pa.string()}


def partition_kinds(paths: Iterable[str]) -> dict[str, PartitionKind]:
    """Column to kind, from the paths of a table's files below its own folder.

    Examples
    --------
    >>> partition_kinds(["area=01/year=2023/a.parquet", "area=1/year=2024/a.parquet"])
    {'area': 'text', 'year': 'integer'}
    """
    values: dict[str, set[str]] = {}
    for path in paths:
        for part in PurePosixPath(path).parts[:-1]:
            key, equal, value = part.partition("=")
            if equal and key:
                values.setdefault(unquote(key), set()).add(unquote(value))
    return {key: _kind(found - {ABSENT}) for key, found in values.items()}


def _kind(values: set[str]) -> PartitionKind:
    whole = all(_WHOLE.fullmatch(one) and abs(int(one)) <= LARGEST for one in values)
    return "integer" if values and whole else "text"


def parquet_dataset(path: Path) -> dataset.Dataset:
    """The Parquet files of a path, with the columns that its folders stand for."""
    plain = dataset.dataset(path, format="parquet")
    base = str(path) if path.is_dir() else ""
    kinds = partition_kinds(one.removeprefix(base) for one in plain.files)
    if not kinds:
        return plain
    schema = pa.schema([(key, _KINDS[kind]) for key, kind in kinds.items()])
    return dataset.dataset(path, format="parquet", partitioning=dataset.HivePartitioning(schema))
