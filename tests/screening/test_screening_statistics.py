"""Score tests, pooling of levels and measures of one candidate, on arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from glm_local.families.families import family_from
from glm_local.families.links import link_from
from glm_local.screening.concentration import cross_fitted_gini, information_value, stability_index
from glm_local.screening.score_test import (
    Dispersion,
    Efficient,
    ModelInformation,
    q_values,
    ratio_test,
    score_test,
)
from glm_local.screening.tested_levels import ScreeningRules, evidence, group_codes

FAMILIES = {
    "poisson": sm.families.Poisson(),
    "gamma": sm.families.Gamma(sm.families.links.Log()),
    "binomial": sm.families.Binomial(),
    "gaussian": sm.families.Gaussian(),
}


def dummies(codes: np.ndarray) -> np.ndarray:
    return np.asarray(codes[:, None] == np.arange(codes.max() + 1), dtype=float)


def responses(family: str, mean: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    if family == "poisson":
        return draw.poisson(np.exp(mean)).astype(float)
    if family == "gamma":
        return draw.gamma(2.0, np.exp(mean) / 2)
    if family == "binomial":
        return (draw.random(len(mean)) < 1 / (1 + np.exp(-mean))).astype(float)
    return mean + draw.normal(size=len(mean))


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_score_test_is_statsmodels_own(family: str) -> None:
    draw = np.random.default_rng(1)
    area = draw.integers(0, 4, 600)
    tested = np.clip(area + draw.integers(0, 4, 600), 0, 5)
    response = responses(family, -0.5 + 0.2 * area, draw)
    model = np.column_stack([np.ones(600), dummies(area)[:, 1:]])
    levels = dummies(tested)
    fit = sm.GLM(response, model, FAMILIES[family]).fit(tol=1e-12)
    named = family_from(family)
    link = link_from(named.default_link)
    eta = fit.predict(which="linear")
    mean, slope = link.mean(eta), link.mean_derivative(eta)
    variance = named.variance(mean)
    score, information = (response - mean) * slope / variance, slope**2 / variance
    efficient = Efficient.of(
        levels.T @ score,
        np.diag(levels.T @ information),
        (levels * information[:, None]).T @ model,
        ModelInformation(model.T @ score, (model * information[:, None]).T @ model),
    )
    found = efficient.test(Dispersion())
    extra = levels[:, 1:]
    reference = sm.GLM(response, np.column_stack([model, extra]), FAMILIES[family])
    null = np.append(fit.params, np.zeros(extra.shape[1]))
    # The reference counts every column; here the tested ones that the model spans are left out by rank.
    columns = np.column_stack([model, extra])
    full = (columns * information[:, None]).T @ columns
    total = columns.T @ score
    assert found.freedom == np.linalg.matrix_rank(columns) - model.shape[1]
    assert found.statistic == pytest.approx(total @ np.linalg.pinv(full) @ total, rel=1e-9)
    assert reference.score(null, scale=1.0)[model.shape[1] :] == pytest.approx((levels.T @ score)[1:], abs=1e-6)


def test_the_normal_linear_model_gives_the_exact_f_test() -> None:
    draw = np.random.default_rng(2)
    area, tested = draw.integers(0, 3, 80), draw.integers(0, 4, 80)
    y = draw.normal(size=80) + 0.3 * (tested == 2)
    model, levels = dummies(area), dummies(tested)
    small, large = sm.OLS(y, model).fit(), sm.OLS(y, np.column_stack([model, levels[:, 1:]])).fit()
    efficient = Efficient.of(
        levels.T @ small.resid,
        np.diag(levels.sum(axis=0)),
        levels.T @ model,
        ModelInformation(model.T @ small.resid, model.T @ model),
    )
    found = efficient.test(Dispersion(small.ssr / small.df_resid, small.df_resid, small.ssr))
    statistic, p_value, freedom = large.compare_f_test(small)
    assert (found.freedom, found.residual_freedom) == (freedom, large.df_resid)
    assert found.statistic / found.freedom == pytest.approx(statistic)
    assert found.p_value == pytest.approx(p_value)


def test_levels_the_model_has_are_not_tested() -> None:
    model = dummies(np.array([0, 0, 1, 1, 2, 2]))
    score = model.T @ np.array([1.0, -1, 2, -2, 3, -3])
    efficient = Efficient.of(score, np.diag([2.0, 2, 2]), 2 * np.eye(3), ModelInformation(score, 2 * np.eye(3)))
    found = efficient.test()
    assert (found.freedom, found.statistic) == (0, 0.0)
    assert math.isnan(found.p_value)


def test_tails_are_survival_functions() -> None:
    assert score_test(700.0, 1, Dispersion()).p_value == pytest.approx(chi2.sf(700, 1), rel=1e-9)
    assert score_test(700.0, 1, Dispersion()).p_value > 0
    assert ratio_test(700.0, 1, Dispersion()).p_value == score_test(700.0, 1, Dispersion()).p_value
    assert ratio_test(-1e-9, 2, Dispersion()).p_value == 1.0


def test_an_explained_chi_square_beyond_the_residual_one_has_p_value_zero() -> None:
    assert score_test(10.0, 1, Dispersion(1.0, 20.0, 10.0)).p_value == 0.0
    assert math.isnan(score_test(1.0, 5, Dispersion(1.0, 4.0, 10.0)).p_value)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_false_discovery_rates_follow_benjamini_and_hochberg(p_values: list[float]) -> None:
    found = q_values([*p_values, math.nan])
    m = len(p_values)
    ranked = sorted(p_values)
    for p, q in zip(p_values, found, strict=False):
        assert q == pytest.approx(min(1.0, *(ranked[k] * m / (k + 1) for k in range(m) if ranked[k] >= p)))
    assert math.isnan(found[-1])


@settings(max_examples=200)
@given(
    st.sampled_from(["numeric", "categorical", "ordinal"]),
    st.lists(st.integers(0, 200), min_size=1, max_size=60),
    st.integers(0, 2),
)
def test_every_tested_level_stands_on_its_own(kind: str, counts: list[int], apart: int) -> None:
    rows = np.array([*counts, *[7] * apart], dtype=float)
    ordered = len(counts)
    labels = [f"l{at}" for at in range(len(rows))]
    found = group_codes(kind, labels, ordered, rows, rows, rows / 2, ScreeningRules(bands=5, most_categories=4))
    sums = np.bincount(found.group, rows, found.groups)
    assert len(found.group) == len(rows)
    assert set(found.group) == set(range(found.groups))
    assert found.groups == 1 or (sums >= 30).all()
    if kind != "categorical" and found.groups > 1:
        inside = found.group[:ordered]
        assert len(np.unique(inside)) == 1 + np.count_nonzero(np.diff(inside))


def test_missing_values_stay_apart_when_they_are_enough() -> None:
    rows = np.array([100.0, 100.0, 100.0, 40.0])
    found = group_codes("numeric", ["1", "2", "3", "missing"], 3, rows, rows, rows)
    assert found.labels == ("1", "2", "3", "missing")
    few = group_codes("numeric", ["1", "2", "3", "missing"], 3, np.array([100.0, 100, 100, 4]), rows, rows)
    assert few.groups == 3


def test_thin_bands_are_joined_with_each_other_and_not_with_a_thick_one() -> None:
    rows, events = np.full(20, 100.0), np.full(20, 6.0)
    found = group_codes("numeric", [str(at) for at in range(20)], 20, rows, rows, events)
    assert np.bincount(found.group).tolist() == [2] * 10


def test_a_last_band_that_stays_thin_is_merged_backwards() -> None:
    rows, events = np.full(5, 100.0), np.full(5, 6.0)
    found = group_codes("numeric", list("abcde"), 5, rows, rows, events)
    assert found.group.tolist() == [0, 0, 1, 1, 1]
    assert found.labels == ("a … b", "c … e")


def test_more_categories_than_can_be_tested_are_banded_in_key_order() -> None:
    rows = np.full(5000, 40.0)
    found = group_codes("categorical", [f"{at:04}" for at in range(5000)], 5000, rows, rows, rows)
    assert found.groups == 100
    assert (np.diff(found.group[80:]) >= 0).all()


def test_evidence_is_free_of_the_scale_of_the_response() -> None:
    rows, information = np.array([10.0, 20.0]), np.array([100.0, 400.0])
    gaussian = evidence(family_from("gaussian"), link_from("identity"), rows, information, 1e-6)
    assert gaussian.tolist() == [10, 20]
    counts = evidence(family_from("poisson"), link_from("log"), rows, information, 1.0)
    assert counts.tolist() == [100, 400]


def test_measures_of_one_candidate_have_their_textbook_values() -> None:
    good, bad = np.array([200.0, 300.0, 500.0]), np.array([50.0, 30.0, 20.0])
    by_hand = sum((g / 1000 - b / 100) * math.log((g / 1000) / (b / 100)) for g, b in zip(good, bad, strict=True))
    assert information_value(bad, good) == pytest.approx(by_hand)
    assert math.isnan(information_value(np.zeros(2), np.ones(2)))
    assert stability_index(good, 3 * good) == pytest.approx(0)
    weight = np.full((2, 4), 100.0)
    assert cross_fitted_gini(weight, np.array([[10.0] * 4, [30.0] * 4]), binary=False) == pytest.approx(0.25)
    assert math.isnan(cross_fitted_gini(weight[:, :1], weight[:, :1], binary=False))
