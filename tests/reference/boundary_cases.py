"""Random small fits whose means have ends, and an optimiser that knows nothing of the product's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from glm_local.families.families import family_from, resolve_link

COMBINATIONS: tuple[tuple[str, Any], ...] = (
    ("gamma", "identity"),
    ("tweedie(1.5)", "identity"),
    ("poisson", "identity"),
    ("binomial", "log"),
    ("binomial", "identity"),
    ("inverse_gaussian", "identity"),
    ("gamma", "inverse"),
    ("gamma", "sqrt"),
    ("tweedie(1.5)", "sqrt"),
    ("poisson", "sqrt"),
    ("gaussian", "log"),
    ("gaussian", "inverse"),
    ("inverse_gaussian", "log"),
    ("inverse_gaussian", {"power": -2}),
    ("tweedie(2.5)", "log"),
)


@dataclass(frozen=True)
class BoundaryCase:
    """Rows with columns x, a and y, a family and a link."""

    frame: pd.DataFrame
    factors: list[dict[str, Any]]
    family: str
    link: Any

    def design(self) -> np.ndarray:
        columns = [np.ones(len(self.frame)), self.frame["x"].to_numpy()]
        if len(self.factors) > 1 and self.frame["a"].nunique() > 1:
            columns.append((self.frame["a"] == "q").to_numpy(dtype=float))
        return np.column_stack(columns)

    def loss(self, coefficients: np.ndarray) -> float:
        """Minus the log-likelihood but for constants; infinite outside of what the means may be."""
        family = family_from(self.family)
        with np.errstate(all="ignore"):
            mean = resolve_link(family, self.link).mean(self.design() @ coefficients)
            if not family.valid_mean(mean).all():
                return np.inf
            loss = -float(family.objective(self.frame["y"].to_numpy(), mean).sum())
        return loss if np.isfinite(loss) else np.inf

    def best(self) -> np.ndarray:
        """Coefficients by the simplex method, started at the mean and at what it found before."""
        start = np.zeros(self.design().shape[1])
        start[0] = resolve_link(family_from(self.family), self.link).link(np.array([self.frame["y"].mean()]))[0]
        for _ in range(5):
            start = minimize(self.loss, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
        return start

    def slope(self, coefficients: np.ndarray) -> float:
        """Largest change of the loss per row, by differences, for a coefficient changed by its own size.

        Infinite where a step either way leaves what the means may be.
        """
        changes = []
        for at, value in enumerate(coefficients):
            step = np.zeros(len(coefficients))
            step[at] = 1e-6 * max(abs(value), 1e-2)
            above, below = self.loss(coefficients + step), self.loss(coefficients - step)
            changes.append((above - below) / 2e-6 if np.isfinite([above, below]).all() else np.inf)
        return float(np.abs(changes).max() / len(self.frame))


def boundary_case(seed: int) -> BoundaryCase:
    """The case of a number; the same on every machine."""
    draw = np.random.default_rng([8, seed])
    family, link = COMBINATIONS[seed % len(COMBINATIONS)]
    count = int(draw.choice([5, 8, 20, 60]))
    x, a = 5 * np.arange(count) / count, draw.choice(list("pq"), count)
    mean = np.exp(0.3 * draw.normal() + 0.25 * draw.normal() * x)
    factors: list[dict[str, Any]] = [{"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}]
    if draw.random() < 0.4:
        factors.append({"kind": "categorical", "name": "a", "column": "a", "missing": "refuse", "unseen": "refuse"})
    frame = pd.DataFrame({"x": x, "a": a, "y": _targets(draw, family, mean)})
    return BoundaryCase(frame, factors, family, link)


def _targets(draw: np.random.Generator, family: str, mean: np.ndarray) -> np.ndarray:
    if family == "binomial":
        return (draw.random(len(mean)) < np.clip(mean / 3, 0.02, 0.97)).astype(float)
    if family == "poisson":
        return draw.poisson(mean).astype(float)
    if family == "gaussian":
        return np.abs(mean + 0.4 * draw.normal(size=len(mean))) + 0.01
    amounts = np.round(mean * draw.gamma(2.0, 0.5, len(mean)), 1)
    return np.where(draw.random(len(mean)) < 0.3, 0.0, amounts) if family == "tweedie(1.5)" else amounts + 0.1
