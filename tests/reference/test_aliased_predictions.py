"""Aliased columns: what a model predicts is what its fit says, whatever is the base and whoever asks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import FitError, fit_glm
from glm_local.glm import fit as fit_module

ROWS = pd.DataFrame({
    "a": ["none"] * 4 + ["p"] * 4 + ["q"] * 4, "b": ["none"] * 4 + ["r", "s"] * 4,
    "y": [1, 0, 0, 0, 1, 2, 3, 1, 5, 4, 6, 3],
})  # fmt: skip


def factor(name: str, base: str) -> dict[str, Any]:
    return {
        "kind": "categorical", "name": name, "column": name, "missing": "refuse", "unseen": "refuse",
        "base": {"level": base},
    }  # fmt: skip


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
    design = np.column_stack([
        np.ones(12), ROWS["a"] == "none", ROWS["a"] == "q", ROWS["b"] == "none", ROWS["b"] == "s",
    ]).astype(float)  # fmt: skip
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
    loans = pd.DataFrame({
        "income": np.where(known, draw.normal(40, 10, 4_000), np.nan),
        "tenure": np.where(known, draw.normal(5, 2, 4_000), np.nan),
    })  # fmt: skip
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
