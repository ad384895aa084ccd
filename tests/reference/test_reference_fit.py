"""The statsmodels solver against R, and what a second opinion says when solvers agree, differ or cannot tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from r_cases import CASES, r_case

from glm_local.errors import FitError
from glm_local.families.families import family_from, resolve_link
from glm_local.glm.reference_fit import fit_statsmodels
from glm_local.glm.reference_problem import CannotVerify, ReferenceProblem
from glm_local.glm.second_opinion import ReferenceFit, SecondOpinion, Solved, compare_solutions, second_opinion


def rows(family_name: str, link: str | None = None, count: int = 400):
    """Random rows of a model: design, response, weight, offset, family, link."""
    rng = np.random.default_rng(11)
    family = family_from(family_name)
    chosen = resolve_link(family, link)
    x = rng.uniform(0, 1, count)
    level = rng.integers(0, 3, count)
    design = np.column_stack([np.ones(count), level == 1, level == 2, 1000 * x]).astype(float)
    beta = {
        "log": [0.3, 0.4, -0.2, 5e-4],
        "inverse": [1.0, 0.3, 0.5, 4e-4],
        "identity": [2.0, 0.5, 0.3, 1e-3],
        "power": [1.5, 0.2, 0.4, 3e-4],
        "sqrt": [1.5, 0.2, 0.4, 3e-4],
    }
    beta = beta.get(chosen.name.partition("(")[0], [0.2, 0.3, -0.4, 4e-4])
    mean = chosen.mean(design @ np.array(beta))
    weight = rng.integers(1, 5, count).astype(float)
    if family.domain == "unit":
        response = rng.binomial(weight.astype(int), mean) / weight
    elif family.name == "poisson":
        response = rng.poisson(mean * weight) / weight
    elif family.name == "gaussian":
        response = rng.normal(mean, 0.3)
    elif family.domain == "positive":
        response = rng.gamma(3.0, mean / 3)
    else:
        response = np.where(rng.random(count) < 0.4, 0.0, rng.gamma(2.0, mean))
    return design, response, weight, np.zeros(count), family, chosen


@pytest.mark.parametrize("name", list(CASES))
def test_estimates_standard_errors_and_deviance_are_rs(name):
    case = r_case(name)
    fit = fit_statsmodels(*case.arrays)
    expected = case.expected
    assert fit.unscaled_se is not None
    se = fit.unscaled_se * np.sqrt(expected["dispersion"])
    np.testing.assert_allclose((fit.estimate - case.figures("coef")) / case.figures("se"), 0, atol=1e-10)
    np.testing.assert_allclose(se, case.figures("se"), rtol=1e-10)
    np.testing.assert_allclose(fit.deviance, expected["deviance"], rtol=1e-11)


@pytest.mark.parametrize(
    ("family", "link"),
    [
        ("gaussian", "log"),
        ("gaussian", "inverse"),
        ("poisson", "identity"),
        ("poisson", "sqrt"),
        ("gamma", "identity"),
        ("gamma", "sqrt"),
        ("inverse_gaussian", "log"),
        ("inverse_gaussian", "power(-2)"),
        ("tweedie(1.5)", "log"),
        ("tweedie(1.7)", "power(0.3)"),
        ("tweedie(2.5)", "log"),
        ("binomial", "probit"),
        ("binomial", "cloglog"),
    ],
)
def test_the_score_is_zero_at_the_solution(family, link):
    design, response, weight, offset, chosen, chosen_link = rows(family, link)
    fit = fit_statsmodels(design, response, weight, offset, chosen, chosen_link)
    eta = design @ fit.estimate
    mean, slope = chosen_link.mean(eta), chosen_link.mean_derivative(eta)
    score = design.T @ (weight * (response - mean) * slope / chosen.variance(mean))
    assert np.abs(score * fit.unscaled_se).max() < 1e-8
    information = design.T @ (design * (weight * slope**2 / chosen.variance(mean))[:, None])
    np.testing.assert_allclose(np.sqrt(np.diag(np.linalg.inv(information))), fit.unscaled_se, rtol=1e-7)


def test_rows_of_weight_zero_are_left_out():
    design, response, weight, offset, family, link = rows("poisson")
    more = np.vstack([design, np.full((1, 4), 1e9)])
    fit = fit_statsmodels(more, np.append(response, 1e9), np.append(weight, 0.0), np.append(offset, 0.0), family, link)
    np.testing.assert_allclose(fit.estimate, fit_statsmodels(design, response, weight, None, family, link).estimate)


def test_raw_currency_does_not_trouble_a_tweedie():
    design, response, weight, offset, family, link = rows("tweedie(1.5)")
    small = fit_statsmodels(design, response, weight, offset, family, link)
    large = fit_statsmodels(design, response * 1e6, weight, offset, family, link)
    shift = np.array([np.log(1e6), 0, 0, 0])
    np.testing.assert_allclose(large.estimate, small.estimate + shift, rtol=1e-7, atol=1e-9)


def test_collinear_columns_cannot_be_verified():
    design, *rest = rows("poisson")
    with pytest.raises(CannotVerify, match="collinear"):
        fit_statsmodels(np.column_stack([design, design[:, 1] + design[:, 2]]), *rest)


def test_a_design_that_is_too_large_cannot_be_verified():
    with pytest.raises(CannotVerify, match="at most 100 values"):
        fit_statsmodels(*rows("poisson"), most_values=100)


def test_missing_values_cannot_be_verified():
    design, response, *rest = rows("poisson")
    response[3] = np.nan
    with pytest.raises(CannotVerify, match="missing or infinite"):
        fit_statsmodels(design, response, *rest)


def test_separated_rows_are_an_error_and_no_estimate():
    x = np.arange(20.0)
    family = family_from("binomial")
    design = np.column_stack([np.ones(20), x])
    with pytest.raises(FitError, match="did not converge"):
        fit_statsmodels(design, (x > 9).astype(float), None, None, family, resolve_link(family, None))


def test_a_problem_knows_its_intercept_scales_and_deviance():
    design, response, weight, offset, family, link = rows("poisson")
    problem = ReferenceProblem.of(design, response, weight, offset, family, link)
    assert problem.intercept == 0
    np.testing.assert_allclose(problem.column_scales, np.sqrt((design**2).mean(axis=0)))
    assert problem.deviance(np.array([0.3, 0.4, -0.2, 5e-4])) > 0
    assert problem.dispersion(np.zeros(4)) == 1.0
    without = ReferenceProblem.of(design[:, 1:], response, weight, offset, family, link)
    assert without.intercept is None


OURS = Solved(np.array([1.0, -2.0]), np.array([0.1, 0.2]), 10.0)


def their(**changes) -> ReferenceFit:
    found = ReferenceFit(OURS.estimate, OURS.unscaled_se, 10.0, 1.0, "statsmodels", 6)
    return replace(found, **changes)


def test_equal_solutions_agree():
    opinion = compare_solutions(OURS, their())
    assert opinion == SecondOpinion("statsmodels", "agrees", "", 0.0, 0.0, 0.0, 6)
    assert str(opinion).startswith("statsmodels agrees: coefficients the same")


def test_a_coefficient_off_by_a_hundredth_of_a_standard_error_differs():
    opinion = compare_solutions(OURS, their(estimate=np.array([1.001, -2.0])))
    assert opinion.verdict == "differs"
    assert np.isclose(opinion.largest_difference_in_se, 0.01)


def test_differences_are_measured_in_standard_errors_at_the_dispersion():
    ours = replace(OURS, dispersion=4.0)
    opinion = compare_solutions(ours, their(estimate=np.array([1.001, -2.0])))
    assert np.isclose(opinion.largest_difference_in_se, 0.005)


def test_a_wrong_standard_error_differs_though_coefficients_agree():
    opinion = compare_solutions(OURS, their(unscaled_se=np.array([0.1, 0.21])))
    assert (opinion.verdict, opinion.reason) == ("differs", "The standard errors lie apart.")
    assert np.isclose(opinion.largest_relative_se_difference, 0.05)


def test_a_solver_without_standard_errors_can_still_agree_and_says_so():
    opinion = compare_solutions(OURS, their(unscaled_se=None))
    assert (opinion.verdict, opinion.reason) == ("agrees", "The solver gave no standard errors.")
    assert opinion.largest_relative_se_difference is None


def test_what_cannot_be_verified_is_a_verdict_with_its_reason():
    def solve() -> ReferenceFit:
        return fit_statsmodels(*rows("poisson"), most_values=10)

    opinion = second_opinion("statsmodels", OURS, solve)
    assert opinion.verdict == "not verifiable"
    assert "at most 10 values" in opinion.reason
    assert str(opinion).startswith("statsmodels: not verifiable. The design has 400 rows times 4 columns.")


def test_other_errors_of_a_reference_solver_are_not_swallowed():
    def solve() -> ReferenceFit:
        raise TypeError("a bug")

    with pytest.raises(TypeError):
        second_opinion("statsmodels", OURS, solve)
