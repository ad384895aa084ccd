"""What people write first, and what must be said of it or be made of it; the same on both engines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

ROWS = pd.DataFrame(
    {
        "y": [1, 2, 2, 1, 3, 1, 1, 2] * 4,
        "x": np.linspace(-1, 1, 32),
        "a": list("ppqqppqq") * 4,
        "b": list("rsrs") * 8,
        "good": ["good", "bad"] * 16,
        "flag": [True, False, False, True] * 8,
        "day": ["2020-01-01", "2021-06-30"] * 16,
    }
)
X = {"kind": "linear", "name": "slope", "column": "x", "missing": "refuse"}


def levels(column: str) -> dict[str, Any]:
    return {
        "kind": "categorical",
        "name": column,
        "column": column,
        "missing": "refuse",
        "unseen": "refuse",
        "base": {"level": min(ROWS[column])},
    }


CROSS = {"kind": "interaction", "name": "a by b", "factors": ["a", "b"], "unseen": "base"}

FILTERS: dict[str, Any] = {
    "x > 0": lambda rows: rows.x > 0,
    "0 < x <= 0.5 and a == 'p'": lambda rows: (rows.x > 0) & (rows.x <= 0.5) & (rows.a == "p"),
    "(x > 0) & ~(a == 'p') | (x < -0.9)": lambda rows: ((rows.x > 0) & (rows.a != "p")) | (rows.x < -0.9),
    "a in ['p', 'z'] and b not in ('s',)": lambda rows: (rows.a == "p") & (rows.b != "s"),
    "not flag": lambda rows: ~rows.flag,
    "flag == True": lambda rows: rows.flag,
    "flag": lambda rows: rows.flag,
    "`x` * 2 - y >= -1": lambda rows: rows.x * 2 - rows.y >= -1,
    "a.notna() and good != None": lambda rows: rows.a.notna(),
    "day >= '2021-01-01'": lambda rows: rows.day >= "2021-01-01",
    "-x > 0.5": lambda rows: -rows.x > 0.5,
}
"""A filter as text, and the rows it means."""

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "half a filter": ({"where": "x >"}, "cannot be read"),
    "a filter that is a column of numbers": ({"where": {"column": "x"}}, "is a number"),
    "a filter that calls": ({"where": "__import__('os').getcwd() == 'a'"}, "not read here"),
    "a filter that is a Series": ({"where": ROWS.x > 0}, "is a Series"),
    "a filter on a column that is not there": ({"where": "xs > 0"}, "Nearest: 'x'"),
    "a word for ridge": ({"ridge": "a"}, "ridge is 'a'. It is a number"),
    "a flag for ridge": ({"ridge": True}, "ridge is True. It is a number"),
    "a list for ridge": ({"ridge": [1]}, "ridge is .1.. It is a number"),
    "a number no double holds": ({"ridge": 10**400}, "It is a number"),
    "a word for confidence": ({"confidence": "95%"}, "confidence is '95%'. It is a number"),
    "a dispersion nobody knows": ({"dispersion": "foo"}, "one of 'auto', 'fixed', 'pearson', 'deviance'"),
    "an argument misspelt": ({"famly": "poisson"}, "Nearest: 'family'"),
    "names for factors": ({"factors": np.array(["x"])}, "only a name"),
    "one factor": ({"factors": X}, "not a list of factors"),
    "no factors": ({"factors": None}, "It is a list"),
    "a name that is a number": ({"name": 3}, "name is 3. It is text"),
    "a name with half a character": ({"name": "a\ud800"}, "half a character"),
    "a level with half a character": (
        {"factors": [{**levels("a"), "levels": ["p", "q", "\ud800"]}]},
        "half a character",
    ),
    "a text target": ({"target": "good", "family": "binomial"}, "target 'good' is text"),
    "a text weight": ({"weight": "good"}, "weight 'good' is text"),
    "a linear factor on text": (
        {"factors": [{**X, "column": "a", "name": "area"}]},
        "column 'a' of factor 'area' is text",
    ),
    "no target": ({"target": None}, "target"),
    "a family by its link": ({"family": "logistic"}, "Nearest: 'binomial'"),
    "a family by another name": ({"family": "Normal"}, "Nearest: 'gaussian'"),
    "a family that is not here": ({"family": "quasi-poisson"}, "'poisson' with dispersion='pearson'"),
    "a family without its parameter": ({"family": "negative binomial"}, "negative_binomial\\(2.5\\)"),
    "a link by another name": ({"link": "ln"}, "Nearest: 'log'"),
    "pins without levels": ({"factors": [levels("a")], "pins": {"a": 3}}, "factor to level to relativity"),
}
"""Arguments of a fit, and what must be said of them."""
