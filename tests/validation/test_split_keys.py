"""Rows without an id: which key divides them, what NULL is, what is lost, and how large the key's SQL is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from glm_local.errors import DataError, EngineError, SpecError
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression
from glm_local.on_pandas.studies import GLMStudy
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.sql.statement import print_sql
from glm_local.validation import fold_expression, keyed_rows, learn_split, read_split, split_counts
from glm_local.validation.key_choice import COLUMN_OF

RATES = {"A": 0.1, "B": 0.13, "C": 0.17, "D": 0.22}


def policies(count: int = 40_000, seed: int = 3) -> pd.DataFrame:
    """Rows of two rating factors, an exposure and a target: nothing that names a row."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({"region": draw.choice(list(RATES), count), "sex": draw.choice(["f", "m"], count)})
    frame["years"] = draw.uniform(0.3, 1.0, count)
    frame["claims"] = draw.poisson(frame["region"].map(RATES) * frame["years"])
    return frame


def study(frame: Any, **asked: Any) -> GLMStudy:
    return GLMStudy(frame, **{"target": "claims", "exposure": "years", "name": "s", "user": "u", **asked})


def counts(frame: Any, document: dict[str, Any]) -> dict[Any, int]:
    engine = PandasEngine()
    split = read_split(document)
    keyed = keyed_rows(engine, frame, split.key)
    found = split_counts(engine, keyed, learn_split(engine, keyed, split))
    return {
        None if pd.isna(name) else name: int(rows) for name, rows in zip(found["sample"], found["rows"], strict=True)
    }


def test_a_study_without_a_key_does_not_divide_rows_by_their_target() -> None:
    frame = policies()
    found = study(frame)
    found.auto_design()
    assert found.setup.key_rule == "row number"
    rate = frame.assign(rate=found.model.predict(frame, "rate")["prediction"]).groupby("region")["rate"].first()
    assert rate.to_dict() == pytest.approx(RATES, rel=0.12)
    totals = frame.assign(expected=found.model.predict(frame, "mean")["prediction"], sample=samples_of(found, frame))
    found_to_expected = totals.groupby("sample")[["claims", "expected"]].sum()
    assert (found_to_expected["claims"] / found_to_expected["expected"]).between(0.9, 1.1).all()


def samples_of(found: GLMStudy, frame: pd.DataFrame) -> pd.Series:
    engine = PandasEngine()
    keyed = keyed_rows(engine, frame, found.setup.key, found.setup.role_columns)
    return engine.with_columns(keyed, {"sample": found.setup.split.sample(engine.columns(keyed))})["sample"]


def test_rows_that_name_themselves_are_divided_by_what_they_hold_whatever_their_order() -> None:
    frame = policies(3_000).assign(premium=lambda one: np.arange(len(one)) * 0.37)
    shuffled = frame.sample(frac=1.0, random_state=1)
    first, second = study(frame), study(shuffled)
    assert first.samples == second.samples
    assert first.setup.key_rule == second.setup.key_rule == "row content"
    other = study(frame.assign(claims=frame["claims"] + 1, years=1.0))
    assert other.samples == first.samples  # target and exposure take no part


def test_a_missing_key_is_a_key_like_any_other() -> None:
    draw = np.random.default_rng(5)
    area = draw.choice(["A", "B", None], 4_000, p=[0.4, 0.3, 0.3])
    frame = pd.DataFrame({"area": area, "street": draw.integers(0, 3_000, 4_000)})
    rate = np.where(frame["area"].isna(), 0.85, 0.2)
    frame["claims"], frame["years"] = (draw.random(4_000) < rate).astype(int), 1.0
    for key in (["area", "street"], "*", "row_number"):
        found = study(frame, key=key, candidates=["area"])
        assert sum(found.samples.values()) == 4_000
    found.factor("area").optimize().accept("Known to matter.")
    predicted = found.model.predict(frame, "mean").loc[frame["area"].isna(), "prediction"]
    assert predicted.mean() == pytest.approx(0.85, abs=0.03)


@pytest.mark.parametrize(("rows", "wanted"), [(10, (6, 2, 2)), (7, (4, 2, 1)), (12_345, (7407, 2469, 2469))])
def test_an_exact_split_holds_its_fractions_to_the_row(rows: int, wanted: tuple[int, int, int]) -> None:
    frame = pd.DataFrame({"id": np.arange(rows) * 7 + 3})
    for key in ("id", "row_number"):
        found = counts(frame, {"method": "exact", "key": key, "seed": 4})
        assert [found[name] for name in ("train", "validation", "holdout")] == pytest.approx(wanted, abs=1)
        assert found["train"] == wanted[0]


def test_an_exact_split_keeps_rows_of_a_key_together_and_leaves_out_what_has_no_share() -> None:
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"house": draw.integers(0, 500, 5_000)})
    engine = PandasEngine()
    split = learn_split(engine, frame, read_split({"method": "exact", "key": "house"}))
    marked = engine.with_columns(frame, {"sample": split.sample(engine.columns(frame))})
    assert (marked.groupby("house")["sample"].nunique() == 1).all()
    assert marked["sample"].value_counts(normalize=True)["train"] == pytest.approx(0.6, abs=0.003)
    found = counts(frame, {"method": "exact", "key": "house", "fractions": {"train": 0.5, "holdout": 0.5}})
    assert set(found) == {"train", "holdout"}


def test_a_split_of_none_trains_on_every_row_and_folds_still_divide_them() -> None:
    found = study(policies(2_000), split={"method": "none"}, key="row_number", candidates=["region"])
    assert found.samples == {"train": 2_000, "validation": 0, "holdout": 0}
    with pytest.raises(SpecError, match="'key' means nothing to the method 'none'"):
        read_split({"method": "none", "key": "id"})


@pytest.mark.parametrize(
    "split",
    [
        {"method": "time", "column": "start"},
        {"method": "column", "column": "part", "values": {"train": ["L"], "validation": ["V"]}},
    ],
)
def test_rows_a_split_loses_are_counted_and_beyond_a_share_an_error(split: dict[str, Any]) -> None:
    frame = policies(2_000)
    frame["start"] = np.where(np.arange(2_000) < 100, np.nan, np.arange(2_000) * 1.0)
    frame["part"] = np.where(np.arange(2_000) < 100, "?", np.where(np.arange(2_000) % 3 > 0, "L", "V"))
    with pytest.raises(DataError, match=r"100 of 2,000 rows \(5.00%\) are in no sample"):
        _ = study(frame, split=split, key="row_number", candidates=["region"]).samples
    with pytest.warns(UserWarning, match=r"100 of 2,000 rows are in no sample"):
        found = study(frame, split={**split, "max_lost_share": 0.05}, key="row_number", candidates=["region"]).samples
    assert sum(found.values()) == 1_900


def test_a_source_without_order_has_no_row_numbers(tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake")
    deltalake.write_deltalake(tmp_path / "table", pa.table({"x": [1, 2, 3]}))
    with pytest.raises(EngineError, match="no order of rows"):
        PandasEngine().numbered(str(tmp_path / "table"), "n")


def test_rows_of_a_folder_are_numbered_by_path_of_the_file(tmp_path: Path) -> None:
    for at, name in enumerate(["b.parquet", "a.parquet", "c=1/d.parquet"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        parquet.write_table(pa.table({"x": [10 * at, 10 * at + 1]}), tmp_path / name)
    found = PandasEngine().numbered(str(tmp_path), COLUMN_OF["row_number"])
    assert found["x"].tolist() == [10, 11, 0, 1, 20, 21]
    assert found[COLUMN_OF["row_number"]].tolist() == list(range(6))


def key_expressions(columns: int) -> dict[str, tuple[Expression, dict[str, ColumnKind]]]:
    kinds: dict[str, ColumnKind] = {f"column_{at:02}": "text" for at in range(columns)}
    hashed = read_split({"method": "hash", "key": list(kinds)})
    stratified = read_split(
        {
            "method": "stratified",
            "key": "column_00",
            "strata": list(kinds),
            "learned": {"strata": [["a", "b"]] * columns, "bounds": [[0, 6_000, 8_000]]},
        }
    )
    return {
        "hash": (hashed.sample(kinds), kinds),
        "fold": (fold_expression(list(kinds), kinds), kinds),
        "stratified": (stratified.sample(kinds), kinds),
    }


@pytest.mark.parametrize("which", ["hash", "fold", "stratified"])
def test_the_sql_of_a_key_grows_linearly_with_its_columns(which: str) -> None:
    sizes = {}
    for columns in (2, 4, 8, 16):
        expression, kinds = key_expressions(columns)[which]
        sizes[columns] = len(print_sql(expression, kinds))
    assert sizes[16] < 2.2 * sizes[8] < 4.9 * sizes[4]
