"""Which rows a sample takes: those whose key hashes low, the same on both engines and for any partitioning.

Keys fall into about a million buckets by MD5; buckets are taken from 0 up while the rows fit. Rows with one key stay
together, so a sample may hold fewer rows than asked (about a millionth of the table, or the size of a large key), never
more. Rows without a key are one key.
"""

from __future__ import annotations

import numpy as np

from glm_local.errors import ConfigError, nearest
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Compare, Expression, HashBucket, IfMissing, Literal, Read
from glm_local.rows.cells import CellRequest, DesignTable

BUCKETS = 1_048_576
KEY_KINDS = ("integer", "text", "boolean", "date")


def sample_bucket(key: str, seed: int) -> Expression:
    """Integer expression in [0, BUCKETS): where a row's key falls."""
    return HashBucket(IfMissing(Read(key, "text"), Literal("")), "sample", seed, BUCKETS)


def sample_request(bucket: Expression) -> CellRequest:
    """Ask for the rows of every bucket."""
    return CellRequest("sample", by={"bucket": bucket}, limit=BUCKETS)


def sample_filter(bucket: Expression, table: DesignTable, rows: int) -> Expression | None:
    """Flag of the rows taken, None when all are."""
    held = np.cumsum(table.rows)
    if not len(held) or held[-1] <= rows:
        return None
    taken = int(np.searchsorted(held, rows, side="right"))
    return Compare("<", bucket, Literal(int(table.keys["bucket"][taken])))


def checked_key(key: str, kinds: dict[str, ColumnKind]) -> None:
    """Refuse a key that cannot be hashed alike everywhere.

    Raises
    ------
    ConfigError
        No such column, or one of a kind without exact text.
    """
    if key not in kinds:
        raise ConfigError.because(
            f"{key!r} is not a column of the table.", "A sample's key is a column.", nearest(key, list(kinds))
        )
    if kinds[key] not in KEY_KINDS:
        raise ConfigError.because(
            f"Column {key!r} is {kinds[key]}.",
            "A key is integer, text, boolean or date, so that both engines hash the same text.",
            "Cast it first, or sample without a key.",
        )
