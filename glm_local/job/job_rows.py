"""Opening a job's rows: the source checked by its columns, then read with derived columns and the filter."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from glm_local.audit.event_entries import Entry
from glm_local.errors import DataError, EngineError, Problem
from glm_local.expressions.columns import ColumnKind
from glm_local.job.column_check import columns_read, derived_columns, key_words, raise_data, role_columns
from glm_local.job.config import TaskConfig
from glm_local.job.config_rules import flag
from glm_local.job.data_fingerprint import DataFingerprint
from glm_local.job.data_sources import DataSource
from glm_local.job.job_environment import JobEnvironment
from glm_local.validation.key_choice import COLUMN_OF, CONTENT, ROW_NUMBER, keyed_rows

Frame = TypeVar("Frame")


@dataclass(frozen=True)
class Table:
    """The source of a job's rows, checked by its columns only."""

    source: DataSource
    kinds: dict[str, ColumnKind]
    fingerprint: DataFingerprint


def open_table(
    config: TaskConfig,
    environment: JobEnvironment[Any],
    problems: Callable[[Mapping[str, ColumnKind]], Sequence[Problem]],
) -> Table:
    """Look at the source: its columns, what is wrong with them, then the fingerprint of its content.

    Raises
    ------
    DataError
        With every problem of the columns.
    """
    source = DataSource.of(config.data)
    kinds = dict(environment.columns(source))
    raise_data(problems(kinds), "the table against the configuration")
    return Table(source, kinds, environment.fingerprint(source))


def read_frame(
    config: TaskConfig, environment: JobEnvironment[Frame], table: Table, others: Collection[str] = ()
) -> Frame:
    """The rows that count, with derived columns; lazy where the engine is. `others` are columns read besides."""
    words = key_words(config, [*table.kinds, *derived_columns(config)])
    columns = [name for name in columns_read(config, table.kinds, others) if name not in words]
    frame = (
        _numbered(config, environment, table, columns)
        if ROW_NUMBER in words
        else environment.read(table.source, columns)
    )
    derived = derived_columns(config)
    if derived:
        frame = environment.engine.with_columns(frame, derived)
    if CONTENT in words:
        frame = keyed_rows(environment.engine, frame, CONTENT, role_columns(config))
    if config.data.where is not None:
        frame = environment.keep(frame, flag(config.data.where, "/data/where"))
    return frame


def _numbered(config: TaskConfig, environment: JobEnvironment[Frame], table: Table, columns: Sequence[str]) -> Frame:
    try:
        return environment.numbered(table.source, columns, COLUMN_OF[ROW_NUMBER])
    except EngineError as error:
        raise DataError([dataclasses.replace(one, path=config.key_path) for one in error.problems]) from error


def read_entry(config: TaskConfig, table: Table, others: Collection[str] = (), **more: object) -> Entry:
    """The event of having read rows."""
    columns = columns_read(config, table.kinds, others)
    return Entry(
        "data_read",
        "read",
        payload={
            "source": table.source.name,
            **more,
            "columns": {name: table.kinds[name] for name in columns},
            "derived": sorted(derived_columns(config)),
            **dataclasses.asdict(table.fingerprint),
        },
    )
