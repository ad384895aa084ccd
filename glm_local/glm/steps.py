"""Where an iteration stands, and where it ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.glm.solution import Reason

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """What one pass tells at coefficients of inner columns.

    Parameters
    ----------
    final
        Whether deviances and Pearson's chi-square are among the scalars.
    observed
        Whether the information is the observed one.
    """

    coefficients: Array
    objective: float
    score: Array
    information: Array
    scalars: Array
    final: bool = False
    observed: bool = True


@dataclass(frozen=True)
class Ended:
    """Where steps ended: next to a maximum unless `failure`; `limit` steps may be taken in all."""

    point: Point
    iteration: int
    limit: int
    failure: Reason | None = None
    last_step: Array | None = None
