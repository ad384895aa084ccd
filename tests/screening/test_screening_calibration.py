"""Under the null p-values are uniform, whatever a candidate has to do with the factors of the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, kstest, norm

from glm_local.screening.cut_test import first_passage
from glm_local.screening.find_interactions import find_interactions
from glm_local.screening.rank_factors import rank_factors
from glm_local.screening.score_test import TESTS_OF_A_FACTOR, smallest_of
from tests.screening.screening_rows import ALL_TRAIN, every_level, study_rows

STUDIES, EACH = 16, 24


def null_study(family: str, seed: int, rows: int = 2_500) -> pd.DataFrame:
    """Responses from `area` and `age` alone; 24 candidates that are nothing, free or tied to these two."""
    draw = np.random.default_rng(seed)
    area, age = draw.integers(0, 4, rows), draw.integers(0, 5, rows)
    eta = -0.6 + 0.2 * area - 0.1 * age
    columns: dict[str, Any] = {"id": np.arange(rows), "area": area.astype(str), "age": age.astype(str)}
    exposure = draw.uniform(0.1, 1.5, rows)
    if family == "poisson":
        columns |= {"y": draw.poisson(exposure * np.exp(eta)).astype(float), "exposure": exposure}
    elif family == "gamma":
        columns |= {"y": draw.gamma(2.0, np.exp(eta) / 2), "exposure": np.ones(rows)}
    else:
        columns |= {"y": (draw.random(rows) < 1 / (1 + np.exp(-eta))).astype(float)}
    for at in range(0, EACH, 4):
        columns |= {
            f"free {at}": draw.normal(size=rows),
            f"tied {at}": area + age / 2 + draw.normal(size=rows),
            f"kinds {at}": draw.choice(list("abcdefgh"), rows, p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.07, 0.02, 0.01]),
            f"tied kinds {at}": [f"k{one}" for one in np.minimum(area + draw.integers(0, 3, rows), 5)],
        }
    return pd.DataFrame(columns)


def null_tests(family: str, seed: int) -> pd.DataFrame:
    frame = null_study(family, seed)
    names = [name for name in frame if name.split(" ")[0] in ("free", "tied", "kinds")]
    roles = {"family": family} | ({"exposure": "exposure"} if family == "poisson" else {})
    rows = study_rows(frame, ["area", "age", *names], ALL_TRAIN, **roles)
    model = rows.fit([every_level(rows, "area"), every_level(rows, "age")])
    return rank_factors(rows, model, names).table.set_index("factor")


@pytest.fixture(scope="module", params=["poisson", "gamma", "binomial"])
def screened(request: pytest.FixtureRequest) -> pd.DataFrame:
    return pd.concat([null_tests(request.param, seed) for seed in range(STUDIES)])


@pytest.fixture(scope="module")
def p_values(screened: pd.DataFrame) -> pd.Series[float]:
    return screened["p_value"]


@pytest.mark.parametrize("kind", ["free", "tied", "kinds", "tied kinds", ""])
def test_under_the_null_p_values_are_uniform(p_values: pd.Series[float], kind: str) -> None:
    chosen = p_values[[name.rpartition(" ")[0] == kind or not kind for name in p_values.index]]
    assert len(chosen) == STUDIES * EACH / (4 if kind else 1)
    assert kstest(chosen, "uniform").pvalue > 1e-3


def test_five_in_a_hundred_are_called_at_five_per_cent(p_values: pd.Series[float]) -> None:
    called = int((p_values < 0.05).sum())
    assert binom.ppf(0.001, len(p_values), 0.05) <= called <= binom.ppf(0.999, len(p_values), 0.05)


def test_the_best_cut_pays_for_having_been_the_best(screened: pd.DataFrame) -> None:
    ordered = screened["cut_p_value"].dropna()
    assert len(ordered) == STUDIES * EACH / 2
    for level in (0.01, 0.05, 0.2):
        assert binom.cdf((ordered < level).sum() - 1, len(ordered), level) < 0.999
    assert binom.cdf((ordered < 0.2).sum(), len(ordered), 0.1) > 0.001  # and not much more than it should


def test_three_tests_of_a_candidate_call_no_more_noise_than_one(screened: pd.DataFrame) -> None:
    found = smallest_of(*(screened[name] for name in TESTS_OF_A_FACTOR))
    assert binom.cdf((found < 0.05).sum() - 1, len(found), 0.05) < 0.999


def test_a_step_is_found_more_often_by_its_cut() -> None:
    found = []
    for seed in range(40):
        draw = np.random.default_rng(seed)
        x = draw.uniform(size=3_000)
        frame = pd.DataFrame({"id": np.arange(3_000), "y": draw.poisson(0.3 * np.exp(0.3 * (x > 0.7))) * 1.0, "x": x})
        found.append(rank_factors(study_rows(frame, ["x"], ALL_TRAIN)).table.loc[0, list(TESTS_OF_A_FACTOR)] < 0.01)
    bands, coarse, cut = np.mean(found, axis=0)
    assert cut > max(bands, coarse) + 0.1


@pytest.mark.parametrize("end", [2.25, 2.75, 3.5])
def test_the_bound_of_cuts_of_twenty_bands_is_near_the_truth(end: float) -> None:
    draw = np.random.default_rng(1)
    walk = np.cumsum(draw.normal(size=(100_000, 20)), axis=1)
    cut = np.arange(1, 20)
    bridge = (walk[:, :-1] - walk[:, -1:] * cut / 20) / np.sqrt(cut * (20 - cut) / 20)
    true = float((np.abs(bridge).max(axis=1) > end).mean())
    between = np.sqrt(cut[:-1] * (20 - cut[1:]) / (cut[1:] * (20 - cut[:-1])))
    bound = first_passage(float(2 * norm.sf(end)), between)
    error = 4 * np.sqrt(true / 100_000)
    assert true - error <= bound <= 1.35 * true + error


def test_a_cut_beyond_all_doubles_has_the_smallest_p_value() -> None:
    assert first_passage(0.0, np.full(18, 0.9)) == 0.0
    assert first_passage(1e-305, np.full(18, 0.9)) == pytest.approx(1.9e-304)
    assert first_passage(1.0, np.full(18, 0.9)) == 1.0


def test_a_modest_effect_is_found_as_often_as_theory_says() -> None:
    # 1,500 rows and a rate times 1.28: the predecessor's p-value never found it, an ordinary test does in 29 of 100.
    found = []
    for seed in range(40):
        draw = np.random.default_rng(seed)
        kind = draw.choice(list("ab"), 1_500)
        y = draw.poisson(0.25 * np.where(kind == "b", 1.28, 1.0)).astype(float)
        frame = pd.DataFrame({"id": np.arange(1_500), "y": y, "kind": kind})
        found.append(rank_factors(study_rows(frame, ["kind"], ALL_TRAIN)).table["p_value"][0] < 0.05)
    assert np.mean(found) > 0.29


@pytest.mark.parametrize("net_of", ["model", "margins"])
def test_pairs_without_an_interaction_have_uniform_p_values(net_of: Any) -> None:
    found = []
    for seed in range(12):
        draw = np.random.default_rng(seed)
        frame = pd.DataFrame(
            {"id": np.arange(3_000)}
            | {name: draw.integers(0, size, 3_000).astype(str) for name, size in zip("abcd", (2, 3, 4, 6), strict=True)}
        )
        rate = np.exp(-0.5 + 0.3 * (frame["a"] == "1") + 0.2 * (frame["d"] == "3"))
        frame["y"] = draw.poisson(rate).astype(float)
        rows = study_rows(frame, list("abcd"), ALL_TRAIN)
        model = rows.fit([every_level(rows, name) for name in "abcd"])
        found += find_interactions(rows, model, net_of=net_of).table["p_value"].tolist()
    assert kstest(found, "uniform").pvalue > 1e-3
