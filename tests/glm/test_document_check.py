"""A fit is held against its own document by the score expression: what would score otherwise is never given out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import glm_local.glm.document_check as document_check
import glm_local.glm.document_predictor as document_predictor
import glm_local.scoring.compile_score as compile_score
from glm_local import FitError, Model, SpecError, fit_glm
from glm_local.expressions.expression import Arithmetic, Literal
from glm_local.factors.compiled_interaction import CompiledInteraction

AREA = {"kind": "categorical", "name": "area", "column": "area", "missing": "refuse", "unseen": "base"}
AGE = {"kind": "numeric", "name": "age", "column": "age", "edges": [30, 50], "missing": "own_level"}
SIZE = {"kind": "linear", "name": "size", "column": "size", "missing": "refuse"}


def crossing(*names: str, coding: str = "net_of_margins") -> dict[str, Any]:
    name = " by ".join(names)
    return {"kind": "interaction", "name": name, "factors": list(names), "coding": coding, "unseen": "base"}


DESIGNS = {
    "levels": [AREA, AGE],
    "numerics": [AREA, SIZE],
    "a crossing": [AREA, AGE, crossing("area", "age")],
    "cells in place of factors": [AREA, AGE, crossing("area", "age", coding="cells")],
    "slopes": [AREA, SIZE, crossing("area", "size")],
    "slopes by cell": [AREA, SIZE, crossing("area", "size", coding="cells")],
}


def rows() -> pd.DataFrame:
    draw = np.random.default_rng(11)
    many = 600
    area, age = draw.choice(list("ABC"), many), draw.uniform(18, 80, many)
    age[::50] = np.nan
    size = draw.normal(3, 1, many)
    mean = np.exp(0.2 * (area == "B") + 0.3 * (np.nan_to_num(age) > 50) + 0.1 * size + 0.2 * size * (area == "C"))
    return pd.DataFrame(
        {
            "area": area,
            "age": age,
            "size": size,
            "y": draw.poisson(mean),
            "years": draw.uniform(0.2, 1, many),
        }
    )


def fitted(design: str, **options: Any) -> Model[Any]:
    return fit_glm(rows(), target="y", factors=DESIGNS[design], exposure="years", on_separation="warn", **options)


@pytest.mark.parametrize("solver", ["auto", "blocks"])
@pytest.mark.parametrize("design", DESIGNS)
def test_every_design_passes_its_check_and_predicts_the_observed_total(design: str, solver: str) -> None:
    frame, model = rows(), fitted(design, solver=solver)
    assert model.predict(frame)["prediction"].sum() == pytest.approx(frame["y"].sum(), rel=1e-9)


@pytest.mark.parametrize("design", DESIGNS)
def test_an_estimate_the_score_does_not_read_stops_the_fit(design: str, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = compile_score.coefficient_estimates

    def forgetful(coefficients: Any) -> Any:
        estimates = dict(honest(coefficients))
        estimates[max(estimates, key=lambda key: (key[0] is not None, abs(estimates[key])))] = 0.0
        return estimates

    monkeypatch.setattr(document_predictor, "coefficient_estimates", forgetful)
    with pytest.raises(FitError, match="recomputed from the model's"):
        fitted(design)


def test_levels_put_in_another_order_by_the_score_stop_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = compile_score.code_outputs
    monkeypatch.setattr(compile_score, "code_outputs", lambda part, estimates: honest(part, estimates)[::-1])
    with pytest.raises(FitError, match="recomputed from the model's"):
        fitted("levels")


@pytest.mark.parametrize("design", ["a crossing", "slopes"])
def test_cells_the_score_leaves_out_stop_the_fit(design: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CompiledInteraction, "score_terms", lambda part, members, effects: iter([]))
    with pytest.raises(FitError, match="recomputed from the model's"):
        fitted(design)


def test_a_mean_the_score_computes_otherwise_stops_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = compile_score.mean_expression
    monkeypatch.setattr(
        document_check, "mean_expression", lambda link, eta: Arithmetic("*", Literal(1.001), honest(link, eta))
    )
    with pytest.raises(FitError, match="recomputed from the model's"):
        fitted("levels")


def gaps() -> pd.DataFrame:
    frame = rows()
    frame.loc[::17, "area"] = None
    return frame


FOLLOWING = {**AREA, "missing": "base"}


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("solver", ["cells", "blocks"])
@pytest.mark.parametrize("crossed", [None, "age", "size"])
def test_missing_values_that_follow_the_base_are_predicted_as_they_were_fitted(
    crossed: str | None, solver: str, intercept: bool
) -> None:
    frame = gaps()
    factors = [FOLLOWING, AGE, SIZE, *([crossing("area", crossed)] if crossed else [])]
    model = fit_glm(
        frame, target="y", factors=factors, exposure="years", solver=solver, intercept=intercept, on_separation="warn"
    )
    y, mean = frame["y"].to_numpy(), model.predict(frame)["prediction"].to_numpy()
    saturated = np.where(y > 0, y * np.log(np.maximum(y, 1) / mean), 0.0)
    assert 2 * np.sum(saturated - (y - mean)) == pytest.approx(model.statistics.deviance, rel=1e-9)
    assert mean.sum() == pytest.approx(y.sum(), rel=1e-9)


def test_slopes_by_cell_of_rows_that_follow_a_base_level_are_refused_not_fitted_as_none() -> None:
    factors = [FOLLOWING, SIZE, crossing("area", "size", coding="cells")]
    with pytest.raises(SpecError, match=r"36 rows of 'area' are missing and follow its base level.*own_level"):
        fit_glm(gaps(), target="y", factors=factors, exposure="years")
    fit_glm(rows(), target="y", factors=factors, exposure="years")  # nothing follows: unseen values may later
