"""The exact split: keys in the order of their hash, cut where the fractions hold to the row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from glm_local.errors import DataError
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import AnyOf, Compare, Expression, Literal
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import Engine
from glm_local.validation.split import EXACT_BUCKETS, EXACT_RANKS, LearnedSplit, Split, exact_parts

Frame = TypeVar("Frame")
Counts = NDArray[np.int64]

FEW_KEYS = 10_000
RANKS = EXACT_BUCKETS * EXACT_RANKS
MOST_KEYS = 5_000_000
"""Keys in the two buckets around the cuts: some two thousandths of all."""


def learn_exact(engine: Engine[Frame], frame: Frame, split: Split, columns: Mapping[str, ColumnKind]) -> LearnedSplit:
    """Ranks at which train and validation end; one pass up to 10,000 keys, two beyond."""
    bucket, within = exact_parts(split.key, columns, split.seed)
    by = {"bucket": bucket, "within": within}
    coarse = CellRequest("buckets", {"bucket": bucket}, limit=EXACT_BUCKETS)
    answers = engine.cells(frame, [coarse, CellRequest("ranks", by, limit=FEW_KEYS, overflow="none")])
    buckets, ranks = answers["buckets"], answers["ranks"]
    assert buckets is not None  # only a request that allows overflow gets None
    reached = np.cumsum(buckets.rows)
    if not len(reached):
        raise DataError.because(
            "there is no row.", "An exact split counts rows.", "Look at the source and its filter.", path="/data"
        )
    shares = (split.fractions[0], split.fractions[0] + split.fractions[1])
    wanted = [math.floor(share * float(reached[-1]) + 0.5) for share in shares]
    if ranks is None:
        ranks = _around(engine, frame, by, [_bucket_of(buckets, reached, rows) for rows in wanted])
    cuts = [_cut(buckets, reached, ranks, rows) for rows in wanted]
    # With nothing behind a cut, later rows go before it too.
    first, second = (RANKS if share > 1 - 1e-9 else cut for share, cut in zip(shares, cuts, strict=True))
    return LearnedSplit(ranks=(first, second))


def _bucket_of(buckets: DesignTable, reached: Counts, rows: int) -> int:
    """The bucket in which so many rows are reached."""
    return int(buckets.keys["bucket"][min(int(np.searchsorted(reached, rows)), len(reached) - 1)])


def _around(engine: Engine[Frame], frame: Frame, by: Mapping[str, Expression], buckets: list[int]) -> DesignTable:
    here = AnyOf(tuple(Compare("==", by["bucket"], Literal(one)) for one in sorted(set(buckets))))
    table = engine.cells(frame, [CellRequest("ranks", by, where=here, limit=MOST_KEYS)])["ranks"]
    assert table is not None
    return table


def _cut(buckets: DesignTable, reached: Counts, ranks: DesignTable, rows: int) -> int:
    """The first rank beyond the keys whose rows are nearest to `rows`."""
    bucket = _bucket_of(buckets, reached, rows)
    place = int(np.searchsorted(buckets.keys["bucket"].astype(np.int64), bucket))
    here = ranks.keys["bucket"].astype(np.int64) == bucket
    below = int(reached[place - 1]) if place else 0
    held = np.concatenate([[below], below + np.cumsum(ranks.rows[here])])
    ends = np.concatenate([[0], ranks.keys["within"][here].astype(np.int64) + 1])
    return bucket * EXACT_RANKS + int(ends[int(np.argmin(np.abs(held - rows)))])
