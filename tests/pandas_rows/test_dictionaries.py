from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glm_local import fit_glm
from glm_local.expressions.read_array import read_array
from tests.suites.dictionary_rows import (
    FACTOR,
    MEANS,
    SIZES,
    TARGET,
    WORDS,
    arrow_dictionary,
    duckdb_enum,
    polars_categories,
)

if TYPE_CHECKING:
    from pathlib import Path


def means(rows: Any) -> dict[Any, float]:
    model = fit_glm(rows, target="y", factors=[FACTOR])
    assert model.predict(rows)["prediction"].sum() == pytest.approx(sum(TARGET))
    return {level: model.predict({"g": level}) for level in MEANS}


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("size", SIZES)
def test_a_dictionary_is_read_whatever_counts_its_places(size: str, words: str) -> None:
    assert means(arrow_dictionary(size, words)) == pytest.approx(MEANS)


@pytest.mark.parametrize("kind", ["categorical", "enum"])
def test_categories_of_polars_are_read_from_frames_and_files(kind: str, tmp_path: Path) -> None:
    rows = polars_categories(kind)
    rows.write_parquet(tmp_path / "rows.parquet")
    for source in (rows, rows.lazy(), tmp_path / "rows.parquet"):
        assert means(source) == pytest.approx(MEANS)


def test_an_enum_of_duckdb_is_read_from_a_table_and_a_file(tmp_path: Path) -> None:
    rows = duckdb_enum()
    pq.write_table(rows, tmp_path / "rows.parquet")
    for source in (rows, tmp_path / "rows.parquet"):
        assert means(source) == pytest.approx(MEANS)


def test_a_dictionary_may_hold_a_null_and_grow_past_its_index() -> None:
    places = pa.array([0, 1, 2, 3, None, 0], pa.uint8())
    gap = pa.DictionaryArray.from_arrays(places, pa.array([10, 20, None, 30]))
    np.testing.assert_array_equal(read_array(gap, "number").data, [10, 20, np.nan, 30, np.nan, 10])
    view = pa.DictionaryArray.from_arrays(places, pa.array(["a", None, "c", "d"], pa.string_view()))
    assert [read_array(view, "text").words[code] if code >= 0 else None for code in read_array(view, "text").codes] == [
        "a",
        None,
        "c",
        "d",
        None,
        "a",
    ]
    many = [
        pa.DictionaryArray.from_arrays(pa.array(range(200), pa.uint8()), pa.array([f"{name}{i}" for i in range(200)]))
        for name in "xy"
    ]
    read = read_array(pa.chunked_array(many), "text")
    assert [read.words[code] for code in read.codes] == [f"{name}{i}" for name in "xy" for i in range(200)]


def test_numbers_and_flags_in_an_unsigned_dictionary_are_values() -> None:
    table = pa.table(
        {
            "f": pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.uint8()), pa.array([True, False])),
            "n": pa.DictionaryArray.from_arrays(pa.array([1, 0, None], pa.uint32()), pa.array([2.5, -1.0])),
        }
    )
    np.testing.assert_array_equal(read_array(table["n"], "number").data, [-1.0, 2.5, np.nan])
    flag = read_array(table["f"], "boolean")
    assert flag.missing is not None
    assert flag.missing.tolist() == [False, False, True]
    assert flag.data[:2].tolist() == [True, False]
