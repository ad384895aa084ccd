"""One pass over source rows that ends in small tables: what both engines run for `cells` and `quantiles`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

import pyarrow as pa

from glm_local.expressions.expression import Expression

Part = list[pa.Table | None]
"""What one partition answers; its tables have the same columns in every partition, None is an answer given up."""

Answer = TypeVar("Answer", covariant=True)


class RowPass(Protocol[Answer]):
    """A picklable record of what to evaluate per row and how the rows of a partition become small tables.

    The engine evaluates `expressions` and hands over tables whose columns are ``c0, c1, …`` in that order: int64,
    double (NaN and null are one missing), string, boolean or date32.
    """

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What to evaluate, in the order of the columns."""
        ...

    def summarise(self, batches: Iterable[pa.Table]) -> Part:
        """Sum up the rows of one partition."""
        ...

    @property
    def tables(self) -> int:
        """How many tables a partition answers."""
        ...

    def combine(self, at: int, tables: Iterable[pa.Table | None]) -> pa.Table | None:
        """Put several partitions' tables number `at` together into one of the same kind, in the order given."""
        ...

    def answer(self, part: Part) -> Answer:
        """What the tables of all rows say."""
        ...


class Positions:
    """Distinct expressions and the column each became, so that equal ones are evaluated once."""

    def __init__(self) -> None:
        self._positions: dict[str, int] = {}
        self._expressions: list[Expression] = []

    def of(self, expression: Expression) -> int:
        """Column number of an expression, a new one when it was not seen before."""
        # Literal(1), Literal(1.0) and Literal(True) are equal in Python but three types here; their text is not.
        text = repr(expression)
        if text not in self._positions:
            self._positions[text] = len(self._expressions)
            self._expressions.append(expression)
        return self._positions[text]

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """The distinct expressions, in order of their positions."""
        return tuple(self._expressions)


def column_name(position: int) -> str:
    """Name of the evaluated column at a position."""
    return f"c{position}"


def gather_rows(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Put small tables together until they have at least `rows` rows."""
    waiting: list[pa.Table] = []
    held = 0
    for table in tables:
        waiting.append(table)
        held += table.num_rows
        if held >= rows:
            yield pa.concat_tables(waiting)
            waiting, held = [], 0
    if held:
        yield pa.concat_tables(waiting)
