"""Aliased columns: what a model predicts is what its fit says, whatever is the base and whoever asks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import FitError, fit_glm, load_model
from glm_local.glm import fit as fit_module
from glm_local.inference.verify_fit import verify_fit
from glm_local.models.fit_frame import LOCAL_REFERENCES
from glm_local.models.model import Model
from glm_local.on_pandas.studies import GLMStudy
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.validation.split import Split

ROWS = pd.DataFrame(
    {
        "a": ["none"] * 4 + ["p"] * 4 + ["q"] * 4,
        "b": ["none"] * 4 + ["r", "s"] * 4,
        "y": [1, 0, 0, 0, 1, 2, 3, 1, 5, 4, 6, 3],
    }
)


SAMPLES = ("train", "validation", "holdout")


def factor(name: str, base: str) -> dict[str, Any]:
    return {
        "kind": "categorical",
        "name": name,
        "column": name,
        "missing": "refuse",
        "unseen": "refuse",
        "base": {"level": base},
    }


@pytest.mark.parametrize("solver", ["cells", "blocks", "statsmodels"])
@pytest.mark.parametrize("base", ["r", "none", "s"])
def test_predictions_of_aliased_levels_sum_to_what_was_observed(solver: Any, base: str) -> None:
    model = fit_glm(ROWS, target="y", factors=[factor("a", "p"), factor("b", base)], solver=solver)
    assert sum(one.status == "aliased" for one in model.document.coefficients) == 1
    assert model.predict(ROWS)["prediction"].sum() == pytest.approx(26, rel=1e-9)
    if base == "r":
        table = model.coefficients.set_index("term")
        assert table.loc["a=none", "estimate"] == pytest.approx(-2.128232, abs=5e-7)


@pytest.mark.parametrize("solver", ["cells", "blocks"])
def test_a_ridge_penalty_aliases_nothing(solver: Any) -> None:
    model = fit_glm(ROWS, target="y", factors=[factor("a", "p"), factor("b", "r")], solver=solver, ridge=0.5)
    assert not [one for one in model.document.coefficients if one.status == "aliased"]
    design = np.column_stack(
        [
            np.ones(12),
            ROWS["a"] == "none",
            ROWS["a"] == "q",
            ROWS["b"] == "none",
            ROWS["b"] == "s",
        ]
    ).astype(float)
    means = model.predict(ROWS)["prediction"].to_numpy()
    estimates = np.linalg.lstsq(design[:, [0, 2, 4]][4:], np.log(means[4:]), rcond=None)[0]
    none = np.log(means[0]) - estimates[0]
    penalty = 0.5 * np.array([0, none / 2, estimates[1], none / 2, estimates[2]])
    assert np.abs(design.T @ (ROWS["y"] - means) - penalty).max() < 1e-7


@pytest.mark.parametrize("family", ["binomial", "poisson"])
@pytest.mark.parametrize("solver", ["cells", "blocks"])
def test_two_factors_missing_on_the_same_rows_predict_what_was_observed(family: str, solver: Any) -> None:
    draw = np.random.default_rng(7)
    known = draw.random(4_000) > 0.3
    loans = pd.DataFrame(
        {
            "income": np.where(known, draw.normal(40, 10, 4_000), np.nan),
            "tenure": np.where(known, draw.normal(5, 2, 4_000), np.nan),
        }
    )
    loans["bad"] = (draw.random(4_000) < np.where(known, 0.04, 0.2)).astype(int)
    factors = [
        {"kind": "numeric", "name": name, "column": name, "edges": edges, "missing": "own_level"}
        for name, edges in (("income", [30, 40, 50]), ("tenure", [4, 6]))
    ]
    model = fit_glm(loans, target="bad", factors=factors, family=family, solver=solver)
    scored = model.predict(loans)
    assert scored["prediction"].sum() == pytest.approx(loans["bad"].sum(), rel=1e-8)
    assert scored.loc[~known, "prediction"].sum() == pytest.approx(loans.loc[~known, "bad"].sum(), rel=1e-8)


def test_a_fit_whose_document_gives_other_figures_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    solve = fit_module.Newton.solve

    def wrong(newton: Any) -> Any:
        solution = solve(newton)
        shifted = solution.coefficients.copy()
        shifted[1] += 0.5
        return replace(solution, coefficients=shifted)

    monkeypatch.setattr(fit_module.Newton, "solve", wrong)
    with pytest.raises(FitError, match="recomputed from the model's coefficients"):
        fit_glm(ROWS, target="y", factors=[factor("a", "p")])


def test_a_whole_number_is_a_penalty_too() -> None:
    factors = [factor("a", "p"), {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}]
    rows = ROWS.assign(x=[0.1 * at for at in range(12)])
    for whole in (0, 1):
        model, same = (fit_glm(rows, target="y", factors=factors, ridge=ridge) for ridge in (whole, float(whole)))
        assert model.predict(rows)["prediction"].tolist() == same.predict(rows)["prediction"].tolist()


def predicts_what_it_fitted(model: Any, rows: pd.DataFrame = ROWS) -> None:
    assert sum(one.status == "aliased" for one in model.document.coefficients) == 1
    scored = model.predict(rows)
    assert scored["prediction"].sum() == pytest.approx(rows["y"].sum(), rel=1e-9)
    by = scored.groupby("a")[["prediction", "y"]].sum()
    assert by["prediction"].to_numpy() == pytest.approx(by["y"].to_numpy(), rel=1e-8)


@pytest.mark.parametrize("solver", ["cells", "blocks", "statsmodels"])
def test_a_pin_beside_aliased_levels_leaves_totals_as_observed(solver: Any) -> None:
    factors = [factor("a", "p"), factor("b", "r"), factor("c", "u")]
    rows = ROWS.assign(c=["u", "v", "u", "v"] * 3)
    model = fit_glm(rows, target="y", factors=factors, pins={"c": {"v": 1.7}}, solver=solver)
    predicts_what_it_fitted(model, rows)
    row = {"a": "none", "b": "none"}
    assert model.predict(row | {"c": "v"}) == pytest.approx(1.7 * model.predict(row | {"c": "u"}))
    opinion = verify_fit(PandasEngine(), rows, model.document, "statsmodels", LOCAL_REFERENCES["statsmodels"])
    assert opinion.verdict == ("agrees")
    assert abs(opinion.relative_total_difference) < 1e-9


def test_a_loaded_model_with_aliased_levels_predicts_as_before(tmp_path: Path) -> None:
    model = fit_glm(ROWS, target="y", factors=[factor("a", "p"), factor("b", "none")])
    again = load_model(model.save(tmp_path / "model.json"))
    predicts_what_it_fitted(again)
    assert again.predict(ROWS)["prediction"].tolist() == model.predict(ROWS)["prediction"].tolist()


def test_refitting_in_another_order_of_rows_and_factors_predicts_the_same() -> None:
    first = fit_glm(ROWS, target="y", factors=[factor("a", "p"), factor("b", "r")])
    refitted = fit_glm(ROWS.sample(frac=1, random_state=3), target="y", factors=[factor("b", "none"), factor("a", "q")])
    predicts_what_it_fitted(refitted)
    assert refitted.predict(ROWS)["prediction"].tolist() == pytest.approx(first.predict(ROWS)["prediction"].tolist())


@pytest.mark.parametrize("family", ["poisson", "binomial"])
def test_a_study_that_regroups_aliased_factors_predicts_what_was_observed(family: str) -> None:
    draw = np.random.default_rng(2)
    known = draw.random(3_000) > 0.3
    frame = pd.DataFrame(
        {
            "id": np.arange(3_000),
            "bad": (draw.random(3_000) < np.where(known, 0.05, 0.2)).astype(int),
            "a": np.where(known, draw.choice(list("pqr"), 3_000), "none"),
            "b": np.where(known, draw.choice(list("stu"), 3_000), "none"),
            "sample": draw.choice(list(SAMPLES), 3_000, p=[0.6, 0.2, 0.2]),
        }
    )
    split = Split(method="column", column="sample", values={name: (name,) for name in SAMPLES})
    study = GLMStudy(frame, target="bad", family=family, key="id", user="ann", name="loans", split=split)
    study.accept("a", factor("a", "p"), reason="known").accept("b", factor("b", "s"), reason="known")
    grouped = {**factor("b", "s"), "levels": ["s", {"level": "tu", "values": ["t", "u"]}, "none"]}
    study.replace("b", grouped, reason="same risk")
    model = Model(study.finalize(reason="done").model, PandasEngine())
    train = frame[frame["sample"] == "train"]
    assert sum(one.status == "aliased" for one in model.document.coefficients) == 1
    scored = model.predict(train)
    for rows in (scored, scored[scored["a"] == "none"]):
        assert rows["prediction"].sum() == pytest.approx(rows["bad"].sum(), rel=1e-8)


def test_a_second_opinion_differs_when_the_document_predicts_another_total() -> None:
    model = fit_glm(ROWS, target="y", factors=[factor("a", "p"), factor("b", "r")])
    lines = [
        one.model_copy(update={"estimate": 0.5}) if one.status == "aliased" else one
        for one in model.document.coefficients
    ]
    wrong = model.document.model_copy(update={"coefficients": tuple(lines)})
    opinion = verify_fit(PandasEngine(), ROWS, wrong, "statsmodels", LOCAL_REFERENCES["statsmodels"])
    assert (opinion.verdict, opinion.reason) == ("differs", "The predicted totals lie apart.")


@pytest.mark.parametrize(
    ("family", "link"), [("tweedie(1.5)", "log"), ("gamma", "log"), ("poisson", "identity"), ("gaussian", "log")]
)
def test_second_opinions_add_up_predictions_as_each_family_weighs_them(family: str, link: str) -> None:
    draw = np.random.default_rng(4)
    rows = pd.DataFrame(
        {
            "a": draw.choice(list("pqr"), 400),
            "b": draw.choice(list("rs"), 400),
            "w": draw.uniform(0.5, 2, 400),
            "e": draw.uniform(0.2, 3, 400),
            "o": draw.normal(0, 0.3, 400),
            "y": draw.gamma(2.0, 1.0, 400) + 0.5,
        }
    )
    asked = {"offset": "o", "exposure": "e"} if link == "log" else {}
    model = fit_glm(
        rows, target="y", factors=[factor("a", "p"), factor("b", "r")], family=family, link=link, weight="w", **asked
    )
    opinion = verify_fit(PandasEngine(), rows, model.document, "statsmodels", LOCAL_REFERENCES["statsmodels"])
    assert opinion.verdict == "agrees", str(opinion)
    assert abs(opinion.relative_total_difference) < 1e-9
