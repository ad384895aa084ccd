"""Strata: the combinations of some columns' values that occur, numbered, and a number looked up for each row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.errors import ConfigError
from glm_local.expressions.expression import Arithmetic, Expression, Literal, Lookup, Scalar
from glm_local.rows.cells import DesignTable
from glm_local.validation.group_columns import key_values

Counts = NDArray[np.int64]

MOST_COMBINATIONS = 2**62


@dataclass(frozen=True)
class Strata:
    """Numbered strata.

    Parameters
    ----------
    reads
        Stratum column to its expression.
    known
        Per column its values, rising; missing is a further one.
    members
        The strata that occur, in the order of their values (missing last), None for missing.
    numbers
        Mixed-radix number of each.
    """

    reads: Mapping[str, Expression]
    known: tuple[tuple[Any, ...], ...]
    members: tuple[tuple[Any, ...], ...]
    numbers: tuple[int, ...]

    @property
    def number(self) -> Expression:
        """Integer number of a row's stratum; 0 when there are no stratum columns."""
        total: Expression = Literal(0)
        for read, values in zip(self.reads.values(), self.known, strict=True):
            digit: Expression = Literal(0)
            if values:
                digit = Lookup(read, values, tuple(range(len(values))), len(values), None)
            total = Arithmetic("+", Arithmetic("*", total, Literal(len(values) + 1)), digit)
        return total

    def looked_up(self, outputs: Sequence[Scalar]) -> Expression:
        """One output per stratum, as an expression of a row; missing in a stratum that is not there."""
        return Lookup(self.number, self.numbers, tuple(outputs), None, None)


def strata_of(table: DesignTable, reads: Mapping[str, Expression]) -> tuple[Strata, Counts]:
    """The strata of a table's cells, and the position among them of every cell."""
    columns = [key_values(table, name) for name in reads]
    known = tuple(tuple(sorted({value for value in column if value is not None})) for column in columns)
    if math.prod(len(values) + 1 for values in known) > MOST_COMBINATIONS:
        raise ConfigError.because(
            f"the values of ({', '.join(reads)}) could be combined in more than 2^62 ways.",
            "Strata are numbered by their values.",
            "Name fewer columns.",
            path="strata",
        )
    numbers = np.zeros(len(table), dtype=np.int64)
    for column, values in zip(columns, known, strict=True):
        digit = {value: at for at, value in enumerate(values)} | {None: len(values)}
        numbers = numbers * (len(values) + 1) + np.array([digit[value] for value in column], dtype=np.int64)
    found, first, position = np.unique(numbers, return_index=True, return_inverse=True)
    members = tuple(tuple(column[at] for column in columns) for at in first.tolist())
    return Strata(dict(reads), known, members, tuple(found.tolist())), position.reshape(-1)
