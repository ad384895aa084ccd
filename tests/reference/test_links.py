"""Links: inverses, derivatives by finite differences, edges, and the words they are asked for with."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_local.errors import SpecError
from glm_local.families.links import (
    LARGEST_SHARE,
    SMALLEST_SHARE,
    IdentityLink,
    InverseLink,
    LogitLink,
    LogLink,
    PowerLink,
    ProbitLink,
    link_from,
)

REAL = [-3.0, -0.5, 0.4, 2.5]
POSITIVE = [0.05, 0.7, 1.0, 3.0]
CASES = [
    ("identity", REAL),
    ("log", REAL),
    ("logit", REAL),
    ("probit", REAL),
    ("cloglog", [-3.0, -0.5, 0.4, 1.2]),
    ("inverse", [-2.0, *POSITIVE]),
    ("sqrt", POSITIVE),
    ("power(3)", POSITIVE),
    ("power(-2)", POSITIVE),
]


@pytest.mark.parametrize(("name", "eta"), CASES)
def test_the_mean_undoes_the_link(name, eta):
    link = link_from(name)
    np.testing.assert_allclose(link.link(link.mean(eta)), eta, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(("name", "eta"), CASES)
def test_derivatives_are_those_of_finite_differences(name, eta):
    link, at, step = link_from(name), np.array(eta), 1e-4

    def difference(function):
        far = function(at + 2 * step) - function(at - 2 * step)
        return (8 * (function(at + step) - function(at - step)) - far) / (12 * step)

    np.testing.assert_allclose(link.mean_derivative(at), difference(link.mean), rtol=1e-8)
    np.testing.assert_allclose(link.mean_second_derivative(at), difference(link.mean_derivative), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", ["logit", "probit", "cloglog"])
def test_shares_stay_strictly_between_zero_and_one_whatever_the_predictor(name):
    link = link_from(name)
    eta = np.array([-1e300, -1e4, -745.0, -38.6, -10.0, 0.0, 3.7, 8.3, 37.0, 1e4, 1e300])
    mean = link.mean(eta)
    assert (mean >= SMALLEST_SHARE).all()
    assert (mean <= LARGEST_SHARE).all()
    assert (np.diff(mean) >= 0).all()
    assert (link.mean_derivative(eta) > 0).all()
    assert np.isfinite(link.mean_second_derivative(eta)).all()


def test_a_misfit_far_out_keeps_its_logit_score():
    link = LogitLink()
    for eta in (-600.0, -40.0, 40.0, 600.0):
        mean = link.mean(eta)
        assert link.mean_derivative(eta) / (mean * (1 - mean)) == 1


def test_small_shares_keep_their_digits():
    assert math.isclose(float(LogitLink().mean(-100.0)), math.exp(-100), rel_tol=1e-13)
    assert math.isclose(float(ProbitLink().mean(-37.0)), 5.725571222524e-300, rel_tol=1e-10)
    assert math.isclose(float(link_from("cloglog").mean(-50.0)), math.exp(-50), rel_tol=1e-13)


@given(st.floats(-15, 15))
def test_logit_and_its_inverse_agree_for_any_predictor(eta):
    link = LogitLink()
    assert math.isclose(float(link.link(link.mean(eta))), eta, rel_tol=1e-8, abs_tol=1e-12)
    assert math.isclose(float(link.mean(eta) + link.mean(-eta)), 1, rel_tol=1e-15)


def test_predictors_outside_a_links_range_give_no_mean():
    assert np.isnan(PowerLink(0.5).mean([-1.0])[0])
    assert np.isnan(PowerLink(-2.0).mean([-1.0])[0])
    assert np.isnan(LogLink().link([-1.0])[0])
    assert LogLink().mean([1000.0])[0] == np.inf


@pytest.mark.parametrize(
    ("document", "link"),
    [
        ("LOG", LogLink()),
        (" Identity ", IdentityLink()),
        ("inverse", InverseLink()),
        ("sqrt", PowerLink(0.5)),
        ("power(0)", LogLink()),
        ("power( 1 )", IdentityLink()),
        ({"power": -1}, InverseLink()),
        ({"power": 0.5}, PowerLink(0.5)),
        ("power(1.5)", PowerLink(1.5)),
        (LogLink(), LogLink()),
    ],
)
def test_links_are_read_from_names_and_powers(document, link):
    assert link_from(document) == link


@pytest.mark.parametrize("link", [link_from(name) for name, _ in CASES])
def test_links_survive_json_and_pickle(link):
    assert link_from(link.to_document()) == link
    assert pickle.loads(pickle.dumps(link)) == link


@pytest.mark.parametrize("document", ["lgo", "power(x)", "power(nan)", {"power": True}, {"exponent": 2}, 3, None, ""])
def test_an_unknown_link_is_named_with_the_way_out(document):
    with pytest.raises(SpecError) as caught:
        link_from(document)
    problem = caught.value.problems[0]
    assert problem.path == "link"
    assert all((problem.found, problem.rule, problem.way_out))


def test_a_misspelt_link_is_told_the_nearest_name():
    with pytest.raises(SpecError, match="Nearest: 'logit'"):
        link_from("logti")
