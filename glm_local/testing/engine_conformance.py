"""What every engine must do, as a test suite an engine inherits.

A subclass sets `self.engine` in an autouse fixture and, when its frames are not what
`glm_local.pandas_rows.frames.as_frame` takes, overrides `frame` and `rows`:

    class TestPandasEngine(EngineConformance):
        @pytest.fixture(autouse=True)
        def _engine(self) -> None:
            self.engine = PandasEngine()
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from glm_local.errors import EngineError
from glm_local.expressions.expression import (
    Arithmetic,
    Bin,
    Compare,
    Expression,
    IfMissing,
    IsMissing,
    Literal,
    Lookup,
    Read,
)
from glm_local.expressions.hash_bucket import hash_bucket
from glm_local.pandas_rows.frames import arrow_table
from glm_local.rows.blocks import (
    FAULTS,
    BlockDesign,
    Field,
    Sums,
)
from glm_local.rows.cells import CellRequest
from glm_local.rows.engine import Engine
from glm_local.rows.sample_rows import BUCKETS
from glm_local.testing.code_counts import CodeCounts, hostile_rows
from glm_local.testing.engine_answers import (
    RELATIVE,
    assert_same_table,
    bands,
    caught,
    evaluated,
    expected_good_rows,
    grouped_by_loop,
    key_expressions,
    known,
    many_groups,
    plain,
    plain_values,
    some_design,
)

PARTITIONS = (1, 2, 7)


class EngineConformance:
    """The suite; see the module."""

    engine: Engine[Any]

    def frame(self, table: pa.Table, partitions: int = 1) -> Any:
        """Return an Arrow table as a frame of this engine, in so many partitions where it has any."""
        return table

    def rows(self, frame: Any) -> pa.Table:
        """Return a frame's rows as an Arrow table."""
        return arrow_table(frame)

    # columns and with_columns

    def test_columns_are_named_and_typed_in_their_order(self) -> None:
        kinds = self.engine.columns(self.frame(hostile_rows(5)))
        assert list(kinds.items()) == [
            ("key", "integer"),
            ("x", "float64"),
            ("n", "integer"),
            ("t", "text"),
            ("flag", "boolean"),
            ("day", "date"),
            ("Größe %.1", "integer"),
            ("amount", "float64"),
            ("y", "float64"),
            ("w", "float64"),
            ("e", "float64"),
        ]

    def test_no_pass_is_made_for_columns_and_with_columns(self) -> None:
        before = len(self.engine.passes.passes)
        frame = self.frame(hostile_rows(5))
        self.engine.columns(frame)
        self.engine.with_columns(frame, {"twice": Arithmetic("*", Read("x"), Literal(2.0))})
        assert len(self.engine.passes.passes) == before

    def test_with_columns_adds_and_replaces_and_keeps_every_row(self) -> None:
        table = hostile_rows(60)
        asked = {"band": bands("x"), "e": Arithmetic("/", Read("y"), Read("e")), "group": many_groups()}
        frame = self.engine.with_columns(self.frame(table), asked)
        got = self.rows(frame).sort_by("key")
        assert got.column_names == [*table.column_names, "band", "group"]
        assert got["key"].to_pylist() == table["key"].to_pylist()
        for name, expected in zip(asked, evaluated(table, list(asked.values())), strict=True):
            assert plain(got[name]) == plain_values(expected)

    # cells

    def test_cells_of_every_kind_of_key_equal_a_loop_over_rows(self) -> None:
        table = hostile_rows(500)
        for name, expression in key_expressions().items():
            request = CellRequest(name, {"k": expression}, {"amount": Read("amount"), "n": Read("n", "integer")})
            self._assert_cells(table, [request])

    def test_cells_of_several_keys_equal_a_loop_over_rows(self) -> None:
        keys = key_expressions()
        some = CellRequest("some", {name: keys[name] for name in ("t", "flag", "x")}, {"e": Read("e")})
        every = CellRequest("every", keys, {"e": Read("e")})
        self._assert_cells(hostile_rows(500), [some, every])

    def test_all_requests_are_answered_in_one_pass(self) -> None:
        table = hostile_rows(300)
        requests = [CellRequest(name, {"k": one}, {"y": Read("y")}) for name, one in key_expressions().items()]
        with self.engine.passes.counting() as passes:
            self._assert_cells(table, requests)
        assert [one.verb for one in passes.passes] == ["cells"]
        assert passes.raw == 1

    def test_missing_amounts_add_nothing_and_flags_count(self) -> None:
        high = Compare(">", Read("x"), Literal(1.0))
        sums: dict[str, Expression] = {"x": Read("n"), "gone": IsMissing(Read("x")), "high": high}
        self._assert_cells(hostile_rows(400), [CellRequest("c", {"t": Read("t", "text")}, sums)])

    def test_a_filter_leaves_rows_out_and_missing_is_not_true(self) -> None:
        where = Compare(">", Read("n"), Literal(0.0))
        requests = [
            CellRequest("some", {"t": Read("t", "text")}, {"e": Read("e")}, where=where),
            CellRequest("all", {"t": Read("t", "text")}, {"e": Read("e")}),
            CellRequest("none", {"t": Read("t", "text")}, where=Compare(">", Read("e"), Literal(9.0))),
        ]
        self._assert_cells(hostile_rows(300), requests)

    def test_without_keys_there_is_one_cell_even_of_no_rows(self) -> None:
        nothing = Compare(">", Read("e"), Literal(9.0))
        sums = {"e": Read("e")}
        requests = [CellRequest("all", sums=sums), CellRequest("none", sums=sums, where=nothing)]
        self._assert_cells(hostile_rows(50), requests)
        empty = self.engine.cells(self.frame(hostile_rows(0)), requests)
        assert [len(known(empty, name)) for name in ("all", "none")] == [1, 1]
        assert known(empty, "all").rows.tolist() == [0]

    def test_an_empty_frame_has_no_cells(self) -> None:
        answer = self.engine.cells(self.frame(hostile_rows(0)), [CellRequest("c", {"t": Read("t", "text")})])
        assert len(known(answer, "c")) == 0

    def test_one_row_is_one_cell(self) -> None:
        self._assert_cells(hostile_rows(1), [CellRequest("c", key_expressions(), {"e": Read("e")})])

    def test_too_many_cells_are_an_error_that_names_the_request(self) -> None:
        request = CellRequest("by key", {"key": Read("key", "integer")}, limit=20)
        error = caught(lambda: self.engine.cells(self.frame(hostile_rows(50), 7), [request]))
        assert isinstance(error, EngineError)
        assert "by key" in str(error)

    def test_overflow_none_spares_the_other_requests(self) -> None:
        requests = [
            CellRequest("many", {"key": Read("key", "integer")}, limit=20, overflow="none"),
            CellRequest("just", {"key": Read("key", "integer")}, limit=50, overflow="none"),
            CellRequest("few", {"flag": Read("flag", "boolean")}),
        ]
        answer = self.engine.cells(self.frame(hostile_rows(50), 7), requests)
        assert answer["many"] is None
        assert len(known(answer, "just")) == 50
        assert len(known(answer, "few")) == 3

    def test_partitions_change_no_count_and_no_sum(self) -> None:
        table = hostile_rows(3_000)
        request = CellRequest("c", {"t": Read("t", "text"), "band": bands("x")}, {"amount": Read("amount")})
        tables = [known(self.engine.cells(self.frame(table, n), [request]), "c") for n in PARTITIONS]
        for other in tables[1:]:
            assert_same_table(other, tables[0])

    def test_large_lookups_are_answered_like_small_ones(self) -> None:
        where = Compare(">", many_groups(), Literal(3))
        request = CellRequest("c", {"group": many_groups()}, {"e": Read("e")}, where=where)
        self._assert_cells(hostile_rows(2_000), [request])

    def test_no_requests_make_no_pass(self) -> None:
        with self.engine.passes.counting() as passes:
            assert self.engine.cells(self.frame(hostile_rows(3)), []) == {}
        assert passes.passes == []

    # quantiles

    def test_quantiles_are_numpys(self) -> None:
        table = hostile_rows(501)
        probabilities = [0.0, 0.1, 0.25, 0.5, 0.9, 1.0]
        asked = {"amount": Read("amount"), "n": Read("n"), "e": Read("e")}
        with self.engine.passes.counting() as passes:
            got = self.engine.quantiles(self.frame(table), asked, probabilities)
        assert [one.verb for one in passes.passes] == ["quantiles"]
        for name in asked:
            values = np.array(table[name].drop_null().to_pylist(), dtype=np.float64)
            np.testing.assert_array_equal(got[name], np.quantile(values, probabilities))

    def test_quantiles_do_not_depend_on_partitions(self) -> None:
        table = hostile_rows(2_000)
        answers = [
            self.engine.quantiles(self.frame(table, n), {"a": Read("amount")}, [0.2, 0.5, 0.99], Read("e"))["a"]
            for n in PARTITIONS
        ]
        for other in answers[1:]:
            np.testing.assert_allclose(other, answers[0], rtol=RELATIVE)

    def test_equal_weights_give_plain_quantiles_and_weights_of_zero_or_missing_leave_rows_out(self) -> None:
        table = hostile_rows(300)
        frame, probabilities = self.frame(table), [0.0, 0.05, 0.5, 0.77, 1.0]
        some = Compare(">", Read("n"), Literal(5.0))
        plainly = self.engine.quantiles(frame, {"a": Read("amount")}, probabilities, where=some)["a"]
        flag = IfMissing(Bin(Read("n"), (5.0,), (0.0, 2.5), None), Literal(0.0))
        weighted = self.engine.quantiles(frame, {"a": Read("amount")}, probabilities, weight=flag)["a"]
        np.testing.assert_allclose(weighted, plainly, rtol=1e-9)

    def test_cut_points_come_with_the_values_around_them(self) -> None:
        table = hostile_rows(2_000)
        values = np.unique(np.array(table["amount"].drop_null().to_pylist(), dtype=np.float64))
        for parts in PARTITIONS:
            frame = self.frame(table, parts)
            cut, below, reached, above = self.engine.quantiles(
                frame, {"a": Read("amount")}, [0.0, 0.3, 0.5, 1.0], neighbours=True
            )["a"]
            for at, point in enumerate(cut.tolist()):
                sides = (values[values < point], values[values <= point], values[values > point][::-1])
                wanted = [side[-1] if len(side) else np.nan for side in sides]
                np.testing.assert_array_equal([below[at], reached[at], above[at]], wanted)

    def test_quantiles_of_nothing_are_missing(self) -> None:
        got = self.engine.quantiles(self.frame(hostile_rows(0)), {"a": Read("amount")}, [0.5])
        assert np.isnan(got["a"]).all()

    # blocks

    def test_blocks_count_codes_and_sums_like_a_loop_over_rows(self) -> None:
        table, design = hostile_rows(1_000), some_design()
        answers = [self._block_sums(table, design, partitions=n) for n in PARTITIONS]
        codes = [values.data for values in evaluated(table, list(design.atom_expressions()))]
        good = expected_good_rows(table)
        for atom, counts, code in zip(design.atoms, answers[0], codes, strict=False):
            np.testing.assert_array_equal(counts, np.bincount(code[good], minlength=atom.size))
        for other in answers[1:]:
            for mine, first in zip(other, answers[0], strict=True):
                np.testing.assert_allclose(mine, first, rtol=RELATIVE)

    def test_rows_left_out_are_counted_by_cause(self) -> None:
        table, design = hostile_rows(800), some_design()
        faults = dict(zip(FAULTS, self._block_sums(table, design)[-1], strict=True))
        assert faults["numeric missing"] == 800 - expected_good_rows(table).sum()
        assert sum(faults.values()) == faults["numeric missing"]

    def test_the_first_sum_builds_and_later_ones_read_blocks_only(self) -> None:
        blocks = self.engine.blocks(self.frame(hostile_rows(100)), some_design())
        with self.engine.passes.counting() as passes:
            for purpose in ("start", "again"):
                blocks.sum(CodeCounts(blocks.design), purpose)
            blocks.sum(CodeCounts(blocks.design), "tenth", every=10)
        assert [(one.verb, one.purpose) for one in passes.passes] == [
            ("blocks", "start"),
            ("blocks.sum", "start"),
            ("blocks.sum", "again"),
            ("blocks.sum", "tenth"),
        ]
        assert passes.raw == 1
        assert passes.packed == 2.1
        blocks.close()

    def test_every_nth_block_is_a_part_of_all_and_never_nothing(self) -> None:
        table, design = hostile_rows(200), some_design()
        for partitions in PARTITIONS:
            frame = self.frame(table, partitions)
            part = self.engine.blocks(frame, design).sum(CodeCounts(design), "part", every=3)
            assert 0 < part[-2][0] <= expected_good_rows(table).sum()

    def test_blocks_filter_rows_and_survive_having_none(self) -> None:
        table, design = hostile_rows(300), some_design()
        some = self._block_sums(table, design, Compare(">", Read("key"), Literal(99.0)))
        assert some[-2][0] == expected_good_rows(table)[100:].sum()
        none = self._block_sums(table, design, Compare(">", Read("e"), Literal(9.0)))
        assert none[-2][0] == 0
        assert self._block_sums(hostile_rows(0), design)[-2][0] == 0

    def test_more_rows_than_one_block_are_cut(self) -> None:
        table = pa.concat_tables([hostile_rows(10_000)] * 14)
        sums = self._block_sums(table, some_design())
        assert sums[-2][0] == 14 * expected_good_rows(hostile_rows(10_000)).sum()

    def test_a_row_without_code_is_an_error(self) -> None:
        code = Lookup(Read("t", "text"), ("a",), (0,), missing=None, unseen=0)
        design = BlockDesign((Field("t", code, 1),), Read("y"))
        error = caught(lambda: self._block_sums(hostile_rows(100), design))
        assert isinstance(error, EngineError)
        assert "no code" in str(error)

    def test_a_closed_handle_says_so(self) -> None:
        blocks = self.engine.blocks(self.frame(hostile_rows(10)), some_design())
        blocks.sum(CodeCounts(blocks.design), "once")
        blocks.close()
        assert "closed" in str(caught(lambda: blocks.sum(CodeCounts(blocks.design), "twice")))

    # sample

    def test_a_sample_is_the_same_rows_everywhere_and_never_too_many(self) -> None:
        table = hostile_rows(2_000)
        buckets = np.array([hash_bucket(str(key), "sample", 11, BUCKETS) for key in range(2_000)])
        for partitions in PARTITIONS:
            frame = self.engine.sample(self.frame(table, partitions), 150, seed=11, key="key")
            got: list[Any] = sorted(self.rows(frame)["key"].to_numpy().tolist())
            assert got == sorted(np.argsort(buckets, kind="stable")[: len(got)].tolist())
            assert 140 <= len(got) <= 150

    def test_a_sample_larger_than_the_table_is_the_table(self) -> None:
        frame = self.engine.sample(self.frame(hostile_rows(20)), 100, seed=1, key="t")
        assert self.rows(frame).num_rows == 20

    def test_rows_of_one_key_stay_together(self) -> None:
        table = hostile_rows(600)
        got = self.rows(self.engine.sample(self.frame(table), 300, seed=3, key="t"))
        taken = set(got["t"].to_pylist())
        assert got.num_rows == sum(1 for one in table["t"].to_pylist() if one in taken)
        assert 0 < got.num_rows <= 300

    def test_a_sample_without_key_goes_by_content_and_seed(self) -> None:
        table = hostile_rows(1_000)
        keys = [
            self.rows(self.engine.sample(self.frame(table, n), 100, seed=seed))["key"].to_numpy().tolist()
            for n, seed in ((1, 1), (2, 1), (1, 2))
        ]
        assert sorted(keys[0]) == sorted(keys[1]) != sorted(keys[2])
        assert 90 <= len(keys[0]) <= 100

    # errors

    def test_an_unknown_column_is_named_with_its_neighbour(self) -> None:
        request = CellRequest("c", {"k": Read("amuont")})
        error = caught(lambda: self.engine.cells(self.frame(hostile_rows(5)), [request]))
        assert "'amuont'" in str(error)
        assert "'amount'" in str(error)

    def _block_sums(
        self, table: pa.Table, design: BlockDesign, where: Expression | None = None, partitions: int = 1
    ) -> Sums:
        blocks = self.engine.blocks(self.frame(table, partitions), design, where)
        try:
            return blocks.sum(CodeCounts(design), "conformance")
        finally:
            blocks.close()

    def _assert_cells(self, table: pa.Table, requests: Sequence[CellRequest]) -> None:
        answer = self.engine.cells(self.frame(table, 3), requests)
        for request in requests:
            assert_same_table(known(answer, request.name), grouped_by_loop(table, request))
