"""Shifts and what they change: closed forms, curves and Newton's method against a general minimiser on the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from glm_local.binning.factor_sums import FactorSums, OffsetSums, PowerLogSums, QuadraticSums
from glm_local.binning.newton_shift import newton_shift
from glm_local.binning.optimal_bins import optimal_bins
from glm_local.binning.rules import BinningRules
from glm_local.binning.segments import run_sums, segments_of
from glm_local.binning.shift_curves import curve_segments
from glm_local.binning.shifts import added, at_samples, best_shift, by_level, deviance_change, finite_shift, information
from glm_local.families.families import family_from
from glm_local.families.links import link_from
from tests.binning.binning_cases import MODELS, category_candidate, made_rows, numeric_candidate, row_segments


@pytest.mark.parametrize("model", MODELS, ids=lambda one: f"{one[0]}-{one[1] or 'default'}")
def test_every_run_has_the_shift_and_the_deviance_a_minimiser_finds_on_its_rows(model) -> None:
    rng = np.random.default_rng(6)
    for _ in range(4):
        made = made_rows(rng, model, 5, rows=150)
        found, segments = row_segments(made, np.arange(5)), segments_of(made.gain())
        for (first, last), change in found.change.items():
            if np.isfinite(found.shift[first, last]):
                assert segments.shift[first, last] == pytest.approx(found.shift[first, last], abs=2e-5)
                assert segments.change[first, last] == pytest.approx(change, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("model", MODELS, ids=lambda one: f"{one[0]}-{one[1] or 'default'}")
def test_a_shift_changes_the_deviance_by_what_the_rows_say(model) -> None:
    rng = np.random.default_rng(7)
    made = made_rows(rng, model, 4, rows=200, samples=3)
    for shift in (-0.1, 0.0, 0.07):
        change = deviance_change(made.gain(), np.full((4, 3), shift))
        for code in range(4):
            for sample in range(3):
                rows = (made.code == code) & (made.sample == sample)
                expected = made.deviance(rows, shift) - made.deviance(rows, 0.0)
                assert change[code, sample] == pytest.approx(expected, abs=1e-9, rel=1e-9)


def test_curves_and_newton_agree_on_many_groups_of_rows() -> None:
    rng = np.random.default_rng(8)
    for name in ("logit", "probit", "cloglog"):
        link, predictor = link_from(name), np.sort(rng.normal(-1.5, 1.2, 40))
        trials = rng.poisson(4, (30, 1, 40)).astype(float)
        mean = link.mean(predictor + rng.normal(0, 0.5, 30)[:, None])
        sums = OffsetSums(
            family_from("binomial"),
            link,
            predictor,
            trials,
            rng.binomial(trials[:, 0].astype(int), mean)[:, None, :].astype(float),
            True,
        )
        first, last = np.triu_indices(31, 1)
        change, shift = curve_segments(sums, first, last)
        runs = replace(
            sums,
            weight=np.stack([sums.weight[i:j, 0].sum(axis=0) for i, j in zip(first, last, strict=True)]),
            amount=np.stack([sums.amount[i:j, 0].sum(axis=0) for i, j in zip(first, last, strict=True)]),
        )
        exact = newton_shift(runs)
        np.testing.assert_allclose(shift, exact, atol=1e-7)
        np.testing.assert_allclose(change, deviance_change(runs, exact), atol=1e-7)


def test_rows_that_are_all_zero_or_all_one_have_an_infinite_shift_and_a_finite_deviance() -> None:
    power = PowerLogSums(1.0, np.array([[0.0], [3.0]]), np.array([[2.0], [2.0]]))
    assert best_shift(power).tolist() == [[-np.inf], [np.log(1.5)]]
    assert deviance_change(power, best_shift(power))[0, 0] == -4.0
    shares = np.array([[[2.0, 3.0]], [[2.0, 3.0]], [[2.0, 3.0]]])
    amount = np.array([[[0.0, 0.0]], [[2.0, 3.0]], [[1.0, 1.0]]])
    binomial = OffsetSums(family_from("binomial"), link_from("logit"), np.array([-1.0, 0.0]), shares, amount, True)
    assert best_shift(binomial)[:2, 0].tolist() == [-np.inf, np.inf]
    assert np.isfinite(deviance_change(binomial, best_shift(binomial))).all()
    segments = segments_of(binomial)
    assert (segments.shift[0, 1], segments.shift[1, 2]) == (-np.inf, np.inf)
    np.testing.assert_allclose(
        [segments.change[0, 1], segments.change[1, 2]],
        deviance_change(binomial, best_shift(binomial))[:2, 0],
        rtol=1e-12,
    )
    for sums in (power, binomial):
        assert np.isfinite(finite_shift(sums, best_shift(sums), 1.0)).all()


def test_an_event_out_of_fold_in_a_level_without_any_in_training_costs_a_finite_deviance() -> None:
    learned = PowerLogSums(1.0, np.array([[0.0]]), np.array([[5.0]]))
    shift = finite_shift(learned, best_shift(learned), 1.0)
    assert shift[0, 0] == pytest.approx(np.log(0.5 / 5.5))
    assert np.isfinite(deviance_change(PowerLogSums(1.0, np.array([[1.0]]), np.array([[1.0]])), shift)).all()


def test_sums_of_runs_keep_an_exact_zero_among_large_amounts() -> None:
    runs = run_sums(np.array([1e16, 0.0, 0.0, 0.1]))
    assert runs[1, 3] == 0.0
    assert runs[1, 4] == 0.1


def test_codes_are_added_by_level_and_left_out_where_they_have_none() -> None:
    values = np.arange(8.0).reshape(4, 2)
    assert added(values, np.array([1, -1, 1, 0]), 2).tolist() == [[6.0, 7.0], [4.0, 6.0]]
    sums = QuadraticSums(values, values + 1)
    assert by_level(sums, np.array([0, 0, 0, 0]), 1).b.tolist() == [[16.0, 20.0]]
    assert at_samples(sums, np.array([[1.0], [1.0]])).a[:, 0].tolist() == [1.0, 5.0, 9.0, 13.0]


@pytest.mark.parametrize("model", MODELS, ids=lambda one: f"{one[0]}-{one[1] or 'default'}")
def test_one_newton_step_from_the_information_is_near_the_best_shift_of_a_small_effect(model) -> None:
    made = made_rows(np.random.default_rng(9), model, 2, rows=60_000, effect=0.02)
    score, volume = information(made.gain())
    step = score / volume
    scale = 1.0 if made.link.name != "inverse" else 4.0
    np.testing.assert_allclose(step, best_shift(made.gain()), atol=0.02 * scale)


amounts = st.one_of(st.just(0.0), st.floats(1e-6, 1e6))


@st.composite
def any_sums(draw) -> tuple[FactorSums, object, BinningRules]:
    codes, folds = draw(st.integers(1, 7)), draw(st.integers(2, 4))
    kind = draw(st.sampled_from(["numeric", "categorical"]))
    candidate = numeric_candidate(codes) if kind == "numeric" else category_candidate(codes)
    shape = (codes, folds + draw(st.integers(0, 1)))
    weight = draw(arrays(float, shape, elements=amounts))
    rows = np.where(weight > 0, draw(arrays(float, shape, elements=st.integers(1, 50).map(float))), 0.0)
    amount = np.where(weight > 0, draw(arrays(float, shape, elements=amounts)), 0.0)
    model = draw(st.sampled_from(["power", "quadratic", "logit"]))
    if model == "power":
        gain = PowerLogSums(draw(st.sampled_from([1.0, 1.5, 0.0])), amount, weight)
    elif model == "quadratic":
        gain = QuadraticSums(amount - weight, weight)
    else:
        amount = np.minimum(amount, weight)
        gain = OffsetSums(
            family_from("binomial"), link_from("logit"), np.array([-0.5]), weight[..., None], amount[..., None], True
        )
    deviance = draw(arrays(float, shape[1], elements=st.floats(0, 1e7)))
    rules = BinningRules(
        max_bins=draw(st.integers(3, 6)),
        trend=draw(st.sampled_from(["none", "auto", "ascending"])),
        size=draw(st.sampled_from(["one_standard_error", "bic" if kind == "numeric" else 3, "cross_validated"])),
        min_rows=draw(st.sampled_from([0.0, 20.0])),
        min_events=draw(st.sampled_from([0.0, 3.0])),
    )
    return (
        FactorSums("x", kind, candidate.labels, candidate.ordered, folds, rows, weight, amount, weight, gain, deviance),
        candidate,
        rules,
    )


@settings(max_examples=150)
@given(any_sums())
def test_any_sums_empty_codes_and_zero_amounts_among_them_give_bins_of_numbers(case) -> None:
    sums, candidate, rules = case
    with np.errstate(all="raise", under="ignore"):
        result = optimal_bins(sums, candidate, rules)
    assert result.bins == 0 or rules.min_bins <= result.bins <= rules.max_bins
    assert not result.trials.isna().any().any()
    assert np.isfinite(result.trials["train_deviance"]).all()
    assert np.isfinite(result.levels[["relativity", "shift", "actual"]].to_numpy(dtype=float)).all()
    if rules.trend == "none" and not rules.min_rows and not rules.min_events:
        # Under a rule the best of more bins need not divide the best of fewer, and may be worse.
        deviance = result.trials["train_deviance"]
        assert (np.diff(deviance) <= 1e-9 * (1 + deviance.abs().max())).all()
    if result.spec is not None:
        assert sorted(code for group in result.groups for code in group) == list(range(sums.ordered))
