from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from glm_local.errors import DataError
from glm_local.expressions.expression import Read
from glm_local.pandas_rows.frames import as_frame
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.rows.cells import CellRequest
from glm_local.testing.code_counts import CodeCounts, hostile_rows
from glm_local.testing.engine_answers import known, some_design
from glm_local.testing.engine_conformance import EngineConformance, key_expressions


class TestPandasEngine(EngineConformance):
    @pytest.fixture(autouse=True)
    def _engine(self) -> None:
        self.engine = PandasEngine()


class TestPandasEngineOnNumpyColumns(EngineConformance):
    """The same suite on a frame of plain numpy and object columns (whole numbers with gaps stay nullable)."""

    @pytest.fixture(autouse=True)
    def _engine(self) -> None:
        self.engine = PandasEngine()

    def frame(self, table: pa.Table, partitions: int = 1) -> pd.DataFrame:
        frame = table.to_pandas(date_as_object=True, integer_object_nulls=True)
        for name in ("n", "flag"):
            frame[name] = pd.array(table[name].to_pylist(), dtype="Int64" if name == "n" else "boolean")
        frame["t"] = frame["t"].astype("category") if table.num_rows else frame["t"].astype(object)
        frame["day"] = frame["day"].astype(object)
        return frame

    def rows(self, frame: pd.DataFrame) -> pa.Table:
        return pa.table({name: pa.array(frame[name], from_pandas=True) for name in frame.columns})

    def test_columns_are_named_and_typed_in_their_order(self) -> None:
        kinds = self.engine.columns(self.frame(hostile_rows(50)))
        assert list(kinds.values()) == [
            "integer",
            "float64",
            "integer",
            "text",
            "boolean",
            "date",
            "integer",
            *["float64"] * 4,
        ]


def sources(folder: Path) -> dict[str, Any]:
    table = hostile_rows(500)
    pq.write_table(table.slice(0, 200), folder / "a.parquet")
    pq.write_table(table.slice(200), folder / "b.parquet")
    write_deltalake(folder / "delta", table)
    lists = {"arrow": table, "reader": table.to_reader(), "parquet": folder / "a.parquet"}
    (folder / "rows").mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.parquet").rename(folder / "rows" / f"{name}.parquet")
    return lists | {
        "parquet": str(folder / "rows"),
        "delta": folder / "delta",
        "polars": pl.from_arrow(table),
        "lazy": pl.from_arrow(table).lazy(),
    }


@pytest.mark.parametrize("source", ["arrow", "reader", "parquet", "delta", "polars", "lazy"])
def test_every_input_gives_the_same_cells(source: str, tmp_path: Path) -> None:
    request = CellRequest("c", key_expressions(), {"e": Read("e"), "n": Read("n", "integer")})
    expected = known(PandasEngine().cells(hostile_rows(500), [request]), "c")
    got = known(PandasEngine().cells(sources(tmp_path)[source], [request]), "c")
    assert got.rows.tolist() == expected.rows.tolist()
    assert got.sums["n"].tolist() == expected.sums["n"].tolist()


def test_whole_numbers_with_gaps_stay_whole() -> None:
    frame = as_frame(pa.table({"n": pa.array([2**53 + 1, None])}))
    assert frame["n"].iloc[0] == 2**53 + 1


def test_columns_named_twice_are_refused() -> None:
    with pytest.raises(DataError, match=r"Column 'a' exists 2 times"):
        as_frame(pd.DataFrame(np.zeros((1, 2)), columns=["a", "a"]))


def test_numbered_columns_are_refused() -> None:
    with pytest.raises(DataError, match=r"Columns are named by text"):
        as_frame(pd.DataFrame(np.zeros((1, 2))))


def test_a_list_is_not_a_table() -> None:
    with pytest.raises(DataError, match=r"list is not a table"):
        as_frame([1, 2])


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere does not exist"):
        as_frame(tmp_path / "nowhere")


def test_the_index_of_a_frame_plays_no_part() -> None:
    table = hostile_rows(100)
    frame = as_frame(table).set_index(pd.Index(range(1_000, 1_100)[::-1]))
    design = some_design()
    plain = PandasEngine().blocks(table, design).sum(CodeCounts(design), "p")
    indexed = PandasEngine().blocks(frame, design).sum(CodeCounts(design), "p")
    for one, other in zip(plain, indexed, strict=True):
        np.testing.assert_array_equal(one, other)
    assert PandasEngine().sample(frame, 20, 1).index.min() >= 1_000
