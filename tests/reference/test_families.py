"""Families: identities that tie variance, deviance and density together, exact values, and how they are read."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from r_cases import CASES as R_CASES
from r_cases import WITHOUT_LIKELIHOOD, r_case
from scipy import stats
from scipy.integrate import quad

from glm_local.errors import SpecError
from glm_local.families.families import BinomialFamily, PowerFamily, family_from, resolve_link
from glm_local.families.relative_deviance import relative_deviance, stirling_error

POWERS = [0.0, 1.0, 1.0001, 1.3, 1.5, 1.9, 1.9999, 2.0, 2.5, 3.0, 4.0]
FAMILIES = [*(PowerFamily(power) for power in POWERS), BinomialFamily()]
Y = {
    "real": [-2.0, 0.3, 5.0],
    "nonnegative": [0.0, 0.4, 2.0, 30.0],
    "positive": [0.2, 1.0, 30.0],
    "unit": [0.0, 0.2, 0.7, 1.0],
}
MU = {"real": [-1.0, 0.5, 4.0], "nonnegative": [0.1, 1.0, 7.0], "positive": [0.1, 1.0, 7.0], "unit": [0.01, 0.4, 0.99]}


def pairs(family):
    grid = np.meshgrid(Y[family.domain], MU[family.domain])
    return grid[0].ravel(), grid[1].ravel()


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_the_deviance_is_twice_the_integral_of_the_score(family):
    for y, mu in zip(*pairs(family), strict=True):
        integral, _ = quad(lambda t, y=y: (y - t) / family.variance(np.array(t)), mu, y, epsabs=1e-12, limit=200)
        np.testing.assert_allclose(family.unit_deviance(np.array([y]), np.array([mu]))[0], 2 * integral, rtol=1e-6)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_the_deviance_is_twice_saturated_less_objective(family):
    y, mu = pairs(family)
    difference = 2 * (family.saturated(y) - family.objective(y, mu))
    scale = np.abs(family.saturated(y)) + np.abs(family.objective(y, mu)) + 1
    np.testing.assert_allclose((family.unit_deviance(y, mu) - difference) / scale, 0, atol=1e-14)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_the_variance_derivative_is_that_of_finite_differences(family):
    mu, step = np.array(MU[family.domain]), 1e-6
    slope = (family.variance(mu + step) - family.variance(mu - step)) / (2 * step)
    np.testing.assert_allclose(family.variance_derivative(mu), slope, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_the_score_of_the_log_density_is_the_weighted_residual_over_the_variance(family):
    y, mu = pairs(family)
    weight, dispersion, step = 3.0, 1.0 if family.fixed_dispersion else 0.7, 1e-6
    up, down = (family.log_density(y, weight, mu + sign * step, dispersion) for sign in (1, -1))
    score = weight * (y - mu) / (dispersion * family.variance(mu))
    np.testing.assert_allclose((up - down) / (2 * step), score, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_the_density_without_its_mean_is_zero_where_nothing_was_observed(family):
    if family.domain == "nonnegative":
        y, mu, weight = np.zeros(3), np.array([0.1, 1.0, 9.0]), np.array([0.5, 1.0, 7.0])
        dispersion = 1.0 if family.fixed_dispersion else 0.3
        expected = weight * family.objective(y, mu) / dispersion
        np.testing.assert_allclose(family.log_density(y, weight, mu, dispersion), expected, rtol=1e-14)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_a_log_density_is_the_saturated_one_less_half_the_scaled_deviance(family):
    y, mu = pairs(family)
    dispersion = 1.0 if family.fixed_dispersion else 0.6
    whole = family.saturated_log_density(y, 2.0, dispersion) - family.unit_deviance(y, mu) / dispersion
    np.testing.assert_allclose(family.log_density(y, 2.0, mu, dispersion), whole, rtol=1e-14)


@pytest.mark.parametrize("power", [1.0, 1.000001, 1.4, 1.5, 1.6, 1.999999, 2.0, 2.7, 3.0])
@pytest.mark.parametrize("excess", [1e-12, 1e-6, 1e-3, 0.02999, -0.02999])
def test_deviances_near_the_mean_keep_their_digits(power, excess):
    for e in (excess, -excess):
        series = sum(_binomial(-power, k - 2) * e**k / (k * (k - 1)) for k in range(2, 40))
        assert math.isclose(float(relative_deviance(power, e)), series, rel_tol=2e-15)


def test_both_formulas_of_the_relative_deviance_meet():
    for power in POWERS[1:]:
        inner, outer = relative_deviance(power, [0.029999999, 0.030000001])
        slope = 0.03 if power == 0 else (1.03 ** (1 - power) - 1) / (1 - power) if power != 1 else math.log(1.03)
        assert math.isclose(outer - inner, slope * 2e-9, rel_tol=1e-5)


@given(st.floats(1.0, 3.0), st.floats(-0.999, 1e6))
def test_a_relative_deviance_is_never_negative(power, excess):
    assert relative_deviance(power, excess) >= 0


def _binomial(n: float, k: int) -> float:
    return math.prod((n - i) / (i + 1) for i in range(k))


@pytest.mark.parametrize("x", [0.001, 0.5, 1.0, 7.3, 14.999, 15.001, 40.0, 1e6])
def test_stirlings_error_is_that_of_the_gamma_function(x):
    error = math.lgamma(x + 1) - (x + 0.5) * math.log(x) + x - 0.5 * math.log(2 * math.pi)
    tolerance = 1e-15 * (1 + abs(x * math.log(x)))
    assert math.isclose(float(stirling_error(x)), error, rel_tol=1e-13, abs_tol=tolerance)


def test_densities_are_those_of_scipys_distributions():
    mu, phi, w = 2.3, 0.7, 1.9
    y = np.array([0.2, 1.0, 4.0])
    gaussian = stats.norm(mu, math.sqrt(phi / w))
    gamma = stats.gamma(w / phi, scale=mu * phi / w)
    inverse_gaussian = stats.invgauss(mu * phi / w, scale=w / phi)
    for name, known in (("gaussian", gaussian), ("gamma", gamma), ("inverse_gaussian", inverse_gaussian)):
        np.testing.assert_allclose(family_from(name).log_density(y, w, mu, phi), known.logpdf(y), rtol=1e-12)
    counts = np.array([0, 1, 5, 400])
    known_counts = stats.poisson(2.0 * mu).logpmf(counts)
    np.testing.assert_allclose(family_from("poisson").log_density(counts / 2, 2.0, mu, 1.0), known_counts, rtol=1e-12)
    hits = np.array([0, 3, 11, 12])
    known_hits = stats.binom(12, 0.3).logpmf(hits)
    np.testing.assert_allclose(BinomialFamily().log_density(hits / 12, 12, 0.3, 1.0), known_hits, rtol=1e-12)


def test_huge_shapes_do_not_cancel():
    density = family_from("gamma").log_density(1.0, 1.0, 1.0, 1e-12)
    assert math.isclose(float(density), -0.5 * math.log(2 * math.pi * 1e-12), rel_tol=1e-12)
    count = family_from("poisson").log_density(1e12, 1.0, 1e12, 1.0)
    assert math.isclose(float(count), -0.5 * math.log(2 * math.pi * 1e12), rel_tol=1e-12)


def test_counts_that_are_not_whole_continue_the_factorial():
    density = family_from("poisson").log_density(0.5, 1.0, 2.0, 1.0)
    assert math.isclose(float(density), 0.5 * math.log(2) - 2 - math.lgamma(1.5), rel_tol=1e-14)


@pytest.mark.parametrize("name", [name for name in R_CASES if name not in WITHOUT_LIKELIHOOD])
def test_log_likelihoods_at_rs_coefficients_are_rs(name):
    case = r_case(name)
    design, response, weight, offset, family, link = case.arrays
    weight = np.ones(len(response)) if weight is None else weight
    mean = link.mean(design @ case.figures("coef") + (0 if offset is None else offset))
    deviance = float(np.sum(weight * family.unit_deviance(response, mean)))
    assert math.isclose(deviance, case.expected["deviance"], rel_tol=1e-11)
    dispersion = family.likelihood_dispersion(deviance, len(response))
    log_likelihood = float(family.log_density(response, weight, mean, dispersion).sum())
    assert math.isclose(log_likelihood, case.expected["loglik"], rel_tol=1e-12, abs_tol=1e-11)


@pytest.mark.parametrize(
    ("document", "family"),
    [
        ("Poisson", PowerFamily(1.0)),
        ("inverse gaussian", PowerFamily(3.0)),
        ("Inverse-Gaussian", PowerFamily(3.0)),
        ("binomial", BinomialFamily()),
        ("tweedie(1.5)", PowerFamily(1.5)),
        ("Tweedie( p = 1.5 )", PowerFamily(1.5)),
        ("tweedie(power=1.7)", PowerFamily(1.7)),
        ("tweedie(0)", PowerFamily(0.0)),
        ("tweedie(1)", PowerFamily(1.0)),
        ("tweedie(2)", PowerFamily(2.0)),
        ("tweedie(3.0)", PowerFamily(3.0)),
        ("tweedie(2.5)", PowerFamily(2.5)),
        ({"family": "tweedie", "power": 1.5}, PowerFamily(1.5)),
        ({"family": "gamma"}, PowerFamily(2.0)),
        (PowerFamily(1.5), PowerFamily(1.5)),
    ],
)
def test_families_are_read_from_names_and_powers(document, family):
    assert family_from(document) == family


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_families_survive_json_text_and_pickle(family):
    assert family_from(family.to_document()) == family
    assert family_from(str(family)) == family
    assert pickle.loads(pickle.dumps(family)) == family


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("possion", "Nearest: 'poisson'"),
        ("tweedie", "without its power"),
        ("tweedie()", "without its power"),
        ("tweedie(0.3)", "nearest family is gaussian"),
        ("tweedie(0.9)", "nearest family is poisson"),
        ("tweedie(-1)", "Powers below 0"),
        ("tweedie(nan)", "finite number"),
        ("tweedie(x)", "finite number"),
        ({"family": "tweedie", "power": "1.5.1"}, "finite number"),
        ({"family": "tweedie", "power": True}, "finite number"),
        ({"family": "poisson", "power": 1}, "Only tweedie"),
        ({"power": 1.5}, 'keys "family"'),
        ({"family": "tweedie", "p": 1.5}, 'keys "family"'),
        ({"family": 3}, "not a family"),
        (7, "not a family"),
        ("", "not a family"),
    ],
)
def test_a_wrong_family_is_refused_with_the_way_out(document, said):
    with pytest.raises(SpecError, match=said) as caught:
        family_from(document)
    problem = caught.value.problems[0]
    assert problem.path.startswith("family")
    assert all((problem.found, problem.rule, problem.way_out))


def test_links_default_to_the_canonical_ones_and_to_log():
    defaults = {str(family): resolve_link(family, None).name for family in FAMILIES}
    assert defaults.pop("gaussian") == "identity"
    assert defaults.pop("binomial") == "logit"
    assert set(defaults.values()) == {"log"}


@pytest.mark.parametrize(
    ("family", "link"),
    [
        ("poisson", "logit"),
        ("gamma", "probit"),
        ("gaussian", "cloglog"),
        ("binomial", "sqrt"),
        ("binomial", "inverse"),
        ("binomial", "power(2)"),
        ("tweedie(1.5)", "logit"),
    ],
)
def test_a_link_that_makes_no_sense_names_those_that_do(family, link):
    with pytest.raises(SpecError, match="its links are"):
        resolve_link(family_from(family), link)


def test_means_and_starts_lie_inside_the_open_range():
    assert PowerFamily(1.0).valid_mean([0.0, 1.0, np.inf, np.nan, -1.0]).tolist() == [False, True, False, False, False]
    assert BinomialFamily().valid_mean([0.0, 0.5, 1.0]).tolist() == [False, True, False]
    assert PowerFamily(0.0).valid_mean([-1.0, np.inf]).tolist() == [True, False]
    for family, mean in ((PowerFamily(1.0), 0.0), (BinomialFamily(), 0.0), (BinomialFamily(), 1.0)):
        assert family.valid_mean(family.starting_mean(mean))
    assert PowerFamily(0.0).starting_mean(-3.0) == -3.0


def test_arrays_of_any_shape_and_scalars_broadcast():
    density = family_from("tweedie(1.5)").log_density(np.array([[0.0], [2.0]]), 1.0, np.array([1.0, 3.0]), 0.5)
    assert density.shape == (2, 2)
    assert family_from("poisson").log_density(1.0, 1.0, 1.0, 1.0).shape == ()
    assert family_from("poisson").log_density(np.array([]), 1.0, 1.0, 1.0).shape == (0,)
