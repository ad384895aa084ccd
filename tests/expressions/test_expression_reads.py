"""Columns of any make: their physical kind, and what they read as."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from glm_local.errors import DataError
from glm_local.expressions.columns import ReadKind
from glm_local.expressions.read_array import physical_kind, read_array
from glm_local.expressions.read_scalar import read_scalar
from tests.expressions.readers import plain_rows

DAY = datetime.date(2024, 2, 29)
NOON = datetime.datetime(2024, 2, 29, 12)


def objects(*values: Any) -> np.ndarray[Any, Any]:
    return np.array([*values, None], dtype=object)[:-1]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([True]), "boolean"),
        (np.array([1], dtype=np.uint8), "integer"),
        (np.array([1], dtype=np.uint64), "integer"),
        (np.array([1], dtype=np.float16), "float32"),
        (np.array([1], dtype=np.float32), "float32"),
        (np.array([1.0]), "float64"),
        (np.array([1j]), "unsupported"),
        (np.array(["a"]), "text"),
        (np.array([b"a"]), "unsupported"),
        (np.array(["2024-01-01"], dtype="datetime64[D]"), "date"),
        (np.array(["2024-01-01"], dtype="datetime64[ns]"), "timestamp"),
        (np.array([1], dtype="timedelta64[s]"), "unsupported"),
        (objects(None, np.nan, "a"), "text"),
        (objects(None, np.nan, pd.NA, pd.NaT), "text"),
        (objects(True, None, False), "boolean"),
        (objects(1, None), "integer"),
        (objects(1, 2.5), "float64"),
        (objects(np.float32(1)), "float32"),
        (objects(Decimal("1.5"), 2), "decimal"),
        (objects(Decimal("NaN"), None), "text"),
        (objects(Decimal("1.5"), 2.5), "mixed"),
        (objects(DAY, None), "date"),
        (objects(NOON, pd.Timestamp(NOON)), "timestamp"),
        (objects(DAY, NOON), "mixed"),
        (objects("a", 1), "mixed"),
        (objects(True, 1), "mixed"),
        (objects([1]), "unsupported"),
        (objects(b"a"), "unsupported"),
        (objects(), "text"),
        (pd.Series([1, None], dtype="Int64"), "integer"),
        (pd.Series([1, None], dtype="Float32"), "float32"),
        (pd.Series([True, None], dtype="boolean"), "boolean"),
        (pd.Series(["a", None], dtype="string"), "text"),
        (pd.Series(["a", None], dtype="category"), "text"),
        (pd.Series([1, 2], dtype="category"), "integer"),
        (pd.Series([NOON]).dt.tz_localize("America/New_York"), "timestamp"),
        (pd.Series([1], dtype=pd.ArrowDtype(pa.decimal128(5, 2))), "decimal"),
        (pd.Series(pd.period_range("2024-01", periods=1, freq="M")), "unsupported"),
        (pd.Series(pd.arrays.SparseArray([1.0, 0.0])), "float64"),
        (pa.array([1], pa.uint16()), "integer"),
        (pa.chunked_array([["a"], ["b"]], pa.large_string()), "text"),
        (pa.array(["a"]).dictionary_encode(), "text"),
        (pa.nulls(2), "text"),
        (pa.array([DAY], pa.date64()), "date"),
        (pa.array([1.0], pa.float32()), "float32"),
        (pa.array([[1]]), "unsupported"),
        (pa.array([1], pa.time32("s")), "unsupported"),
    ],
)
def test_a_column_has_one_physical_kind(values: Any, kind: str) -> None:
    assert physical_kind(values) == kind


@pytest.mark.parametrize(
    ("values", "kind", "meant"),
    [
        (np.array([1, 0, -1], dtype=np.int8), "number", [1.0, 0.0, -1.0]),
        (np.array([2**63, 5], dtype=np.uint64), "integer", [None, 5]),
        (np.array([2**63], dtype=np.uint64), "number", [2.0**63]),
        (np.array([2**64 - 1], dtype=np.uint64), "text", ["18446744073709551615"]),
        (np.array([1.5, 2.0, np.inf, 2.0**63, -(2.0**63)]), "integer", [None, 2, None, None, -(2**63)]),
        (np.array([0.1], dtype=np.float32), "number", [float(np.float32(0.1))]),
        (np.array([0.0, 1.0, 2.0, np.nan]), "boolean", [False, True, None, None]),
        (np.array(["NaT", "1969-12-31T23:59:59"], dtype="datetime64[s]"), "date", [None, "1969-12-31"]),
        (objects(2**70, None, 3), "integer", [None, None, 3]),
        (objects(2**70, 10**400), "number", [2.0**70, None]),
        (objects(Decimal("0.1"), Decimal("Infinity"), None), "number", [0.1, np.inf, None]),
        (objects(Decimal("2.0"), Decimal("2.5"), Decimal("-Infinity")), "integer", [2, None, None]),
        (objects("1" * 5000, "0" * 5000 + "7"), "integer", [None, 7]),
        (objects("1" * 400, "0." + "0" * 400), "number", [np.inf, 0.0]),
        (objects(np.int8(3), True), "number", None),
        (objects(np.bool_(True), None), "text", ["true", None]),
        (objects("\ud800", "a"), "text", ["\ud800", "a"]),
        (objects(np.str_("a"), "a"), "text", ["a", "a"]),
        (objects(NOON.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=14)))), "date", ["2024-02-28"]),
        (pd.Series([NOON]).dt.tz_localize("Pacific/Kiritimati"), "date", ["2024-02-28"]),
        (pd.Series([1, None, 3], dtype="Int64"), "text", ["1", None, "3"]),
        (pd.Series([np.nan, 1.5], dtype="Float64"), "number", [None, 1.5]),
        (pd.Series(["b", None, "a"], dtype="category"), "text", ["b", None, "a"]),
        (pd.Series([2, None, 1], dtype="category"), "number", [2.0, None, 1.0]),
        (pd.Series([DAY, None]), "number", [19782.0, None]),
        (pa.array([None, 2**63 - 1], pa.int64()), "integer", [None, 2**63 - 1]),
        (pa.array([None, True]), "integer", [None, 1]),
        (
            pa.chunked_array([pa.array(["a", None]).dictionary_encode(), pa.array(["b"]).dictionary_encode()]),
            "text",
            ["a", None, "b"],
        ),
        (pa.nulls(2), "date", [None, None]),
        (pa.nulls(2), "boolean", [None, None]),
    ],
)
def test_a_column_reads_as_one_kind(values: Any, kind: ReadKind, meant: list[Any] | None) -> None:
    if meant is None:
        with pytest.raises(DataError):
            read_array(values, kind)
        return
    assert plain_rows(read_array(values, kind)) == meant


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([1.5]), "text"),
        (np.array([1.5]), "date"),
        (np.array([NOON], dtype="datetime64[s]"), "number"),
        (np.array([1]), "date"),
        (np.array([1j]), "number"),
        (objects("a", 1), "text"),
        (objects(Decimal(1)), "text"),
    ],
)
def test_a_kind_that_is_never_read_so_is_a_data_error(values: Any, kind: ReadKind) -> None:
    with pytest.raises(DataError) as caught:
        read_array(values, kind, column="claims")
    problem = caught.value.problems[0]
    assert problem.path == "claims"
    assert problem.found
    assert problem.rule
    assert problem.way_out


def test_a_value_of_another_kind_than_the_column_is_named() -> None:
    with pytest.raises(DataError, match="'x' is a text in a column of integer values"):
        read_array(objects(1, "x"), "number", "integer")


@pytest.mark.parametrize("distinct", [3, 40_000])
def test_text_is_encoded_alike_by_identity_and_by_value(distinct: int) -> None:
    rows = 50_000
    words = [f"w{place % distinct}" for place in range(rows)]
    fresh = objects(*("".join(list(word)) for word in words))
    fresh[7] = None
    fresh[8] = np.nan
    meant: list[str | None] = list(words)
    meant[7] = meant[8] = None
    assert plain_rows(read_array(fresh, "text")) == meant


def test_text_read_in_stretches_and_strides_keeps_its_rows() -> None:
    values = objects(*"abcdefgh")
    assert plain_rows(read_array(values[1::3], "text")) == ["b", "e", "h"]
    assert plain_rows(read_array(values[::-1], "text")) == list("hgfedcba")


def test_high_integers_keep_their_last_digit() -> None:
    values = pd.Series([2**53 + 1, None], dtype="Int64")
    assert plain_rows(read_array(values, "integer")) == [2**53 + 1, None]
    assert plain_rows(read_array(values, "number")) == [float(2**53), None]


def test_a_decimal_is_the_nearest_double() -> None:
    text = "9007199254740993.1000000000"
    column = pa.array([Decimal(text)], pa.decimal128(38, 10))
    assert plain_rows(read_array(column, "number")) == [float(text)]


@pytest.mark.parametrize(
    "missing", [None, np.nan, pd.NA, pd.NaT, Decimal("NaN"), np.datetime64("NaT"), np.float32("nan")]
)
def test_missing_has_many_spellings_and_one_meaning(missing: Any) -> None:
    assert read_scalar(missing, "number") is None
    assert read_scalar(missing, "date") is None
