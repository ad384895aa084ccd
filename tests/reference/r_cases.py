"""The R reference cases as arrays: designs built from R's own coefficient names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from glm_local.families.families import family_from, resolve_link
from tests.expected.golden import figures, rows

CASES: dict[str, tuple[str, str, str | None, str | None, str | None]] = {
    "insurance_poisson_offset": ("poisson", "Claims", None, "logH", None),
    "insurance_rate_weights": ("poisson", "rate", "Holders", None, None),
    "insurance_interaction": ("poisson", "Claims", None, "logH", None),
    "insurance_no_intercept": ("poisson", "Claims", None, "logH", None),
    "quine_poisson": ("poisson", "Days", None, None, None),
    "quine_tweedie15": ("tweedie(1.5)", "Days", None, None, None),
    "budworm_logit": ("binomial", "dead/n", "n", None, "logit"),
    "budworm_probit": ("binomial", "dead/n", "n", None, "probit"),
    "budworm_cloglog": ("binomial", "dead/n", "n", None, "cloglog"),
    "warpbreaks_poisson": ("poisson", "breaks", None, None, None),
    "warpbreaks_interaction": ("poisson", "breaks", None, None, None),
    "warpbreaks_tweedie15": ("tweedie(1.5)", "breaks", None, None, None),
    "dobson": ("poisson", "counts", None, None, None),
    "anorexia": ("gaussian", "Postwt", None, "Prewt", None),
    "clotting1_inverse": ("gamma", "lot1", None, None, "inverse"),
    "clotting2_inverse": ("gamma", "lot2", None, None, "inverse"),
    "clotting1_log": ("gamma", "lot1", None, None, "log"),
    "ships_poisson": ("poisson", "incidents", None, "logs", None),
    "birthwt_logit": ("binomial", "low", None, None, None),
    "infert_logit": ("binomial", "case", None, None, None),
    "menarche_logit": ("binomial", "Menarche/Total", "Total", None, None),
    "trees_gamma_log": ("gamma", "Volume", None, None, None),
    "recreation_poisson": ("poisson", "trips", None, None, None),
    "nmes_poisson": ("poisson", "visits", None, None, None),
    "biochemists_poisson": ("poisson", "art", None, None, None),
}
"""Case to family, response, weight, offset, link (None: the default)."""

WITHOUT_LIKELIHOOD = ("insurance_rate_weights", "quine_tweedie15", "warpbreaks_tweedie15")
"""Cases of which R gives no likelihood."""


@dataclass(frozen=True)
class RCase:
    """Arrays of one case and what R found."""

    arrays: tuple[Any, ...]
    expected: dict[str, Any]

    def figures(self, name: str) -> np.ndarray:
        return np.array(list(self.expected[name].values()))


@cache
def r_case(name: str) -> RCase:
    family_name, response, weight, offset, link_name = CASES[name]
    expected = figures(name)
    frame = rows(expected["csv"].removesuffix(".csv"))
    if "service" in frame:
        frame = frame[frame["service"] > 0]
    design = np.column_stack([_column(frame, term, expected["levels"]) for term in expected["coef"]])
    family = family_from(family_name)
    return RCase(
        (
            design,
            _response(frame, response),
            _plain(frame, weight),
            _plain(frame, offset),
            family,
            resolve_link(family, link_name),
        ),
        expected,
    )


def _column(frame: pd.DataFrame, term: str, levels: dict[str, list[str]]) -> np.ndarray:
    product = np.ones(len(frame))
    for part in term.split(":") if term != "(Intercept)" else []:
        factor = next((one for one in levels if part.startswith(one) and part[len(one) :] in levels[one]), None)
        product = product * (
            frame[part].to_numpy(dtype=float)
            if factor is None
            else (frame[factor].astype(str) == part[len(factor) :]).to_numpy(dtype=float)
        )
    return product


def _response(frame: pd.DataFrame, expression: str) -> np.ndarray:
    above, _, below = expression.partition("/")
    values = frame[above].to_numpy(dtype=float)
    return values / frame[below].to_numpy(dtype=float) if below else values


def _plain(frame: pd.DataFrame, column: str | None) -> np.ndarray | None:
    return None if column is None else frame[column].to_numpy(dtype=float)
