"""Fingerprint of a job's data: what it covers, said with it, and the same for both engines.

There is no cheap fingerprint of rows that is proof against tampering: sums can be kept while rows are changed. So files
are hashed as bytes as long as that takes seconds, and larger data are identified by what their format keeps of them;
`method` says which it was. A Delta table's version names its content because its files are never changed in place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from glm_local.errors import ConfigError, DataError
from glm_local.job.data_sources import DataSource, delta_rows, packaged_rows

BYTES_HASHED = 2 * 2**30
"""Files are hashed in full up to this size together."""

READ_AT_ONCE = 2**20


@dataclass(frozen=True)
class DataFingerprint:
    """What identifies the rows: the method and its SHA-256.

    Parameters
    ----------
    method
        "values": every value of every column. "bytes": every byte of every file. "footers": names, sizes and Parquet
        footers of files too large to read twice; a change that keeps all of them is not seen. "delta version": the
        table's id and version. "schema": only columns could be had; rows are not covered.
    sha256
        64 hexadecimal digits.
    """

    method: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.method}:{self.sha256}"


def data_fingerprint(source: DataSource) -> DataFingerprint:
    """Fingerprint of a packaged data set or of files on this machine.

    Raises
    ------
    DataError
        A file cannot be read.
    ConfigError
        It is a catalog table.
    """
    if source.kind == "dataset":
        return DataFingerprint("values", _table_digest(packaged_rows(source.name)))
    if source.kind == "table":
        raise ConfigError.because(
            f"table {source.name!r} has no files here.",
            "Only Spark has a catalog.",
            "Run the job by spark-submit.",
            path="/data/table",
        )
    source.require_files()
    if source.known_format == "delta":
        return _delta_version(source)
    files = sorted(_files(source.path))
    if sum(path.stat().st_size for _, path in files) <= BYTES_HASHED:
        return DataFingerprint("bytes", _digest(f"{name}\0{_bytes_digest(path)}" for name, path in files))
    return DataFingerprint(
        "footers", _digest(f"{name}\0{path.stat().st_size}\0{_footer_digest(path)}" for name, path in files)
    )


def _delta_version(source: DataSource) -> DataFingerprint:
    from deltalake import DeltaTable

    delta_rows(source)
    table = DeltaTable(source.path, version=source.version)
    return delta_fingerprint(str(table.metadata().id), table.version())


def delta_fingerprint(table_id: str, version: int) -> DataFingerprint:
    """Fingerprint of a Delta table's version, wherever it lies."""
    return DataFingerprint("delta version", _digest([table_id, str(version)]))


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """Name below the path and path of every file that holds rows; a single file's name does not count."""
    if path.is_file():
        yield "", path
        return
    for one in path.rglob("*"):
        inside = one.relative_to(path)
        if one.is_file() and not any(part.startswith(("_", ".")) for part in inside.parts):
            yield inside.as_posix(), one


def _bytes_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError.because(
            f"{path} cannot be read: {error.strerror}.", "Data are readable.", "Check its rights.", path="/data/path"
        ) from None


def _footer_digest(path: Path) -> str:
    try:
        footer = parquet.read_metadata(path).to_dict()
    except (pa.ArrowException, OSError):
        return _bytes_digest(path)
    return hashlib.sha256(repr(footer).encode()).hexdigest()


def _table_digest(table: pa.Table) -> str:
    digest = hashlib.sha256()
    for name in table.column_names:
        values = table[name].to_numpy()
        digest.update(f"{name}\0{values.dtype.str}\0{len(values)}\0".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def _digest(parts: Iterator[str] | list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8")).hexdigest()
