"""Penalties: the predecessor's figures, what is inside the optimum, and errors that name the penalty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from glm_local.binning.optimal_bins import optimal_bins
from glm_local.binning.penalties import (
    PenaltyContext,
    bin_count_penalty,
    small_bin_size_penalty,
    small_count_penalty,
    train_validation_gap_penalty,
    unstable_relativity_penalty,
)
from glm_local.binning.rules import BinningRules
from glm_local.errors import ConfigError, SpecError
from tests.binning.binning_cases import made_rows, numeric_candidate

TABLE = pd.DataFrame(
    {"level": ["a", "b", "c"], "rows": [100.0, 50, 10], "bin_size": [100.0, 50, 10], "actual": [10.0, 20, 0]}
)
CONTEXT = PenaltyContext("x", "numeric", 3, TABLE, 0.5, 0.7)


@pytest.mark.parametrize(
    ("penalty", "value"),
    [
        (bin_count_penalty(0.01, 2, 0.1), 0.13),
        (bin_count_penalty(), 0.003),
        (bin_count_penalty(0.001, 2), 0.004),
        (small_bin_size_penalty(60), 0.02),
        (small_count_penalty(5), 0.01),
        (train_validation_gap_penalty(0.05, 2), 0.30),
        (train_validation_gap_penalty(0.3), 0.0),
        (unstable_relativity_penalty(3), 0.18996),
    ],
)
def test_the_five_penalties_have_the_predecessors_values(penalty, value) -> None:
    assert penalty(CONTEXT) == pytest.approx(value, abs=5e-6)


def test_an_unstable_ratio_is_above_one() -> None:
    with pytest.raises(SpecError, match="max_ratio"):
        unstable_relativity_penalty(1.0)


def case(seed: int = 1, folds: int = 4):
    rng = np.random.default_rng(seed)
    candidate = numeric_candidate(8)
    return made_rows(rng, ("poisson", None), 8, rows=900, samples=folds + 1).sums(candidate, folds), candidate


def test_a_penalty_that_raises_is_an_error_with_its_name_and_never_a_score() -> None:
    def broken(context: PenaltyContext) -> float:
        raise ZeroDivisionError("no reason")

    with pytest.raises(ConfigError, match=r"'broken' raised ZeroDivisionError.*no reason") as caught:
        optimal_bins(*case(), BinningRules(penalties=(broken,)))
    assert caught.value.problems[0].path == "penalties/broken"
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.1", None, True])
def test_a_penalty_that_is_no_finite_number_is_an_error_with_its_name(value) -> None:
    with pytest.raises(ConfigError, match="'mine'"):
        optimal_bins(*case(), BinningRules(penalties={"mine": lambda context: value}))


def test_a_penalty_must_be_callable() -> None:
    with pytest.raises(ConfigError, match=r"'mine' is 0\.1"):
        BinningRules(penalties={"mine": 0.1})


def test_a_missing_column_of_a_penalty_names_the_penalty() -> None:
    with pytest.raises(ConfigError, match=r"no column 'policies'"):
        optimal_bins(*case(), BinningRules(penalties=(small_count_penalty(5, count_column="policies"),)))


def test_every_penalty_has_its_column_and_the_score_is_their_sum_with_the_deviance() -> None:
    rules = BinningRules(
        penalties={"small_count": small_count_penalty(40), "many_bins": lambda context: 0.01 * context.bins}
    )
    trials = optimal_bins(*case(), rules).trials
    assert {"penalty_small_count", "penalty_many_bins"} <= set(trials.columns)
    np.testing.assert_allclose(trials["penalty_many_bins"], 0.01 * trials["levels"])
    total = trials["cv_deviance"] + trials["penalty_small_count"] + trials["penalty_many_bins"]
    np.testing.assert_allclose(trials["score"], total)


def test_penalties_that_add_up_leave_the_proof_optimal_and_others_rerank_the_sizes() -> None:
    additive = (
        bin_count_penalty(),
        small_bin_size_penalty(20),
        small_count_penalty(20),
        unstable_relativity_penalty(2),
    )
    assert optimal_bins(*case(), BinningRules(penalties=additive)).proof.status == "optimal"
    for one in (train_validation_gap_penalty(), lambda context: 0.0):
        proof = optimal_bins(*case(), BinningRules(penalties=(*additive, one))).proof
        assert proof.status == "reranked"
        assert "Only the choice among sizes knows" in proof.guarantee


def test_a_heavy_penalty_on_bins_leaves_no_factor() -> None:
    sums, candidate = case()
    assert optimal_bins(sums, candidate).bins > 1
    assert optimal_bins(sums, candidate, BinningRules(penalties=(bin_count_penalty(10.0),))).spec is None


def test_a_penalty_sees_the_bins_of_a_trial() -> None:
    seen: list[PenaltyContext] = []

    def look(context: PenaltyContext) -> float:
        seen.append(context)
        return 0.0

    sums, candidate = case()
    result = optimal_bins(sums, candidate, BinningRules(max_bins=4, penalties=(look,)))
    assert [len(one.groups) for one in seen] == [0, 2, 3, 4]
    for one, train in zip(seen, result.trials["train_deviance"], strict=True):
        assert one.bins == len(one.bin_table)
        assert one.bin_table["actual"].sum() == pytest.approx(sums.amount[:, :4].sum())
        assert (one.factor, one.kind, one.train_deviance) == ("x", "numeric", train)
        assert one.validation_deviance > 0


def test_the_gap_is_to_the_cross_validated_deviance_where_there_is_no_validation_sample() -> None:
    rng = np.random.default_rng(2)
    sums = made_rows(rng, ("poisson", None), 8, rows=600, samples=4).sums(numeric_candidate(8), 4)
    trials = optimal_bins(sums, numeric_candidate(8), BinningRules(penalties=(train_validation_gap_penalty(),))).trials
    gap = np.maximum(trials["cv_deviance"] - trials["train_deviance"], 0.0)
    np.testing.assert_allclose(trials["penalty_train_validation_gap"], gap)


def test_a_small_count_penalty_moves_cuts_inside_the_program() -> None:
    sums, candidate = case(3)
    plain = BinningRules(size=4, max_bins=4)
    heavy = replace(plain, penalties=(small_count_penalty(45, 1.0),))
    fewest = [optimal_bins(sums, candidate, one).levels["actual"].min() for one in (plain, heavy)]
    assert fewest[1] >= min(45, fewest[0])
