"""What a fit does with levels, rows and options: the rules the documentation states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from glm_local import DataError, FitError, PandasEngine, SpecError, fit_glm, load_model, read_split

GENERATOR = np.random.default_rng(5)
ROWS = pd.DataFrame(
    {
        "claims": GENERATOR.poisson(0.4, 400).astype(float),
        "years": GENERATOR.uniform(0.2, 1, 400),
        "area": GENERATOR.choice(list("ABC"), 400, p=[0.2, 0.5, 0.3]),
        "fuel": GENERATOR.choice(["petrol", "diesel"], 400),
        "age": GENERATOR.integers(18, 80, 400),
        "power": GENERATOR.normal(100, 20, 400),
    }
)
AREA: dict[str, Any] = {"kind": "categorical", "name": "area", "column": "area", "missing": "refuse", "unseen": "base"}
FUEL: dict[str, Any] = {
    "kind": "categorical",
    "name": "fuel",
    "column": "fuel",
    "missing": "refuse",
    "unseen": "refuse",
}
AGE: dict[str, Any] = {"kind": "numeric", "name": "age", "column": "age", "edges": [25, 40, 60], "missing": "own_level"}
POWER: dict[str, Any] = {"kind": "linear", "name": "power", "column": "power", "centre": 100, "missing": "refuse"}
EVERYTHING = [
    AREA,
    FUEL,
    AGE,
    POWER,
    {"kind": "interaction", "name": "area:fuel", "factors": ["area", "fuel"], "unseen": "base"},
]


def _estimates(model: Any) -> dict[str, float]:
    return {one.term: one.estimate for one in model.document.coefficients if one.status == "fitted"}


@pytest.mark.parametrize("solver", ["cells", "blocks", "statsmodels"])
def test_every_route_gives_the_same_model(solver: Any) -> None:
    model = fit_glm(ROWS, target="claims", factors=EVERYTHING, exposure="years", solver=solver)
    other = fit_glm(ROWS, target="claims", factors=EVERYTHING, exposure="years")
    assert _estimates(model) == pytest.approx(_estimates(other), rel=1e-7, abs=1e-9)
    assert model.statistics.log_likelihood == pytest.approx(other.statistics.log_likelihood, rel=1e-12)
    assert model.statistics.pearson_chi2 == pytest.approx(other.statistics.pearson_chi2, rel=1e-9)


def test_the_largest_exposure_is_the_base_and_the_base_is_shown() -> None:
    model = fit_glm(ROWS, target="claims", factors=[AREA], exposure="years")
    lines = model.coefficients.set_index("term")
    assert lines.loc["area=B", "status"] == "base"
    assert lines.loc["area=B", "relativity"] == 1.0
    by_area = ROWS.groupby("area")["years"].sum()
    assert lines.loc["area=A", "weight"] == pytest.approx(by_area["A"])


def test_fitted_totals_equal_observed_totals_under_the_canonical_link() -> None:
    model = fit_glm(ROWS, target="claims", factors=EVERYTHING, exposure="years")
    fitted = model.predict(ROWS)["prediction"]
    assert fitted.sum() == pytest.approx(ROWS["claims"].sum(), rel=1e-12)
    for level in "ABC":
        inside = ROWS["area"] == level
        assert fitted[inside].sum() == pytest.approx(ROWS.loc[inside, "claims"].sum(), rel=1e-10)


def test_a_row_scores_alone_as_it_does_in_company() -> None:
    model = fit_glm(ROWS, target="claims", factors=EVERYTHING, exposure="years")
    together = model.predict(ROWS)["prediction"].to_numpy()
    for at in (0, 17, 399):
        row = ROWS.iloc[at]
        alone = model.predict(ROWS.iloc[[at]])["prediction"].to_numpy()[0]
        assert alone == together[at]
        assert model.predict(row.to_dict()) == pytest.approx(together[at], rel=1e-12)


def test_a_saved_model_scores_as_the_fitted_one(tmp_path: Path) -> None:
    model = fit_glm(ROWS, target="claims", factors=EVERYTHING, exposure="years")
    loaded = load_model(model.save(tmp_path / "model.json"))
    assert loaded.fingerprint == model.fingerprint
    np.testing.assert_array_equal(loaded.predict(ROWS)["prediction"], model.predict(ROWS)["prediction"])
    assert not [path for path in tmp_path.iterdir() if path.name != "model.json"]


def test_an_edited_model_file_is_refused(tmp_path: Path) -> None:
    path = fit_glm(ROWS, target="claims", factors=[AREA], exposure="years").save(tmp_path / "model.json")
    document = json.loads(path.read_text())
    document["coefficients"][1]["estimate"] = 0.5
    with pytest.raises(SpecError, match="not edited by hand"):
        load_model(document)


def test_refused_values_are_an_error_at_fit_and_missing_at_score() -> None:
    model = fit_glm(ROWS, target="claims", factors=[FUEL, POWER], exposure="years")
    strange = pd.DataFrame({"fuel": ["petrol", None, "steam"], "power": [90.0, 90.0, 90.0], "years": 1.0})
    assert model.predict(strange)["prediction"].isna().tolist() == [False, True, True]
    assert model.predict({"fuel": "steam", "power": 90.0, "years": 1.0}) is None
    with pytest.raises(DataError, match="1 row is missing"):
        fit_glm(ROWS.assign(fuel=ROWS["fuel"].where(ROWS.index > 0)), target="claims", factors=[FUEL], exposure="years")


def test_an_empty_level_is_named_and_counts_as_the_base() -> None:
    model = fit_glm(ROWS, target="claims", factors=[AGE], exposure="years")
    assert any("age=missing has no training row" in warning for warning in model.warnings)
    empty = model.predict({"age": None, "years": 1.0})
    base = next(one.level for one in model.document.coefficients if one.factor == "age" and one.status == "base")
    assert empty == model.predict({"age": {"(40, 60]": 50, "(25, 40]": 30, "(60, inf)": 70}[base], "years": 1.0})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"claims": [None]}, "target missing"),
        ({"claims": [-1.0]}, "target outside the family"),
        ({"years": [0.0]}, "exposure not positive"),
        ({"years": [None]}, "exposure missing"),
        ({"power": [None]}, "factor 'power'  missing on 1 row"),
        ({"claims": [np.inf]}, "target missing"),
    ],
)
def test_faulty_rows_are_counted_and_named(change: dict[str, list[Any]], words: str) -> None:
    ((column, (value,)),) = change.items()
    rows = ROWS.copy()
    rows.loc[3, column] = value
    for solver in ("cells", "blocks"):
        with pytest.raises(DataError, match=words) as caught:
            fit_glm(rows, target="claims", factors=[AREA, POWER], exposure="years", solver=solver)
        assert "1 row." in str(caught.value)


def test_rows_of_weight_0_say_nothing_and_are_counted() -> None:
    weight = np.where(ROWS.index % 5 == 0, 0.0, 2.0)
    model = fit_glm(ROWS.assign(w=weight), target="claims", factors=[AREA], weight="w", family="poisson")
    without = fit_glm(ROWS.assign(w=weight)[weight > 0], target="claims", factors=[AREA], weight="w")
    assert model.statistics.zero_weight_rows == 80
    assert model.statistics.df_residual == without.statistics.df_residual == 320 - 3
    assert _estimates(model) == pytest.approx(_estimates(without), rel=1e-12)
    with pytest.raises(DataError, match="weight negative"):
        fit_glm(ROWS.assign(w=-1.0), target="claims", factors=[AREA], weight="w")


def test_exposure_offset_and_weight_are_three_things() -> None:
    rows = ROWS.assign(log_years=np.log(ROWS["years"]), rate=ROWS["claims"] / ROWS["years"])
    exposure = fit_glm(rows, target="claims", factors=[AREA], exposure="years")
    offset = fit_glm(rows, target="claims", factors=[AREA], offset="log_years")
    weight = fit_glm(rows, target="rate", factors=[AREA], weight="years")
    assert _estimates(exposure) == pytest.approx(_estimates(offset), abs=1e-12)
    assert _estimates(exposure) == pytest.approx(_estimates(weight), abs=1e-12)
    assert exposure.statistics.log_likelihood == pytest.approx(weight.statistics.log_likelihood, rel=1e-12)
    with pytest.raises(SpecError, match="log link"):
        fit_glm(rows, target="claims", factors=[AREA], family="gaussian", exposure="years")


def test_a_level_without_events_is_named_as_separated() -> None:
    rows = ROWS.assign(claims=np.where(ROWS["area"] == "C", 0.0, ROWS["claims"] + 1))
    with pytest.raises(FitError, match=r"area=C.*have target 0.*Merge the level") as caught:
        fit_glm(rows, target="claims", factors=[AREA], exposure="years")
    assert str((rows["area"] == "C").sum()) in str(caught.value)
    ridged = fit_glm(rows, target="claims", factors=[AREA], exposure="years", ridge=1.0)
    assert ridged.document.convergence.reason == "score below tolerance"
    with pytest.warns(UserWarning, match="ran away"):
        warned = fit_glm(rows, target="claims", factors=[AREA], exposure="years", on_separation="warn")
    assert [one.term for one in warned.document.coefficients if one.status == "separated"] == ["area=C"]


def test_a_separated_number_is_named_and_no_standard_error_is_given() -> None:
    rows = pd.DataFrame({"x": np.arange(1.0, 11), "y": (np.arange(1, 11) > 5).astype(float)})
    x = {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}
    for solver in ("blocks", "cells"):
        with pytest.raises(FitError, match="'x'"):
            fit_glm(rows, target="y", factors=[x], family="binomial", solver=solver)


def test_ridge_solves_the_penalised_equations() -> None:
    model = fit_glm(ROWS, target="claims", factors=[AREA, POWER], exposure="years", ridge=3.0)
    fitted = model.predict(ROWS)["prediction"]
    estimates = _estimates(model)
    for level in ("A", "C"):
        inside = ROWS["area"] == level
        assert (ROWS["claims"] - fitted)[inside].sum() == pytest.approx(3.0 * estimates[f"area={level}"], abs=1e-8)
    slope = ((ROWS["claims"] - fitted) * (ROWS["power"] - 100)).sum()
    assert slope == pytest.approx(3.0 * estimates["power"], abs=1e-6)
    assert all(one.p_value is None for one in model.document.coefficients)
    assert model.statistics.aic is None


def test_an_interaction_coded_by_cells_stands_for_its_members() -> None:
    crossed = {"kind": "interaction", "name": "cell", "factors": ["area", "fuel"], "unseen": "base", "coding": "cells"}
    model = fit_glm(ROWS, target="claims", factors=[AREA, FUEL, crossed], exposure="years")
    assert model.statistics.parameters == 6
    assert {one.factor for one in model.document.coefficients if one.factor} == {"cell"}
    fitted = model.predict(ROWS)["prediction"]
    for _, rows in ROWS.groupby(["area", "fuel"]):
        assert fitted[rows.index].sum() == pytest.approx(rows["claims"].sum(), rel=1e-9)


def test_slopes_by_level_equal_separate_fits() -> None:
    crossed = {"kind": "interaction", "name": "fuel:power", "factors": ["fuel", "power"], "unseen": "refuse"}
    model = fit_glm(ROWS, target="claims", factors=[FUEL, POWER, crossed], exposure="years")
    fitted = model.predict(ROWS)["prediction"]
    for fuel in ("petrol", "diesel"):
        inside = ROWS[ROWS["fuel"] == fuel]
        alone = fit_glm(inside, target="claims", factors=[POWER], exposure="years")
        np.testing.assert_allclose(alone.predict(inside)["prediction"], fitted[inside.index], rtol=1e-9)


def test_a_model_without_factors_is_the_mean() -> None:
    model = fit_glm(ROWS, target="claims", factors=[], exposure="years")
    assert model.predict({"years": 1.0}) == pytest.approx(ROWS["claims"].sum() / ROWS["years"].sum(), rel=1e-12)
    assert model.statistics.deviance == pytest.approx(model.statistics.null_deviance, rel=1e-12)


def test_all_problems_of_a_request_come_at_once() -> None:
    with pytest.raises(DataError) as caught:
        fit_glm(ROWS, target="clams", factors=[AREA, {**FUEL, "column": "feul"}], exposure="yeers")
    assert {problem.path for problem in caught.value.problems} == {"/target", "/exposure", "/factors/1/column"}
    assert "'claims'" in str(caught.value)


def test_families_and_links_reach_the_mean_they_imply() -> None:
    rows = ROWS.assign(cost=np.exp(GENERATOR.normal(1, 0.4, 400)), share=GENERATOR.uniform(0.05, 0.95, 400))
    for family, link, target in (
        ("gaussian", "identity", "cost"),
        ("gaussian", "log", "cost"),
        ("gamma", "inverse", "cost"),
        ("gamma", "identity", "cost"),
        ("inverse_gaussian", "log", "cost"),
        ("tweedie(1.7)", "log", "claims"),
        ("poisson", "sqrt", "claims"),
        ("poisson", "identity", "claims"),
        ("binomial", "probit", "share"),
        ("binomial", "cloglog", "share"),
        ("binomial", "logit", "share"),
        ("gamma", "power(0.5)", "cost"),
        ("inverse_gaussian", "power(-2)", "cost"),
    ):
        blocks, cells = (
            fit_glm(rows, target=target, factors=[AREA, FUEL], family=family, link=link, solver=solver)
            for solver in ("blocks", "cells")
        )
        assert _estimates(blocks) == pytest.approx(_estimates(cells), rel=1e-8, abs=1e-10), (family, link)
        assert blocks.statistics.log_likelihood == pytest.approx(cells.statistics.log_likelihood, rel=1e-10)
        reference = (
            fit_glm(rows, target=target, factors=[AREA, FUEL], family=family, link=link, solver="statsmodels")
            if link != "sqrt"
            else blocks
        )
        assert _estimates(blocks) == pytest.approx(_estimates(reference), rel=1e-6, abs=1e-9), (family, link)


def test_where_chooses_the_rows_that_are_fitted() -> None:
    only = fit_glm(ROWS, target="claims", factors=[FUEL], exposure="years", where={"at_least": ["age", 40]})
    alone = fit_glm(ROWS[ROWS["age"] >= 40], target="claims", factors=[FUEL], exposure="years")
    assert only.statistics.rows == (ROWS["age"] >= 40).sum()
    assert _estimates(only) == pytest.approx(_estimates(alone), rel=1e-12)


def test_a_model_validates_itself_in_one_pass() -> None:
    engine = PandasEngine()
    model = fit_glm(ROWS, target="claims", factors=EVERYTHING, exposure="years", engine=engine)
    before = engine.passes.raw
    split = read_split(
        {"method": "hash", "key": ["age"], "fractions": {"train": 0.5, "validation": 0.3, "holdout": 0.2}, "seed": 0}
    )
    report = model.validation(ROWS, sample=split.sample(engine.columns(ROWS)))
    assert engine.passes.raw - before == 1
    assert set(report.summary["sample"]) == {"train", "validation", "holdout"}
    assert report.summary["predicted"].sum() == pytest.approx(ROWS["claims"].sum(), rel=1e-9)
    assert set(report.actual_expected) == {"area", "fuel", "age", "area:fuel"}


def test_sql_reads_columns_as_they_were_when_the_model_was_fitted() -> None:
    flag = {
        "kind": "categorical",
        "name": "old",
        "column": "old",
        "source": "boolean",
        "levels": [False, True],
        "missing": "refuse",
        "unseen": "refuse",
    }
    rows = ROWS.assign(old=(ROWS["age"] > 50).astype("int64"), age=ROWS["age"].astype(str))
    model = fit_glm(rows, target="claims", factors=[flag, AGE], exposure="years")
    assert model.document.columns == {"old": "integer", "age": "text", "years": "float64"}
    scored = duckdb.sql(model.to_sql("duckdb", table="rows")).df()
    np.testing.assert_allclose(scored["prediction"], model.predict(rows)["prediction"], rtol=1e-12)
