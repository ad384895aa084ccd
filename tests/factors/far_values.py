"""Columns far from 0 beside their spread: seconds since 1970, amounts with a large constant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from glm_local.expressions.expression import Read
from glm_local.factors.factors import linear
from glm_local.factors.learn_factors import learn_factors

CENTRES = (0.0, 1e4, 1.7e9, -3e12)


def far_rows() -> tuple[pd.DataFrame, dict[str, tuple[float, float]]]:
    """Columns x0, x1, … with spread 1 around their centres, weights, and weighted mean and spread of each."""
    draw = np.random.default_rng(5)
    weight = draw.uniform(0.5, 2, 400)
    frame = pd.DataFrame({f"x{at}": centre + draw.normal(size=400) for at, centre in enumerate(CENTRES)})
    moments = {}
    for at, centre in enumerate(CENTRES):
        near = frame[f"x{at}"].to_numpy() - centre
        mean = np.average(near, weights=weight)
        moments[f"x{at}"] = (centre + float(mean), float(np.sqrt(np.average((near - mean) ** 2, weights=weight))))
    return frame.assign(w=weight), moments


def learned_moments(engine: Any, frame: Any) -> dict[str, tuple[float, float]]:
    """Mean and spread that every column learns."""
    specs = [linear(f"x{at}", centre="mean", scale="sd", missing="refuse") for at in range(len(CENTRES))]
    learned: tuple[Any, ...] = learn_factors(engine, frame, specs, Read("w"))
    return {spec.name: (spec.learned.mean, spec.learned.sd) for spec in learned}
