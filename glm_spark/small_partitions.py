"""Many small partitions of a table: their rows meet in a few before they reach Python.

A task of Python takes 10 to 25 ms whatever it holds. Rows meet in the JVM: a task reads many partitions, and every row
goes where its own number sends it, so that neither the task that read it nor its time changes what lies where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from pyspark.sql import DataFrame

from glm_local.contract.engine import PassCounter
from glm_local.contract.sql import quote_identifier
from glm_spark.block_layout import Packed, partitions_wanted, placed
from glm_spark.session import is_connect

SMALL_ROWS = 10_000
"""Rows of a partition, on average, whose way through a shuffle takes as long as a task of Python."""

SMALL_BYTES = 4 * 2**20
"""Bytes of a partition, on average, up to which rows are counted before the first pass."""

READERS, READER_ROWS = 64, 262_144
"""Tasks that read the partitions: so many at least, more where they would have more rows than that."""

AT, ROW_BITS = "(number of a row)", 33
"""What `monotonically_increasing_id` numbers: the partition, above that many bits the row in it."""

MOST_NODES = 64
PASSING = ("Project", "Filter", "Union", "ColumnarToRow")
SCANS, CACHED = ("Scan ", "Range", "LocalTableScan"), "InMemoryTableScan"

_known: WeakKeyDictionary[DataFrame, tuple[Packed, ...]] = WeakKeyDictionary()
_plans: WeakKeyDictionary[DataFrame, tuple[int, int]] = WeakKeyDictionary()


def learn_partitions(frame: DataFrame, partitions: Sequence[Packed]) -> None:
    """Keep in mind how many rows each partition of a frame holds."""
    _known[frame] = tuple(partitions)


def pass_on(frame: DataFrame, derived: DataFrame) -> DataFrame:
    """Let another frame of the same rows have its partitions known too."""
    if frame in _known:
        _known[derived] = _known[frame]
    return derived


def partitions_of(frame: DataFrame, enough: int, passes: PassCounter) -> tuple[Packed, ...] | None:
    """Rows of each partition where a pass has seen them, or None.

    Where the plan says, without running, that there are more than `enough` and that they are small, their rows are
    counted: a pass in the JVM that reads no column.
    """
    if frame not in _known:
        partitions, size = _planned(frame)
        if partitions > enough and size <= partitions * SMALL_BYTES:
            passes.record("cells", "rows of each partition")
            learn_partitions(frame, _counted(frame, partitions))
    return _known.get(frame)


def gathered_into(partitions: Sequence[Packed], enough: int) -> int | None:
    """Return how many partitions many small ones become; None where rows stay where they are.

    Examples
    --------
    >>> gathered_into([Packed(at, 1_000) for at in range(1_000)], 32)
    8
    >>> gathered_into([Packed(at, 50_000) for at in range(1_000)], 32)
    >>> gathered_into([Packed(at, 1_000) for at in range(20)], 32)
    """
    if sum(one.rows for one in partitions) > len(partitions) * SMALL_ROWS:
        return None
    wanted = partitions_wanted(partitions, enough)
    return None if wanted is None or len(partitions) <= max(enough, 2 * wanted) else wanted


def gathered_rows(rows: DataFrame, partitions: Sequence[Packed] | None, enough: int) -> DataFrame:
    """Return `rows`, read from a frame of these partitions, in few even ones where those are many and small.

    Rows keep their order. Some of the frame's rows may be left out.
    """
    wanted = None if partitions is None else gathered_into(partitions, enough)
    if partitions is None or wanted is None:
        return rows
    names = [quote_identifier(name) for name in rows.columns]
    numbered = rows.selectExpr("*", f"monotonically_increasing_id() AS `{AT}`").coalesce(_readers(partitions))
    parted = numbered.selectExpr(
        "*", f"CAST(shiftright(`{AT}`, {ROW_BITS}) AS int) AS partition", f"`{AT}` & {2**ROW_BITS - 1} AS before"
    )
    met = placed(parted, partitions, wanted).repartitionById(wanted, "target")  # type: ignore[arg-type]
    return met.sortWithinPartitions(AT).selectExpr(*names)


def _readers(partitions: Sequence[Packed]) -> int:
    return max(READERS, sum(one.rows for one in partitions) // READER_ROWS)


def _counted(frame: DataFrame, partitions: int) -> list[Packed]:
    numbered = frame.selectExpr("spark_partition_id() AS partition").coalesce(READERS)
    found: Any = numbered.groupBy("partition").count().toArrow()
    rows = dict.fromkeys(range(partitions), 0)
    rows |= dict(zip(found["partition"].to_pylist(), found["count"].to_pylist(), strict=True))
    return [Packed(*one) for one in rows.items()]


def _planned(frame: DataFrame) -> tuple[int, int]:
    """Partitions and bytes of a frame that is scanned or cached; (0, 0) where only running it would tell."""
    found = _plans.get(frame, (0, 0))
    if not found[0] and not is_connect(frame):
        found = _plans[frame] = _read_plan(frame)
    return found


def _read_plan(frame: Any) -> tuple[int, int]:
    try:
        query = frame._jdf.queryExecution()
        partitions = sum(_scanned(query.sparkPlan()))
        return partitions, int(str(query.optimizedPlan().stats().sizeInBytes()))
    except Exception:  # clusters that let nobody look at plans, plans of other makers
        return 0, 0


def _scanned(plan: Any) -> list[int]:
    """Partitions of every scan of a plan that leaves them as they are."""
    found: list[int] = []
    waiting = [plan]
    while waiting:
        node = waiting.pop()
        name, below = node.nodeName(), node.children()
        if name in PASSING and len(found) + len(waiting) + below.size() <= MOST_NODES:
            waiting.extend(below.apply(at) for at in range(below.size()))
        elif name.startswith(SCANS) or (name == CACHED and _is_loaded(node)):
            found.append(node.execute().getNumPartitions())
        else:
            return []
    return found


def _is_loaded(cached: Any) -> bool:
    return bool(cached.relation().cacheBuilder().isCachedColumnBuffersLoaded())
