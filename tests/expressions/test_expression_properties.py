"""Random expressions mean the same to every reader, and survive JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glm_local.expressions.expression import Arithmetic, Expression, Literal, Read
from glm_local.expressions.expression_columns import type_of
from glm_local.expressions.expression_document import expression_to_json
from glm_local.expressions.expression_json import expression_from_json
from glm_local.sql.statement import print_sql
from tests.expressions.random_expressions import any_expression
from tests.expressions.readers import by_duckdb, by_numpy, by_record, by_spark, differences, spark_modes
from tests.frames import hostile_table, kinds_of

TABLE = hostile_table()
TYPES = {"number": (float,), "integer": (int,), "text": (str,), "flag": (bool,), "date": (str,)}

quick = settings(max_examples=60, suppress_health_check=list(HealthCheck))


def some_rows(rows: list[int]) -> pa.Table:
    return TABLE.take(pa.array(rows))


row_numbers = st.lists(st.integers(0, TABLE.num_rows - 1), min_size=1, max_size=12)


@quick
@given(any_expression, row_numbers)
def test_one_record_gives_what_numpy_gives(expression: Expression, rows: list[int]) -> None:
    table = some_rows(rows)
    assert differences(by_numpy([expression], table)[0], by_record([expression], table)[0], exact=True) == []


@quick
@given(st.lists(any_expression, min_size=1, max_size=5), row_numbers)
def test_duckdb_gives_what_numpy_gives(expressions: list[Expression], rows: list[int]) -> None:
    table = some_rows(rows)
    texts = [print_sql(one, kinds_of(table), "duckdb") for one in expressions]
    for expression, meant, found in zip(
        expressions, by_numpy(expressions, table), by_duckdb(texts, table), strict=True
    ):
        assert differences(meant, found, exact=True) == [], expression


@pytest.mark.parametrize("ansi", ["true", "false"])
@pytest.mark.parametrize("operator", ["+", "*"])
def test_chains_of_whole_numbers_overflow_on_spark_where_numpy_does(operator: Any, ansi: str, spark: Any) -> None:
    whole, other = Read("whole", "integer"), Literal(0 if operator == "*" else -5)
    chains = [
        Arithmetic(operator, whole, Arithmetic(operator, whole, other)),
        Arithmetic(operator, Arithmetic(operator, other, whole), whole),
        Arithmetic(operator, other, Arithmetic(operator, whole, Literal(-1))),
    ]
    with spark_modes(spark, ansi, "compiled"):
        found = by_spark(chains, TABLE, spark)
    for chain, meant, rows in zip(chains, by_numpy(chains, TABLE), found, strict=True):
        assert differences(meant, rows, exact=True) == [], chain


@pytest.mark.parametrize(("ansi", "way"), [("true", "compiled"), ("false", "folded")])
def test_spark_gives_what_numpy_gives(ansi: str, way: str, spark: Any) -> None:
    @settings(max_examples=12, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(any_expression, min_size=25, max_size=40))
    def check(expressions: list[Expression]) -> None:
        found = by_spark(expressions, TABLE, spark)
        for expression, meant, rows in zip(expressions, by_numpy(expressions, TABLE), found, strict=True):
            assert differences(meant, rows, exact=True) == [], expression

    with spark_modes(spark, ansi, way):
        check()


@quick
@given(any_expression)
def test_an_expression_survives_json(expression: Expression) -> None:
    text = json.dumps(expression_to_json(expression), allow_nan=False)
    assert repr(expression_from_json(json.loads(text))) == repr(expression)


@quick
@given(any_expression, row_numbers)
def test_results_have_the_type_that_was_told(expression: Expression, rows: list[int]) -> None:
    found = by_numpy([expression], some_rows(rows))[0]
    assert all(type(value) in TYPES[type_of(expression)] for value in found if value is not None)


@quick
@given(st.lists(any_expression, min_size=2, max_size=4), row_numbers)
def test_sharing_equal_parts_changes_nothing(expressions: list[Expression], rows: list[int]) -> None:
    table = some_rows(rows)
    together = by_numpy([*expressions, *expressions], table)
    alone = [by_numpy([one], table)[0] for one in expressions]
    for meant, found in zip([*alone, *alone], together, strict=True):
        assert differences(meant, found, exact=True) == []


@quick
@given(st.lists(st.floats(width=64) | st.none(), min_size=1, max_size=30), st.lists(st.floats(-50, 50), max_size=40))
def test_bins_count_the_edges_below(values: list[float | None], edges: list[float]) -> None:
    from glm_local.expressions.column_reader import ArrayColumns
    from glm_local.expressions.evaluate import evaluate
    from glm_local.expressions.expression import Bin, Read

    rising = tuple(sorted(set(edges)))
    tree = Bin(Read("x"), rising, tuple(range(len(rising) + 1)), -1)
    found = evaluate(tree, ArrayColumns({"x": pa.array(values, pa.float64(), from_pandas=False)})).data
    meant = [-1 if v is None or np.isnan(v) else sum(edge < v for edge in rising) for v in values]
    assert found.tolist() == meant
