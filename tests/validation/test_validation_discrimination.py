"""Gini, Lorenz and ROC AUC against brute force over rows."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_local.errors import ConfigError
from glm_local.expressions.expression import Read
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.validation import ScoreBands, validation_report
from glm_local.validation.discrimination import gini, roc_auc


def brute_gini(score: np.ndarray, exposure: np.ndarray, actual: np.ndarray) -> float:
    """Average of 1 - 2 * area over orders of tied rows: each pair counts by who comes first, ties by one half."""
    total = 0.0
    for i in range(len(score)):
        for j in range(len(score)):
            before = 1.0 if score[j] < score[i] else 0.5 if score[j] == score[i] else 0.0
            total += exposure[i] * actual[j] * before
    return float(1 - 2 * total / (exposure.sum() * actual.sum()))


def brute_auc(score: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    won = pairs = 0.0
    for i, j in itertools.product(range(len(score)), repeat=2):
        pair = weight[i] * target[i] * weight[j] * (1 - target[j])
        pairs += pair
        won += pair * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    return won / pairs


def report_gini(frame: pd.DataFrame, family: str, **roles: object) -> pd.Series:
    report = validation_report(PandasEngine(), frame, target="y", prediction="m", family=family, **roles)  # type: ignore[arg-type]
    return report.gini.iloc[0]


rows = st.lists(
    st.tuples(st.integers(1, 8), st.integers(0, 4), st.floats(0.1, 2), st.floats(0.5, 3)), min_size=2, max_size=40
)


@given(rows)
@settings(max_examples=60)
def test_gini_is_the_tie_averaged_weighted_one(drawn: list[tuple[int, int, float, float]]) -> None:
    rate, y, e, w = (np.array(column, dtype=float) for column in zip(*drawn, strict=True))
    y[0] += 1
    frame = pd.DataFrame({"y": y, "m": rate * e, "e": e, "w": w})
    found = report_gini(frame, "poisson", exposure="e", weight="w")
    assert found["gini"] == pytest.approx(brute_gini(rate, w * e, w * y), abs=1e-12)


@given(rows)
@settings(max_examples=60)
def test_roc_auc_is_the_chance_that_a_one_scores_above_a_zero(drawn: list[tuple[int, int, float, float]]) -> None:
    score, y, _, w = (np.array(column, dtype=float) for column in zip(*drawn, strict=True))
    y = np.append((y > 1).astype(float), [0.0, 1.0])
    score, w = np.append(score, [1, 2]) / 10, np.append(w, [1, 1])
    found = report_gini(pd.DataFrame({"y": y, "m": score, "w": w}), "binomial", weight="w")
    assert found["roc_auc"] == pytest.approx(brute_auc(score, y, w), abs=1e-12)
    assert found["roc_gini"] == pytest.approx(2 * found["roc_auc"] - 1, abs=1e-12)


def test_gini_and_roc_auc_of_a_binary_target_are_tied_by_its_share_of_ones() -> None:
    draw = np.random.default_rng(1)
    score = draw.uniform(0.05, 0.9, 500).round(2)
    y = (draw.random(500) < score).astype(float)
    found = report_gini(pd.DataFrame({"y": y, "m": score}), "binomial")
    assert found["gini"] == pytest.approx((1 - y.mean()) * (2 * found["roc_auc"] - 1), abs=1e-12)


def test_gini_does_not_depend_on_the_order_of_rows() -> None:
    draw = np.random.default_rng(2)
    frame = pd.DataFrame({"y": draw.poisson(0.3, 3_000).astype(float), "m": draw.choice([0.1, 0.2, 0.4], 3_000)})
    first = report_gini(frame, "poisson")["gini"]
    assert report_gini(frame.sample(frac=1, random_state=1), "poisson")["gini"] == pytest.approx(first, abs=1e-14)


def rank_auc(score: np.ndarray, target: np.ndarray) -> float:
    ranks = pd.Series(score).rank().to_numpy()
    ones = target.sum()
    return float((ranks[target == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(target) - ones)))


@pytest.mark.parametrize("digits", [3, 17])
def test_roc_auc_and_gini_are_those_of_the_rows_while_distinct_scores_are_few_enough(digits: int) -> None:
    draw = np.random.default_rng(8)
    score = draw.beta(2, 9, 60_000).round(digits)
    score = np.clip(score, 0.001, 0.999)
    y = (draw.random(len(score)) < score).astype(float)
    found = report_gini(pd.DataFrame({"y": y, "m": score}), "binomial")
    assert found["ranked_by"] == "every score"
    assert found["roc_auc"] == pytest.approx(rank_auc(score, y), abs=1e-12)
    assert found["gini"] == pytest.approx((1 - y.mean()) * (2 * rank_auc(score, y) - 1), abs=1e-12)


def test_rates_that_differ_by_rounding_only_are_tied() -> None:
    draw = np.random.default_rng(9)
    rate, e = draw.choice([0.1, 0.3, 0.7], 5_000), draw.uniform(0.01, 1, 5_000)
    frame = pd.DataFrame({"y": draw.poisson(rate * e).astype(float), "m": rate * e, "e": e})
    assert len(np.unique(frame["m"] / frame["e"])) > 3
    found = report_gini(frame, "poisson", exposure="e")
    assert found["score_bands"] == 3
    sums = pd.DataFrame({"e": e, "y": frame["y"]}).groupby(rate).sum()
    assert found["gini"] == pytest.approx(gini(sums["e"].to_numpy(), sums["y"].to_numpy()), abs=1e-12)


def test_too_many_distinct_scores_are_ranked_on_the_grid_and_the_tables_say_so() -> None:
    draw = np.random.default_rng(10)
    score = draw.uniform(0.05, 0.9, 3_000)
    frame = pd.DataFrame({"y": (draw.random(3_000) < score).astype(float), "m": score})
    report = validation_report(
        PandasEngine(), frame, target="y", prediction="m", family="binomial", score_bands=ScoreBands(most_exact=2_999)
    )
    line = report.gini.iloc[0]
    assert line["ranked_by"] == "scores to 12 binary digits"
    assert "more than 2,999" in report.definitions["score_bands"]
    assert "scores to 12 binary digits" in report._repr_html_()
    assert line["roc_auc"] == pytest.approx(rank_auc(score, frame["y"].to_numpy()), abs=1e-3)
    assert line["roc_auc"] != pytest.approx(rank_auc(score, frame["y"].to_numpy()), abs=1e-12)


def test_twelve_bits_move_the_gini_of_continuous_scores_by_less_than_a_hundred_thousandth() -> None:
    draw = np.random.default_rng(4)
    m = draw.gamma(3.0, 0.03, 20_000)
    frame = pd.DataFrame({"y": draw.poisson(m).astype(float), "m": m})
    usual = report_gini(frame, "poisson", score_bands=ScoreBands(most_exact=0))
    exact = report_gini(frame, "poisson", score_bands=ScoreBands(53))
    assert exact["score_bands"] == 20_000
    assert usual["score_bands"] < 13_000
    assert usual["gini"] == pytest.approx(exact["gini"], abs=1e-5)


def test_a_score_band_is_at_most_a_two_thousand_forty_eighth_of_its_rate_wide() -> None:
    draw = np.random.default_rng(5)
    rate = np.exp(draw.uniform(-30, 30, 5_000)) * draw.choice([-1, 1], 5_000)
    frame = PandasEngine().with_columns(pd.DataFrame({"r": rate}), {"band": ScoreBands().band(Read("r"))})
    band = frame["band"].to_numpy()
    mantissa, _ = np.frexp(band)
    assert (mantissa * 2**12 == np.round(mantissa * 2**12)).all()
    assert (np.abs(band / rate - 1) <= 2**-12).all()


def test_nothing_observed_has_no_gini_and_one_class_no_auc() -> None:
    assert np.isnan(gini(np.array([1.0, 1.0]), np.array([0.0, 0.0])))
    assert np.isnan(roc_auc(np.array([1.0]), np.array([0.0])))


def test_the_lorenz_curve_is_thinned_to_points_that_lie_on_it_and_ends_at_one() -> None:
    draw = np.random.default_rng(6)
    frame = pd.DataFrame({"y": draw.poisson(0.5, 5_000).astype(float), "m": draw.gamma(2.0, 0.25, 5_000)})
    report = validation_report(PandasEngine(), frame, target="y", prediction="m", family="poisson")
    curve = report.lorenz
    assert len(curve) <= 202
    assert curve[["exposure_share", "actual_share", "predicted_share"]].iloc[0].tolist() == [0, 0, 0]
    assert curve[["exposure_share", "actual_share", "predicted_share"]].iloc[-1].tolist() == pytest.approx([1, 1, 1])
    assert (curve["exposure_share"].diff().dropna() > 0).all()


def test_score_bands_keep_two_to_fifty_three_digits() -> None:
    for digits in (1, 54):
        with pytest.raises(ConfigError, match="2 to 53"):
            ScoreBands(digits)
