"""Inference: tails to 1e-300, R's p-values, intervals, and information criteria by R's convention."""

from __future__ import annotations

import math

import numpy as np
import pytest
from r_cases import CASES, WITHOUT_LIKELIHOOD, r_case
from scipy import stats

from glm_local.errors import ConfigError
from glm_local.glm.inference import information_criteria, relativities, two_sided_p, wald
from tests.expected.golden import figures

TAILS = [
    (1, 0.01, 0.9936340144701835),
    (1, 0.5, 0.7048327646991335),
    (1, 2, 0.2951672353008665),
    (1, 10, 0.06345103486110713),
    (1, 37, 0.017201752210866308),
    (10, 0.01, 0.9922179749909714),
    (10, 0.5, 0.6278936057429729),
    (10, 2, 0.07338803477074037),
    (10, 10, 1.5895531755964119e-06),
    (10, 37, 4.949890965397113e-12),
    (54, 0.01, 0.9920581408316272),
    (54, 0.5, 0.6191065682519767),
    (54, 2, 0.050540549286260394),
    (54, 10, 6.838644162486738e-14),
    (54, 37, 4.785498919208353e-40),
    (1000.0, 0.01, 0.9920232819321873),
    (1000.0, 0.5, 0.6171850808338748),
    (1000.0, 2, 0.04577034649325164),
    (1000.0, 10, 1.6670702958600067e-22),
    (1000.0, 37, 1.7300788809913061e-189),
    (100000.0, 0.01, 0.9920213073188232),
    (100000.0, 0.5, 0.617076177654418),
    (100000.0, 2, 0.045502963457506464),
    (100000.0, 10, 1.5633015300207278e-23),
    (100000.0, 37, 1.197462824342466e-297),
    (10000000.0, 0.01, 0.9920212875702179),
    (10000000.0, 0.5, 0.617075088454015),
    (10000000.0, 2, 0.04550029089184295),
    (10000000.0, 10, 1.5243592290273756e-23),
    (10000000.0, 37, 1.200121232263834e-299),
    (None, 0.01, 0.9920212873707368),
    (None, 1, 0.3173105078629141),
    (None, 5, 5.733031437583878e-07),
    (None, 20, 5.5072482372124675e-89),
]
"""Degrees of freedom (None: normal), statistic, two-sided probability with 40 digits by mpmath."""


@pytest.mark.parametrize(("df", "statistic", "expected"), TAILS)
def test_tails_are_exact_down_to_1e_300(df, statistic, expected):
    for signed in (statistic, -statistic):
        assert math.isclose(float(two_sided_p(signed, df)), expected, rel_tol=5e-13)


@pytest.mark.parametrize("name", sorted({*CASES, "budworm_quasi", "ships_quasi"} - {"insurance_aliased"}))
def test_p_values_are_rs(name):
    expected = figures(name)
    estimate, se, known = (np.array(list(expected[key].values())) for key in ("coef", "se", "p_value"))
    test = wald(estimate, se, None if expected["test"] == "z value" else expected["df_residual"])
    assert test.test == expected["test"][0]
    # Coefficients are typed with 15 digits, which a far tail multiplies by the squared statistic.
    allowed = 1e-13 + 1e-14 * (1 + test.statistic**2)
    visible = known > 0
    np.testing.assert_array_less(np.abs(test.p_value[visible] / known[visible] - 1), 10 * allowed[visible])
    assert (test.p_value[~visible] < 1e-300).all()


@pytest.mark.parametrize("name", [name for name in CASES if name not in WITHOUT_LIKELIHOOD])
def test_information_criteria_are_rs(name):
    case = r_case(name)
    expected = case.expected
    rows, coefficients = len(case.arrays[1]), len(expected["coef"])
    found = information_criteria(expected["loglik"], coefficients, rows, case.arrays[4].fixed_dispersion)
    assert math.isclose(found.aic, expected["aic"], rel_tol=1e-13)
    assert math.isclose(found.bic, expected["bic"], rel_tol=1e-13)


def test_intervals_are_those_of_the_normal_and_the_t_distribution():
    normal, student = wald([1.0], [0.5], None, 0.9), wald([1.0], [0.5], 7.0, 0.9)
    assert math.isclose(normal.upper[0], 1 + 0.5 * stats.norm.ppf(0.95), rel_tol=1e-14)
    assert math.isclose(student.lower[0], 1 - 0.5 * stats.t.ppf(0.95, 7), rel_tol=1e-13)


def test_an_interval_excludes_zero_exactly_when_the_test_rejects():
    estimate = np.linspace(0.1, 3, 30)
    for df in (None, 3.0, 40.0):
        test = wald(estimate, np.ones(30), df, 0.95)
        np.testing.assert_array_equal(test.lower > 0, test.p_value < 0.05)


def test_an_aliased_term_has_no_inference():
    test = wald([np.nan, 1.0], [np.nan, 0.0], None)
    assert np.isnan([test.statistic[0], test.p_value[0], test.lower[0], test.upper[0]]).all()
    assert test.p_value[1] == 0


def test_without_degrees_of_freedom_nothing_is_claimed():
    test = wald([1.0], [0.5], 0.0)
    assert np.isnan([test.p_value[0], test.lower[0], test.upper[0]]).all()
    assert test.statistic[0] == 2


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.5, math.nan])
def test_a_confidence_outside_zero_and_one_is_refused(confidence):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        wald([1.0], [1.0], None, confidence)


def test_relativities_are_exponentials_and_overflow_to_infinity():
    np.testing.assert_array_equal(relativities([0.0, math.log(2), 1000.0]), [1.0, 2.0, np.inf])
