"""Where the linear predictor of a family and link ends, and a barrier that keeps an iteration inside.

Some fits have their maximum where a fitted mean is 0 (or 1 for a share): the score does not vanish there, and no
standard error is valid. Others have one inside, but Newton's steps run into a border on their way. A logarithmic
barrier that fades tells the two apart (Boyd & Vandenberghe 2004, 11.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.families.family import Family
from glm_local.families.links import Link

Array = NDArray[np.float64]

NEAR = 1e-10
"""Distance from a border, in units of the predictor of the rows' mean, that no estimate inside it has."""

FADING = tuple(10.0**-k for k in range(11))
"""Weights of the barrier, one after the other, in units of the dispersion per row."""


@dataclass(frozen=True)
class Borders:
    """An open interval of linear predictors.

    Parameters
    ----------
    lower, upper
        Its ends; infinite for none.
    near
        Distance from an end that counts as on it.
    barrier
        Weight of ``log(distance)`` that is added to the objective, per unit of a row's weight.
    """

    lower: float
    upper: float
    near: float
    barrier: float = 0.0

    @classmethod
    def of(cls, family: Family, link: Link, typical: float) -> Borders | None:
        """Borders of a family and link; None where the linear predictor may be any number.

        Parameters
        ----------
        typical
            Linear predictor of the rows' mean: the unit of distances.

        Examples
        --------
        >>> from glm_local.families.families import family_from
        >>> from glm_local.families.links import link_from
        >>> Borders.of(family_from("binomial"), link_from("log"), -2.0)
        Borders(lower=-inf, upper=0.0, near=1e-10, barrier=0.0)
        >>> Borders.of(family_from("poisson"), link_from("log"), 1.0) is None
        True
        """
        ends = family.borders(link)
        if ends is None:
            return None
        return cls(*ends, NEAR if family.binary else NEAR * abs(typical))

    def on_border(self, eta: Array) -> NDArray[np.bool_]:
        """Which linear predictors are at an end, or beyond it."""
        result: NDArray[np.bool_] = ~(np.minimum(eta - self.lower, self.upper - eta) > self.near)
        return result

    def terms(self, eta: Array, prior: Array) -> tuple[float, Array, Array]:
        """What the barrier adds to the objective, to rows' scores and to rows' information."""
        weight = self.barrier * prior
        objective, score, information = np.zeros(len(eta)), np.zeros(len(eta)), np.zeros(len(eta))
        for distance, sign in ((eta - self.lower, 1.0), (self.upper - eta, -1.0)):
            if np.isfinite(distance).all():
                objective += weight * np.log(distance)
                score += sign * weight / distance
                information += weight / distance**2
        return float(objective.sum()), score, information
