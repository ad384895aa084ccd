"""SQL text: what is printed, how hostile names and words are quoted, other dialects, and lookups of many keys."""

from __future__ import annotations

import math
import sqlite3
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from glm_local.errors import ConfigError, DataError, EngineError
from glm_local.expressions.column_reader import ArrayColumns
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.evaluate import evaluate
from glm_local.expressions.expression import (
    Arithmetic,
    Bin,
    Compare,
    Expression,
    Function,
    HashBucket,
    IfMissing,
    Literal,
    Lookup,
    Not,
    Read,
)
from glm_local.sql.dialects import SqlDialect
from glm_local.sql.printer import Printer
from glm_local.sql.statement import print_sql, quote_identifier, quote_literal
from tests.expressions.cases import CASES
from tests.expressions.readers import by_duckdb, by_numpy, differences
from tests.frames import NAMES, WORDS, hostile_table, kinds_of

KINDS: dict[str, ColumnKind] = {
    "x": "float64",
    "n": "integer",
    "t": "text",
    "s": "float32",
    "d": "decimal",
    "f": "boolean",
}
DIALECTS = ("postgres", "snowflake", "bigquery", "tsql", "redshift", "mysql", "sqlite", "oracle", "trino", "clickhouse")
POSTCODES = tuple(f"{place:05d}" for place in range(10_000))


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (
            Bin(Read("x"), (1.5, 3.0), ("a", "b", "c"), None),
            "CASE WHEN `x` IS NULL OR isnan(`x`) THEN NULL WHEN `x` <= 1.5D THEN 'a' WHEN `x` <= 3.0D THEN 'b' ELSE 'c' END",
        ),
        (
            Bin(Read("n"), (1.5, 3.0, 4.0), (0, 1, 2, 3), -1),
            "CAST(CASE WHEN `n` IS NULL THEN -1 WHEN `n` <= 3 THEN CASE WHEN `n` <= 1 THEN 0 ELSE 1 END "
            "WHEN `n` <= 4 THEN 2 ELSE 3 END AS BIGINT)",
        ),
        (
            Lookup(Read("t", "text"), ("A", "B", "C"), ("low", "high", "low"), "?", "high"),
            "CASE WHEN `t` COLLATE UTF8_BINARY IS NULL THEN '?' WHEN `t` COLLATE UTF8_BINARY IN ('A', 'C') THEN 'low' "
            "ELSE 'high' END",
        ),
        (Lookup(Read("s"), (0.1,), (1.0,), None, 0.0), "0.10000000149011612D"),
        (Compare("<=", Read("x"), Literal(25.0)), "COALESCE((`x` <= 25.0D), FALSE)"),
        (Compare(">", Read("x"), Literal(25.0)), "nanvl(`x`, CAST(NULL AS DOUBLE)) > 25.0D"),
        (Not(Compare("==", Read("t", "text"), Literal("A"))), "(NOT COALESCE("),
        (Arithmetic("/", Read("x"), Read("n")), "try_divide((`x` + 0.0D), CAST(`n` AS DOUBLE))"),
        (Arithmetic("*", Read("n", "integer"), Literal(2)), "try_multiply(CAST(`n` AS BIGINT), CAST(2 AS BIGINT))"),
        (IfMissing(Read("x"), Literal(0.5)), "COALESCE(nanvl("),
        (Bin(Read("n"), (1.0,), (7, 7), 7), "CAST(7 AS BIGINT)"),
    ],
)
def test_spark_text_is_this(expression: Expression, text: str) -> None:
    assert text in print_sql(expression, KINDS)


def test_nothing_printed_for_spark_can_raise_in_ansi_mode() -> None:
    kinds = kinds_of(hostile_table())
    for case in CASES:
        if "normal_cdf" not in case.name:
            text = print_sql(case.expression, kinds)
            assert " / " not in text.replace("'", "")


@pytest.mark.parametrize(
    "value", [0.1, -0.0, 5e-324, 1.7976931348623157e308, 1e16, 123456789.12345679, 2**63 - 1, -(2**63)]
)
def test_numbers_are_printed_to_the_last_bit(value: float) -> None:
    found = by_duckdb([quote_literal(value, "duckdb")], pa.table({"x": [1]}))[0][0]
    assert repr(found) == repr(value)


def test_every_name_is_quoted_by_one_function_and_read_back() -> None:
    for name in [*NAMES.values(), "select", "", " ", "x\ny", "Ω", "a;b", "--", "`", '"']:
        if not name:
            continue
        text = quote_identifier(name, "duckdb")
        assert by_duckdb([text], pa.table({name: [7]})) == [[7]]


def test_spark_reads_hostile_names_and_words_as_they_are(spark: Any) -> None:
    names = [*NAMES.values(), "select", "x\ny", "a;b", "--", "`", '"', "${spark.app.name}", "a${env:HOME}`b"]
    words = [word for word in WORDS if word is not None]
    frame = spark.createDataFrame(pa.table({name: [place] for place, name in enumerate(names)}))
    texts = [f"{quote_identifier(name)} AS c{place}" for place, name in enumerate(names)]
    texts += [f"{quote_literal(word)} AS w{place}" for place, word in enumerate(words)]
    for escaped in ("false", "true"):
        spark.conf.set("spark.sql.parser.escapedStringLiterals", escaped)
        try:
            found = frame.selectExpr(*texts).toArrow()
        finally:
            spark.conf.unset("spark.sql.parser.escapedStringLiterals")
        assert [column[0].as_py() for column in found.columns] == [*range(len(names)), *words]


def test_spark_compares_by_code_point_under_any_collation(spark: Any) -> None:
    frame = spark.sql("SELECT collate(w, 'UTF8_LCASE') AS t FROM VALUES ('abc'), ('ABC'), ('abc ') AS v(w)")
    lookup = Lookup(Read("t", "text"), ("ABC",), (1,), -1, 0)
    below = Compare("<", Read("t", "text"), Literal("a"))
    flag = Read("t", "boolean")
    texts = [f"{print_sql(one, {'t': 'text'})} AS r{place}" for place, one in enumerate((lookup, below, flag))]
    found = frame.selectExpr(*texts).toArrow()
    assert found.column(0).to_pylist() == [0, 1, 0]
    assert found.column(1).to_pylist() == [False, True, False]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
def test_a_day_in_spark_is_the_day_in_utc_whatever_the_session_says(spark: Any, zone: str) -> None:
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", zone)
    try:
        frame = spark.sql(
            "SELECT timestamp_micros(1711929599999999) AS aware, timestamp_micros(-1) AS early, "
            "TIMESTAMP_NTZ'2024-03-31 23:59:59' AS naive"
        )
        names = ("aware", "early", "naive")
        texts = [f"{print_sql(Read(name, 'date'), {name: 'timestamp'})} AS {name}" for name in names]
        found = frame.selectExpr(*texts).toArrow().to_pylist()[0]
    finally:
        spark.conf.set("spark.sql.session.timeZone", before)
    assert {name: str(day) for name, day in found.items()} == {
        "aware": "2024-03-31",
        "early": "1969-12-31",
        "naive": "2024-03-31",
    }


def depth(text: str) -> int:
    deepest = level = 0
    for word in text.split():
        level += (word.lstrip("(") in ("CASE", "CAST(CASE")) - (word.rstrip(")") == "END")
        deepest = max(deepest, level)
    return deepest


@pytest.mark.parametrize("dialect", ["spark", "duckdb"])
def test_a_lookup_of_ten_thousand_postcodes_is_a_balanced_tree(dialect: str) -> None:
    tree = Lookup(Read("t", "text"), POSTCODES, tuple(range(10_000)), -1, -2)
    assert depth(print_sql(tree, KINDS, dialect)) <= math.ceil(math.log2(10_000)) + 1


def test_a_lookup_of_ten_thousand_postcodes_gives_every_one_its_own() -> None:
    generator = np.random.default_rng(1)
    drawn = pa.array([POSTCODES[place] for place in generator.integers(0, 10_000, 3_000)] + ["x", None, "99999 "])
    table = pa.table({"t": drawn})
    for outputs in (tuple(range(10_000)), tuple(place % 7 for place in range(10_000))):
        tree = Lookup(Read("t", "text"), POSTCODES, outputs, -1, -2)
        assert by_duckdb([print_sql(tree, KINDS, "duckdb")], table) == by_numpy([tree], table)


def test_a_long_argument_is_written_once() -> None:
    tree: Expression = Read("t")
    for _ in range(6):
        tree = Bin(tree, tuple(map(float, range(40))), tuple(map(float, range(41))), None)
    assert len(print_sql(tree, KINDS)) < 30_000
    assert len(print_sql(tree, KINDS, "duckdb")) < 30_000


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_can_be_parsed_again(dialect: str) -> None:
    import sqlglot

    trees: list[Expression] = [
        Bin(Read("x"), (1.5, 3.0), ("it's", "b\\c", "${d}"), None),
        Bin(Read("n"), (1.5, 3.0), (0, 1, 2), -1),
        Lookup(Read("t", "text"), tuple("abcdefghijkl'"), tuple(range(13)), -1, -2),
        Arithmetic("*", Function("exp", Read("x")), Literal(0.1)),
        Arithmetic("/", Read("x"), Read("n")),
        Function("log", Read("n")),
        Function("normal_cdf", Read("x")),
        Function("expm1", Read("x")),
        IfMissing(Read("x"), Literal(0.5)),
    ]
    for tree in trees:
        text = print_sql(tree, KINDS, dialect)
        assert sqlglot.parse_one(text, read=dialect) is not None


def test_words_written_for_other_dialects_compute_what_numpy_does() -> None:
    # the text before sqlglot spells it is DuckDB's syntax, so DuckDB can say whether its meaning is right
    table = hostile_table()
    kinds = kinds_of(table)
    own_ways = (
        "integers +",
        "integers -",
        "integers *",
        "integer plus",
        "moment read",
        "clock read",
        "word read as date",
    )
    cases = [case for case in CASES if not case.name.startswith(own_ways)]
    printer = [Printer(SqlDialect("postgres"), kinds).result(case.expression) for case in cases]
    meant = by_numpy([case.expression for case in cases], table)
    for case, expected, found in zip(cases, meant, by_duckdb(printer, table), strict=True):
        assert differences(expected, found, case.exact) == [], case.name


def test_sqlite_runs_what_is_printed_for_it() -> None:
    rows: list[tuple[Any, ...]] = [(1.5, 3, "A"), (None, None, None), (-7.25, 26, "it's"), (25.0, 0, "z")]
    trees: list[Expression] = [
        Bin(Read("x"), (0.0, 1.5), ("low", "mid", "high"), "none"),
        Bin(Read("n"), (2.5, 25.0), (0, 1, 2), -1),
        Lookup(Read("t", "text"), ("A", "it's"), (1, 2), -1, 0),
        Arithmetic("+", Arithmetic("*", Read("x"), Literal(2.0)), Read("n")),
    ]
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE v (x DOUBLE, n INTEGER, t TEXT)")
        connection.executemany("INSERT INTO v VALUES (?, ?, ?)", rows)
        texts = ", ".join(print_sql(tree, KINDS, "sqlite") for tree in trees)
        found = list(zip(*connection.execute(f"SELECT {texts} FROM v"), strict=True))
    x, n, t = zip(*rows, strict=True)
    table = pa.table({"x": pa.array(x), "n": pa.array(n), "t": pa.array(t)})
    assert [list(column) for column in found] == by_numpy(trees, table)


@pytest.mark.parametrize(
    ("expression", "dialect"),
    [(Read("t"), "tsql"), (HashBucket(Read("t", "text"), "p", 1, 2), "oracle")],
)
def test_a_dialect_without_words_for_a_node_says_so(expression: Expression, dialect: str) -> None:
    with pytest.raises(EngineError):
        print_sql(expression, KINDS, dialect)


def test_an_unknown_dialect_is_a_wrong_argument() -> None:
    with pytest.raises(ConfigError, match="klingon"):
        print_sql(Read("x"), KINDS, "klingon")


def test_an_unknown_column_is_named_with_its_nearest() -> None:
    with pytest.raises(DataError, match="Nearest: 'vehicle_age'"):
        print_sql(Read("vehicel_age"), {"vehicle_age": "integer"})


def test_a_table_may_have_a_column_named_as_the_printer_would_name_one() -> None:
    table = pa.table({"v1": [1.0, 2.0], "V2": [5.0, 6.0]})
    tree: Expression = Read("v1")
    for _ in range(4):
        tree = Bin(tree, tuple(map(float, range(60))), tuple(map(float, range(61))), None)
    tree = Arithmetic("+", tree, Read("V2"))
    text = print_sql(tree, kinds_of(table), "duckdb")
    assert "LAMBDA" in text
    assert by_duckdb([text], table) == by_numpy([tree], table)


def test_the_normal_distribution_is_that_of_scipy() -> None:
    from scipy.special import ndtr

    x = np.concatenate([np.linspace(-37.0, 37.0, 20_001), [0.0, 1e-300, np.inf, -np.inf]])
    found = evaluate(Function("normal_cdf", Read("x")), ArrayColumns({"x": x})).data
    np.testing.assert_allclose(found, ndtr(x), rtol=1e-12, atol=0.0)
