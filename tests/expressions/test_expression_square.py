"""Four readers of one meaning: numpy, one record, DuckDB (also through sqlglot), Spark with ANSI on and off."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from glm_local.sql.dialects import respell
from glm_local.sql.statement import print_sql
from tests.expressions.cases import CASES, TRAPS_OUT_OF_SCOPE
from tests.expressions.readers import Rows, by_duckdb, by_numpy, by_record, by_spark, differences, spark_modes
from tests.frames import SHAPES, empty_table, hostile_table, kinds_of

EXPRESSIONS = [case.expression for case in CASES]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return hostile_table()


@pytest.fixture(scope="module")
def meant(table: pa.Table) -> list[Rows]:
    return by_numpy(EXPRESSIONS, table)


def report(meant: list[Rows], found: list[Rows]) -> str:
    wrong = []
    for case, expected, rows in zip(CASES, meant, found, strict=True):
        if lines := differences(expected, rows, case.exact):
            wrong.append(f"{case.name}: {len(lines)} rows, {'; '.join(lines[:3])}")
    return "\n".join(wrong)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "arrow"])
def test_a_column_means_the_same_whatever_holds_it(shape: str, table: pa.Table, meant: list[Rows]) -> None:
    assert report(meant, by_numpy(EXPRESSIONS, table, shape)) == ""


def test_one_record_reads_as_a_row_of_the_table(table: pa.Table, meant: list[Rows]) -> None:
    assert report(meant, by_record(EXPRESSIONS, table)) == ""


def test_duckdb_computes_what_numpy_does(table: pa.Table, meant: list[Rows]) -> None:
    texts = [print_sql(one, kinds_of(table), "duckdb") for one in EXPRESSIONS]
    assert report(meant, by_duckdb(texts, table)) == ""


def test_sqlglot_changes_nothing_in_what_it_spells(table: pa.Table, meant: list[Rows]) -> None:
    texts = [respell(print_sql(one, kinds_of(table), "duckdb"), "duckdb") for one in EXPRESSIONS]
    assert report(meant, by_duckdb(texts, table)) == ""


@pytest.mark.parametrize("ansi", ["true", "false"])
@pytest.mark.parametrize("way", ["compiled", "folded"])
def test_spark_computes_what_numpy_does(ansi: str, way: str, spark: Any, table: pa.Table, meant: list[Rows]) -> None:
    with spark_modes(spark, ansi, way):
        assert report(meant, by_spark(EXPRESSIONS, table, spark)) == ""


def test_a_table_without_rows_gives_columns_without_rows() -> None:
    table = empty_table()
    assert all(rows == [] for rows in by_numpy(EXPRESSIONS, table))
    texts = [print_sql(one, kinds_of(table), "duckdb") for one in EXPRESSIONS]
    assert all(rows == [] for rows in by_duckdb(texts, table))


def test_every_trap_has_a_case_or_a_reason() -> None:
    covered = {trap for case in CASES for trap in case.traps}
    assert covered | set(TRAPS_OUT_OF_SCOPE) == set(range(1, 41))
