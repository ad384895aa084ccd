"""Stratified samples: so many rows of every stratum, chosen by hash, with weights that restore its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.errors import ConfigError, EngineError, GlmError
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import AnyOf, Compare, Expression, Literal, When
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import Engine
from glm_local.sampling.allocation import allocate_fraction, allocate_size
from glm_local.validation.group_columns import group_reads
from glm_local.validation.row_key import COARSE, FINE, RowKey, content_key, given_key
from glm_local.validation.strata import Strata, strata_of

Frame = TypeVar("Frame")
Counts = NDArray[np.int64]

MOST_KEYS_AT_ONCE = 50_000
MOST_CELLS = 5_000_000
TIES = "__sample ties"
STRATUM = "__sample stratum"
WEIGHT = "__sample weight"
EVERYTHING = 2**62
COARSE_KEY, FINE_KEY = "__coarse", "__fine"


@dataclass(frozen=True)
class Draw(Generic[Frame]):
    """A sample as marks on the rows; each package takes the marked rows out in its own way.

    Parameters
    ----------
    marked
        The frame with `WEIGHT` (missing: not drawn), `STRATUM` (number) and `TIES`: 0, or how many of the stratum's
        rows with a positive mark are drawn; those rows are alike, so any of them will do.
    columns
        The frame's own columns.
    table
        The strata: stratum (its values), rows, asked, drawn, weight.
    has_ties
        Whether some mark in `TIES` is positive.
    """

    marked: Frame
    columns: tuple[str, ...]
    table: pd.DataFrame
    has_ties: bool


@dataclass(frozen=True)
class Cut:
    """Where one stratum's sample ends: the last rank drawn whole, and how many rows of which rank besides."""

    rank: int
    drawn: int
    tied: int = -1
    ties: int = 0


def draw_sample(
    engine: Engine[Frame],
    frame: Frame,
    strata: str | Sequence[str],
    *,
    size: int | None = None,
    fraction: float | None = None,
    min_per_stratum: int = 1,
    seed: int = 0,
    key: str | Sequence[str] | None = None,
    weight_column: str | None = "sample_weight",
) -> Draw[Frame]:
    """Mark the rows of a stratified sample.

    One pass over the rows up to 50,000 distinct keys, two beyond. See `glm_local.stratified_sample` for the meaning
    of the arguments.
    """
    columns = engine.columns(frame)
    _check_options(size, fraction, min_per_stratum, seed, weight_column, columns)
    reads = group_reads(strata, columns, "strata")
    rows = content_key(columns, seed) if key is None else given_key(key, columns, seed)
    keyed = frame
    for stage in rows.stages:
        keyed = engine.with_columns(keyed, stage)
    wanted = (size or 0, fraction, min_per_stratum)
    learned, counts, asked, cuts = _learn(engine, keyed, reads, rows, key is None, wanted)
    drawn = np.array([cut.drawn for cut in cuts], dtype=np.int64)
    weights = [float(held) / float(taken) if taken else None for held, taken in zip(counts, drawn, strict=True)]
    marked = engine.with_columns(keyed, _marks(learned, rows.rank, cuts, weights))
    table = pd.DataFrame(
        {
            "stratum": list(learned.members),
            "rows": counts,
            "asked": asked,
            "drawn": drawn,
            "weight": np.array(weights, dtype=np.float64),
        }
    )
    return Draw(marked, tuple(columns), table, any(cut.ties for cut in cuts))


Learned = tuple[Strata, Counts, Counts, list[Cut]]


def _learn(
    engine: Engine[Frame],
    frame: Frame,
    reads: Mapping[str, Expression],
    rows: RowKey,
    divisible: bool,
    asked: tuple[int, float | None, int],
) -> Learned:
    coarse = CellRequest("stratum buckets", {**reads, COARSE_KEY: rows.coarse}, limit=MOST_CELLS, overflow="none")
    by_key = {**reads, COARSE_KEY: rows.coarse, FINE_KEY: rows.fine}
    fine = CellRequest("stratum keys", by_key, limit=MOST_KEYS_AT_ONCE, overflow="none")
    answers = engine.cells(frame, [coarse, fine])
    table = answers[coarse.name] if answers[fine.name] is None else answers[fine.name]
    if table is None:
        raise _too_many_strata(reads)
    strata, position = strata_of(table, reads)
    counts = np.bincount(position, table.rows, len(strata.members)).astype(np.int64)
    wanted = _allocate(counts, *asked)
    below = np.zeros(len(counts), dtype=np.int64)
    if answers[fine.name] is None:
        first, below = _boundaries(position, table, wanted)
        first = np.where((wanted <= 0) | (wanted >= counts), -1, first)
        position, table = _second_pass(engine, frame, rows, strata, first)
    else:
        first = np.zeros(len(counts), dtype=np.int64)
    ranks = _ranks(table, first[position])
    cuts = [
        _cut(
            ranks[cells],
            table.rows[cells],
            int(wanted[at]),
            int(counts[at]),
            int(below[at]),
            int(first[at]) * FINE - 1,
            divisible,
        )
        for at, cells in enumerate(_cells_of(position, ranks, len(counts)))
    ]
    return strata, counts, wanted, cuts


def _allocate(counts: Counts, size: int, fraction: float | None, least: int) -> Counts:
    return allocate_size(counts, size, least) if fraction is None else allocate_fraction(counts, fraction, least)


def _boundaries(position: Counts, table: DesignTable, wanted: Counts) -> tuple[Counts, Counts]:
    """The bucket of every stratum in which its sample ends, and the rows in the buckets before."""
    buckets = np.zeros(len(wanted), dtype=np.int64)
    below = np.zeros(len(wanted), dtype=np.int64)
    coarse = table.keys[COARSE_KEY].astype(np.int64)
    for at, cells in enumerate(_cells_of(position, coarse, len(wanted))):
        reached = np.cumsum(table.rows[cells])
        end = min(int(np.searchsorted(reached, max(int(wanted[at]), 1))), len(cells) - 1)
        buckets[at] = coarse[cells[end]]
        below[at] = reached[end - 1] if end else 0
    return buckets, below


def _second_pass(
    engine: Engine[Frame], frame: Frame, rows: RowKey, strata: Strata, buckets: Counts
) -> tuple[Counts, DesignTable]:
    here = Compare("==", rows.coarse, strata.looked_up(buckets.tolist()))
    request = CellRequest("stratum cuts", {"stratum": strata.number, FINE_KEY: rows.fine}, {}, here, MOST_CELLS)
    table = engine.cells(frame, [request])[request.name]
    assert table is not None  # only a request that allows overflow gets None
    return np.searchsorted(np.array(strata.numbers), table.keys["stratum"].astype(np.int64)), table


def _ranks(table: DesignTable, bucket: Counts) -> Counts:
    coarse = table.keys[COARSE_KEY].astype(np.int64) if COARSE_KEY in table.keys else bucket
    return coarse * FINE + table.keys[FINE_KEY].astype(np.int64)


def _cells_of(position: Counts, order_by: Counts, strata: int) -> list[NDArray[np.intp]]:
    """The cells of every stratum, rising."""
    order = np.lexsort((order_by, position))
    return np.split(order, np.searchsorted(position[order], np.arange(1, strata)))[:strata]


def _cut(ranks: Counts, rows: Counts, wanted: int, held: int, below: int, before: int, divisible: bool) -> Cut:
    """Where to cut one stratum, `below` rows and all ranks up to `before` being drawn in any case."""
    if wanted >= held or wanted <= 0:
        return Cut(EVERYTHING, held) if wanted >= held else Cut(-1, 0)
    reached = below + np.cumsum(rows)
    at = int(np.searchsorted(reached, wanted))
    last, taken = (before, below) if at == 0 else (int(ranks[at - 1]), int(reached[at - 1]))
    if divisible and reached[at] > wanted:
        return Cut(last, wanted, int(ranks[at]), wanted - taken)
    if taken and wanted - taken < reached[at] - wanted:
        return Cut(last, taken)
    return Cut(int(ranks[at]), int(reached[at]))


def _marks(
    strata: Strata, rank: Expression, cuts: Sequence[Cut], weights: Sequence[float | None]
) -> dict[str, Expression]:
    nothing: dict[str, Expression] = {WEIGHT: Literal(None), STRATUM: Literal(0), TIES: Literal(0)}
    if not cuts:
        return nothing
    drawn: Expression = Compare("<=", rank, strata.looked_up([cut.rank for cut in cuts]))
    ties: Expression = Literal(0)
    if any(cut.ties for cut in cuts):
        tied = Compare("==", rank, strata.looked_up([cut.tied for cut in cuts]))
        ties = When(tied, strata.looked_up([cut.ties for cut in cuts]), ties)
        drawn = AnyOf((drawn, tied))
    weight = When(drawn, strata.looked_up(list(weights)), Literal(None))
    return {WEIGHT: weight, STRATUM: strata.number, TIES: ties}


def _check_options(
    size: int | None,
    fraction: float | None,
    least: int,
    seed: int,
    weight_column: str | None,
    columns: Mapping[str, ColumnKind],
) -> None:
    if (size is None) == (fraction is None):
        raise ConfigError.because(
            f"size is {size!r} and fraction is {fraction!r}.",
            "A sample has a size or a fraction.",
            "Give one of the two.",
            path="size",
        )
    if size is not None and not _whole_from(size, 1):
        raise ConfigError.because(f"size is {size!r}.", "A size is a whole number of rows.", "Write 10_000.", "size")
    if fraction is not None and not 0 < fraction <= 1:
        raise ConfigError.because(
            f"fraction is {fraction!r}.", "A fraction is above 0 and at most 1.", "Write 0.1 for a tenth.", "fraction"
        )
    if not _whole_from(least, 0):
        raise ConfigError.because(
            f"min_per_stratum is {least!r}.", "It is a whole number of rows.", "Leave it out for 1.", "min_per_stratum"
        )
    if not _whole_from(abs(seed) if isinstance(seed, int) else seed, 0):
        raise ConfigError.because(f"seed is {seed!r}.", "A seed is a whole number.", "0 is as good as any.", "seed")
    if weight_column is not None and weight_column in columns:
        raise ConfigError.because(
            f"the table has a column {weight_column!r} already.",
            "A sample overwrites nothing.",
            "Name another weight_column, or None for no weights.",
            path="weight_column",
        )


def _whole_from(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _too_many_strata(reads: Mapping[str, Expression]) -> GlmError:
    return EngineError.because(
        f"({', '.join(reads)}) makes too many strata to count in {COARSE} buckets each.",
        f"A sample of a large table has up to about {MOST_CELLS // COARSE:,} strata.",
        "Name fewer columns, or group their values first.",
        path="strata",
    )
