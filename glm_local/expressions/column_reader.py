"""Who holds the rows that expressions read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from glm_local.errors import DataError, nearest
from glm_local.expressions.columns import ColumnKind, ReadKind
from glm_local.expressions.read_array import physical_kind, read_array
from glm_local.expressions.values import Values


class ColumnReader(Protocol):
    """Whoever holds the rows: reads one column as one canonical kind."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        ...

    def read(self, column: str, kind: ReadKind) -> Values:
        """A column read by the rules of `READABLE`; DataError when it cannot be."""
        ...


@dataclass
class ArrayColumns:
    """A `ColumnReader` over a dict of arrays, Series or Arrow arrays; `kinds` may state physical kinds.

    Examples
    --------
    >>> from glm_local.expressions.evaluate import evaluate
    >>> from glm_local.expressions.expression import Bin, Read
    >>> import numpy as np
    >>> evaluate(Bin(Read("age"), (30.0,), (0, 1), None), ArrayColumns({"age": np.array([18, 30, 31])})).data
    array([0, 0, 1])
    """

    arrays: Mapping[str, Any]
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Length of the arrays."""
        return len(next(iter(self.arrays.values()), ()))

    def read(self, column: str, kind: ReadKind) -> Values:
        """A column of the dict, read."""
        if column not in self.arrays:
            hint = nearest(column, list(self.arrays))
            raise DataError.because(f"{column!r} is not a column of the table.", "", hint, path=column)
        values = self.arrays[column]
        return read_array(values, kind, self.kinds.get(column) or physical_kind(values), column)
