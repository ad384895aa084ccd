"""Credibility of thousands of levels is what it is of few, without taking their covariance apart."""

from __future__ import annotations

import numpy as np
import pytest

from glm_local.inference import credible_levels
from glm_local.inference.credible_levels import credible
from glm_local.inference.many_levels import credible_by_vectors

LEVELS = 520


def _levels(seed: int, spread: float, scale: float) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    noise = draw.gamma(0.7, 0.4, LEVELS) + 1e-3
    shared = draw.normal(0, 0.05, (LEVELS, 20))
    covariance = np.diag(noise) + shared @ shared.T + 0.02
    estimate = draw.normal(0, spread, LEVELS) + draw.normal(0, np.sqrt(noise))
    return scale * estimate, scale**2 * covariance


@pytest.mark.parametrize("cells", [False, True])
@pytest.mark.parametrize("spread", [0.02, 0.3, 5.0])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_many_levels_are_drawn_to_the_others_as_few_are(
    cells: bool, spread: float, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate, covariance = _levels(3, spread, scale)
    prior = np.eye(LEVELS) + (0.0 if cells else 1.0)
    found = credible_by_vectors(estimate, covariance, prior)
    monkeypatch.setattr(credible_levels, "MANY_LEVELS", LEVELS + 1)
    exact = credible(estimate, covariance, prior)
    assert found is not None
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-11 * np.abs(estimate).max())


def test_levels_that_vary_less_than_chance_are_all_drawn_to_the_mean() -> None:
    estimate, covariance = _levels(4, 0.0, 1.0)
    found = credible(estimate / 10, covariance, np.eye(LEVELS))
    assert (found == 0).all()


def test_levels_without_noise_stay_where_they_are() -> None:
    estimate = np.linspace(-1, 1, LEVELS)
    found = credible(estimate, np.zeros((LEVELS, LEVELS)), np.eye(LEVELS))
    np.testing.assert_allclose(found, estimate, rtol=1e-9)


def test_another_prior_is_left_to_the_general_way() -> None:
    estimate, covariance = _levels(5, 0.3, 1.0)
    assert credible_by_vectors(estimate, covariance, np.diag(np.linspace(1, 2, LEVELS))) is None
