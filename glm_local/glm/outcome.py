"""What a fit has found, before it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.columns import ColumnKind
from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.fit_plan import FitPlan, Levels
from glm_local.glm.level_count import LevelCount
from glm_local.glm.request import Route
from glm_local.glm.solution import Solution
from glm_local.glm.summary import Summary
from glm_local.scoring.model_spec import Coefficient, FitStatistics, ModelSpec

Figures = tuple[FitStatistics, tuple[Coefficient, ...]]


@dataclass(frozen=True)
class Prepared:
    """A request checked against the table, with specs learned and everything compiled."""

    spec: ModelSpec
    family: Family
    link: Link
    plan: FitPlan
    kinds: Mapping[str, ColumnKind]


@dataclass(frozen=True)
class Outcome:
    """All a model document is made of."""

    prepared: Prepared
    levels: Levels
    summary: Summary
    solution: Solution
    route: Route
    lost_deviance: float
    density_constant: float | None
    likelihood_dispersion: float
    separated: tuple[LevelCount, ...]
    std_errors: NDArray[np.float64] | None
    warnings: tuple[str, ...]
    figures: Figures | None = None
