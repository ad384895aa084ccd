"""Rao's score test of levels a model does not have, with efficient information: net of what the model estimated.

With score U and information I of the tested levels (c) and of the model's columns (M), all at the model's estimates:
U* = U_c - I_cM I_MM^-1 U_M, V = I_cc - I_cM I_MM^-1 I_Mc, statistic U*' V^- U* / dispersion with rank V degrees of
freedom (Rao 1948; Cox & Hinkley 1974, 9.3). Only sums enter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, fdtrc

from glm_local.glm.information import independent_columns, inverse_information
from glm_local.inference.design_effect import DesignEffect
from glm_local.inference.key_inference import cluster_factor

Array = NDArray[np.float64]

SPANNED = 1e-8
"""Share of a direction's information below which the model counts as holding it already."""


@dataclass(frozen=True)
class Dispersion:
    """How the statistic is scaled.

    Parameters
    ----------
    value
        Dispersion of the current model.
    freedom
        Residual degrees of freedom it was estimated with; None where it is known.
    pearson
        Pearson's chi-square of the current model (used only where the dispersion is estimated).
    least
        Dispersion a test by key takes at least (`glm_local.inference.design_effect.least_effect`).
    """

    value: float = 1.0
    freedom: float | None = None
    pearson: float = math.nan
    least: float = 1.0


@dataclass(frozen=True)
class ModelInformation:
    """Score and information of the model's columns at its estimates, shapes (p,) and (p, p).

    `by_key` are its scores by group of keys, shape (p, clusters), of so many `rows`; None where tests do not use them.
    """

    score: Array
    information: Array
    by_key: Array | None = None
    rows: float = 0.0

    @cached_property
    def _kept(self) -> NDArray[np.intp]:
        return np.flatnonzero(independent_columns(self.information))

    @property
    def rank(self) -> int:
        """Independent columns."""
        return len(self._kept)

    @cached_property
    def inverse(self) -> Array:
        """Inverse over the independent columns, zero at aliased ones, shape (p, p)."""
        kept = self._kept
        inverse = np.zeros_like(self.information)
        inverse[np.ix_(kept, kept)] = inverse_information(self.information[np.ix_(kept, kept)])
        return inverse


@dataclass(frozen=True)
class Efficient:
    """Score and information of tested levels net of nuisances, and their own information before that.

    Shapes (levels,), (levels, levels), (levels,). `by_key` are the scores by group of keys, shape (levels, clusters),
    and `factor` what their sums of products are multiplied by; None where tests do not use them.
    """

    score: Array
    information: Array
    own: Array
    by_key: Array | None = None
    factor: float = math.nan

    @classmethod
    def of(
        cls, score: Array, own: Array, cross: Array | None, model: ModelInformation, by_key: Array | None = None
    ) -> Efficient:
        """Net of a model.

        Parameters
        ----------
        score, own
            Of the levels, shapes (levels,) and (levels, levels).
        cross
            The levels' information with the model's columns, shape (levels, p); None leaves the model out.
        by_key
            Scores of the levels by group of keys, shape (levels, clusters).
        """
        factor = math.nan if by_key is None else cluster_factor(by_key.shape[1], model.rows, model.rank)
        if cross is None:
            return cls(score, own, np.diag(own), by_key, factor)
        half = cross @ model.inverse
        if by_key is not None and model.by_key is not None:
            by_key = by_key - half @ model.by_key
        return cls(score - half @ model.score, own - half @ cross.T, np.diag(own), by_key, factor)

    def projection(self, tested: int) -> Array:
        """How the levels from `tested` on explain the first ones: V_12 V_22^-, shape (tested, others)."""
        inverse, _ = generalised_inverse(self.information[tested:, tested:], self.own[tested:])
        half: Array = self.information[:tested, tested:] @ inverse
        return half

    def net_of_others(self, tested: int) -> Efficient:
        """The first `tested` levels, net of the others."""
        half = self.projection(tested)
        return Efficient(
            self.score[:tested] - half @ self.score[tested:],
            self.information[:tested, :tested] - half @ self.information[tested:, :tested],
            self.own[:tested],
            None if self.by_key is None else self.by_key[:tested] - half @ self.by_key[tested:],
            self.factor,
        )

    def only(self, tested: NDArray[np.intp]) -> Efficient:
        """Some of the levels, the others without an effect."""
        by_key = None if self.by_key is None else self.by_key[tested]
        information = self.information[np.ix_(tested, tested)]
        return Efficient(self.score[tested], information, self.own[tested], by_key, self.factor)

    def combined(self, weights: Array) -> Efficient:
        """Sums of levels, one for every row of `weights`, shape (sums, levels)."""
        by_key = None if self.by_key is None else weights @ self.by_key
        own = (weights**2) @ self.own
        return Efficient(weights @ self.score, weights @ self.information @ weights.T, own, by_key, self.factor)

    def test(self, dispersion: Dispersion | None = None) -> ScoreTest:
        """The score test of all levels at once; by key where their scores by key are known."""
        white = whitening(self.information, self.own)
        explained, rank, asked = float(np.sum((white @ self.score) ** 2)), len(white), dispersion or Dispersion()
        if self.by_key is not None:
            effect = DesignEffect.of_scores(white @ self.by_key, self.factor, asked.least)
            if effect is not None:
                return clustered_test(explained, effect)
        return score_test(explained, rank, asked)

    @cached_property
    def inverse(self) -> Array:
        """Generalised inverse of the information: one step's effects are ``inverse @ score``."""
        return generalised_inverse(self.information, self.own)[0]


def generalised_inverse(matrix: Array, scale: Array) -> tuple[Array, int]:
    """Moore-Penrose inverse after scaling by each level's own information, and the rank."""
    white = whitening(matrix, scale)
    inverse: Array = white.T @ white
    return inverse, len(white)


def whitening(matrix: Array, scale: Array) -> Array:
    """W, shape (rank, levels): the information of ``W @ score`` is the unit matrix, and ``W' W`` the inverse."""
    root = np.where(scale > 0, 1 / np.sqrt(np.where(scale > 0, scale, 1.0)), 0.0)
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2 * root[:, None] * root[None, :])
    kept = values > SPANNED
    white: Array = (vectors[:, kept] * root[:, None] / np.sqrt(values[kept])).T
    return white


@dataclass(frozen=True)
class ScoreTest:
    """A score test.

    Parameters
    ----------
    statistic
        Scaled by the dispersion: chi-square under the null, or F times `freedom` where the dispersion is estimated.
    freedom
        Degrees of freedom: rank of the efficient information. 0 when the model has the levels already.
    residual_freedom
        Second degrees of freedom of F; None for chi-square.
    p_value
        From the upper tail itself; NaN without degrees of freedom.
    explained
        The statistic before scaling: Pearson's chi-square (or deviance) the levels take away.
    effect
        Where the test is by key, how much more the levels spread than the model says: the statistic is divided by its
        mean.
    """

    statistic: float
    freedom: int
    residual_freedom: float | None
    p_value: float
    explained: float
    effect: DesignEffect | None = None


def clustered_test(explained: float, effect: DesignEffect) -> ScoreTest:
    """A statistic that its design effect corrects: by scores as by likelihoods."""
    return ScoreTest(
        explained / effect.mean, effect.rank, effect.residual_freedom, effect.p_value(explained), explained, effect
    )


def score_test(explained: float, freedom: int, dispersion: Dispersion) -> ScoreTest:
    """Turn the unscaled statistic into a test.

    An estimated dispersion is taken after the tested levels, (Pearson - explained) / (freedom left), so that the test
    is the exact F test in the normal linear model; `explained` never exceeds Pearson's chi-square.

    Examples
    --------
    >>> round(score_test(3.841459, 1, Dispersion()).p_value, 4)
    0.05
    """
    if freedom == 0:
        return ScoreTest(0.0, 0, None, math.nan, 0.0)
    if dispersion.freedom is None:
        statistic = explained / dispersion.value
        return ScoreTest(statistic, freedom, None, float(chdtrc(freedom, statistic)), explained)
    left = dispersion.freedom - freedom
    if not left > 0:
        return ScoreTest(math.nan, freedom, left, math.nan, explained)
    rest = dispersion.pearson - explained
    statistic = explained * left / rest if rest > 0 else math.inf
    return ScoreTest(statistic, freedom, left, float(fdtrc(freedom, left, statistic / freedom)), explained)


def ratio_test(gain: float, freedom: int, dispersion: Dispersion) -> ScoreTest:
    """Likelihood-ratio test of a deviance gain: chi-square, or F where the dispersion is estimated.

    Parameters
    ----------
    gain
        Fall of the deviance from the current model to the one with the tested levels, jointly fitted.
    dispersion
        Of the *larger* model, with its residual degrees of freedom, where it is estimated.
    """
    if freedom == 0:
        return ScoreTest(0.0, 0, None, math.nan, gain)
    statistic = max(gain, 0.0) / dispersion.value if dispersion.value > 0 else math.nan
    if dispersion.freedom is None:
        return ScoreTest(statistic, freedom, None, float(chdtrc(freedom, statistic)), gain)
    p_value = float(fdtrc(freedom, dispersion.freedom, statistic / freedom))
    return ScoreTest(statistic, freedom, dispersion.freedom, p_value, gain)


def smallest_of(*tests: ArrayLike) -> Array:
    """Bonferroni's p-value of several tests of one hypothesis: the smallest times their number, at most 1.

    NaN is no test and does not count.

    Examples
    --------
    >>> smallest_of([0.2, 0.3, 0.9], [0.01, float("nan"), 0.8]).tolist()
    [0.02, 0.3, 1.0]
    """
    p_values = np.stack([np.asarray(test, dtype=np.float64) for test in tests])
    count = np.sum(~np.isnan(p_values), axis=0)
    smallest = np.min(np.where(np.isnan(p_values), np.inf, p_values), axis=0)
    return np.where(count > 0, np.minimum(smallest * np.maximum(count, 1), 1.0), np.nan)


TESTS_OF_A_FACTOR = ("p_value", "coarse_p_value", "cut_p_value")
"""Columns of a ranking that hold tests of one hypothesis: that the candidate says nothing."""


def q_values(p_values: ArrayLike) -> Array:
    """Benjamini and Hochberg's (1995) adjusted p-values: calling all at or below q keeps the false discovery rate at q.

    NaN (no test) takes no part and stays NaN.

    Examples
    --------
    >>> q_values([0.01, 0.04, 0.03, float("nan")]).round(3).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted
