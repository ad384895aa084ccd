"""Columns that folders stand for keep their text; float32 is the double it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from glm_local import PandasEngine, fit_glm
from glm_local.job.data_sources import DataSource, column_kinds

CODES = ["01", "1", "007"]


def written(folder: Path, key: str, values: list[str], rows: int = 40) -> str:
    """One file for each value, whose target has the rate of the value's place."""
    for at, value in enumerate(values):
        place = folder / f"{key}={value}"
        place.mkdir(parents=True)
        bad = (np.arange(rows) < rows * (at + 1) // 5).astype(float)
        parquet.write_table(pa.table({"bad": bad, "at": [at] * rows}), place / "part.parquet")
    return str(folder)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (CODES, "text"),
        (["1", "20", "-3"], "integer"),
        (["1", "2", "x"], "text"),
        (["2024-01-31", "2024-02-29"], "text"),
        (["0.1", "0.25"], "text"),
        (["1", "__HIVE_DEFAULT_PARTITION__"], "integer"),
        (["+1", "2"], "text"),
        (["12345678901", "7"], "integer"),
        (["a%2Fb", "c d"], "text"),
    ],
)
def test_a_folder_is_an_integer_only_where_every_name_is_an_integers_own_spelling(
    tmp_path: Path, values: list[str], kind: str
) -> None:
    path = written(tmp_path, "code", values)
    assert PandasEngine().columns(path)["code"] == kind
    assert column_kinds(DataSource("path", path))["code"] == kind


def test_codes_of_folders_do_not_merge(tmp_path: Path) -> None:
    path = written(tmp_path, "code", CODES)
    factor = {"kind": "categorical", "name": "code", "column": "code", "missing": "refuse", "unseen": "refuse"}
    model = fit_glm(path, target="bad", factors=[factor], family="binomial")
    rates = [model.predict({"code": code}) for code in CODES]
    assert rates == pytest.approx([0.2, 0.4, 0.6])


def test_a_float32_is_read_as_the_double_it_is() -> None:
    frame = pd.DataFrame({"x": np.array([0.1, 0.2] * 50, dtype="float32"), "y": np.arange(100) % 2 + 1.0})
    factor = {"kind": "numeric", "name": "x", "column": "x", "edges": [0.1], "missing": "refuse"}
    codes = fit_glm(frame, target="y", factors=[{**factor, "edges": [0.15]}], family="poisson")
    assert sorted(codes.predict(frame)["prediction"].unique()) == pytest.approx([1.0, 2.0])
    above = fit_glm(
        frame.assign(x=frame["x"].where(frame["x"] > 0.15, np.float32(0.1))),
        target="y",
        factors=[factor],
        family="poisson",
        on_separation="warn",
    )
    assert above.predict(frame)["prediction"].nunique() == 1  # 0.1 is 0.10000000149, above the edge 0.1
    learned = fit_glm(frame, target="y", factors=[{**factor, "edges": {"method": "quantile", "bins": 2}}])
    assert sorted(learned.predict(frame)["prediction"].unique()) == pytest.approx([1.0, 2.0])
    assert learned.predict({"x": 0.1}) == pytest.approx(1.0)
