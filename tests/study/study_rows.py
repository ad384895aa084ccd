"""Made-up motor rows for tests of the study: some factors matter, noise does not, one pair interacts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from glm_local.on_pandas.studies import GLMStudy


def motor_frame(rows: int = 6_000, seed: int = 1) -> pd.DataFrame:
    """Claim counts with exposure: age is a valley, area and power rise, noise is noise; young in town is worse."""
    draw = np.random.default_rng(seed)
    age = draw.integers(18, 80, rows)
    area = draw.choice(list("ABCD"), rows, p=[0.4, 0.3, 0.2, 0.1])
    power = draw.choice([4, 5, 6, 7, 8], rows).astype(float)
    power[draw.random(rows) < 0.05] = np.nan
    exposure = draw.uniform(0.2, 1.0, rows)
    eta = -1.2 + 0.9 * (age < 28) + 0.25 * (age > 60) + np.select([area == "C", area == "D"], [0.4, 0.8], 0.0)
    eta += 0.12 * (np.nan_to_num(power, nan=6.0) - 6) + 0.8 * ((age < 28) & (area == "D"))
    claims = draw.poisson(exposure * np.exp(eta))
    return pd.DataFrame(
        {
            "policy": np.arange(rows),
            "claims": claims.astype(float),
            "exposure": exposure,
            "age": age,
            "area": area,
            "power": power,
            "noise": draw.choice(list("xyz"), rows),
            "wobble": draw.normal(size=rows).round(2),
        }
    )


def motor_study(frame: pd.DataFrame | None = None, **asked: Any) -> GLMStudy:
    """A study of the motor rows."""
    known = {"target": "claims", "exposure": "exposure", "key": "policy", "user": "ann", "name": "motor"}
    return GLMStudy(motor_frame() if frame is None else frame, **{**known, **asked})


AREA = {
    "kind": "categorical",
    "name": "area",
    "column": "area",
    "missing": "base",
    "unseen": "base",
    "levels": [{"level": "low", "values": ["A", "B"]}, "C", "D"],
}
AGE = {"kind": "numeric", "name": "age", "column": "age", "source": "integer", "edges": [27, 60], "missing": "base"}
