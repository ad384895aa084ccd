"""Random fits: families, links, weights, exposures, offsets, aliasing and missing values together, by a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

FAMILIES = (
    ("poisson", "log"),
    ("poisson", "sqrt"),
    ("binomial", "logit"),
    ("binomial", "probit"),
    ("binomial", "cloglog"),
    ("gamma", "log"),
    ("gamma", "inverse"),
    ("gaussian", "identity"),
    ("gaussian", "log"),
    ("inverse_gaussian", "log"),
    ("tweedie(1.5)", "log"),
    ("tweedie(1.2)", "log"),
    ("tweedie(2.5)", "log"),
)
CANONICAL = {("poisson", "log"), ("binomial", "logit"), ("gaussian", "identity"), ("gamma", "inverse")}


@dataclass(frozen=True)
class FitCase:
    """Rows and what `fit_glm` is asked of them."""

    seed: int
    frame: pd.DataFrame
    asked: dict[str, Any]
    canonical: bool
    scalable: bool
    """Whether the target may be multiplied: not a share."""


def fit_case(seed: int) -> FitCase:
    """The case of a number; the same on every machine."""
    draw = np.random.default_rng([20_261, seed])
    family, link = FAMILIES[int(draw.integers(len(FAMILIES)))]
    count = int(draw.integers(150, 500))
    frame, factors = _columns(draw, count)
    mean, asked = _mean(draw, frame, family, link)
    frame["y"] = _targets(draw, family, mean, frame)
    order = [factors[at] for at in draw.permutation(len(factors))][: int(draw.integers(1, len(factors) + 1))]
    asked |= {"target": "y", "factors": order, "family": family, "link": link, "on_separation": "warn"}
    return FitCase(seed, frame, asked, (family, link) in CANONICAL, family != "binomial")


def _columns(draw: np.random.Generator, count: int) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Columns of which some say the same: missing together, one a union of another's levels, sums of others."""
    gone = draw.random(count) < draw.choice([0.0, 0.15, 0.4])
    a = draw.choice(list("pqr"), count)
    frame = pd.DataFrame(
        {
            "a": np.where(gone, None, a),
            "b": np.where(gone, None, draw.choice(list("stuv"), count)),
            "c": np.where(a == "p", "x", "yz"),
            "age": np.where(gone, np.nan, draw.uniform(18, 80, count)),
            "n": draw.normal(draw.choice([0.0, 5.0, 100.0]), draw.choice([0.1, 1.0, 20.0]), count),
        }
    )
    frame["twice"] = 2 * frame["n"] - 1
    own = {"missing": "own_level", "unseen": "base"}
    base = [{}, {"base": {"level": "q"}}, {"base": {"level": "missing"}}][int(draw.integers(2 + bool(gone.any())))]
    factors: list[dict[str, Any]] = [
        {"kind": "categorical", "name": "a", "column": "a", **own, **base},
        {"kind": "categorical", "name": "b", "column": "b", **own},
        {"kind": "categorical", "name": "c", "column": "c", "missing": "refuse", "unseen": "refuse"},
        {"kind": "numeric", "name": "age", "column": "age", "edges": [30, 50], "missing": "own_level"},
        {"kind": "linear", "name": "n", "column": "n", "missing": "refuse"},
        {"kind": "linear", "name": "twice", "column": "twice", "missing": "refuse"},
    ]
    return frame, factors


def _mean(draw: np.random.Generator, frame: pd.DataFrame, family: str, link: str) -> tuple[np.ndarray, dict[str, Any]]:
    count = len(frame)
    effect = frame["a"].map({"p": 0.3, "q": -0.2, "r": 0.0}).fillna(0.5).to_numpy(dtype=float)
    spread = float(frame["n"].std())
    effect = effect + 0.1 * (frame["n"].to_numpy() - float(frame["n"].mean())) / spread
    asked: dict[str, Any] = {}
    offset = np.zeros(count)
    if link == "log" and draw.random() < 0.5:
        frame["years"] = draw.uniform(0.2, 3.0, count)
        asked["exposure"], offset = "years", np.log(frame["years"].to_numpy())
    if link in ("log", "logit", "probit", "cloglog", "identity") and draw.random() < 0.3:
        frame["shift"] = draw.normal(0, 0.3, count)
        asked["offset"], offset = "shift", offset + frame["shift"].to_numpy()
    if draw.random() < 0.4:
        frame["w"] = draw.choice([0.5, 1.0, 2.0, 7.0], count)
        asked["weight"] = "w"
    eta = {"log": 0.2, "sqrt": 2.0, "inverse": 2.0, "identity": 3.0}.get(link, -0.3) + 0.5 * effect + offset
    inverse = {"log": np.exp, "sqrt": np.square, "inverse": lambda e: 1 / e, "identity": lambda e: e}
    shares = {"logit": lambda e: 1 / (1 + np.exp(-e)), "cloglog": lambda e: 1 - np.exp(-np.exp(e))}
    shares["probit"] = shares["logit"]
    return (inverse | shares)[link](eta), asked


def _targets(draw: np.random.Generator, family: str, mean: np.ndarray, frame: pd.DataFrame) -> np.ndarray:
    if family == "poisson":
        return draw.poisson(mean).astype(float)
    if family == "binomial":
        trials = np.maximum(frame.get("w", pd.Series(1.0, index=frame.index)).to_numpy().astype(int), 1)
        return draw.binomial(trials, mean) / trials
    if family == "gaussian":
        return mean + draw.normal(0, 1, len(mean))
    positive = mean * draw.gamma(2.0, 0.5, len(mean))
    return (
        np.where(draw.random(len(mean)) < 0.3, 0.0, positive)
        if family in ("tweedie(1.5)", "tweedie(1.2)")
        else positive
    )
