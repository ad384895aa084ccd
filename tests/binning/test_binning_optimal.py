"""Optimal bins as a modeller asks for them: sizes, no factor, rules that bind, missing, categories, many of them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from glm_local.binning.categories import category_order
from glm_local.binning.factor_sums import FactorSums, PowerLogSums
from glm_local.binning.optimal_bins import coarse_bins, judge_groups, optimal_bins, target_order
from glm_local.binning.rules import BinningRules
from glm_local.candidates.candidate import Candidate
from glm_local.errors import ConfigError
from glm_local.factors.factor_spec import CategoricalSpec
from glm_local.factors.level_names import level_names
from glm_local.factors.spec_problems import read_factors
from tests.binning.binning_cases import MODELS, category_candidate, made_rows, numeric_candidate

FOLDS = 5


def poisson(candidate: Candidate, effect, seed: int = 0, volume: float = 40.0, noise: float = 0.0) -> FactorSums:
    """Claims by code and sample (five folds and validation) under a model of the intercept."""
    rng = np.random.default_rng(seed)
    codes = len(candidate.labels)
    weight = rng.uniform(0.5, 1.5, (codes, FOLDS + 1)) * volume
    shift = np.zeros(codes)
    shift[: candidate.ordered] = effect(np.arange(candidate.ordered) / max(candidate.ordered, 1))
    shift += rng.normal(0, noise, codes) if noise else 0.0
    claims = rng.poisson(0.3 * weight * np.exp(shift)[:, None]).astype(float)
    fitted = weight * claims[:, :FOLDS].sum() / weight[:, :FOLDS].sum()
    rows = np.ceil(weight * 2)
    with np.errstate(all="ignore"):
        unit = 2 * (np.where(claims > 0, claims * np.log(claims / fitted), 0.0) - (claims - fitted))
    return FactorSums(
        candidate.name,
        candidate.kind,
        candidate.labels,
        candidate.ordered,
        FOLDS,
        rows,
        weight,
        claims,
        fitted,
        PowerLogSums(1.0, claims, fitted),
        unit.sum(axis=0) + 0.5 * rows.sum(axis=0),
    )


def wave(x):
    return 0.5 * np.sin(5 * x)


def test_a_real_effect_is_found_and_its_specification_has_the_chosen_levels() -> None:
    candidate = numeric_candidate(60)
    result = optimal_bins(poisson(candidate, wave), candidate)
    assert 3 <= result.bins <= 8
    assert level_names(result.spec.document()) == list(result.levels["level"])
    assert len(result.spec.edges) == result.bins - 1
    assert result.trials["chosen"].sum() == 1
    chosen = result.trials[result.trials["chosen"]].iloc[0]
    assert chosen["bins"] == result.bins
    assert chosen["validation_deviance"] < result.trials["validation_deviance"].iloc[0]
    assert result.proof.status == "optimal"
    assert result.proof.guarantee in result.spec.notes


@pytest.mark.parametrize("candidate", [numeric_candidate(50), category_candidate(50)], ids=["numeric", "categorical"])
def test_noise_ends_as_no_factor_for_most_seeds(candidate) -> None:
    rules = BinningRules(size="one_standard_error")
    chosen = [optimal_bins(poisson(candidate, np.zeros_like, seed), candidate, rules).bins for seed in range(30)]
    assert sum(bins == 0 for bins in chosen) >= 26


def test_no_factor_at_all_is_always_a_choice_and_changes_nothing() -> None:
    candidate = numeric_candidate(30)
    sums = poisson(candidate, np.zeros_like, 5)
    result = optimal_bins(sums, candidate, BinningRules(min_bins=3))
    assert result.spec is None
    assert list(result.trials["bins"])[:2] == [0, 3]
    first = result.trials.iloc[0]
    assert (
        first["cv_deviance"]
        == first["train_deviance"]
        == pytest.approx(sums.deviance[:FOLDS].sum() / sums.rows[:, :FOLDS].sum())
    )
    assert "No factor at all" in result.proof.guarantee
    assert list(result.levels["level"]) == ["all"]


def test_min_and_max_bins_are_hard() -> None:
    candidate = numeric_candidate(40)
    sums = poisson(candidate, wave)
    for low, high in ((2, 3), (6, 7), (1, 12), (5, 5)):
        result = optimal_bins(sums, candidate, BinningRules(min_bins=low, max_bins=high, size="cross_validated"))
        assert low <= result.bins <= high
        assert set(result.trials["bins"]) == {0, *range(max(low, 2), high + 1)}


def test_a_size_that_is_asked_for_is_given() -> None:
    candidate = numeric_candidate(40)
    for size in (2, 5, 8):
        assert optimal_bins(poisson(candidate, wave), candidate, BinningRules(size=size)).bins == size
    assert optimal_bins(poisson(candidate, wave), candidate, BinningRules(size=0)).spec is None


def test_training_deviance_never_rises_with_the_number_of_bins() -> None:
    candidate = numeric_candidate(40)
    trials = optimal_bins(poisson(candidate, wave), candidate, BinningRules(max_bins=15)).trials
    assert (np.diff(trials["train_deviance"]) <= 1e-12).all()


def test_one_standard_error_takes_no_more_bins_than_the_best_cross_validated_deviance() -> None:
    candidate = numeric_candidate(40)
    for seed in range(10):
        sums = poisson(candidate, wave, seed)
        best = optimal_bins(sums, candidate, BinningRules(size="cross_validated"))
        near = optimal_bins(sums, candidate, BinningRules(size="one_standard_error"))
        assert near.bins <= best.bins
        line = near.trials[near.trials["chosen"]].iloc[0]
        assert line["cv_deviance"] <= best.trials["cv_deviance"].min() + line["cv_se"] + 1e-15
        assert near.trials["cv_se"].iloc[int(best.trials["cv_deviance"].argmin())] == 0


def test_bic_counts_levels_of_their_own_and_places_of_cuts_as_parameters() -> None:
    candidate = numeric_candidate(20, missing="own_level")
    sums = poisson(candidate, wave)
    result = optimal_bins(sums, candidate, BinningRules(size="bic"))
    trials, rows = result.trials, sums.rows[:, :FOLDS].sum()
    assert list(trials["levels"][1:]) == [bins + 1 for bins in trials["bins"][1:]]
    parameters = trials["levels"] - 1 + np.maximum(trials["bins"] - 1, 0)
    np.testing.assert_allclose(trials["bic"], trials["train_deviance"] * rows + parameters * np.log(rows))
    assert trials["bic"].idxmin() == trials["chosen"].idxmax()


@pytest.mark.parametrize("trend", ["ascending", "descending", "peak", "valley", "auto"])
def test_the_levels_follow_the_trend_and_auto_is_the_best_of_all_trends(trend) -> None:
    candidate = numeric_candidate(40)
    sums = poisson(candidate, lambda x: -wave(x) if trend == "ascending" else wave(x), 2)
    rules = BinningRules(size=5, trend=trend)
    result = optimal_bins(sums, candidate, rules)
    assert result.bins == 5
    allowed = {
        "peak": {"peak", "ascending", "descending"},
        "valley": {"valley", "ascending", "descending"},
        "auto": {"peak", "valley", "ascending", "descending"},
    }.get(trend, {trend})
    assert result.proof.trend in allowed
    if trend == "auto":
        others = [optimal_bins(sums, candidate, replace(rules, trend=one)) for one in ("peak", "valley", "ascending")]
        best = min(one.trials[one.trials["chosen"]]["train_deviance"].iloc[0] for one in others)
        assert result.trials[result.trials["chosen"]]["train_deviance"].iloc[0] == pytest.approx(best, rel=1e-12)


def test_missing_has_a_level_of_its_own_when_training_fills_it_and_follows_the_neutral_one_otherwise() -> None:
    candidate = numeric_candidate(20, missing="own_level")
    sums = poisson(candidate, wave)
    own = optimal_bins(sums, candidate, BinningRules(size=3))
    assert list(own.levels["level"])[-1] == "missing"
    assert own.spec.missing == "own_level"
    thin = optimal_bins(sums, candidate, BinningRules(size=3, min_exposure=float(sums.weight[-1, :FOLDS].sum()) + 1))
    shift = thin.levels["shift"].abs()
    assert (
        thin.spec.missing.level
        == thin.levels["level"][shift.argmin()]
        != thin.levels["level"][thin.levels["exposure"].argmax()]
    )
    assert len(thin.levels) == 3
    assert "'missing' have no level of their own" in thin.proof.guarantee
    assert thin.levels["rows"].sum() == own.levels["rows"].sum()


def test_missing_alone_can_be_the_factor() -> None:
    candidate = numeric_candidate(20, missing="own_level")
    sums = poisson(candidate, np.zeros_like, 3)
    amount = sums.amount.copy()
    amount[-1] *= 4
    result = optimal_bins(replace(sums, amount=amount, gain=PowerLogSums(1.0, amount, sums.fitted)), candidate)
    assert result.bins == 1
    assert len(result.levels) == 2
    assert result.levels["relativity"].iloc[1] > 2


def test_a_category_named_missing_and_missing_values_stay_two_levels() -> None:
    spec = CategoricalSpec(
        name="x", column="x", levels=["A", "B", "missing"], missing={"own_level": "(missing)"}, unseen="base"
    )
    candidate = Candidate("x", spec)
    sums = poisson(candidate, lambda x: 3 * x, volume=400)
    result = optimal_bins(sums, candidate, BinningRules(size=3))
    assert sorted(result.levels["level"]) == ["(missing)", "A", "B", "missing"]


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        (BinningRules(min_rows=1e9), "min_rows"),
        (BinningRules(min_exposure=1e9), "min_exposure"),
        (BinningRules(min_events=1e9), "min_events"),
        (BinningRules(min_relativity_step=50, min_bins=3), "min_relativity_step 50"),
        (BinningRules(trend="ascending", size=8), "trend ascending"),
        (BinningRules(min_bins=45, max_bins=45), "min_bins 45"),
    ],
)
def test_rules_that_leave_no_bins_are_named_and_the_answer_is_no_factor(rules, named) -> None:
    candidate = numeric_candidate(40)
    result = optimal_bins(poisson(candidate, lambda x: -3 * x, volume=400), candidate, rules)
    assert result.proof.status == "infeasible"
    assert named in result.proof.guarantee
    assert result.spec is None
    assert len(result.trials) == 1


def test_without_any_event_there_is_no_factor_and_the_proof_says_why() -> None:
    candidate = numeric_candidate(6)
    sums = poisson(candidate, np.zeros_like)
    none = np.zeros_like(sums.amount)
    result = optimal_bins(replace(sums, amount=none, gain=PowerLogSums(1.0, none, sums.fitted)), candidate)
    assert result.proof.status == "infeasible"
    assert "no events" in result.proof.guarantee


def test_a_bin_without_events_never_stands_alone() -> None:
    candidate = numeric_candidate(10)
    sums = poisson(candidate, np.zeros_like, 1, volume=400)
    amount = sums.amount.copy()
    amount[:3] = 0
    result = optimal_bins(replace(sums, amount=amount, gain=PowerLogSums(1.0, amount, sums.fitted)), candidate)
    assert result.bins >= 2
    assert (result.levels["actual"] > 0).all()
    assert np.isfinite(result.levels["shift"]).all()


def test_labels_kept_apart_that_do_not_exist_are_told_the_nearest() -> None:
    candidate = category_candidate(5)
    with pytest.raises(ConfigError, match="Nearest: 'c01'"):
        optimal_bins(poisson(candidate, wave), candidate, BinningRules(apart=[("c00", "c1")]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_bins", 0),
        ("max_bins", 0),
        ("min_rows", -1),
        ("min_events", float("nan")),
        ("trend", "up"),
        ("size", "aic"),
        ("size", 20),
        ("apart", ["ab"]),
        ("min_relativity_step", -0.5),
        ("max_bins", 3.5),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_by_its_name(field, value) -> None:
    with pytest.raises(ConfigError) as caught:
        BinningRules(**{field: value})
    assert {problem.path.removeprefix("/") for problem in caught.value.problems} == {field}


def test_all_problems_of_the_rules_come_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        BinningRules(min_rows=-1, max_bins=0, min_relativity_step=-0.5)
    assert [problem.path for problem in caught.value.problems] == ["max_bins", "min_rows", "min_relativity_step"]
    with pytest.raises(ConfigError) as caught:
        BinningRules(trend="asc", size="aic")
    assert [problem.path for problem in caught.value.problems] == ["/trend", "/size"]
    assert "'ascending'" in str(caught.value)


def test_cross_validation_with_one_fold_is_refused_with_the_way_out() -> None:
    rng = np.random.default_rng(0)
    sums = made_rows(rng, ("poisson", None), 6, rows=300).sums(numeric_candidate(6), 1)
    with pytest.raises(ConfigError, match="folds=5"):
        optimal_bins(sums, numeric_candidate(6))
    assert optimal_bins(sums, numeric_candidate(6), BinningRules(size="bic")).trials["bic"].notna().all()


def test_categories_form_groups_of_like_experience_whatever_their_names() -> None:
    candidate = category_candidate(40)
    kinds = np.arange(40) % 3
    result = optimal_bins(poisson(candidate, lambda x: np.array([-0.7, 0.0, 0.7])[kinds], volume=400), candidate)
    assert {frozenset(group) for group in result.groups} == {frozenset(np.flatnonzero(kinds == k)) for k in range(3)}
    assert (np.diff(result.levels["shift"]) > 0).all()
    assert "credibility" in result.proof.guarantee


def test_ten_thousand_categories_are_joined_into_runs_and_the_proof_says_so() -> None:
    candidate = category_candidate(10_000)
    result = optimal_bins(poisson(candidate, np.zeros_like, noise=0.5, volume=15), candidate)
    assert result.bins >= 2
    assert "10,000 pre-bins joined into 250 runs" in result.proof.guarantee
    assert sorted(code for group in result.groups for code in group) == list(range(10_000))


def test_categories_never_seen_in_training_fall_among_the_average_ones() -> None:
    candidate = category_candidate(30)
    sums = poisson(candidate, lambda x: np.where(x < 0.5, -0.8, 0.8), volume=300)
    rows, weight, amount, fitted = (one.copy() for one in (sums.rows, sums.weight, sums.amount, sums.fitted))
    for one in (rows, weight, amount, fitted):
        one[7, :FOLDS] = 0
    unseen = replace(
        sums, rows=rows, weight=weight, amount=amount, fitted=fitted, gain=PowerLogSums(1.0, amount, fitted)
    )
    result = optimal_bins(unseen, candidate, BinningRules(size=3))
    assert any(7 in group for group in result.groups)
    assert np.isfinite(result.trials.select_dtypes("number")).all().all()


def test_the_effect_of_a_category_is_judged_out_of_fold_with_its_order_learned_without_the_fold() -> None:
    """Sixty thin levels of pure noise look excellent in training, and worthless out of fold."""
    candidate = category_candidate(60)
    trials = optimal_bins(poisson(candidate, np.zeros_like, 8, volume=6), candidate, BinningRules(size=6)).trials
    assert trials["train_deviance"].iloc[-1] < trials["train_deviance"].iloc[0] * 0.99
    assert trials["cv_deviance"].iloc[-1] > trials["cv_deviance"].iloc[0]


def test_a_useless_category_that_the_predecessor_kept_is_dropped() -> None:
    """Its 60-level case scored worse than no factor and would have been accepted."""
    candidate = category_candidate(60)
    result = optimal_bins(poisson(candidate, np.zeros_like, 8, volume=30), candidate)
    assert result.spec is None


@pytest.mark.parametrize("model", MODELS, ids=lambda one: f"{one[0]}-{one[1] or 'default'}")
def test_every_family_and_link_is_binned_and_every_figure_is_a_number(model) -> None:
    rng = np.random.default_rng(4)
    made = made_rows(rng, model, 9, rows=2500, samples=FOLDS + 1, effect=1.0)
    candidate = numeric_candidate(9)
    result = optimal_bins(made.sums(candidate, FOLDS), candidate, BinningRules(max_bins=4))
    assert 2 <= result.bins <= 4
    for table in (result.trials, result.levels):
        assert np.isfinite(table.select_dtypes("number").to_numpy(dtype=float)).all()
    train = made.sample < FOLDS
    shift = result.levels["shift"].to_numpy()
    level = np.concatenate([np.full(len(group), at) for at, group in enumerate(result.groups)])
    mean = made.link.mean(made.predictor + shift[level[made.code]])
    deviance = (made.weight * made.family.unit_deviance(made.response, mean))[train].sum() / train.sum()
    assert result.trials[result.trials["chosen"]]["train_deviance"].iloc[0] == pytest.approx(deviance, rel=1e-7)


def test_the_same_sums_give_the_same_bins() -> None:
    candidate = category_candidate(40)
    one, again = (optimal_bins(poisson(candidate, wave, 5, noise=0.2), candidate) for _ in range(2))
    assert one.spec == again.spec
    assert one.trials.equals(again.trials)


def test_a_column_of_one_value_is_no_factor() -> None:
    for candidate in (numeric_candidate(1), category_candidate(1)):
        result = optimal_bins(poisson(candidate, np.zeros_like), candidate)
        assert (result.spec, result.proof.status) == (None, "optimal")


def test_values_beyond_the_training_range_fall_into_the_outermost_bins() -> None:
    """The predecessor called them missing."""
    candidate = numeric_candidate(40)
    spec = optimal_bins(poisson(candidate, wave), candidate).spec
    names = level_names(spec.document())
    assert names[0].startswith("(-inf")
    assert names[-1].endswith("inf)")
    assert (spec.lower, spec.upper) == (None, None)


def test_a_specification_is_plain_json_and_reads_back() -> None:
    for candidate in (numeric_candidate(40), category_candidate(40)):
        spec = optimal_bins(poisson(candidate, wave, noise=0.3), candidate).spec
        assert read_factors(json.loads(json.dumps([spec.document()])))[0] == spec


def test_values_never_seen_follow_the_level_with_most_exposure_not_the_lowest_one() -> None:
    candidate = category_candidate(20)
    spec = optimal_bins(poisson(candidate, wave, noise=0.3), candidate).spec
    assert (spec.unseen, spec.base) == ("base", "largest_exposure")


def test_the_predecessors_three_segments_keep_their_order() -> None:
    made = np.array([[0.0, 1.0], [0.0, 0.0], [2.0, 1.0]])
    ones = np.ones((3, 2))
    sums = FactorSums(
        "s",
        "categorical",
        ("a", "b", "c"),
        3,
        2,
        ones,
        ones,
        made,
        ones * made.mean(),
        PowerLogSums(1.0, made, ones * made.mean()),
        np.ones(2),
    )
    assert [sums.labels[code] for code in category_order(sums)] == ["b", "a", "c"]


def test_coarse_bins_have_about_equal_exposure() -> None:
    candidate = numeric_candidate(100)
    sums = poisson(candidate, wave)
    result = coarse_bins(sums, candidate, 5)
    assert result.bins == 5
    np.testing.assert_allclose(result.levels["exposure"] / result.levels["exposure"].sum(), 0.2, atol=0.02)
    assert result.proof.status == "given"
    assert "equal exposure" in result.proof.guarantee
    with pytest.raises(ConfigError, match="categorical"):
        coarse_bins(poisson(category_candidate(5), wave), category_candidate(5))
    with pytest.raises(ConfigError, match="at least one"):
        coarse_bins(sums, candidate, 0)


def test_target_order_groups_categories_by_rising_experience() -> None:
    candidate = category_candidate(30)
    result = target_order(poisson(candidate, lambda x: 2 * x, volume=200), candidate, 6)
    assert result.bins == 6
    assert (np.diff(result.levels["actual"] / result.levels["exposure"]) > 0).all()


def test_groups_given_by_hand_are_judged_like_optimal_ones() -> None:
    candidate = numeric_candidate(20)
    sums = poisson(candidate, wave)
    best = optimal_bins(sums, candidate, BinningRules(size=4))
    same = judge_groups(sums, candidate, best.groups)
    other = judge_groups(sums, candidate, [range(5), range(5, 10), range(10, 15), range(15, 20)])
    train = [one.trials["train_deviance"].iloc[-1] for one in (best, same, other)]
    assert train[0] == pytest.approx(train[1], rel=1e-12)
    assert train[0] <= train[2]
