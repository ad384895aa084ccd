"""A folder of one's own for what an analysis leaves behind: parameters, metrics, tables, reports."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import io
import itertools
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
import pandas as pd

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import ConfigError
from glm_local.texts.places import require_path
from glm_local.texts.plain_json import plain_json
from glm_local.texts.read_json import DEEPEST, is_deeper, read_json
from glm_local.texts.safe_cell import safe_cell, safe_table
from glm_local.texts.whole_file import write_whole

TableFormat = Literal["csv", "parquet"]

PLAIN_NAME = re.compile(r"\w[\w .,%()=+~-]*")
LONGEST_NAME = 200
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
SUFFIXES = {"json": ".json", "csv": ".csv", "parquet": ".parquet"}


@arguments_checked
class RunFolder:
    """A new folder ``<base>/<UTC time>_<name>``, never one that another run has.

    Parameters
    ----------
    base
        Where run folders are; made when it is not there.
    name
        What the run is; anything, shortened to letters, digits and ``_`` in the folder's name.

    Examples
    --------
    >>> import tempfile
    >>> base = tempfile.mkdtemp()
    >>> run, twin = RunFolder(base, "unit test"), RunFolder(base, "unit test")
    >>> run.path == twin.path
    False
    >>> run.log_metrics({"gini": float("nan"), "rows": 3}).name, run.read("metrics")
    ('metrics.json', {'gini': None, 'rows': 3})
    """

    def __init__(self, base: str | Path = "runs", name: str | None = None) -> None:
        require_path(base, "base")
        self.path = _new_folder(Path(base), name or "run")

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """A run's folder that is there already, to read from or to add to.

        Raises
        ------
        ConfigError
            There is no such folder.
        """
        folder = Path(path)
        if not folder.is_dir():
            raise ConfigError.because(
                f"{folder} is not a folder.", "A run is a folder.", "Give the path that RunFolder made.", path="path"
            )
        opened = cls.__new__(cls)
        opened.path = folder
        return opened

    def log_json(self, name: str, value: object) -> Path:
        """Write a value as strict JSON: keys sorted, NaN and infinities null, dates and paths as text.

        Raises
        ------
        ConfigError
            The name leads out of the folder, or the value holds something JSON has no form for.
        """
        if is_deeper(value):
            raise ConfigError.because(
                f"{name!r} is nested deeper than {DEEPEST} levels, or in itself.",
                "JSON is read to that depth.",
                "Log its parts.",
                path="name",
            )
        text = json.dumps(_strict(value, name), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return self._write(name, "json", f"{text}\n".encode())

    def log_table(self, name: str, table: pd.DataFrame, format: TableFormat = "csv") -> Path:  # noqa: A002
        """Write a small table.

        A CSV is for people and spreadsheets: text that a spreadsheet would run as a formula has an apostrophe in
        front. A Parquet file comes back as it went in.

        Raises
        ------
        ConfigError
            The name leads out of the folder, or `table` is no pandas frame.
        """
        if not isinstance(table, pd.DataFrame):
            raise ConfigError.because(
                f"{name!r} is a {type(table).__name__}.",
                "A run's tables are small pandas frames.",
                "Aggregate a large frame first (aggregate_table).",
                path=name,
            )
        if format == "parquet":
            buffer = io.BytesIO()
            table.to_parquet(buffer, index=False)
            return self._write(name, format, buffer.getvalue())
        if format != "csv":
            raise ConfigError.because(f"format is {format!r}.", "Tables are csv or parquet.", "Write one.", "format")
        return self._write(name, format, safe_table(table).to_csv(index=False, lineterminator="\n").encode())

    def log_params(self, params: Mapping[str, object]) -> Path:
        """Write ``params.json``."""
        return self.log_json("params", params)

    def log_metrics(self, metrics: Mapping[str, object]) -> Path:
        """Write ``metrics.json``."""
        return self.log_json("metrics", metrics)

    def log_report(self, prefix: str, report: Any, format: TableFormat = "csv") -> list[Path]:  # noqa: A002
        """Write every table of a report as ``<prefix>_<table>``.

        `report` is a mapping of names to tables, or anything with `tables()` (a `ValidationReport`). Names come from
        data: what a file name cannot hold is percent-encoded.
        """
        tables = report if isinstance(report, Mapping) else report.tables()
        return [self.log_table(f"{prefix}_{encoded(name)}", table, format) for name, table in tables.items()]

    def names(self) -> list[str]:
        """Names of the run's files."""
        return sorted(one.name for one in self.path.iterdir() if one.is_file() and not one.name.startswith("."))

    def read(self, name: str) -> Any:
        """What was logged under a name (with or without its ending): a JSON value or a table.

        Tables come back from Parquet as they went in, from CSV as text and numbers, apostrophes taken off.

        Raises
        ------
        ConfigError
            The name leads out of the folder, or nothing, or more than one thing, has it.
        """
        stem, ending = os.path.splitext(name)
        kinds = [kind for kind, suffix in SUFFIXES.items() if suffix == ending]
        whole = name if not kinds else stem
        paths = {kind: self._place(whole, kind) for kind in kinds or SUFFIXES}
        found = {kind: path for kind, path in paths.items() if path.is_file()}
        if len(found) != 1:
            said = "is not in the run" if not found else f"is {' and '.join(path.name for path in found.values())}"
            raise ConfigError.because(
                f"{name!r} {said}.",
                "A name stands for one file.",
                f"The run has {', '.join(self.names()) or 'none'}.",
                path="name",
            )
        ((kind, path),) = found.items()
        return _READERS[kind](path)

    def _write(self, name: str, kind: str, content: bytes) -> Path:
        path = self._place(name, kind)
        write_whole(path, content)
        return path

    def _place(self, name: str, kind: str) -> Path:
        if not _is_plain(name):
            raise ConfigError.because(
                f"{name!r} is no name of a file in the run's folder.",
                "A name begins with a letter, digit or _ and goes on with these, spaces and . - , % ( ) = + ~.",
                "Choose such a name; the ending is added.",
                path="name",
            )
        suffix = SUFFIXES[kind]
        return self.path / (name if name.endswith(suffix) else f"{name}{suffix}")


def encoded(name: str) -> str:
    """A name from the data as the end of a file name: percent-encoded; a long one is cut and ends in its hash.

    Examples
    --------
    >>> encoded("actual_expected/Größe"), encoded("../x")
    ('actual_expected%2FGr%C3%B6%C3%9Fe', '..%2Fx')
    """
    text = quote(name, safe=" ,()=+", errors="backslashreplace")
    if len(text) > LONGEST_NAME // 2:
        digest = hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()
        text = f"{text[: LONGEST_NAME // 2]}~{digest[:12]}"
    return f"{text[:-1]}%{ord(text[-1]):02X}" if text.endswith((" ", ".")) else text


def _is_plain(name: object) -> bool:
    if not isinstance(name, str) or not PLAIN_NAME.fullmatch(name):
        return False
    if len(name.encode("utf-8", "replace")) > LONGEST_NAME:
        return False
    return name.partition(".")[0].strip().lower() not in RESERVED and not name.endswith((" ", "."))


def _new_folder(base: Path, name: str) -> Path:
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d_%H%M%S")
    slug = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")[:60] or "run"
    base.mkdir(parents=True, exist_ok=True)
    for count in itertools.count(1):
        path = base / (f"{now}_{slug}" if count == 1 else f"{now}_{slug}_{count}")
        try:
            path.mkdir()  # making it is the test: of two runs in one second only one succeeds
        except FileExistsError:
            continue
        return path
    raise AssertionError("counting ended")


def _strict(value: object, name: str) -> object:
    """The value made of what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    value = plain_json(value)
    if isinstance(value, Mapping):
        return {str(key): _strict(one, name) for key, one in value.items()}
    if isinstance(value, list):
        return [_strict(one, name) for one in value]
    if isinstance(value, set | frozenset):
        return [_strict(one, name) for one in sorted(value, key=str)]
    return _strict_scalar(value, name)


def _strict_scalar(value: object, name: str) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if value is pd.NaT or value is pd.NA or (isinstance(value, np.datetime64) and np.isnat(value)):
        return None
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise ConfigError.because(
        f"{name!r} holds a {type(value).__name__}.",
        "JSON has text, numbers, true, false, null, lists and objects.",
        "Log a table by log_table; turn other things into these first.",
        path=name,
    )


def _read_json(path: Path) -> object:
    try:
        return read_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError.because(
            f"{path.name} cannot be read: {error}.",
            "A run's JSON is what log_json wrote.",
            "Take the file it wrote.",
            path="name",
        ) from None


def _read_csv(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    for name in table.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]]:
        table[name] = [_unprotected(value) for value in table[name]]
    return table.rename(columns=_unprotected)


def _unprotected(value: Any) -> Any:
    bare = value[1:] if isinstance(value, str) and value.startswith("'") else value
    return bare if safe_cell(bare) == value else value


_READERS: dict[str, Any] = {"json": _read_json, "csv": _read_csv, "parquet": pd.read_parquet}
