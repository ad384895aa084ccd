"""Rows where one column tells the target, and rows where an honest one tells much of it; for both engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

DRAW = np.random.default_rng(11)
N = 1_500
X = DRAW.uniform(1, 4, N)
NOISE = DRAW.normal(0, 1, N)
COUNT = DRAW.poisson(0.3, N)
LARGE = DRAW.poisson(50 * X)
BAD = (X + NOISE > 3).astype(int)
COST = np.exp(X) * DRAW.gamma(2, 0.5, N)


def linear(column: str, expression: Any = None) -> dict[str, Any]:
    read = {"column": column} if expression is None else {"expression": expression}
    return {"kind": "linear", "name": f"{column}_term", "missing": "refuse", **read}


def levels(column: str) -> dict[str, Any]:
    return {
        "kind": "categorical",
        "name": f"{column}_levels",
        "column": column,
        "source": "integer",
        "missing": "refuse",
        "unseen": "base",
    }


SQUARED = [linear("t"), {**linear("t", {"multiply": ["t", "t"]}), "name": "t_squared"}]
OTHER = linear("x")

Case = tuple[str, str | None, Any, Any, list[dict[str, Any]], str]

TOLD: dict[str, Case] = {
    "gaussian, linear": ("gaussian", None, 5 + NOISE, 2 * (5 + NOISE) - 3 + 0.01 * X, [OTHER, linear("t")], "t_term"),
    "gaussian of currency size": ("gaussian", None, 1e9 * NOISE, NOISE + 0.01 * X, [OTHER, linear("t")], "t_term"),
    "gaussian, a polynomial": ("gaussian", None, (X - 2) ** 2 + 0.002 * NOISE, X, SQUARED, "'t_term' and 't_squared'"),
    "gaussian, levels": ("gaussian", None, COUNT + 0.01 * NOISE, COUNT, [OTHER, levels("t")], "t_levels"),
    "gamma, the log of the target": (
        "gamma",
        "log",
        COST,
        np.log(COST) + 0.001 * NOISE,
        [OTHER, linear("t")],
        "t_term",
    ),
    "gamma, identity": ("gamma", "identity", COST, 1.2 * COST, [linear("t")], "t_term"),
    "gamma, levels": ("gamma", None, np.exp(LARGE % 7 + 0.01 * NOISE), LARGE % 7, [levels("t")], "t_levels"),
    "inverse gaussian": ("inverse_gaussian", "log", COST, np.log(COST), [linear("t")], "t_term"),
    "tweedie": ("tweedie(1.5)", "log", COST, np.log(COST) + 0.001 * NOISE, [OTHER, linear("t")], "t_term"),
    "poisson, levels": ("poisson", None, LARGE, LARGE // 3, [levels("t")], "t_levels"),
    "poisson, counts of whom there are any": (
        "poisson",
        None,
        COUNT + 1,
        np.minimum(COUNT, 2),
        [levels("t")],
        "t_levels",
    ),
    "poisson, the log of the target": ("poisson", None, LARGE, np.log(LARGE), [OTHER, linear("t")], "t_term"),
    "poisson, proportional to the target": ("poisson", None, COUNT, 1_000.0 * COUNT, [OTHER, linear("t")], "t_term"),
    "poisson of large counts, proportional": ("poisson", None, LARGE, 3.0 * LARGE - 7, [OTHER, linear("t")], "t_term"),
    "gamma, proportional under a log link": ("gamma", "log", COST, 0.01 * COST, [OTHER, linear("t")], "t_term"),
    "tweedie, proportional under a log link": (
        "tweedie(1.5)",
        "log",
        COST * (COUNT > 0),
        5.0 * COST * (COUNT > 0),
        [OTHER, linear("t")],
        "t_term",
    ),
    "binomial, linear": ("binomial", None, BAD, BAD * 2.0 + 0.3 * X + 0.35 * NOISE, [linear("t")], "t_term"),
}

HONEST: dict[str, Case] = {
    "gaussian, 99 %": ("gaussian", None, X + 0.08 * NOISE, X, [linear("t")], ""),
    "gaussian, strong levels": ("gaussian", None, LARGE % 7 + 0.3 * NOISE, LARGE % 7, [levels("t")], ""),
    "gaussian, one row decides": (
        "gaussian",
        None,
        np.where(np.arange(N) == 7, 1e6, NOISE),
        np.where(np.arange(N) == 7, 1e6, X),
        [linear("t")],
        "",
    ),
    "gaussian, a level of one row": (
        "gaussian",
        None,
        np.where(np.arange(N) == 7, 1e6, NOISE),
        (np.arange(N) == 7).astype(int),
        [levels("t")],
        "",
    ),
    "gaussian, a constant target": ("gaussian", None, np.full(N, 3.0), LARGE % 7, [levels("t"), linear("x")], ""),
    "gamma": ("gamma", None, COST, X, [linear("t")], ""),
    "poisson of large counts by their size": ("poisson", None, DRAW.poisson(np.exp(4 * X)), X, [linear("t")], ""),
    "poisson of large counts by strong levels": (
        "poisson",
        None,
        DRAW.poisson(np.exp(2 * (LARGE % 7))),
        LARGE % 7,
        [levels("t")],
        "",
    ),
    "poisson of large counts by their mean": (
        "poisson",
        None,
        DRAW.poisson(np.exp(4 * X)),
        np.exp(4 * X),
        [linear("t")],
        "",
    ),
    "poisson, one row decides": (
        "poisson",
        None,
        np.where(np.arange(N) == 7, 1_000, COUNT),
        np.where(np.arange(N) == 7, 1_000, X),
        [linear("t")],
        "",
    ),
    "poisson of rare counts": ("poisson", None, COUNT, LARGE % 7, [levels("t")], ""),
    "binomial, strong": ("binomial", None, BAD, X, [linear("t")], ""),
}


def rows(case: Case, most: int = N) -> pd.DataFrame:
    return pd.DataFrame({"y": case[2], "t": case[3], "x": X}).head(most)


def suspects(fit_glm: Callable[..., Any], frame: Any, case: Case, **more: Any) -> list[str]:
    """What the model, or the error in its place, says of leaks."""
    family, link, _, _, factors, _ = case
    try:
        said = fit_glm(frame, target="y", family=family, link=link, factors=factors, **more).warnings
    except Exception as error:
        said = (str(error),)
    return [one for one in said if "leakage?" in one]
