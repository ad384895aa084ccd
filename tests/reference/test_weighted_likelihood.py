"""Log-likelihood and AIC of weighted models: a weight as a precision, and as repeated rows, which is R's count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from glm_local import fit_glm

DRAW = np.random.default_rng(14)
ROWS = pd.DataFrame(
    {
        "area": DRAW.choice(list("ABC"), 400),
        "years": DRAW.uniform(0.2, 3, 400),
        "n": DRAW.integers(1, 6, 400).astype(float),
        "count": DRAW.poisson(1.5, 400).astype(float),
        "cost": DRAW.gamma(2, 700, 400),
        "part": DRAW.uniform(0.3, 4, 400),
    }
)
AREA = {"kind": "categorical", "name": "area", "column": "area", "missing": "refuse", "unseen": "refuse"}


def r_log_likelihood(family: str, y: Any, mean: Any, weight: Any, deviance: float) -> float:
    """R's `logLik`: its families' `aic`, their density written by scipy."""
    phi = deviance / weight.sum()
    if family == "poisson":
        return float(np.sum(weight * stats.poisson.logpmf(y, mean)))
    if family == "gamma":
        return float(np.sum(weight * stats.gamma.logpdf(y, 1 / phi, scale=mean * phi)))
    if family == "inverse_gaussian":
        return float(np.sum(weight * stats.invgauss.logpdf(y, mean * phi, scale=1 / phi)))
    assert family == "gaussian"
    return float(np.sum(stats.norm.logpdf(y, mean, np.sqrt(deviance / len(y) / weight))))


def fitted(family: str, weight: str | None, frame: pd.DataFrame = ROWS, **options: Any) -> tuple[Any, Any]:
    target = "count" if family == "poisson" else "cost"
    model = fit_glm(frame, target=target, family=family, factors=[AREA], weight=weight, **options)
    return model, model.predict(frame, "mean")["prediction"].to_numpy()


@pytest.mark.parametrize("solver", ["cells", "blocks"])
@pytest.mark.parametrize("options", [{}, {"exposure": "years"}, {"offset": "part", "exposure": "years"}])
@pytest.mark.parametrize("weight", ["n", "part"])
@pytest.mark.parametrize("family", ["poisson", "gamma", "inverse_gaussian"])
def test_the_aic_of_a_weighted_model_is_given_as_r_counts_it_too(
    family: str, weight: str, options: Any, solver: str
) -> None:
    model, mean = fitted(family, weight, solver=solver, **options)
    figures, w = model.statistics, ROWS[weight].to_numpy()
    y = ROWS["count" if family == "poisson" else "cost"].to_numpy()
    expected = r_log_likelihood(family, y, mean, w, figures.deviance)
    k = 3 + (family != "poisson")
    assert figures.r_log_likelihood == pytest.approx(expected, rel=1e-11)
    assert figures.r_aic == pytest.approx(-2 * expected + 2 * k, rel=1e-11)
    assert figures.r_bic == pytest.approx(-2 * expected + k * np.log(400), rel=1e-11)
    assert abs(figures.r_aic - figures.aic) > 1
    assert "as in R" in model.summary()


@pytest.mark.parametrize("family", ["poisson", "gamma", "inverse_gaussian"])
def test_r_counts_a_weighted_row_as_so_many_rows(family: str) -> None:
    weighted, _ = fitted(family, "n")
    repeated, _ = fitted(family, None, ROWS.loc[ROWS.index.repeat(ROWS["n"].astype(int))])
    assert weighted.statistics.r_log_likelihood == pytest.approx(repeated.statistics.log_likelihood, rel=1e-11)
    assert weighted.statistics.r_aic == pytest.approx(repeated.statistics.aic, rel=1e-11)


@pytest.mark.parametrize("family", ["poisson", "gamma", "inverse_gaussian", "gaussian", "tweedie(1.5)"])
def test_without_weights_both_counts_are_one(family: str) -> None:
    figures = fitted(family, None)[0].statistics
    own = (figures.log_likelihood, figures.aic, figures.bic)
    assert (figures.r_log_likelihood, figures.r_aic, figures.r_bic) == own
    assert figures.aic is not None


def test_gaussian_weights_are_precisions_in_r_too() -> None:
    model, mean = fitted("gaussian", "n")
    expected = r_log_likelihood("gaussian", ROWS["cost"], mean, ROWS["n"], model.statistics.deviance)
    assert model.statistics.r_log_likelihood == pytest.approx(expected, rel=1e-11)
    assert model.statistics.r_aic == model.statistics.aic
    assert "as in R" not in model.summary()


def test_where_r_has_no_figure_none_is_given() -> None:
    rates = fit_glm(ROWS.assign(rate=ROWS["count"] / ROWS["n"]), target="rate", factors=[AREA], weight="n").statistics
    assert rates.aic is not None
    assert rates.r_aic is None
    tweedie = fitted("tweedie(1.5)", "n")[0].statistics
    assert tweedie.aic is not None
    assert tweedie.r_aic is None
    quasi = fitted("poisson", "n", dispersion="pearson")[0].statistics
    assert quasi.aic is None
    assert quasi.r_aic is None
    assert fitted("gamma", "n", ridge=2.0)[0].statistics.r_aic is None
