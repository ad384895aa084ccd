"""Cell requests and design tables: what to group by and sum, and the small table that comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.expression import Expression


@dataclass(frozen=True)
class CellRequest:
    """Group rows by some expressions and add up others.

    Parameters
    ----------
    name
        Key of the answer.
    by
        Name to expression of any type; a missing key is a group of its own. Empty: one cell of all rows.
    sums
        Name to ``number`` or ``integer`` expression; missing values add nothing (count them with a flag sum).
        A ``flag`` adds 1 where true.
    where
        Flag; only rows where it is true count.
    limit
        The most cells the answer may have; more is an `EngineError` naming the request, unless `overflow`.
    overflow
        "error", or "none": too many cells give None for this request and spare the others.
    """

    name: str
    by: Mapping[str, Expression] = field(default_factory=dict)
    sums: Mapping[str, Expression] = field(default_factory=dict)
    where: Expression | None = None
    limit: int = 1_000_000
    overflow: str = "error"


@dataclass(frozen=True)
class DesignTable:
    """One row per distinct combination of keys, sorted by them (missing last), with row counts and sums.

    Parameters
    ----------
    keys
        Name to array of cells: int64, float64, bool or object (text); missing is marked in `missing`.
    missing
        Name to boolean array, True where that key is missing.
    rows
        Number of rows per cell, int64.
    sums
        Name to float64 array.
    """

    keys: Mapping[str, NDArray[np.generic]]
    missing: Mapping[str, NDArray[np.bool_]]
    rows: NDArray[np.int64]
    sums: Mapping[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.rows)
