"""Cells a crossing names are its only ones with a coefficient, in the fit as in the score."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import FitError, Model, SpecError, fit_glm
from glm_local.errors import DataError
from tests.doubles import OpaqueEngine, opaque


def factor(name: str, base: str) -> dict[str, Any]:
    return {
        "kind": "categorical",
        "name": name,
        "column": name,
        "missing": "refuse",
        "unseen": "refuse",
        "base": {"level": base},
    }


FACTORS = [factor("a", "0"), factor("b", "0")]


def crossing(cells: list[list[str]] | None, **more: Any) -> dict[str, Any]:
    learned = {} if cells is None else {"learned": {"cells": cells}}
    return {"kind": "interaction", "name": "x", "factors": ["a", "b"], "unseen": "base", **learned, **more}


def counts(seed: int = 1, rows: int = 3_000) -> pd.DataFrame:
    """Counts of two factors of three levels; the cell 2 × 2 has 15 rows."""
    draw = np.random.default_rng(seed)
    a, b = draw.integers(0, 3, rows), draw.integers(0, 3, rows)
    few = (a == 2) & (b == 2)
    b = np.where(few & (np.cumsum(few) > 15), 1, b)
    y = draw.poisson(np.exp(-1 + 0.2 * a + 0.3 * b + 0.5 * (a == 1) * (b == 1)))
    return pd.DataFrame({"a": a.astype(str), "b": b.astype(str), "y": y.astype(float)})


def fitted(frame: pd.DataFrame, cells: list[list[str]] | None, **more: Any) -> Model[Any]:
    return fit_glm(frame, target="y", factors=[*FACTORS, crossing(cells, **more)], family="poisson")


def columns_of(model: Model[Any]) -> list[str]:
    found = model.document.coefficients
    return [str(one.level) for one in found if one.factor == "x" and one.status == "fitted"]


def by_hand(frame: pd.DataFrame, columns: list[tuple[str, str]]) -> np.ndarray[Any, Any]:
    """Means of the Poisson model with both factors and these cells, by Newton's method on the dense matrix."""
    a, b = frame["a"].to_numpy(), frame["b"].to_numpy()
    parts = [np.ones(len(frame)), a == "1", a == "2", b == "1", b == "2", *[(a == i) & (b == j) for i, j in columns]]
    matrix, y = np.column_stack([np.asarray(one, dtype=float) for one in parts]), frame["y"].to_numpy()
    beta = np.zeros(matrix.shape[1])
    beta[0] = np.log(y.mean())
    for _ in range(30):
        mean = np.exp(matrix @ beta)
        beta += np.linalg.solve((matrix * mean[:, None]).T @ matrix, matrix.T @ (y - mean))
    return np.exp(matrix @ beta)


GIVEN = [["1", "1"], ["1", "2"]]


@pytest.mark.parametrize("solver", ["cells", "blocks"])
def test_a_given_cell_of_a_level_nobody_has_names_the_nearest(solver: Any) -> None:
    rows = counts().assign(a=lambda frame: "level " + frame["a"])
    factors = [{**FACTORS[0], "base": {"level": "level 0"}}, FACTORS[1], crossing([["level 2", "1"], ["leval 1", "1"]])]
    with pytest.raises(SpecError, match=r'learned/cells/1  "leval 1" is not a level of "a".*Nearest: \'level 1\''):
        fit_glm(rows, target="y", factors=factors, family="poisson", solver=solver)


@pytest.mark.parametrize("solver", ["cells", "blocks"])
def test_given_cells_are_the_only_columns(solver: str) -> None:
    frame = counts()
    model = fit_glm(frame, target="y", factors=[*FACTORS, crossing(GIVEN)], family="poisson", solver=solver)
    assert columns_of(model) == ["1 × 1", "1 × 2"]
    assert model.statistics.parameters == 1 + 2 + 2 + 2
    np.testing.assert_allclose(model.predict(frame)["prediction"], by_hand(frame, [("1", "1"), ("1", "2")]), rtol=1e-6)


def test_without_given_cells_all_that_have_rows_are_columns() -> None:
    model = fitted(counts(), None)
    assert columns_of(model) == ["1 × 1", "1 × 2", "2 × 1", "2 × 2"]


def test_the_pool_is_named_and_counted() -> None:
    frame = counts()
    (pool,) = [one for one in fitted(frame, GIVEN).document.coefficients if one.status == "pooled"]
    left = frame[(frame["a"] == "2") & (frame["b"] != "0")]
    assert (pool.term, pool.rows, pool.estimate, pool.relativity) == ("x=(pooled cells)", len(left), 0.0, 1.0)
    assert pool.amount == left["y"].sum()
    assert "(pooled)" in fitted(frame, GIVEN).summary()


def test_document_record_and_sql_of_given_cells_say_one_score() -> None:
    import duckdb

    frame = counts()
    model = fitted(frame, GIVEN)
    scored = model.predict(frame)
    records = [model.predict(one) for one in frame.head(200).to_dict("records")]
    np.testing.assert_allclose(records, scored["prediction"].head(200), rtol=1e-12)
    assert frame is not None
    by_sql = duckdb.sql(model.to_sql("duckdb", table="frame")).df()
    column = next(name for name in by_sql if name not in frame)
    np.testing.assert_allclose(np.sort(by_sql[column]), np.sort(scored["prediction"]), rtol=1e-12)
    total = scored["prediction"].sum()
    assert total == pytest.approx(frame["y"].sum(), rel=1e-9)


def test_a_model_refitted_keeps_the_cells_it_has() -> None:
    model = fitted(counts(1), GIVEN)
    again = fit_glm(counts(2), target="y", factors=list(model.document.factors), family="poisson")
    assert columns_of(again) == columns_of(model)
    assert again.document.factors[-1].learned.cells == (("1", "1"), ("1", "2"))  # type: ignore[union-attr]


def test_rows_in_cells_that_were_not_given_follow_the_policy_of_unseen_ones() -> None:
    frame = counts()
    joined = fitted(frame, GIVEN, unseen={"level": "1 × 2"})
    assert columns_of(joined) == ["1 × 1", "1 × 2"]
    scored = joined.predict(frame)["prediction"]
    assert scored.sum() == pytest.approx(frame["y"].sum(), rel=1e-9)
    line = next(one for one in joined.document.coefficients if one.level == "1 × 2" and one.factor == "x")
    a, b = frame["a"], frame["b"]
    assert line.rows == int((((a == "1") & (b == "2")) | ((a == "2") & (b != "0"))).sum())
    with pytest.raises(DataError, match="unseen"):
        fitted(frame, GIVEN, unseen="refuse")


def test_given_cells_of_coding_cells_leave_the_others_to_the_base_cell() -> None:
    frame = counts()
    model = fitted(frame, [["0", "0"], ["1", "1"]], coding="cells", base={"level": "0 × 0"})
    assert columns_of(model) == ["1 × 1"]
    scored = frame.assign(p=model.predict(frame)["prediction"])
    inside = (frame["a"] == "1") & (frame["b"] == "1")
    assert scored.groupby(inside)["p"].mean().tolist() == pytest.approx(frame.groupby(inside)["y"].mean().tolist())
    with pytest.raises(SpecError, match="not a cell"):
        fitted(frame, [["1", "1"]], coding="cells", base={"level": "0 × 0"})
    nowhere = frame[(frame["a"] != "1")]
    with pytest.raises(SpecError, match="none of the cells given"):
        fit_glm(
            nowhere,
            target="y",
            family="poisson",
            factors=[
                {**FACTORS[0], "levels": ["0", "1", "2"]},
                FACTORS[1],
                crossing([["1", "1"]], coding="cells"),
            ],
        )


def test_a_thin_cell_without_events_separates_nothing_once_it_is_pooled() -> None:
    frame = counts()
    frame.loc[(frame["a"] == "2") & (frame["b"] == "2"), "y"] = 0.0
    with pytest.raises(FitError, match="separation"):
        fitted(frame, None)
    model = fitted(frame, [["1", "1"], ["1", "2"], ["2", "1"]])
    assert len(columns_of(model)) == 3
    # So does a silent cell at a base level, as long as the margin has others.
    silent = counts()
    silent.loc[(silent["a"] == "2") & (silent["b"] == "0"), "y"] = 0.0
    assert len(columns_of(fitted(silent, [["1", "1"], ["2", "2"]]))) == 2


def test_a_margin_left_to_silent_cells_alone_is_told_as_separated() -> None:
    frame = counts()
    frame.loc[(frame["a"] == "2") & (frame["b"] != "1"), "y"] = 0.0
    with pytest.raises(FitError, match=r"2 × \(its other cells\)"):
        fitted(frame, [["1", "1"], ["2", "1"]])


def test_given_cells_without_rows_are_empty_and_leave_the_others_as_they_are() -> None:
    frame = counts()
    frame = frame[~((frame["a"] == "1") & (frame["b"] == "2"))]
    model = fitted(frame, GIVEN)
    assert columns_of(model) == ["1 × 1"]
    assert any("x=1 × 2 has no training row" in one for one in model.warnings)


def test_slopes_by_cell_are_those_of_the_given_cells() -> None:
    frame = counts().assign(z=np.linspace(-1, 1, 3_000))
    linear = {"kind": "linear", "name": "z", "column": "z", "missing": "refuse"}
    slopes = {
        "kind": "interaction",
        "name": "s",
        "factors": ["a", "z"],
        "unseen": "base",
        "learned": {"cells": [["1"]]},
    }
    model = fit_glm(frame, target="y", factors=[FACTORS[0], linear, slopes], family="poisson")
    assert [one.level for one in model.document.coefficients if one.factor == "s"] == ["1"]
    assert model.predict(frame)["prediction"].sum() == pytest.approx(frame["y"].sum(), rel=1e-9)
    with pytest.raises(SpecError, match="not among the cells given"):
        fit_glm(frame, target="y", factors=[FACTORS[0], linear, {**slopes, "unseen": "refuse"}], family="poisson")
    unknown = {**slopes, "learned": {"cells": [["5"]]}}
    with pytest.raises(SpecError, match='learned/cells/0  "5" is not a level of "a"'):
        fit_glm(frame, target="y", factors=[FACTORS[0], linear, unknown], family="poisson")


def test_given_cells_never_touch_rows() -> None:
    near, far = counts(), opaque(counts())
    asked = {"target": "y", "factors": [*FACTORS, crossing(GIVEN)], "family": "poisson"}
    from glm_local.glm.fit import fit
    from glm_local.glm.request import FitRequest

    model = fit(OpaqueEngine(), far, FitRequest(**asked))
    expected = fit_glm(near, **asked)
    estimates = [[one.estimate for one in found.coefficients] for found in (model, expected.document)]
    np.testing.assert_allclose(*[np.array(one, dtype=float) for one in estimates], rtol=1e-9)


def test_three_factors_crossed_take_given_cells_too() -> None:
    draw = np.random.default_rng(4)
    frame = pd.DataFrame({name: draw.integers(0, 2, 4_000).astype(str) for name in "abc"})
    frame["y"] = draw.poisson(0.8, 4_000).astype(float)
    pairs = [
        {"kind": "interaction", "name": f"{a}{b}", "factors": [a, b], "unseen": "base"}
        for a, b in itertools.combinations("abc", 2)
    ]
    triple = {
        "kind": "interaction",
        "name": "abc",
        "factors": ["a", "b", "c"],
        "unseen": "base",
        "learned": {"cells": [["1", "1", "1"]]},
    }
    factors = [factor(name, "0") for name in "abc"]
    model = fit_glm(frame, target="y", factors=[*factors, *pairs, triple], family="poisson")
    full = fit_glm(frame, target="y", factors=[*factors, *pairs, {**triple, "learned": None}], family="poisson")
    assert model.statistics.deviance == pytest.approx(full.statistics.deviance, rel=1e-9)
