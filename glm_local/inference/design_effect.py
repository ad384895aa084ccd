"""Tests of several columns at once whose scores spread by key: Rao and Scott's corrected statistic.

Without clusters a statistic (of scores, or of likelihoods) is a sum of squares of as many standard normals as columns;
with them of normals whose variances are the eigenvalues of D = V^- B, V the information and B what the scores of the
clusters spread. The statistic over the trace of D is F with (d, d nu) degrees of freedom, d = tr(D)^2 / tr(D^2), nu one
less than there are clusters (Rao & Scott 1984; Thomas & Rao 1987; `svychisq` of R's survey). tr(D^2) is what chance
adds to it for normal scores less (Srivastava 2005). Only D's size matters, so few clusters serve many columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from glm_local.families.families import Family
from glm_local.glm.levels_covariance import solve_covariance

Array = NDArray[np.float64]


def least_effect(family: Family, weighted: bool) -> float:
    """Dispersion that counts at least: 1 where the family fixes it and no weight of an unknown unit stands beside it.

    Examples
    --------
    >>> from glm_local.families.families import family_from
    >>> least_effect(family_from("poisson"), False), least_effect(family_from("poisson"), True)
    (1.0, 0.0)
    """
    return 1.0 if family.fixed_dispersion and not weighted else 0.0


@dataclass(frozen=True)
class DesignEffect:
    """How much more the columns of a test spread than the model says.

    Parameters
    ----------
    trace, squares
        tr(D), and tr(D^2) without what chance adds.
    rank
        Columns tested.
    clusters
        How many clusters scores were added up in.
    """

    trace: float
    squares: float
    rank: int
    clusters: int

    @classmethod
    def of_scores(cls, whitened: Array, factor: float, least: float = 0.0) -> DesignEffect | None:
        """From scores by cluster whose information is the unit matrix, shape (rank, clusters); None of too few.

        Parameters
        ----------
        factor
            What their sum of products is multiplied by (`glm_local.inference.key_inference.cluster_factor`).
        least
            Mean effect that counts at least (`least_effect`).

        Examples
        --------
        >>> effect = DesignEffect.of_scores(np.array([[1.0, -1.0, 1.0, -1.0, 1.0, -1.0]]), 1.2)
        >>> round(effect.mean, 2), effect.freedom, round(effect.p_value(6.0), 3)
        (7.2, 1.0, 0.403)
        """
        rank, clusters = whitened.shape
        if rank == 0 or clusters < 2 or not math.isfinite(factor):
            return None
        centred = whitened - whitened.mean(axis=1, keepdims=True)
        small = centred @ centred.T if rank <= clusters else centred.T @ centred
        return cls._of(small * factor, rank, clusters, least)

    @classmethod
    def of_covariances(
        cls, model: Array, sandwich: Array, at: NDArray[np.intp], clusters: int, least: float = 0.0
    ) -> DesignEffect | None:
        """From two covariances of the same coefficients, at dispersion 1 and by cluster: of those `at` places."""
        spread = sandwich[np.ix_(at, at)]
        if not len(at) or clusters < 2 or not (np.isfinite(model[np.ix_(at, at)]).all() and np.isfinite(spread).all()):
            return None
        return cls._of(solve_covariance(model, at, spread), len(at), clusters, least)

    @classmethod
    def _of(cls, effects: Array, rank: int, clusters: int, least: float) -> DesignEffect | None:
        trace, squares, nu = float(np.trace(effects)), float(np.sum(effects * effects.T)), clusters - 1
        if not trace > 0:
            return None
        if nu > 1:
            squares = nu**2 / ((nu - 1) * (nu + 2)) * (squares - trace**2 / nu)
        squares = min(max(squares, trace**2 / rank), trace**2)
        scale = max(1.0, least * rank / trace)
        return cls(trace * scale, squares * scale**2, rank, clusters)

    @property
    def mean(self) -> float:
        """What a statistic is divided by to be about chi-square of its columns: the dispersion it sees."""
        return self.trace / self.rank

    @property
    def freedom(self) -> float:
        """Degrees of freedom d of the corrected statistic."""
        return self.trace**2 / self.squares

    @property
    def residual_freedom(self) -> float:
        """Second degrees of freedom of its F."""
        return self.freedom * (self.clusters - 1)

    def p_value(self, explained: float) -> float:
        """Upper tail of a statistic before any scaling."""
        return float(fdtrc(self.freedom, self.residual_freedom, max(explained, 0.0) / self.trace))
