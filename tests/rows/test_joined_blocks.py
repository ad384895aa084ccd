"""Blocks put together, and answers folded, are those of rows that never lay apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from glm_local.expressions.expression import Read
from glm_local.pandas_rows.frames import as_frame
from glm_local.pandas_rows.pandas_engine import frame_blocks
from glm_local.rows.blocks import Block, BlockDesign, Sums, sum_blocks
from glm_local.rows.cell_pass import cell_pass
from glm_local.rows.cells import CellRequest
from glm_local.rows.joined_blocks import fold_sums, joined_blocks
from glm_local.rows.quantile_grid import quantile_pass
from glm_local.rows.row_pass import Part, RowPass
from glm_local.testing.code_counts import CodeCounts, hostile_rows
from glm_local.testing.engine_answers import some_design

ROWS = 3_000


def pieces(design: BlockDesign, rows: int) -> list[Block]:
    """Blocks of so many rows each."""
    table = hostile_rows(ROWS)
    cut = (as_frame(table.slice(start, rows)) for start in range(0, ROWS, rows))
    return [block for frame in cut for block in frame_blocks(frame, design, None)]


def assert_alike(some: Sums, others: Sums) -> None:
    for one, other in zip(some, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_small_blocks_put_together_hold_the_rows_of_one() -> None:
    for sorted_by in (None, some_design().fields[0].name):
        design = replace(some_design(), sorted_by=sorted_by)
        kernel, apart = CodeCounts(design), pieces(design, 7)
        joined = list(joined_blocks(design, apart, rows=1_000))
        assert len(joined) <= 5
        assert max(block.rows for block in joined) <= 1_000
        assert_alike(sum_blocks(kernel, joined), sum_blocks(kernel, pieces(design, ROWS)))


def test_rows_of_joined_blocks_keep_their_order() -> None:
    design = some_design()
    (whole,), (joined,) = pieces(design, ROWS), joined_blocks(design, pieces(design, 11))
    np.testing.assert_array_equal(whole.amount, joined.amount)
    np.testing.assert_array_equal(whole.numerics, joined.numerics)
    for mine, other in zip(whole.atoms, joined.atoms, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_answers_folded_a_few_at_a_time_are_those_of_one_merge() -> None:
    design = some_design()
    kernel = CodeCounts(design)
    answers = [sum_blocks(kernel, [block]) for block in pieces(design, 100)]
    folded = fold_sums(kernel, iter(answers), at_once=3)
    assert folded is not None
    assert_alike(folded, kernel.merge(answers))
    assert fold_sums(kernel, []) is None


def in_a_tree(asked: RowPass[object], parts: list[Part], fan_in: int) -> Part:
    while len(parts) > 1:
        groups = [parts[at : at + fan_in] for at in range(0, len(parts), fan_in)]
        parts = [[asked.combine(at, [part[at] for part in group]) for at in range(asked.tables)] for group in groups]
    return parts[0]


def drawn(rows: int) -> pa.Table:
    draw = np.random.default_rng(3)
    return pa.table({"c0": draw.lognormal(8, 2, rows), "c1": draw.choice([0.5, 1.0, 2.25], rows)})


def parts_of(asked: RowPass[object], table: pa.Table, count: int) -> list[Part]:
    size = -(-table.num_rows // count)
    # One partition more than rows: it answers without having seen a type.
    return [asked.summarise([table.slice(at * size, size)] if at < count else []) for at in range(count + 1)]


def test_cell_tables_met_in_a_tree_are_those_of_one_partition() -> None:
    asked = cell_pass([CellRequest("c", {"w": Read("w")}, {"x": Read("x")})])
    table = drawn(5_000).select(["c1", "c0"]).rename_columns(["c0", "c1"])
    whole = asked.answer(asked.summarise([table]))["c"]
    met = asked.answer(in_a_tree(asked, parts_of(asked, table, 29), 3))["c"]
    assert whole is not None
    assert met is not None
    np.testing.assert_array_equal(met.rows, whole.rows)
    np.testing.assert_allclose(met.sums["x"], whole.sums["x"], rtol=1e-12)


def test_a_limit_passed_in_any_branch_is_passed_at_the_top() -> None:
    asked = cell_pass([CellRequest("c", {"x": Read("x")}, limit=4_000, overflow="none")])
    table = drawn(5_000).select(["c0"])
    parts = parts_of(asked, table, 29)
    assert all(part[0] is not None for part in parts)
    assert asked.answer(in_a_tree(asked, parts, 3)) == {"c": None}


def test_quantile_tables_met_in_a_tree_are_those_of_one_partition() -> None:
    for rows in (3_000, 70_000):
        for weight in (None, Read("w")):
            asked = quantile_pass({"x": Read("x")}, [0.01, 0.5, 0.99], weight, None, neighbours=True)
            table = drawn(rows)
            whole = asked.answer(asked.summarise([table]))["x"]
            met = asked.answer(in_a_tree(asked, parts_of(asked, table, 29), 3))["x"]
            np.testing.assert_allclose(met, whole, rtol=1e-12)
