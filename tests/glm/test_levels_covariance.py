"""Later uses of a covariance with one factor of many levels: the same numbers as by the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest

from glm_local.glm import levels_covariance
from glm_local.glm.levels_covariance import LevelsCovariance, solve_covariance
from glm_local.inference.credible_levels import credible, credible_of_many
from glm_local.inference.design_effect import DesignEffect


def covariance_of(seed: int, levels: int = 260, rest: int = 9, size: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Of an intercept, levels and others in turn; and where the levels are."""
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(levels + 1), rng.integers(0, levels + 1, 3_000) * (rng.random(3_000) < 0.9)])
    rows = np.hstack(
        [np.ones((len(codes), 1)), np.eye(levels + 1)[codes][:, 1:], rng.normal(3.0, 1.0, (len(codes), rest))]
    )
    scales = np.concatenate([np.ones(levels + 1), 10.0 ** rng.uniform(-6, 6, rest)]) * size
    rows *= scales
    information = rows.T @ (rows * rng.gamma(1.0, 1.0, len(codes))[:, None])
    unit = 1 / np.sqrt(np.diag(information))
    inverse = np.linalg.inv(information * unit[:, None] * unit) * unit[:, None] * unit
    return (inverse + inverse.T) / 2, np.arange(1, levels + 1)


@pytest.mark.parametrize("size", [1.0, 1e-60, 1e60])
@pytest.mark.parametrize("rest", [0, 1, 9, 90])
def test_levels_are_a_diagonal_and_a_thin_product_and_are_solved_so(rest: int, size: float) -> None:
    covariance, at = covariance_of(rest, rest=rest, size=size)
    found = LevelsCovariance.of(covariance, at)
    assert found is not None
    own = covariance[np.ix_(at, at)]
    error = np.sqrt(np.diag(own))
    assert (np.abs(np.diag(found.own) + found.thin @ found.thin.T - own) <= 1e-12 * error[:, None] * error).all()
    right = np.random.default_rng(1).normal(size=(len(at), 3))
    unit = 1 / np.sqrt(np.diag(own))
    whole = unit[:, None] * np.linalg.solve(own * unit[:, None] * unit, right * unit[:, None])
    np.testing.assert_allclose(found.solve(right), whole, rtol=1e-7, atol=1e-10 * np.abs(whole).max())
    np.testing.assert_allclose(found.solve(right[:, 0]), found.solve(right)[:, 0], rtol=1e-12)
    larger = found.plus(0.5 / size**2, np.full(len(at), 2.0 / size))
    added = own + (0.5 * np.eye(len(at)) + 4.0) / size**2
    np.testing.assert_allclose(added @ larger.solve(right), right, atol=1e-8)


def test_two_factors_few_levels_dependent_levels_and_unknown_covariances_are_left_to_the_whole() -> None:
    covariance, at = covariance_of(3)
    assert LevelsCovariance.of(covariance, at[:150]) is None
    assert LevelsCovariance.of(covariance_of(3, levels=220, rest=200)[0], np.arange(1, 221)) is None
    together = covariance + 0.1 * np.outer(*2 * [np.isin(np.arange(len(covariance)), at[:2])])
    assert LevelsCovariance.of(together, at) is None
    assert LevelsCovariance.of(np.ones_like(covariance), at) is None
    assert LevelsCovariance.of(covariance * np.nan, at) is None
    assert LevelsCovariance.of(np.zeros_like(covariance), at) is None
    assert (solve_covariance(np.zeros_like(covariance), at, np.ones(len(at))) == 0).all()
    rare = covariance.copy()  # a base almost without rows: all levels move together
    rare[np.ix_(at, at)] += 1e9
    rare[0, at] = rare[at, 0] = rare[0, at] - 1e9
    rare[0, 0] += 1e9
    assert LevelsCovariance.of(rare, at) is None


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cells", [False, True])
@pytest.mark.parametrize("spread", [0.0, 0.3, 30.0])
def test_credible_levels_of_many_are_those_of_the_whole_matrix(seed: int, cells: bool, spread: float) -> None:
    covariance, at = covariance_of(seed)
    own = covariance[np.ix_(at, at)]
    rng = np.random.default_rng(seed)
    noise = np.linalg.cholesky(own) @ rng.normal(size=len(at)) * (0.5 if spread == 0 else 1.0)
    estimate = spread * rng.normal(size=len(at)) + noise
    many = LevelsCovariance.of(covariance, at)
    assert many is not None
    found = credible_of_many(estimate, many, cells)
    whole = credible(estimate, own, np.eye(len(at)) + (0.0 if cells else 1.0))
    assert (np.abs(found - whole) <= 1e-9 * np.sqrt(np.diag(own))).all()
    assert (found != 0).any() == (spread > 0)


def test_solved_with_levels_and_design_effects_are_those_of_the_pseudo_inverse(monkeypatch: pytest.MonkeyPatch) -> None:
    covariance, at = covariance_of(7)
    half = np.random.default_rng(2).normal(size=(len(covariance), 40)) * np.sqrt(np.diag(covariance))[:, None]
    sandwich, right = half @ half.T, half[at, 0]
    found = solve_covariance(covariance, at, right), DesignEffect.of_covariances(covariance, sandwich, at, 40)
    monkeypatch.setattr(levels_covariance, "FEWEST_COLUMNS", 1_000_000)
    whole = solve_covariance(covariance, at, right), DesignEffect.of_covariances(covariance, sandwich, at, 40)
    np.testing.assert_allclose(found[0], whole[0], rtol=1e-8, atol=1e-10 * np.abs(whole[0]).max())
    assert found[1] is not None
    assert whole[1] is not None
    assert (found[1].trace, found[1].squares) == pytest.approx((whole[1].trace, whole[1].squares), rel=1e-9)
