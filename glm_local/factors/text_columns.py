"""Columns of text that are read as something else: where no row holds such a value, they are text, and not missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from glm_local.errors import Problem
from glm_local.expressions.columns import ColumnKind, ReadKind
from glm_local.expressions.expression import Expression, IsMissing, Not, Read
from glm_local.expressions.expression_columns import columns_of
from glm_local.factors.factor_spec import FactorSpec, InteractionSpec, NumberSpec
from glm_local.factors.level_names import source_of
from glm_local.rows.cells import CellRequest
from glm_local.rows.engine import Engine, Frame
from glm_local.texts.counted import counted

NOUNS: Mapping[ReadKind, str] = {
    "number": "number",
    "integer": "whole number",
    "boolean": "flag",
    "date": "date (YYYY-MM-DD)",
    "text": "text",
}


def text_problems(
    engine: Engine[Frame],
    frame: Frame,
    specs: Sequence[FactorSpec],
    kinds: Mapping[str, ColumnKind],
    where: Expression | None = None,
    path: str = "/factors",
) -> list[Problem]:
    """Return a problem for every factor whose column is text that nowhere holds what the factor reads.

    Passes: one, and only where a factor reads numbers, flags or dates from a column of text.
    """
    asked = [one for one in _asked(specs) if kinds.get(one[2]) == "text"]
    if not asked:
        return []
    reads: dict[tuple[str, ReadKind], None] = {}
    for _, _, column, kind in asked:
        reads |= {(column, kind): None, (column, "text"): None}
    order = list(reads)
    sums: dict[str, Expression] = {f"read {at}": Not(IsMissing(Read(*one))) for at, one in enumerate(order)}
    table = engine.cells(frame, [CellRequest("text", sums=sums, where=where)])["text"]
    if table is None or not len(table):
        return []
    rows = {one: int(table.sums[f"read {at}"].sum()) for at, one in enumerate(order)}
    return [
        Problem(f"{path}/{at}/{field}", *_told(specs[at].name, column, kind, rows[column, "text"]))
        for at, field, column, kind in asked
        if rows[column, "text"] and not rows[column, kind]
    ]


def _asked(specs: Sequence[FactorSpec]) -> Iterator[tuple[int, str, str, ReadKind]]:
    """Place, field, column and kind of whatever factors read as something else than text."""
    for at, spec in enumerate(specs):
        if isinstance(spec, InteractionSpec):
            continue
        if isinstance(spec, NumberSpec):
            ((field, argument),) = spec.reads()
            reads: Mapping[str, ReadKind] = columns_of(argument)
        else:
            field, reads = "column", {str(spec.column): source_of(spec.document())}
        yield from ((at, field, column, kind) for column, kind in reads.items() if kind != "text")


def _told(name: str, column: str, kind: ReadKind, rows: int) -> tuple[str, str, str]:
    return (
        f"column {column!r} of factor {name!r} is text, which is no {NOUNS[kind]} on {counted(rows)}.",
        f"The factor reads a {NOUNS[kind]}.",
        'Take a categorical factor (source "text") for it, or name its column of numbers.'
        if kind in ("number", "integer")
        else 'Take a categorical factor (source "text") for it, or name another column.',
    )
