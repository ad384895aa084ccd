"""Every family in every place that uses one."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glm_local.testing.family_conformance import FamilyConformance

Array = NDArray[np.float64]


class TestGaussian(FamilyConformance):
    family = "gaussian"

    def responses(self, random: np.random.Generator, mean: Array) -> Array:
        return random.normal(mean, 0.7)


class TestPoisson(FamilyConformance):
    family = "poisson"

    def responses(self, random: np.random.Generator, mean: Array) -> Array:
        return random.poisson(mean).astype(float)


class TestBinomial(FamilyConformance):
    family = "binomial"

    def responses(self, random: np.random.Generator, mean: Array) -> Array:
        return random.binomial(1, mean).astype(float)


class TestGamma(FamilyConformance):
    family = "gamma"

    def responses(self, random: np.random.Generator, mean: Array) -> Array:
        return random.gamma(2.0, mean / 2.0)


class TestInverseGaussian(FamilyConformance):
    family = "inverse_gaussian"
    link = "log"

    def responses(self, random: np.random.Generator, mean: Array) -> Array:
        return random.wald(mean, 3.0)


class TestTweedie(FamilyConformance):
    family = "tweedie(1.5)"

    def responses(self, random: np.random.Generator, mean: Array) -> Array:
        counts = random.poisson(2 * np.sqrt(mean))
        return np.where(counts > 0, random.gamma(np.maximum(counts, 1), np.sqrt(mean) / 2), 0.0)


class TestNegativeBinomial(FamilyConformance):
    family: ClassVar[Any] = {"family": "negative_binomial", "theta": 1.7}

    def responses(self, random: np.random.Generator, mean: Array) -> Array:
        return random.poisson(mean * random.gamma(1.7, 1 / 1.7, len(mean))).astype(float)


class TestNegativeBinomialOfRoots(TestNegativeBinomial):
    link = "sqrt"
