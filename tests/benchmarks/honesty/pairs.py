"""Thin candidates and pairs: what is there is found, what is not is called at its level, and df is what is recorded."""

from __future__ import annotations

import math

import pandas as pd

from glm_local.errors import GlmError
from glm_local.screening.find_interactions import find_interactions
from glm_local.screening.rank_factors import rank_factors
from tests.benchmarks.honesty.made_studies import Family, packed, planted_pair, study_of, thin_candidate, thin_cells
from tests.benchmarks.honesty.shares import share
from tests.benchmarks.measurement import Ratio, Report, Settings, Target, at_least

NAME, TITLE = "honesty.pairs", "shares of made-up studies (95 % Monte-Carlo interval)"
STUDIES = 200
CALLED = 0.05


def run(settings: Settings) -> Report:
    """Every share; `--rounds` is the number of studies of each."""
    few = settings.rounds is not None or settings.rows is not None
    studies = settings.rounds or (2 if few else STUDIES)
    ratios = [*candidates(studies, judged=not few), *banded_pairs(studies, judged=not few)]
    for family in ("poisson", "binomial"):
        ratios += crossings(family, studies, judged=not few)
    return Report(NAME, TITLE, ratios, facts={"studies of each kind": studies})


def candidates(studies: int, judged: bool = True) -> list[Ratio]:
    """Numeric candidates of 120 and 194 events."""
    weak = [candidate_p(thin_candidate(seed, 120, 0.4)) for seed in range(studies)]
    strong = [candidate_p(thin_candidate(seed, 194, 1.0)) for seed in range(studies)]
    null = [candidate_p(thin_candidate(seed, 120, 0.0)) for seed in range(5 * studies)]
    return [
        share("120 events, slope 0.4: p < .05", called(weak), _if(judged, at_least(0.7))),
        share("194 events, slope 1.0: p < .05", called(strong), _if(judged, at_least(0.99))),
        share("120 events, nothing: p < .05", called(null)),
        share("120 events, nothing: no test", [math.isnan(one) for one in null]),
    ]


def banded_pairs(studies: int, judged: bool = True) -> list[Ratio]:
    """Pairs of numeric candidates with 1,900 events."""
    there = [pair_p(planted_pair(seed, 0.3)) for seed in range(studies)]
    null = [pair_p(planted_pair(seed, 0.0)) for seed in range(5 * studies)]
    return [
        share("pair of candidates, planted ±0.3: p < .05", called(there), _if(judged, at_least(0.95))),
        share("pair of candidates, nothing: p < .05", called(null)),
        share("pair of candidates: no test", [math.isnan(one) for one in [*there, *null]]),
    ]


def crossings(family: Family, studies: int, judged: bool = True) -> list[Ratio]:
    """Joint tests of two accepted factors with a cell of 15 rows."""
    null = [joint(thin_cells(seed, family), family) for seed in range(studies)]
    there = [joint(thin_cells(seed, family, 0.5), family) for seed in range(studies)]
    tested = [one for one in [*null, *there] if one is not None]
    return [
        share(f"{family} crossing, planted ±0.5: tested", [one is not None for one in there], _if(judged, at_least(1))),
        share(
            f"{family} crossing, planted ±0.5: p < .01",
            [one is not None and one[2] < 0.01 for one in there],
            _if(judged, at_least(0.99)),
        ),
        share(f"{family} crossing, nothing: tested", [one is not None for one in null], _if(judged, at_least(1))),
        share(f"{family} crossing, nothing: p < .05", [one is not None and one[2] < CALLED for one in null]),
        share(
            f"{family} crossing, df is what history says",
            [df == said for df, said, _ in tested] or [False],
            _if(judged, at_least(1)),
        ),
    ]


def called(p_values: list[float]) -> list[bool]:
    return [one < CALLED for one in p_values]


def _if(judged: bool, target: Target) -> Target | None:
    return target if judged else None


def candidate_p(frame: pd.DataFrame) -> float:
    """The screening's p-value of the candidate; NaN without a test."""
    return float(rank_factors(packed(frame, ["x"])).table["p_value"][0])


def pair_p(frame: pd.DataFrame) -> float:
    """The p-value of the pair of both candidates, none of them in the model."""
    rows = packed(frame, ["x", "z"])
    return float(find_interactions(rows, rows.fit([]), [("x", "z")]).table["p_value"][0])


def joint(frame: pd.DataFrame, family: Family) -> tuple[int, int, float] | None:
    """Degrees of freedom of the joint test, cells the history gives an effect of their own, and p; None untested."""
    study = study_of(frame, family)
    try:
        study.test_interaction("a", "b")
    except GlmError:
        return None
    said = study.state.comparisons["a:b"]
    cells = study.state.proposals["a:b"].spec.document()["learned"]["cells"]
    largest = frame[["a", "b"]].apply(lambda one: one.value_counts().idxmax())
    own = [cell for cell in cells if cell[0] != largest["a"] and cell[1] != largest["b"]]
    return int(said["df"]), len(own), math.nan if said["p_value"] is None else float(said["p_value"])
