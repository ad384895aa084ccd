from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from glm_local.errors import DataError, EngineError
from glm_local.expressions.expression import Arithmetic, Bin, Compare, Literal, Lookup, Read
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.rows.blocks import BlockDesign, Cross, Field
from glm_local.rows.cells import CellRequest
from glm_local.testing.code_counts import CodeCounts, hostile_rows
from glm_local.testing.engine_answers import caught, known, some_design
from glm_local.testing.engine_conformance import EngineConformance

pytest.importorskip("pyspark")

from glm_spark.answer_tree import Merging
from glm_spark.lookup_join import Joined
from glm_spark.spark_engine import SparkEngine
from glm_spark.spark_frames import collated_columns, rows_to_spark
from tests.expressions.readers import spark_modes
from tests.factors.far_values import far_rows, learned_moments
from tests.factors.repeated_values import learned_bins, repeated

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession


class SparkConformance(EngineConformance):
    """The suite with rows sent to Spark as Arrow tables."""

    engine: SparkEngine

    def frame(self, table: pa.Table, partitions: int = 1) -> DataFrame:
        return rows_to_spark(self.engine.spark, table).repartition(partitions)

    def rows(self, frame: DataFrame) -> pa.Table:
        return frame.toArrow()

    def test_answers_of_more_partitions_than_travel_meet_on_executors(self) -> None:
        table, design = hostile_rows(500), some_design()
        low = SparkEngine(self.engine.spark, merging=Merging(fan_in=3, parts=4))
        frame, request = self.frame(table, 14), CellRequest("c", {"t": Read("t", "text")}, {"amount": Read("amount")})
        blocks = low.blocks(frame, design)
        near = PandasEngine().blocks(table, design).sum(CodeCounts(design), "near")
        for far in (blocks.sum(CodeCounts(design), "built"), blocks.sum(CodeCounts(design), "kept")):
            for mine, other in zip(far, near, strict=True):
                np.testing.assert_allclose(mine, other, rtol=1e-12)
        blocks.close()
        whole = known(PandasEngine().cells(table, [request]), "c")
        # The second pass knows from the first how many rows each partition holds.
        for cells in (known(low.cells(frame, [request]), "c") for _ in range(2)):
            assert cells.rows.tolist() == whole.rows.tolist()
            np.testing.assert_allclose(cells.sums["amount"], whole.sums["amount"], rtol=1e-12)


class TestSparkEngine(SparkConformance):
    @pytest.fixture(autouse=True)
    def _engine(self, spark: SparkSession) -> None:
        self.engine = SparkEngine(spark)


@pytest.fixture
def engine(spark: SparkSession) -> SparkEngine:
    return SparkEngine(spark)


def test_both_engines_give_the_same_cells_and_quantiles(engine: SparkEngine) -> None:
    table, local = hostile_rows(2_000), PandasEngine()
    request = CellRequest("c", {"t": Read("t", "text"), "x": Read("x")}, {"amount": Read("amount")})
    near, far = (known(one.cells(table, [request]), "c") for one in (local, engine))
    assert near.rows.tolist() == far.rows.tolist()
    np.testing.assert_allclose(near.sums["amount"], far.sums["amount"], rtol=1e-12)
    asked = ({"a": Read("amount")}, [0.1, 0.5, 0.99], Read("w"))
    np.testing.assert_allclose(local.quantiles(table, *asked)["a"], engine.quantiles(table, *asked)["a"], rtol=1e-12)


def test_many_distinct_values_fall_on_the_same_grid_everywhere(engine: SparkEngine) -> None:
    rows = 120_000
    table = pa.table({"v": np.random.default_rng(5).lognormal(8, 2, rows)})
    frame = engine.spark.createDataFrame(table)
    asked = ({"v": Read("v")}, [0.01, 0.3, 0.5, 0.999])
    near = PandasEngine().quantiles(table, *asked)["v"]
    for partitions in (1, 5):
        np.testing.assert_array_equal(engine.quantiles(frame.repartition(partitions), *asked)["v"], near)
    np.testing.assert_allclose(near, np.quantile(table["v"].to_numpy(), asked[1]), rtol=1 / 2048)


def test_spreads_of_columns_far_from_0_keep_their_digits_on_spark(engine: SparkEngine) -> None:
    frame, moments = far_rows()
    for name, found in learned_moments(engine, engine.spark.createDataFrame(frame)).items():
        assert found == pytest.approx(moments[name], rel=1e-12)


def test_quantile_edges_of_repeated_values_are_the_same_and_the_finest_on_both_engines(engine: SparkEngine) -> None:
    table, bins = repeated()
    frame = engine.spark.createDataFrame(table).repartition(5)
    for weighted in (False, True):
        edges = learned_bins(engine, frame, bins, weighted)
        assert edges == learned_bins(PandasEngine(), table, bins, weighted)
        assert {name: len(one) + 1 for name, one in edges.items()} == bins


def test_blocks_of_both_engines_hold_the_same_sums(engine: SparkEngine) -> None:
    table, design = hostile_rows(3_000), some_design()
    near, far = (one.blocks(table, design).sum(CodeCounts(design), "same") for one in (PandasEngine(), engine))
    for mine, other in zip(near, far, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)


def test_blocks_can_be_kept_in_a_scratch_table(spark: SparkSession) -> None:
    engine, design = SparkEngine(spark, materialise="table"), some_design()
    frame = spark.createDataFrame(hostile_rows(500)).repartition(3)
    blocks = engine.blocks(frame, design)
    kept = [blocks.sum(CodeCounts(design), "table") for _ in range(2)]
    cached = SparkEngine(spark).blocks(frame, design).sum(CodeCounts(design), "cache")
    assert any("glm_blocks" in one.name for one in spark.catalog.listTables())
    blocks.close()
    assert not any("glm_blocks" in one.name for one in spark.catalog.listTables())
    for table, memory in zip(kept[1], cached, strict=True):
        np.testing.assert_allclose(table, memory, rtol=1e-12)


def test_a_closed_handle_leaves_nothing_cached(engine: SparkEngine) -> None:
    design = some_design()
    blocks = engine.blocks(engine.spark.createDataFrame(hostile_rows(50)), design)
    blocks.sum(CodeCounts(design), "once")
    kept = blocks._kept.frame
    assert kept is not None
    assert kept.storageLevel.useMemory
    blocks.close()
    assert not kept.storageLevel.useMemory


def test_tables_and_paths_are_frames_too(engine: SparkEngine, tmp_path: Path) -> None:
    engine.spark.createDataFrame(hostile_rows(40)).write.parquet(str(tmp_path / "rows"))
    engine.spark.read.parquet(str(tmp_path / "rows")).createOrReplaceTempView("forty_rows")
    request = CellRequest("c", sums={"e": Read("e")})
    local = hostile_rows(40)
    for source in (tmp_path / "rows", str(tmp_path / "rows"), "forty_rows", local, local.to_pandas()):
        assert known(engine.cells(source, [request]), "c").rows.tolist() == [40]


def test_names_that_differ_in_case_are_refused(engine: SparkEngine) -> None:
    frame = engine.spark.createDataFrame(pa.table({"age": [1], "Age": [2]}))
    assert "are one name to Spark" in str(caught(lambda: engine.columns(frame)))


def test_text_of_a_collation_of_its_own_is_compared_by_code_point(engine: SparkEngine) -> None:
    plain = engine.spark.sql("SELECT * FROM VALUES ('a'), ('A'), ('b') AS rows(t)")
    collated = plain.selectExpr("t COLLATE UTF8_LCASE AS t")
    code = Lookup(Read("t", "text"), ("a", "b"), (1, 2), None, 0)
    for frame in (plain, collated):
        rows = engine.with_columns(frame, {"code": code, "small": Compare("<", Read("t", "text"), Literal("a"))})
        assert sorted(map(tuple, rows.select("code", "small").collect())) == [(0, True), (1, False), (2, False)]
    assert "COLLATE" in Joined(collated, {"t": "text"}, (), collated_columns(collated)).sql(code)
    assert "COLLATE" not in Joined(plain, {"t": "text"}, (), collated_columns(plain)).sql(code)


def test_kinds_that_are_not_read_are_named(engine: SparkEngine) -> None:
    frame = engine.spark.sql("SELECT array(1) AS list, CAST(1 AS decimal(10, 2)) AS amount, CAST(1 AS float) AS f")
    assert engine.columns(frame) == {"list": "unsupported", "amount": "decimal", "f": "float32"}
    error = caught(lambda: engine.cells(frame, [CellRequest("c", {"k": Read("list")})]))
    assert isinstance(error, DataError)
    assert "list" in str(error)


def test_wide_designs_take_several_words(engine: SparkEngine) -> None:
    table = hostile_rows(400)
    code = Arithmetic("*", Read("key", "integer"), Literal(157))
    fields = tuple(Field(f"f{i}", Lookup(code, (157 * i,), (i + 1,), 0, 0), 300) for i in range(11))
    big = Field("big", Read("key", "integer"), 70_000)
    design = BlockDesign((*fields, big), Read("y"), (Cross("c", ("f3", "f4")),))
    near, far = (one.blocks(table, design).sum(CodeCounts(design), "wide") for one in (PandasEngine(), engine))
    for mine, other in zip(near, far, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)


def test_sub_expressions_inside_large_lookups_are_joined_too(engine: SparkEngine) -> None:
    inner = Lookup(Read("key", "integer"), tuple(range(300)), tuple(f"k{i % 250}" for i in range(300)), "none", None)
    outer = Lookup(inner, tuple(f"k{i}" for i in range(250)), tuple(float(i) for i in range(250)), -1.0, -2.0)
    request = CellRequest("c", {"band": Bin(outer, (0.0, 100.0), ("x", "y", "z"), "m")}, {"v": outer})
    table = hostile_rows(500)
    near, far = (known(one.cells(table, [request]), "c") for one in (PandasEngine(), engine))
    assert near.keys["band"].tolist() == far.keys["band"].tolist()
    assert near.sums["v"].tolist() == far.sums["v"].tolist()


def test_an_error_of_the_rows_is_one_line_without_a_trace(engine: SparkEngine) -> None:
    with spark_modes(engine.spark, "true", "compiled"):  # only ANSI SQL raises
        frame = engine.spark.range(4).selectExpr("1 / (id - id) AS x")
        error = caught(lambda: engine.cells(frame, [CellRequest("c", {"x": Read("x")})]))
    assert isinstance(error, DataError)
    assert "DIVIDE_BY_ZERO" in str(error)
    assert "\n" not in str(error)
    assert "\tat " not in str(error)


def test_a_kernel_that_fails_says_what_failed(engine: SparkEngine) -> None:
    class Broken(CodeCounts):
        def add(self, sums: Any, block: Any) -> None:
            raise ValueError("cannot add this block")

    design = some_design()
    blocks = engine.blocks(engine.spark.createDataFrame(hostile_rows(50)), design)
    error = caught(lambda: blocks.sum(Broken(design), "broken"))
    assert isinstance(error, EngineError)
    assert "ValueError: cannot add this block" in str(error)


def test_a_first_sum_that_fails_keeps_nothing_and_the_next_one_builds_again(engine: SparkEngine) -> None:
    class Broken(CodeCounts):
        def add(self, sums: Any, block: Any) -> None:
            raise ValueError("cannot add this block")

    design, table = some_design(), hostile_rows(50)
    blocks = engine.blocks(engine.spark.createDataFrame(table), design)
    caught(lambda: blocks.sum(Broken(design), "broken"))
    near = PandasEngine().blocks(table, design).sum(CodeCounts(design), "whole")
    for _ in ("builds", "reads"):
        for mine, other in zip(near, blocks.sum(CodeCounts(design), "whole"), strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-12)


def test_a_first_sum_over_some_blocks_keeps_them_all(engine: SparkEngine) -> None:
    table, design = hostile_rows(400), some_design()
    frame = engine.spark.createDataFrame(table).repartition(4)
    blocks, whole = engine.blocks(frame, design), PandasEngine().blocks(table, design).sum(CodeCounts(design), "all")
    part = blocks.sum(CodeCounts(design), "a part", every=2)
    assert 0 < part[0].sum() < whole[0].sum()
    for mine, other in zip(whole, blocks.sum(CodeCounts(design), "all"), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)


def test_rows_on_their_way_to_python_are_not_measured_one_by_one() -> None:
    from glm_spark.query_settings import ROWS_OUT

    assert ROWS_OUT["spark.sql.execution.arrow.maxBytesPerBatch"] == str(2**31 - 1)


def test_refused_caching_names_the_setting(engine: SparkEngine) -> None:
    from pyspark.errors import AnalysisException

    from glm_spark.spark_errors import explanation

    refused = AnalysisException("[NOT_SUPPORTED_WITH_SERVERLESS] PERSIST TABLE is not supported on serverless compute.")
    assert 'SparkEngine(materialise="table"' in str(explanation(refused))


def test_filters_reach_the_scan(engine: SparkEngine, tmp_path: Path) -> None:
    engine.spark.createDataFrame(hostile_rows(40)).write.parquet(str(tmp_path / "rows"))
    blocks = engine.blocks(tmp_path / "rows", some_design(), Compare(">", Read("key", "integer"), Literal(10)))
    assert blocks.sum(CodeCounts(blocks.design), "some")[-2][0] > 0
