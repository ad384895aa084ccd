"""Candidates are ranked against the current model: exact where it can be checked, and no candidate breaks the table."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local.candidates.open_rows import open_rows
from glm_local.errors import SpecError
from glm_local.glm.request import FitRequest
from glm_local.on_pandas.fitting import fit_glm
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.screening.rank_factors import rank_factors
from glm_local.screening.tested_levels import ScreeningRules
from glm_local.validation.split import Split
from tests.doubles import OpaqueEngine, opaque
from tests.screening.screening_rows import ALL_TRAIN, claims, every_level, study_rows

NAMES = ("strong", "near", "wave", "gaps", "group", "many", "area")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return claims(12_000, seed=5, effect=0.25)


@pytest.fixture(scope="module")
def rows(frame: pd.DataFrame) -> Any:
    return study_rows(frame, [*NAMES, "age"], exposure="exposure")


@pytest.fixture(scope="module")
def model(rows: Any) -> Any:
    return rows.fit([every_level(rows, "area"), every_level(rows, "age", 8)])


def line(table: pd.DataFrame, name: str) -> pd.Series[Any]:
    return table.set_index("factor").loc[name]


def test_the_likelihood_ratio_is_that_of_two_fits_on_the_raw_rows(frame: pd.DataFrame) -> None:
    rows = study_rows(frame, ["area", "strong"], ALL_TRAIN, exposure="exposure")
    model = rows.fit([every_level(rows, "area")])
    found = line(rank_factors(rows, model, ["strong"], tests=("score", "likelihood_ratio")).table, "strong")
    roles = {"target": "y", "exposure": "exposure", "family": "poisson"}
    factors = [
        {"kind": "categorical", "name": name, "column": name, "levels": "learn", "missing": "base", "unseen": "base"}
        for name in ("area", "strong")
    ]
    small, large = fit_glm(frame, factors=factors[:1], **roles), fit_glm(frame, factors=factors, **roles)
    assert found["lr_statistic"] == pytest.approx(small.statistics.deviance - large.statistics.deviance, rel=1e-8)
    assert (found["lr_df"], found["df"]) == (2, 2)
    assert found["statistic"] == pytest.approx(found["lr_statistic"], rel=0.1)


@pytest.mark.parametrize(
    "roles",
    [
        {"exposure": "exposure"},
        {"family": "gamma", "target": "cost"},
        {"family": "binomial", "target": "hit"},
        {"family": "tweedie(1.5)", "target": "loss", "exposure": "exposure"},
        {"family": "gaussian", "target": "wave"},
    ],
    ids=lambda one: str(one.get("family", "poisson")),
)
def test_against_the_intercept_alone_the_closed_form_is_the_fit(frame: pd.DataFrame, roles: dict[str, str]) -> None:
    draw = np.random.default_rng(1)
    cost = draw.gamma(2.0, frame["rate"])
    more = frame.assign(cost=cost, hit=(frame["y"] > 0).astype(float), loss=frame["y"] * cost)
    rows = study_rows(more, ["group"], ALL_TRAIN, **roles)
    small = rows.fit([])
    found = line(rank_factors(rows, None, ["group"], tests=("score", "likelihood_ratio")).table, "group")
    large = rows.fit([every_level(rows, "group")])
    assert found["levels"] == 6
    assert found["lr_df"] == large.statistics.parameters - small.statistics.parameters
    gain = small.statistics.deviance - large.statistics.deviance
    assert found["train_gain"] == pytest.approx(gain, rel=1e-8, abs=1e-7)


@pytest.mark.parametrize(
    "roles",
    [
        {"family": "binomial", "link": "probit", "target": "hit", "weight": "trials", "offset": "shift"},
        {"family": "gamma", "link": "inverse", "target": "cost", "weight": "trials"},
        {"family": "gaussian", "link": "identity", "target": "cost", "offset": "shift"},
        {"family": "tweedie(1.5)", "target": "loss", "exposure": "exposure", "weight": "trials"},
        {"family": "poisson", "exposure": "exposure", "dispersion": "pearson"},
    ],
    ids=lambda one: f"{one['family']} {one.get('link', 'log')}",
)
def test_score_and_likelihood_ratio_agree_beside_linear_terms_offsets_and_weights(
    frame: pd.DataFrame, roles: dict[str, str]
) -> None:
    draw = np.random.default_rng(1)
    cost = draw.gamma(4.0, frame["rate"] / 4)
    more = frame.assign(
        cost=cost,
        hit=(frame["y"] > 0).astype(float),
        loss=frame["y"] * cost,
        trials=draw.integers(1, 4, len(frame)),
        shift=draw.normal(size=len(frame)) / 10,
    )
    rows = study_rows(more, ["strong", "area", "wave"], **roles)
    linear = {"kind": "linear", "name": "age", "column": "age", "source": "number", "missing": "refuse"}
    model = rows.fit([every_level(rows, "area"), linear])
    table = rank_factors(rows, model, ["strong", "wave"], tests=("score", "likelihood_ratio")).table
    for name, df in (("strong", 2), ("wave", 19)):
        found = line(table, name)
        assert (found["df"], found["lr_df"]) == (df, df)
        assert found["statistic"] == pytest.approx(found["lr_statistic"], rel=0.1, abs=1.0)
        assert found["p_value"] == pytest.approx(found["lr_p_value"], abs=0.05)


def test_ranking_costs_two_packed_passes_and_no_raw_one(rows: Any, model: Any) -> None:
    rows.fit([])
    with rows.engine.passes.counting() as counter:
        rank_factors(rows, model, NAMES)
    assert (counter.raw, counter.packed) == (0, 2)


def test_the_table_is_sorted_by_gain_out_of_fold_then_name(rows: Any, model: Any) -> None:
    table = rank_factors(rows, model).table
    gains = table["cv_gain"].fillna(-np.inf).tolist()
    assert gains == sorted(gains, reverse=True)
    assert table["factor"][0] == "strong"
    assert table["rank"].tolist() == list(range(1, len(table) + 1))


def test_the_same_column_twice_is_ordered_by_name(frame: pd.DataFrame) -> None:
    twice = frame.assign(**dict.fromkeys(("wave c", "wave a", "wave b"), frame["wave"]))
    names = ["wave c", "wave a", "strong", "wave b"]
    table = rank_factors(study_rows(twice, names, exposure="exposure")).table
    assert [name for name in table["factor"] if name != "strong"] == ["wave a", "wave b", "wave c"]


def test_only_what_says_something_new_is_discovered(rows: Any, model: Any) -> None:
    found = rank_factors(rows, model, NAMES)
    assert found.discoveries(0.01) == ["strong"]
    assert set(rank_factors(rows, None, NAMES).discoveries(0.01)) >= {"strong", "near", "area"}


def test_a_factor_of_the_model_is_not_tested_against_itself(rows: Any, model: Any) -> None:
    found = line(rank_factors(rows, model, ["area", "age"]).table, "area")
    assert found["df"] == 0
    assert math.isnan(found["p_value"])


def test_a_useless_factor_loses_out_of_fold(rows: Any, model: Any) -> None:
    found = line(rank_factors(rows, model, NAMES).table, "many")
    assert found["cv_gain"] < 0 < found["train_gain"]
    assert found["thin_levels"] >= 390
    assert found["coverage"] < 0.1


def test_missing_values_are_a_level_and_a_share(rows: Any) -> None:
    found = line(rank_factors(rows, None, ["gaps"]).table, "gaps")
    assert found["missing_share"] == pytest.approx(0.1, abs=0.02)
    assert found["levels"] == 21


def test_candidates_that_cannot_be_tested_have_a_line_with_the_reason(rows: Any) -> None:
    found = rank_factors(rows, None, ["strong", "stron", "key"], refused={"key": "has more than 10,000 values."})
    errors = found.table.set_index("factor")["error"]
    assert "'strong'" in errors["stron"]
    assert errors["key"] == "has more than 10,000 values."
    assert errors["strong"] == ""
    assert "key was not tested" in found.summary()
    assert len(rank_factors(rows, None, ["stron"]).table) == 1


def test_an_unknown_test_is_refused_with_the_known_ones(rows: Any) -> None:
    with pytest.raises(SpecError, match="likelihood_ratio"):
        rank_factors(rows, None, tests=("likelihood",))  # type: ignore[arg-type]


def odd_rows(seed: int = 3) -> Any:
    frame = claims(6_000, seed)
    late = frame["id"] % 5 == 4
    odd = frame.assign(
        leak=np.where(frame["y"] > 0, "claim", "none"),
        constant="same",
        number=1.0,
        unique=[f"policy {at}" for at in range(len(frame))],
        flag=frame["strong"] == "a",
        drift=np.where(late, frame["group"], np.where(frame["id"] % 2 == 0, "u", "v")),
        hole=np.where(frame["id"] % 2 == 0, np.nan, frame["age"]),
        sample=np.where(late, "validation", "train"),
    )
    names = ["leak", "constant", "number", "unique", "flag", "drift", "hole", "strong"]
    split = Split("column", column="sample", values={"train": ("train",), "validation": ("validation",)})
    request = FitRequest("y", (), exposure="exposure")
    return open_rows(PandasEngine(), odd, request, names, split, ("id",))[0]


def test_a_candidate_of_few_events_is_tested_in_wide_bands() -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(size=4_000)
    frame = pd.DataFrame({"id": np.arange(4_000), "x": x, "y": draw.poisson(0.03 * np.exp(x)).astype(float)})
    line = rank_factors(study_rows(frame, ["x"], ALL_TRAIN)).table.iloc[0]
    assert frame["y"].sum() < 220
    assert line["df"] >= 5
    assert line["p_value"] < 1e-6
    assert "not tested" not in line["flags"]


def test_a_candidate_without_a_test_says_why() -> None:
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"id": np.arange(900), "x": draw.normal(size=900), "a": draw.choice(list("pq"), 900)})
    frame["y"] = (frame["id"] < 15).astype(float)
    rows = study_rows(frame, ["x", "a"], ALL_TRAIN)
    line = rank_factors(rows, None, ["x"]).table.iloc[0]
    assert math.isnan(line["p_value"])
    expected = "not tested: of its 900 rows (15 in evidence) no two levels hold 30 rows and 10 expected events each"
    assert expected in line["flags"]
    rows = study_rows(frame.assign(y=1.0 * (frame["id"] % 5 == 0)), ["x", "a"], ALL_TRAIN)
    again = rank_factors(rows, rows.fit([every_level(rows, "a")]), ["a"]).table.iloc[0]
    assert "not tested: the model has its levels" in again["flags"]


def test_what_is_odd_about_a_candidate_is_flagged() -> None:
    flags = rank_factors(odd_rows()).table.set_index("factor")["flags"]
    assert "leakage? alone it explains" in flags["leak"]
    assert "no event in 'none'" in flags["leak"]
    assert flags["constant"] == flags["number"] == "constant"
    assert "near-unique" in flags["unique"]
    assert "drift: validation differs" in flags["drift"]
    assert "new values" in flags["drift"]
    assert "50% missing" in flags["hole"]
    assert flags["strong"] == flags["flag"] == ""


def test_a_binary_target_has_information_values_and_leaks_by_gini(frame: pd.DataFrame) -> None:
    hit = (frame["y"] > 0).astype(float)
    rows = study_rows(frame.assign(hit=hit, sure=hit * 2), ["sure", "strong"], target="hit", family="binomial")
    table = rank_factors(rows).table
    assert line(table, "strong")["information_value"] > 0.01
    assert line(table, "sure")["gini"] == pytest.approx(1)
    assert "it separates the target" in line(table, "sure")["flags"]
    assert "no non-event in" in line(table, "sure")["flags"]


def test_the_order_of_rows_changes_nothing(frame: pd.DataFrame) -> None:
    tables = [
        rank_factors(study_rows(one, NAMES, exposure="exposure")).table
        for one in (frame, frame.sample(frac=1, random_state=1))
    ]
    pd.testing.assert_frame_equal(*tables, rtol=1e-9, atol=1e-9)


def test_screening_never_touches_rows(frame: pd.DataFrame) -> None:
    rows = study_rows(opaque(frame), NAMES, engine=OpaqueEngine(), exposure="exposure")
    assert len(rank_factors(rows).table) == len(NAMES)


def test_the_holdout_says_nothing(frame: pd.DataFrame) -> None:
    rows = study_rows(frame, NAMES, exposure="exposure")
    sample = rows.engine.with_columns(rows.frame, {"sample_of_row": rows.sample_expression})["sample_of_row"]
    changed = frame.assign(y=np.where(sample == "holdout", frame["y"] + 3, frame["y"]))
    again = study_rows(changed, NAMES, exposure="exposure")
    pd.testing.assert_frame_equal(rank_factors(rows).table, rank_factors(again).table)


def test_floors_are_the_users(rows: Any) -> None:
    coarse = rank_factors(rows, None, ["wave", "group"], rules=ScreeningRules(bands=4, min_rows=500)).table
    assert line(coarse, "wave")["levels"] == 4
    assert line(coarse, "group")["levels"] < 6


def test_foreign_names_are_harmless_in_html_and_svg() -> None:
    frame = claims(2_000, 1)
    rows = study_rows(frame.assign(**{"<script>alert(1)</script>": frame["group"]}), ["<script>alert(1)</script>"])
    found = rank_factors(rows)
    assert "<script>" not in found._repr_html_() + found.plot().svg()
    assert "&lt;script&gt;" in found._repr_html_()
