"""How to iterate, and where the iterations ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from glm_local.glm.basis import Basis
from glm_local.glm.design_columns import Column, DesignColumns

Array = NDArray[np.float64]
Reason = Literal[
    "score below tolerance",
    "iterations exhausted",
    "coefficients ran away",
    "no step improves",
    "stopped at a boundary value",
]
"""Why the iterations stopped."""

CONVERGED: Final = "score below tolerance"
BOUNDARY: Final = "stopped at a boundary value"
"""A fitted mean is at the end of what the family and the link allow: the likelihood has no maximum inside."""


@dataclass(frozen=True)
class NewtonOptions:
    """How to iterate.

    Parameters
    ----------
    tolerance
        Largest step, in standard errors, that counts as converged.
    max_iterations
        Full passes with a step before giving up.
    ridge
        Penalty: half of it times the squared coefficients, intercept excluded, is added to deviance / 2.
    """

    tolerance: float = 1e-9
    max_iterations: int = 50
    ridge: float = 0.0


@dataclass(frozen=True)
class Solution:
    """Where the iterations ended, in the scale of the given numerics.

    `coefficients` and `covariance` (unscaled: inverse information) are NaN for aliased columns.
    """

    basis: Basis
    coefficients: Array
    covariance: Array
    aliased: tuple[int, ...]
    score: Array
    information: Array
    deviance: float
    null_deviance: float
    pearson: float
    objective: float
    fitted: float
    reason: Reason
    iterations: int
    step: float
    halvings: int
    running_away: tuple[Column, ...] = ()
    trace: tuple[float, ...] = field(default=(), repr=False)
    condition: float | None = None

    @property
    def columns(self) -> DesignColumns:
        """Of the design matrix."""
        return self.basis.columns

    @property
    def converged(self) -> bool:
        return self.reason == CONVERGED
