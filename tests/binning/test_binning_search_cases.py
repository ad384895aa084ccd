"""The predecessor's five search cases: never worse than a random search; and the benchmark that times them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks import binning_peers
from tests.benchmarks.binning_rows import BIN_PENALTY, FREE_BINS, SEARCH_CASES, SMALL_PENALTY, SMALL_SIZE, claims
from tests.benchmarks.measurement import Settings

MADE = claims(16_000)


def score_of(borders: list[int], amount, exposure) -> float:
    """The predecessor's score of one partition, added up by hand."""
    deviance = binning_peers.null_deviance(MADE)
    penalty = 0.0
    for first, last in pairwise(borders):
        claims_seen, claims_held = (one[first:last].sum() for one in amount)
        exposure_seen, exposure_held = (one[first:last].sum() for one in exposure)
        rate = claims_seen / exposure_seen
        deviance += 2 * (-claims_held * np.log(rate) + exposure_held * (rate - 1))
        penalty += BIN_PENALTY + SMALL_PENALTY * (exposure_seen < SMALL_SIZE)
    rows = len(MADE["claims"]) - MADE["train"]
    return deviance / rows + penalty + BIN_PENALTY * max(len(borders) - 1 - FREE_BINS, 0)


@pytest.mark.parametrize("case", SEARCH_CASES, ids=lambda one: one.name)
def test_no_random_partition_scores_better_than_the_programs(case) -> None:
    rng = np.random.default_rng(case.pre_bins)
    (amount, exposure), size = binning_peers.search_sums(MADE, case)
    best = binning_peers.ours_by_its_score(MADE, case)
    for trial in range(400):
        share = rng.uniform(0.02, 0.6) if trial else 0.0
        borders = [0, *(1 + np.flatnonzero(rng.random(size - 1) < share)), size]
        assert best <= score_of(borders, amount, exposure) + 1e-12


def test_the_benchmark_runs_without_its_peers() -> None:
    report = binning_peers.run(Settings(Path(), Path(), 1, 3000, False, ""))
    assert report.ratios
    assert all(one.value > 0 for one in report.ratios)
