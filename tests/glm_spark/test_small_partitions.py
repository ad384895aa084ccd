"""Rows of many small partitions meet in the JVM, in their order, and every pass of Python sees a few even ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from glm_local.expressions.expression import Compare, Literal, Lookup, Read
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.rows.cells import CellRequest
from glm_local.rows.engine import PassCounter
from glm_local.testing.code_counts import CodeCounts, hostile_rows
from glm_local.testing.engine_answers import known, some_design

pytest.importorskip("pyspark")

from glm_spark import small_partitions
from glm_spark.answer_tree import Merging
from glm_spark.block_layout import Packed
from glm_spark.small_partitions import gathered_into, gathered_rows, partitions_of
from glm_spark.spark_engine import SparkEngine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MANY = 50
LOW = Merging(fan_in=6, parts=8)


def scanned(spark: SparkSession, rows: int) -> DataFrame:
    """Rows in many uneven partitions, some of them empty, cached."""
    numbered = hostile_rows(rows).append_column("at", pa.array(range(rows)))
    frame = spark.createDataFrame(numbered).selectExpr("*", "CAST(sqrt(at) AS int) AS part")
    cached = frame.repartitionById(MANY, "part").sortWithinPartitions("at").cache()  # type: ignore[arg-type]
    cached.count()
    return cached


def partitions_packed(blocks: Any) -> int:
    return int(blocks._rows.mapInArrow(lambda batches: batches, blocks._rows.schema).rdd.getNumPartitions())


def test_rows_of_many_small_partitions_lie_even_and_in_their_order(spark: SparkSession) -> None:
    frame = spark.range(0, 600_000, 1, MANY).where("id < 240000 OR id % 3 = 0 AND id > 400000").cache()
    counted = PassCounter()
    partitions = partitions_of(frame, counted)
    assert partitions is not None
    assert counted.raw == 1
    assert [one.rows for one in partitions[:2]] == [12_000, 12_000]
    assert partitions[25].rows == 0
    met = gathered_rows(frame.select("id"), partitions, 8).selectExpr("id", "spark_partition_id() AS p").toArrow()
    assert met["id"].to_pylist() == [at for at in range(600_000) if at < 240_000 or (at % 3 == 0 and at > 400_000)]
    held = np.bincount(met["p"].to_numpy())
    assert len(held) == gathered_into(partitions, 8) == 2
    assert max(held) - min(held) <= 1
    assert partitions_of(frame, counted) is partitions
    assert counted.raw == 1
    frame.unpersist()


def test_every_verb_answers_many_small_partitions_as_few_do(spark: SparkSession) -> None:
    table, design = hostile_rows(2_000), some_design()
    engine, frame, near = SparkEngine(spark, merging=LOW), scanned(spark, 2_000), PandasEngine()
    codes = Lookup(Read("t", "text"), tuple(f"none {at}" for at in range(60)), tuple(range(60)), -1, 7)
    asked = [
        CellRequest("c", {"t": Read("t", "text"), "x": Read("x"), "code": codes}, {"amount": Read("amount")}),
        CellRequest("some", {}, {"amount": Read("amount")}, where=Compare("<", Read("amount"), Literal(100.0))),
    ]
    cells, whole = engine.cells(frame, asked), near.cells(table, asked)
    for name in whole:
        assert known(cells, name).rows.tolist() == known(whole, name).rows.tolist()
        np.testing.assert_allclose(known(cells, name).sums["amount"], known(whole, name).sums["amount"], rtol=1e-12)
    cuts: Any = ({"a": Read("amount")}, [0.1, 0.5, 0.99], Read("w"))
    np.testing.assert_allclose(engine.quantiles(frame, *cuts)["a"], near.quantiles(table, *cuts)["a"], rtol=1e-12)
    where = Compare("<", Read("amount"), Literal(100.0))
    for kept in (None, where):
        far = engine.blocks(frame, design, kept)
        assert partitions_packed(far) == 1
        mine = far.sum(CodeCounts(design), "far")
        for one, other in zip(mine, near.blocks(table, design, kept).sum(CodeCounts(design), "near"), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)
        far.close()
    frame.unpersist()


def test_which_task_reads_a_partition_changes_no_bit(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    frame, design = scanned(spark, 2_000), some_design()
    found = []
    for readers in (1, 7, 64):
        monkeypatch.setattr(small_partitions, "READERS", readers)
        blocks = SparkEngine(spark, merging=LOW).blocks(frame, design)
        found.append([one.tobytes() for one in blocks.sum(CodeCounts(design), "bits")])
        blocks.close()
    assert found[0] == found[1] == found[2]
    frame.unpersist()


def test_a_pass_teaches_the_next_one_where_rows_are_not_cached(spark: SparkSession) -> None:
    frame, design = spark.createDataFrame(hostile_rows(400)).repartition(20, "key"), some_design()
    engine = SparkEngine(spark, merging=LOW)
    assert partitions_of(frame, PassCounter()) is None
    engine.cells(frame, [CellRequest("c", {}, {"amount": Read("amount")})])
    seen = partitions_of(frame, PassCounter())
    assert seen is not None
    assert len(seen) == 20
    assert sum(one.rows for one in seen) == 400
    more = engine.with_columns(frame, {"more": Read("amount")})
    assert partitions_packed(engine.blocks(more, design)) == 1
    assert engine.passes.raw == 1


def test_few_or_large_partitions_stay_as_they_are(spark: SparkSession) -> None:
    counted, few = PassCounter(), spark.range(0, 100, 1, 8).cache()
    assert gathered_rows(few, partitions_of(few, counted), 8) is few
    few.unpersist()
    large = [Packed(at, 50_000) for at in range(100)]
    assert gathered_rows(few, large, 8) is few
    assert gathered_rows(few, [], 8) is few


def test_rows_whose_partitions_are_others_by_now_are_all_there(spark: SparkSession) -> None:
    stale = [Packed(at, 10) for at in range(20)]
    met = gathered_rows(spark.range(0, 5_000, 1, 30), stale, 8)
    assert sorted(met.toArrow()["id"].to_pylist()) == list(range(5_000))
