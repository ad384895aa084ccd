"""Strata of a population that a sample has no row of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import pandas as pd

from glm_local.errors import ConfigError
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import Engine
from glm_local.validation.group_columns import group_reads, key_values

Frame = TypeVar("Frame")


def missing_strata(
    engine: Engine[Frame], population: Frame, sample: Frame, strata: str | Sequence[str]
) -> pd.DataFrame:
    """The strata of a population that a sample has no row of. One pass over each.

    Parameters
    ----------
    engine, population
        Who holds the rows, and the rows.
    sample
        Another frame of the engine with the stratum columns.
    strata
        Column or columns; a missing value is a value, numbers and their text are different values.

    Returns
    -------
    DataFrame
        The stratum columns and `rows`, the population's rows of the stratum; no line when none is missing.
    """
    there = _strata(engine, population, strata)
    if "rows" in there.keys:
        raise ConfigError.because(
            "a stratum column is named 'rows', as the count is.",
            "Columns of a table have different names.",
            "Rename it.",
            path="strata",
        )
    found = set(_members(_strata(engine, sample, strata)))
    lines = [
        (*member, int(rows)) for member, rows in zip(_members(there), there.rows, strict=True) if member not in found
    ]
    frame = pd.DataFrame(lines, columns=[*there.keys, "rows"], dtype=object)
    return frame.astype({"rows": "int64"})


def _strata(engine: Engine[Frame], frame: Frame, strata: str | Sequence[str]) -> DesignTable:
    request = CellRequest("strata", group_reads(strata, engine.columns(frame), "strata"))
    table = engine.cells(frame, [request])[request.name]
    assert table is not None  # only a request that allows overflow gets None
    return table


def _members(table: DesignTable) -> list[tuple[object, ...]]:
    columns = [key_values(table, name) for name in table.keys]
    return list(zip(*columns, strict=True)) if columns else [()]
