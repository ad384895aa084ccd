"""A table's partitions decide neither its numbers nor what reaches the driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from glm_local.expressions.expression import Read
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.rows.blocks import BlockDesign, Field, Sums
from glm_local.rows.cells import CellRequest
from glm_local.testing.code_counts import CodeCounts, hostile_rows
from glm_local.testing.engine_answers import caught, known, some_design

pytest.importorskip("pyspark")

from glm_spark.answer_tree import Merging
from glm_spark.block_layout import Packed, partitions_wanted
from glm_spark.spark_engine import SparkEngine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MANY = 50
LOW = Merging(fan_in=6, parts=8)


@dataclass
class Arrived:
    """Answers and their bytes that came to the driver."""

    answers: list[int] = field(default_factory=list)
    size: list[int] = field(default_factory=list)


@contextmanager
def arriving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Arrived]:
    from pyspark.sql.classic.dataframe import DataFrame as Classic

    arrived, plain = Arrived(), Classic.toArrow

    def counted(frame: Any) -> Any:
        table = plain(frame)
        if "answer" in table.column_names:
            arrived.answers.append(table.num_rows - table["answer"].null_count)
            arrived.size.append(table["answer"].nbytes)
        return table

    with monkeypatch.context() as patched:
        patched.setattr(Classic, "toArrow", counted)
        yield arrived


def divided(spark: SparkSession, rows: int, partitions: int) -> DataFrame:
    return spark.createDataFrame(hostile_rows(rows)).repartition(partitions, "key")


def assert_alike(some: Sums, others: Sums) -> None:
    for one, other in zip(some, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_many_tiny_partitions_give_the_sums_of_few_and_the_driver_sees_few_answers(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = some_design()
    near = PandasEngine().blocks(hostile_rows(2_000), design).sum(CodeCounts(design), "near")
    blocks = SparkEngine(spark, merging=LOW).blocks(divided(spark, 2_000, MANY), design)
    with arriving(monkeypatch) as arrived:
        sums = [blocks.sum(CodeCounts(design), "far") for _ in range(2)]
    for one in sums:
        assert_alike(one, near)
    assert max(arrived.answers) <= LOW.parts
    assert arrived.answers[-1] == 1, "2,000 rows are one block, whatever partitions they came in"
    blocks.close()


def test_sums_of_heavy_answers_meet_on_executors(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    design, heavy = some_design(), Merging(fan_in=3, parts=32, size=2_000)
    near = PandasEngine().blocks(hostile_rows(600), design).sum(CodeCounts(design), "near")
    blocks = SparkEngine(spark, merging=heavy).blocks(divided(spark, 600, 10), design)
    with arriving(monkeypatch) as arrived:
        sums = [blocks.sum(CodeCounts(design), "far") for _ in range(2)]
    for one in sums:
        assert_alike(one, near)
    assert max(arrived.answers) <= 2
    blocks.close()


def test_one_huge_partition_among_small_ones_is_divided_by_rows(spark: SparkSession) -> None:
    rows, design = 300_000, BlockDesign((Field("g", Read("g", "integer"), 7),), Read("y"))
    frame = spark.range(rows).coalesce(1).union(spark.range(rows, rows + 3, 1, 3))
    blocks = SparkEngine(spark).blocks(frame.selectExpr("id % 7 AS g", "CAST(id AS double) AS y"), design)
    ids = np.arange(rows + 3)
    for _ in range(2):
        counts, totals, _ = blocks.sum(CodeCounts(design), "sums")
        assert counts.tolist() == np.bincount(ids % 7).tolist()
        assert totals[:2].tolist() == [rows + 3, ids.sum()]
    assert blocks._kept.frame is not None
    held = blocks._kept.frame.where("size IS NOT NULL").select("before").toArrow()["before"].to_pylist()
    assert len(held) == 4
    assert max(held) <= rows / 4 + 65_536
    blocks.close()


def test_partitions_that_do_not_know_their_numbers_stay_where_they_are() -> None:
    assert partitions_wanted([Packed(0, 500) for _ in range(100)], 32) is None
    assert partitions_wanted([Packed(at, 500) for at in range(100)], 32) == 1


def test_many_tiny_partitions_give_the_cells_and_quantiles_of_few(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, frame = hostile_rows(2_000), divided(spark, 2_000, MANY)
    requests = [
        CellRequest("c", {"t": Read("t", "text"), "x": Read("x")}, {"amount": Read("amount")}),
        CellRequest("total", {}, {"amount": Read("amount")}),
    ]
    cuts = ({"a": Read("amount"), "x": Read("x")}, [0.1, 0.5, 0.99], Read("w"))
    near, far = PandasEngine(), SparkEngine(spark, merging=LOW)
    with arriving(monkeypatch) as arrived:
        cells, quantiles = far.cells(frame, requests), far.quantiles(frame, *cuts)
    for name, one in near.cells(table, requests).items():
        assert known(cells, name).rows.tolist() == one.rows.tolist()  # type: ignore[union-attr]
        np.testing.assert_allclose(known(cells, name).sums["amount"], one.sums["amount"], rtol=1e-12)  # type: ignore[union-attr]
    for name, cut in near.quantiles(table, *cuts).items():
        np.testing.assert_allclose(quantiles[name], cut, rtol=1e-12)
    assert max(arrived.answers) <= 2 * LOW.parts


def test_a_first_sum_that_fails_on_divided_blocks_keeps_nothing(spark: SparkSession) -> None:
    class Broken(CodeCounts):
        def add(self, sums: Any, block: Any) -> None:
            if block.rows > 100:
                raise ValueError("cannot add this block")

    design, before = some_design(), cached(spark)
    blocks = SparkEngine(spark, merging=LOW).blocks(divided(spark, 600, 20), design)
    assert "cannot add this block" in str(caught(lambda: blocks.sum(Broken(design), "broken")))
    assert cached(spark) == before
    assert blocks.sum(CodeCounts(design), "again")[-2][0] > 0
    blocks.close()


def test_nothing_of_a_pass_stays_cached(spark: SparkSession) -> None:
    frame = divided(spark, 200, 12)
    before = cached(spark)
    SparkEngine(spark, merging=LOW).cells(frame, [CellRequest("c", {"x": Read("x")})])
    assert cached(spark) == before


def test_a_cluster_that_does_not_cache_gives_the_same_cells(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, asked = divided(spark, 300, 12), [CellRequest("c", {"t": Read("t", "text")}, {"amount": Read("amount")})]
    kept = known(SparkEngine(spark).cells(frame, asked), "c")
    for engine in (SparkEngine(spark, materialise="table", merging=LOW), SparkEngine(spark, merging=LOW)):
        found = known(engine.cells(frame, asked), "c")
        assert found.rows.tolist() == kept.rows.tolist()
        np.testing.assert_allclose(found.sums["amount"], kept.sums["amount"], rtol=1e-12)
        refuse_caching(monkeypatch)


def refuse_caching(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyspark.sql.classic.dataframe import DataFrame as Classic

    def refused(_: Any) -> Any:
        raise RuntimeError("[NOT_SUPPORTED_WITH_SERVERLESS] PERSIST TABLE is not supported on serverless compute.")

    monkeypatch.setattr(Classic, "cache", refused)


def cached(spark: SparkSession) -> int:
    return int(spark.sparkContext._jsc.getPersistentRDDs().size())  # type: ignore[attr-defined]
