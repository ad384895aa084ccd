"""Tweedie densities against R's, closed forms, 35-digit arithmetic, and each other."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaln

from glm_local.families import tweedie_density
from glm_local.families.families import family_from
from glm_local.families.tweedie_density import log_standard_density
from tests.expected import golden

HIGH_PRECISION = [
    (1.001, 0.003, 1.9839823403959516),
    (1.001, 0.7, -70.79163028974139),
    (1.001, 100, -3612.6453402251454),
    (1.05, 0.003, 1.9853770062819254),
    (1.05, 0.1, 0.22375625517526668),
    (1.05, 20, -40.392515766146865),
    (1.05, 1e5, -209.68395854184004),
    (1.2, 0.02, 1.0352700926290788),
    (1.2, 0.7, -0.8110517635043486),
    (1.2, 1000, -29.67589066308813),
    (1.5, 0.003, 1.9853516064143102),
    (1.5, 0.1, 0.22285917607447683),
    (1.5, 3, -1.9297115669657292),
    (1.5, 1e5, -21.639596568620565),
    (1.8, 0.02, 1.0352700926290788),
    (1.8, 0.7, -0.8067740932122713),
    (1.8, 20, -3.55257931114008),
    (1.95, 0.02, 1.0353659284085164),
    (1.95, 0.7, -0.8004594903288874),
    (1.95, 100, -4.814787087503283),
    (1.99, 0.1, 0.2239780129142511),
    (1.99, 1000, -6.968850743874821),
    (1.999, 0.7, -0.7981323428109595),
    (1.999, 20, -3.1701725322119114),
    (2.1, 0.7, -0.793034682773678),
    (2.1, 3, -1.65502553454886),
    (2.1, 1e5, -10.61270934463461),
    (2.5, 0.1, 0.22732750687682435),
    (2.5, 3, -1.5585504788387252),
    (2.5, 1000, -5.188936340223784),
    (4, 0.1, 0.2459216754702984),
    (4, 20, -2.126379433070651),
    (6, 0.1, 0.27977001094553205),
    (6, 100, -2.3120050897130984),
    (12, 0.1, 0.3857566734515168),
    (12, 0.7, -0.361540242570898),
    (12, 1e5, -3.029926053657529),
]
"""Power, dispersion, log f(1; 1, dispersion), computed with 35 digits and more by mpmath."""


def test_all_of_mgcvs_log_densities_are_met():
    with golden.data("tweedie_logdensity").open() as lines:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(lines)]
    assert len(rows) == 150
    for row in rows:
        found = float(family_from(f"tweedie({row['p']})").log_density(row["y"], 1.0, row["mu"], row["phi"]))
        assert math.isclose(found, row["logd"], rel_tol=1e-12, abs_tol=1e-12), row


@pytest.mark.parametrize(("power", "dispersion", "expected"), HIGH_PRECISION)
def test_densities_are_those_of_high_precision_arithmetic(power, dispersion, expected):
    found = log_standard_density(power, np.log([dispersion]))[0]
    assert math.isclose(found, expected, rel_tol=5e-13, abs_tol=5e-13)


@pytest.mark.parametrize("dispersion", [1e-8, 1e-3, 0.1, 1.0, 30.0, 1e3, 1e5])
def test_inversion_gives_the_gamma_and_inverse_gaussian_densities(dispersion):
    logs = np.log([dispersion])
    shape = 1 / dispersion
    gamma = shape * math.log(shape) - shape - gammaln(shape)
    inverse_gaussian = -0.5 * math.log(2 * math.pi * dispersion)
    tolerance = 1e-12 * (1 + abs(shape * math.log(shape)))
    assert math.isclose(tweedie_density._by_inversion(2.0, logs)[0], gamma, rel_tol=1e-10, abs_tol=tolerance)
    assert math.isclose(tweedie_density._by_inversion(3.0, logs)[0], inverse_gaussian, abs_tol=1e-12)


@pytest.mark.parametrize("power", [1.1, 1.3, 1.5, 1.8, 1.95, 1.999])
def test_series_and_inversion_meet_where_one_takes_over(power):
    spread = np.array([20.0, 99.0, 101.0, 400.0])
    logs = -np.log(spread * (2 - power) / (power - 1))
    np.testing.assert_allclose(
        tweedie_density._by_series(power, logs), tweedie_density._by_inversion(power, logs), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("power", [1.02, 1.1, 1.5, 1.9, 2.5, 3.5])
def test_many_distinct_points_are_as_accurate_as_few(power):
    logs = np.random.default_rng(5).normal(0, 3, 20_000)
    many = log_standard_density(power, logs)
    few = np.concatenate([log_standard_density(power, part) for part in np.split(logs, 10)])
    np.testing.assert_allclose(many, few, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("power", "mu", "dispersion"), [(1.2, 3.0, 0.8), (1.5, 2.0, 2.0), (1.8, 0.5, 0.3), (2.5, 1.0, 0.5)]
)
def test_probabilities_sum_to_one_and_give_mean_and_variance(power, mu, dispersion):
    family = family_from(f"tweedie({power})")

    def moment(k):
        def integrand(log_y):
            return math.exp((k + 1) * log_y + float(family.log_density(math.exp(log_y), 1.0, mu, dispersion)))

        return quad(integrand, -40, 12, limit=500, epsabs=1e-11, points=[-5, 0, 3])[0]

    atom = math.exp(float(family.log_density(0.0, 1.0, mu, dispersion))) if power < 2 else 0.0
    assert math.isclose(atom + moment(0), 1, rel_tol=1e-7)
    assert math.isclose(moment(1), mu, rel_tol=1e-6)
    assert math.isclose(moment(2) - mu**2, dispersion * mu**power, rel_tol=1e-5)


def test_the_atom_at_zero_is_exact():
    mu, phi, p = np.array([0.1, 2.0, 500.0]), 30.0, 1.6
    found = family_from("tweedie(1.6)").log_density(np.zeros(3), 2.0, mu, phi)
    np.testing.assert_allclose(found, -2.0 * mu ** (2 - p) / (phi * (2 - p)), rtol=1e-14)


def test_a_weight_divides_the_dispersion():
    family, y = family_from("tweedie(1.7)"), np.array([0.0, 3.0, 40.0])
    np.testing.assert_array_equal(family.log_density(y, 4.0, 2.0, 8.0), family.log_density(y, 1.0, 2.0, 2.0))


@pytest.mark.parametrize(
    ("power", "neighbour"), [(1.0 + 1e-9, None), (2.0 - 1e-9, 2.0), (2.0 + 1e-9, 2.0), (3.0 - 1e-9, 3.0)]
)
def test_powers_next_to_a_named_family_are_continuous(power, neighbour):
    y, mu = np.array([0.3, 1.0, 8.0]), 2.0
    found = family_from(f"tweedie({power!r})").log_density(y, 1.0, mu, 0.4)
    if neighbour is None:
        assert np.isfinite(found).all()
    else:
        np.testing.assert_allclose(found, family_from(f"tweedie({neighbour})").log_density(y, 1.0, mu, 0.4), atol=1e-7)


def test_extreme_dispersions_stay_finite():
    logs = np.log([1e-300, 1e-20, 1e-14, 1e-13, 1e8, 1e200])
    for power in (1.01, 1.5, 1.99, 2.5):
        assert np.isfinite(log_standard_density(power, logs)).all(), power


def test_a_million_distinct_amounts_have_the_densities_they_have_alone():
    rng = np.random.default_rng(2)
    y = np.where(rng.random(1_000_000) < 0.9, 0.0, rng.gamma(0.7, 900.0, 1_000_000))
    y[:500_000] = rng.gamma(0.7, 900.0, 500_000)
    weight = rng.uniform(0.1, 1, len(y))
    family = family_from("tweedie(1.5)")
    density = family.log_density(y, weight, 100.0, 300.0)
    assert np.isfinite(density).all()
    some = np.arange(0, len(y), 100_003)
    alone = [family.log_density(y[[at]], weight[[at]], 100.0, 300.0)[0] for at in some]
    np.testing.assert_allclose(density[some], alone, rtol=1e-8)
