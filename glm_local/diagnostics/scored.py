"""What diagnostics are asked about: target, prediction, exposure, weight and sample, as columns or expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import pandas as pd

from glm_local.errors import ConfigError, DataError, nearest
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression, Read
from glm_local.expressions.expression_columns import columns_of
from glm_local.families.families import Family, family_from
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import Engine
from glm_local.scoring.compile_score import role_expression
from glm_local.validation.scored_rows import ALL, ONE, ScoredRows

Frame = TypeVar("Frame")
Column = str | Expression | Mapping[str, Any]
"""A column name, an expression, or an expression's document."""
FamilyLike = Family | str | Mapping[str, object]

WRONG_FAMILY = "target outside the family"


def column_expression(column: Column, role: str) -> Expression:
    """A column as an expression; a name is read as a number."""
    return role_expression(column, f"/{role}") if isinstance(column, (str, Mapping)) else column


def known_columns(expression: Expression, columns: Mapping[str, ColumnKind], role: str) -> Expression:
    """The expression, if the table has every column it reads.

    Raises
    ------
    ConfigError
        It reads a column that is not there.
    """
    for name in columns_of(expression):
        if name not in columns:
            raise ConfigError.because(
                f"{name!r} is not a column of the table.",
                f"The {role} is made of the table's columns.",
                nearest(name, list(columns)),
                path=role,
            )
    return expression


def number_role(column: Column, columns: Mapping[str, ColumnKind], role: str) -> Expression:
    """A role's number expression, its columns checked."""
    return known_columns(column_expression(column, role), columns, role)


def sample_role(sample: Column | None, columns: Mapping[str, ColumnKind]) -> Expression:
    """The text that names a row's sample; "all" for None."""
    if sample is None:
        return ALL
    named = Read(sample, "text") if isinstance(sample, str) else column_expression(sample, "sample")
    return known_columns(named, columns, "sample")


def scored_rows(
    columns: Mapping[str, ColumnKind],
    *,
    target: Column,
    prediction: Column,
    family: FamilyLike,
    exposure: Column | None = None,
    weight: Column | None = None,
    sample: Column | None = None,
) -> ScoredRows:
    """The roles of a scored table, checked against its columns."""
    return ScoredRows(
        family_from(family),
        number_role(target, columns, "target"),
        number_role(prediction, columns, "prediction"),
        ONE if exposure is None else number_role(exposure, columns, "exposure"),
        ONE if weight is None else number_role(weight, columns, "weight"),
        sample_role(sample, columns),
    )


def left_out(excluded: pd.DataFrame, family: Family) -> dict[str, int]:
    """Rows that no table counts, by reason.

    Raises
    ------
    DataError
        Some targets do not exist in the family: then the family is not the target's.
    """
    counts = {str(reason): int(rows) for reason, rows in excluded.groupby("reason", sort=False)["rows"].sum().items()}
    if WRONG_FAMILY in counts:
        raise DataError.because(
            f"{counts[WRONG_FAMILY]:,} rows have a target that the {family} family does not have.",
            "A deviance is measured by the family of the target.",
            'Give the model\'s family ("gaussian" takes any number), or leave those rows out first.',
            path="family",
        )
    return counts


def answered(engine: Engine[Frame], frame: Frame, requests: list[CellRequest]) -> dict[str, DesignTable]:
    """The tables of requests that allow no overflow."""
    return {name: table for name, table in engine.cells(frame, requests).items() if table is not None}
