"""Means that end at 0 or 1: a maximum inside is found, one at the boundary is said to be none."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import FitError, Model, fit_glm
from tests.reference.boundary_cases import BoundaryCase, boundary_case

X = {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}
SHORT, LONG = range(75), range(75, 2_075)
ROUTES = pytest.mark.parametrize("solver", ["cells", "blocks"])


def rows(y: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": np.arange(float(len(y))), "y": y})


INSIDE = [0.4, 1.3, 1.4, 1.6, 0.4]
AT_ZERO = [1.8, 0, 3.4, 1.2, 0]


@ROUTES
def test_a_maximum_inside_is_found_where_scoring_hardly_moves(solver: Any) -> None:
    model = fit_glm(rows(INSIDE), target="y", factors=[X], family="gamma", link="identity", solver=solver)
    assert [one.estimate for one in model.document.coefficients] == pytest.approx([0.76189471, 0.13610248], abs=5e-9)


@ROUTES
def test_a_fitted_mean_of_zero_is_a_boundary_and_no_estimate(solver: Any) -> None:
    asked: dict[str, Any] = {
        "target": "y",
        "factors": [X],
        "family": "tweedie(1.5)",
        "link": "identity",
        "solver": solver,
    }
    with pytest.raises(FitError, match="boundary value"):
        fit_glm(rows(AT_ZERO), **asked)
    with pytest.warns(UserWarning, match="boundary value"):
        model = fit_glm(rows(AT_ZERO), on_failure="warn", **asked)
    check_best_at_zero(model)


def check_best_at_zero(model: Model[Any]) -> None:
    """The best of all lines that are nowhere below 0, without standard errors."""
    share = 1 - np.arange(4) / 4
    height = (np.array(AT_ZERO[:4]) / np.sqrt(share)).sum() / np.sqrt(share).sum()
    assert [one.estimate for one in model.document.coefficients] == pytest.approx([height, -height / 4], rel=1e-6)
    assert [one.std_error for one in model.document.coefficients] == [None, None]
    assert not model.document.convergence.converged
    assert "boundary value" in model.warnings[0]


def test_a_log_binomial_fit_whose_largest_mean_is_one_says_so() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=1_000)
    frame = pd.DataFrame({"x": x, "y": (draw.random(1_000) < np.exp(np.minimum(-0.5 + 0.4 * x, 0))).astype(float)})
    with pytest.raises(FitError, match="boundary value"):
        fit_glm(frame, target="y", factors=[X], family="binomial", link="log")


@pytest.mark.parametrize("link", ["identity", "inverse", "sqrt"])
@pytest.mark.parametrize("family", ["gamma", "poisson", "tweedie(1.5)", "gaussian"])
def test_a_slope_alone_is_fitted_though_no_constant_is_a_start(family: str, link: str) -> None:
    draw = np.random.default_rng(3)
    x = draw.uniform(1, 5, 50)
    y = np.round({"identity": x, "sqrt": x**2, "inverse": 9 / x}[link] * draw.gamma(9.0, 1 / 9, 50) + 1)
    model = fit_glm(pd.DataFrame({"x": x, "y": y}), target="y", factors=[X], family=family, link=link, intercept=False)
    case = BoundaryCase(pd.DataFrame({"x": x, "a": "p", "y": y}), [X], family, link)
    slope = model.document.coefficients[0].estimate
    losses = [case.loss(np.array([0.0, slope * (1 + change)])) for change in (-1e-4, 0.0, 1e-4)]
    assert losses[1] < min(losses[0], losses[2])
    assert losses[2] - losses[0] == pytest.approx(0.0, abs=1e-3 * (losses[0] + losses[2] - 2 * losses[1]))


@pytest.mark.parametrize("start", range(SHORT.start, SHORT.stop, 25))
def test_small_fits_are_those_of_an_independent_optimiser(start: int) -> None:
    for seed in range(start, start + 25):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(LONG.start, LONG.stop, 100))
def test_two_thousand_small_fits_are_those_of_an_independent_optimiser(start: int) -> None:
    for seed in range(start, start + 100):
        check(seed)


def check(seed: int) -> None:
    case = boundary_case(seed)
    if case.frame["y"].nunique() == 1:
        return
    best = case.best()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = fit_glm(case.frame, target="y", factors=case.factors, family=case.family, link=case.link)
    except FitError as error:
        said = str(error)
        assert "separation" in said or ("boundary value" in said and case.slope(best) > 1e-4), (seed, said, best)
        return
    found = coefficients(case, model)
    assert case.slope(found) < 1e-6, (seed, found)
    if np.allclose(found, best, rtol=0.1):  # else another of several maxima
        assert case.loss(found) <= case.loss(best) + 1e-9 * max(1.0, abs(case.loss(best))), (seed, found, best)


def coefficients(case: BoundaryCase, model: Model[Any]) -> np.ndarray:
    of = {one.term: one.estimate or 0.0 for one in model.document.coefficients}
    level = of.get("a=p", 0.0)
    found = [of["(Intercept)"] + level, of["x"], of.get("a=q", 0.0) - level]
    return np.array(found[: case.design().shape[1]])
