"""What a split learns from rows: cut points in time, bounds per stratum; and the check of what it made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import DataError
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import IsMissing, Not, Read
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import Engine
from glm_local.validation.exact_split import learn_exact
from glm_local.validation.split import (
    SAMPLES,
    STRATIFIED,
    STRATUM_BUCKETS,
    LearnedSplit,
    Split,
    key_bucket,
    text_read,
)

Frame = TypeVar("Frame")

DISTINCT_TIMES = 1_000_000
STRATUM_CELLS = 5_000_000


@arguments_checked
def learn_split(engine: Engine[Frame], frame: Frame, split: Split) -> Split:
    """The split with its bounds learned, ready for `Split.sample`. One pass if something is to learn (exact: two).

    Time
        The cut is the distinct time whose cumulated share of rows is nearest to the fraction, so rows with equal time
        are never divided; more than a million distinct numbers are cut at the engine's quantiles.
    Exact
        Keys in the order of their hash are cut where the rows before are nearest to the fraction of all. Beyond 10,000
        keys that takes a second pass, over the rows around the cuts.
    Stratified
        Rows are counted per stratum and hash bucket (10,000 of them); bounds are put so that each stratum's counts
        are its fractions, rounded up or down by a hash of the stratum: off by less than one row and one bucket.
        A row's sample depends on its key and stratum only, not on the order or partitioning of rows.

    Raises
    ------
    DataError
        No row has a time or key, or equal times leave train or validation empty.
    """
    if not split.needs_learning:
        return split
    columns = engine.columns(frame)
    learn = {"time": _learn_time, "exact": learn_exact}.get(split.method, _learn_strata)
    return replace(split, learned=learn(engine, frame, split, columns))


@arguments_checked
def split_counts(engine: Engine[Frame], frame: Frame, split: Split) -> pd.DataFrame:
    """Rows per sample (and stratum), with the share of all: what the split did. One pass.

    Columns: the strata, sample (None: no key or time, the row is in no sample), rows, share (within the stratum).
    """
    columns = engine.columns(frame)
    keys = {name: text_read(name, columns, "/split/strata") for name in split.strata}
    request = CellRequest("split", {**keys, "sample": split.sample(columns)})
    table = _answer(engine, frame, request)
    frame_of = {name: _texts(table, name) for name in (*split.strata, "sample")}
    counts = pd.DataFrame({**frame_of, "rows": table.rows})
    order = {name: i for i, name in enumerate(SAMPLES)}
    counts = counts.sort_values("sample", key=lambda column: column.map(order), kind="stable")
    if split.strata:
        counts = counts.sort_values(list(split.strata), kind="stable")
        totals = counts.groupby(list(split.strata), dropna=False)["rows"].transform("sum")
    else:
        totals = pd.Series(counts["rows"].sum(), index=counts.index)
    return counts.assign(share=counts["rows"] / totals).reset_index(drop=True)


def _learn_time(engine: Engine[Frame], frame: Frame, split: Split, columns: Mapping[str, ColumnKind]) -> LearnedSplit:
    time = split.time_read(columns)
    request = CellRequest("times", {"time": time}, where=Not(IsMissing(time)), limit=DISTINCT_TIMES, overflow="none")
    table = engine.cells(frame, [request])["times"]
    shares = (split.fractions[0], split.fractions[0] + split.fractions[1])
    if table is None:
        found = engine.quantiles(frame, {"time": time}, shares)["time"]
        cuts: tuple[float | str, ...] = tuple(float(value) for value in found)
    else:
        cuts = _time_cuts(table, time, shares)
    if split.fractions[1] > 0 and cuts[0] == cuts[1]:
        raise DataError.because(
            f"time {cuts[0]!r} holds so many rows that validation would be empty.",
            "Rows with equal time stay together.",
            "Give cut_points, other fractions, or a finer time.",
            path="/split/column",
        )
    return LearnedSplit(cut_points=cuts)


def _time_cuts(table: DesignTable, time: Read, shares: tuple[float, float]) -> tuple[float | str, ...]:
    if not len(table):
        raise DataError.because(
            f"no row has a value of {time.column!r}.",
            "A time split needs times.",
            "Name another column.",
            path="/split/column",
        )
    reached = np.cumsum(table.rows) / table.rows.sum()
    values = table.keys["time"]
    cuts = [values[int(np.argmin(np.abs(reached - share)))] for share in shares]
    return tuple(float(cut) if time.kind == "number" else str(np.datetime64(cut, "D")) for cut in cuts)


def _learn_strata(engine: Engine[Frame], frame: Frame, split: Split, columns: Mapping[str, ColumnKind]) -> LearnedSplit:
    bucket = key_bucket(split.key, columns, STRATIFIED, split.seed, STRATUM_BUCKETS)
    keys = {f"stratum {i}": text_read(name, columns, "/split/strata") for i, name in enumerate(split.strata)}
    request = CellRequest("strata", {**keys, "bucket": bucket}, limit=STRATUM_CELLS)
    table = _answer(engine, frame, request)
    if not len(table):
        raise DataError.because(
            "there is no row.",
            "A stratified split counts the rows of every stratum.",
            "Look at the source and its filter.",
            path="/data",
        )
    texts = [_texts(table, name) for name in keys]
    values = tuple(tuple(sorted({text for text in column if text is not None})) for column in texts)
    number = np.zeros(len(table), dtype=np.int64)
    for column, known in zip(texts, values, strict=True):
        digit = {text: i for i, text in enumerate(known)} | {None: len(known)}
        number = number * (len(known) + 1) + np.array([digit[text] for text in column])
    return LearnedSplit(strata=values, bounds=tuple(_stratum_bounds(split, number, table)))


def _stratum_bounds(split: Split, number: NDArray[np.int64], table: DesignTable) -> Iterator[tuple[int, int, int]]:
    buckets = table.keys["bucket"].astype(np.int64)
    order = np.lexsort((buckets, number))
    starts = np.flatnonzero(np.diff(number[order], prepend=-1))
    for cells in np.split(order, starts[1:]):
        stratum = int(number[cells[0]])
        reached = np.concatenate([[0], np.cumsum(table.rows[cells])])
        ends = np.concatenate([[0], buckets[cells] + 1])
        draw = _draw(f"{STRATIFIED}|{split.seed}|{stratum}")
        shares = (split.fractions[0], split.fractions[0] + split.fractions[1])
        wanted = [np.floor(share * reached[-1] + draw + 1e-9) for share in shares]
        first, second = (int(ends[int(np.argmin(np.abs(reached - rows)))]) for rows in wanted)
        yield stratum, first, second


def _draw(text: str) -> float:
    # Rounding every small stratum the same way would give them all to train.
    return int.from_bytes(hashlib.md5(text.encode()).digest()[:4], "big") / 2**32


def _answer(engine: Engine[Frame], frame: Frame, request: CellRequest) -> DesignTable:
    table = engine.cells(frame, [request])[request.name]
    assert table is not None  # only a request that allows overflow gets None
    return table


def _texts(table: DesignTable, name: str) -> list[str | None]:
    missing = table.missing[name]
    return [None if gone else str(value) for value, gone in zip(table.keys[name], missing, strict=True)]
