"""Spark ML as a second opinion: it agrees to far below a standard error, its traps are undone, its limits are told."""

from __future__ import annotations

import numpy as np
import pytest

from glm_local.errors import FitError
from glm_local.families.families import family_from, resolve_link
from glm_local.glm.reference_fit import fit_statsmodels
from glm_local.glm.reference_problem import CannotVerify
from glm_local.glm.second_opinion import compare_solutions, second_opinion
from glm_spark.spark_ml import fit_spark_ml


def cells(family_name: str, link: str | None = None, scale: float = 1.0, offset: bool = False, count: int = 300):
    """Random cells of a model: design, response, weight, offset, family, link."""
    rng = np.random.default_rng(23)
    family = family_from(family_name)
    chosen = resolve_link(family, link)
    level = rng.integers(0, 3, count)
    design = np.column_stack([np.ones(count), level == 1, level == 2, rng.uniform(0, 100, count)]).astype(float)
    mean = np.exp(0.2 + 0.4 * design[:, 1] - 0.3 * design[:, 2] + 0.004 * design[:, 3])
    shift = rng.uniform(-0.5, 0.5, count) if offset else np.zeros(count)
    weight = rng.uniform(0.5, 4, count)
    if family.domain == "unit":
        weight = rng.integers(1, 9, count).astype(float)
        response = rng.binomial(weight.astype(int), mean / (1 + mean)) / weight
    elif family.domain == "nonnegative":
        claims = rng.poisson(mean * np.exp(shift if chosen.name == "log" else 0))
        response = claims.astype(float) if family.name == "poisson" else rng.gamma(2.0 * claims + 1e-300, 0.5)
        response = np.where(claims == 0, 0.0, response)
    else:
        response = rng.gamma(4.0, mean / 4)
    return design, response * scale, weight, shift, family, chosen


CASES = [
    ("poisson", None, 1.0, True),
    ("poisson", "identity", 1.0, False),
    ("poisson", "sqrt", 1.0, True),
    ("gamma", "log", 12_000.0, True),
    ("gamma", "inverse", 12_000.0, False),
    ("gaussian", None, 3.0, True),
    ("inverse_gaussian", "log", 900.0, False),
    ("tweedie(1.5)", "log", 500.0, True),
    ("tweedie(1.7)", "power(0.4)", 500.0, False),
    ("tweedie(2.5)", "log", 500.0, False),
    ("binomial", None, 1.0, True),
    ("binomial", "probit", 1.0, False),
    ("binomial", "cloglog", 1.0, True),
]


@pytest.mark.parametrize(("family", "link", "scale", "offset"), CASES)
def test_spark_ml_and_statsmodels_agree_far_below_a_standard_error(spark, family, link, scale, offset):
    problem = cells(family, link, scale, offset)
    theirs = fit_spark_ml(spark, *problem)
    ours = fit_statsmodels(*problem)
    opinion = compare_solutions(ours, theirs)
    assert opinion.verdict == "agrees", str(opinion)
    assert opinion.largest_difference_in_se < 1e-8
    assert opinion.largest_relative_se_difference < 1e-6
    assert abs(opinion.deviance_difference) <= 1e-9 * ours.deviance


def test_small_tweedie_responses_are_not_clamped_in_the_deviance(spark):
    problem = cells("tweedie(1.5)", "log", scale=0.001)
    fit = fit_spark_ml(spark, *problem)
    assert np.isclose(fit.deviance, fit_statsmodels(*problem).deviance, rtol=1e-10)


def test_a_design_without_intercept_stays_without(spark):
    design, *rest = cells("poisson")
    dummies = np.column_stack([1 - design[:, 1] - design[:, 2], design[:, 1], design[:, 2], design[:, 3]])
    fit = fit_spark_ml(spark, dummies, *rest)
    assert compare_solutions(fit_statsmodels(dummies, *rest), fit).verdict == "agrees"


def test_the_intercept_may_be_any_column(spark):
    design, *rest = cells("gamma")
    moved = design[:, [1, 0, 2, 3]]
    np.testing.assert_allclose(
        fit_spark_ml(spark, moved, *rest).estimate[[1, 0, 2, 3]],
        fit_spark_ml(spark, design, *rest).estimate,
        rtol=1e-9,
    )


def test_what_spark_ml_lacks_is_reported_as_not_verifiable(spark):
    design, *rest = cells("poisson")
    ours = fit_statsmodels(design, *rest)
    wide = np.zeros((len(design), 4098))
    reasons = [
        second_opinion("spark_ml", ours, lambda: fit_spark_ml(spark, wide, *rest)).reason,
        second_opinion("spark_ml", ours, lambda: fit_spark_ml(spark, design[:, :1], *rest)).reason,
        second_opinion("spark_ml", ours, lambda: fit_spark_ml(spark, *cells("binomial", "log"))).reason,
        second_opinion("spark_ml", ours, lambda: fit_spark_ml(spark, *cells("poisson"), most_values=9)).reason,
    ]
    told = ("4,097 features", "intercept alone", "no binomial family with log link", "at most 9 values")
    for reason, said in zip(reasons, told, strict=True):
        assert said in reason


def test_collinear_columns_are_refused_before_spark_ml_makes_them_up(spark):
    design, *rest = cells("poisson")
    with pytest.raises(CannotVerify, match="collinear"):
        fit_spark_ml(spark, np.column_stack([design, design[:, 1] + design[:, 2]]), *rest)


def test_iterations_that_run_out_are_an_error(spark):
    with pytest.raises(FitError, match="did not converge in 2 iterations"):
        fit_spark_ml(spark, *cells("poisson"), max_iterations=2)


def test_a_failure_inside_spark_ml_is_one_line(spark):
    design, response, *rest = cells("gamma")
    response[0] = -1.0
    with pytest.raises(FitError) as caught:
        fit_spark_ml(spark, design, response, *rest)
    assert "\n\tat " not in str(caught.value)
