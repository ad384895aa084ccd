"""The store: who keeps the audit's tables, appends to them safely, reads them and tells their history."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from glm_local.audit.seal_keys import Signer


@dataclass(frozen=True)
class Guard:
    """Makes racing appends collide: of all appends of one `app`, only one can carry a `version`, and versions rise.

    It is written as Delta's transaction action. Two commits that carry the same `app` conflict in both writers, which
    two plain appends do not; and a commit whose `version` is not above the last one is refused. A writer that numbers
    its append by its first row, counted from what it has read, appends right behind what it read or not at all.
    """

    app: str
    version: int


@dataclass(frozen=True)
class Commit:
    """One line of a table's history."""

    version: int
    at: datetime.datetime
    operation: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    metadata: str = ""
    """The commit's userMetadata."""


@dataclass(frozen=True)
class TableState:
    """What a table's metadata says now."""

    version: int
    protocol: tuple[int, int]
    properties: Mapping[str, str]
    columns: tuple[str, ...]


class TableFiles(Protocol):
    """The store's files as bytes, where they can be reached; seals are small texts beside the tables.

    `sees_hidden` says whether names beginning with a dot or underscore are listed.
    """

    sees_hidden: bool

    def names(self, folder: str) -> list[str]:
        """Paths of files directly in `folder`, relative to the store; empty when it is not there."""
        ...

    def texts(self, names: Sequence[str]) -> dict[str, str]:
        """Path to text, of those that are there; bytes that are not UTF-8 become U+FFFD."""
        ...

    def digests(self, names: Sequence[str]) -> dict[str, str]:
        """Path to SHA-256 of the bytes, of those that are there."""
        ...

    def write_seal(self, name: str, text: str) -> None:
        """Write ``_seals/<name>`` when it is not there yet."""
        ...

    def seal_names(self) -> list[str]:
        """Names of every seal; they sort by time."""
        ...

    def read_seals(self, names: Sequence[str]) -> dict[str, str]:
        """Name to text of seals, of those that are there."""
        ...


class Store(Protocol):
    """Appends to and reads the tables of `audit_rows.TABLES`; both writers read what the other wrote.

    `files` is None where only table names are known and files are out of reach. `signer` signs the seals; None leaves
    it to the environment.
    """

    location: str
    files: TableFiles | None
    signer: Signer | None

    def ensure(self, *tables: str) -> None:
        """Create the tables that are not there (all of them when none is named), each with its rules in one commit."""
        ...

    def append(self, table: str, rows: pa.Table, guard: Guard) -> bool:
        """Append in one commit. False, and nothing written, when another append took the guard's version.

        Raises
        ------
        StoreError
            When the rows break the table's rules, or the table cannot be written.
        """
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Hold the place's write lock for several calls, so that what is read stays true until it is appended to.

        Where there is no lock (an object store) nothing is held, and guards alone decide.
        """
        ...

    def read(
        self,
        table: str,
        where: Mapping[str, str] | None = None,
        columns: Sequence[str] | None = None,
        above: Mapping[str, int] | None = None,
    ) -> pa.Table:
        """Rows whose text columns equal `where` and whose integer columns are greater than `above`, in no order.

        None when the table is not there.

        Raises
        ------
        StoreError
            When a file cannot be read; the message names it.
        """
        ...

    def history(self, table: str) -> list[Commit]:
        """The table's commits, oldest first; none when the table is not there."""
        ...

    def state(self, table: str) -> TableState | None:
        """The table's metadata, None when it is not there."""
        ...

    def mark(self, table: str, app: str) -> int | None:
        """The last guard version of `app` in the table's log, None when there is none or the log is out of reach."""
        ...
