"""The study by rule and the one-object models: what earns its place is kept, noise is not, scoring is the model's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import GLM, BinningRules, GLMStudy, GLMWorkflow, RateGLM, WorkflowRules, run_workflow
from glm_local.errors import ConfigError, DataError, FitError, SpecError
from tests.suites.workflow_rows import REAL, policies


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return policies()


@pytest.fixture(scope="module")
def result(rows: pd.DataFrame) -> Any:
    return run_workflow(rows, target="claims", exposure="years", key="id", candidates=[*REAL, "noise", "street"])


def test_a_workflow_keeps_what_earns_its_place_and_says_why_not_of_the_rest(result: Any) -> None:
    assert set(result.selected_factors) == set(REAL)
    assert set(result.rejected) == {"noise", "street"}
    assert {one.name for one in result.specs} == set(REAL)
    assert all(reason for reason in result.rejected.values())
    assert result.ranking["factor"].tolist()[:2] in (["score", "segment"], ["segment", "score"])


def test_a_workflow_leaves_ranking_coefficients_reports_and_a_verified_model(result: Any) -> None:
    assert len(result.ranking) == 4
    assert len(result.coefficients) > 3
    assert result.validation_report.samples == ("train", "validation")
    assert result.holdout_report.samples == ("holdout",)
    assert result.finalization.opinion.verdict == "agrees"
    assert result.model.fingerprint == result.finalization.model.fingerprint
    assert {"accepted", "rejected", "finalized"} <= set(result.decisions["event"])
    assert "claims" in result.report(title="A small study")
    assert "score" in result._repr_html_()


def test_scored_rows_have_the_prediction_and_the_sample_and_add_up(result: Any) -> None:
    scored = result.scored()
    assert set(scored["sample"]) == {"train", "validation", "holdout"}
    train = scored[scored["sample"] == "train"]
    assert train["predicted"].sum() == pytest.approx(train["claims"].sum(), rel=1e-9)
    record = {name: value for name, value in train.iloc[5].items() if name not in ("predicted", "sample")}
    assert result.model.predict(record) == pytest.approx(train["predicted"].iloc[5], rel=1e-14)


def test_nothing_but_noise_gives_a_model_of_the_intercept_alone(rows: pd.DataFrame) -> None:
    found = run_workflow(rows, target="claims", exposure="years", key="id", candidates=["noise", "street"])
    assert found.selected_factors == ()
    assert len(found.coefficients) == 1
    chosen = RateGLM("claims", "years", key="id", candidate_factors=["noise", "street"])
    model = chosen.fit(rows)
    assert chosen.selected_factors_ == ()
    train = chosen.result_.scored()
    train = train[train["sample"] == "train"]
    assert train["predicted"].sum() == pytest.approx(train["claims"].sum(), rel=1e-9)
    assert model.document.statistics.parameters == 1


def test_top_n_limits_who_is_tried_and_the_holdout_stays_untouched(rows: pd.DataFrame) -> None:
    study = GLMStudy(rows, target="claims", exposure="years", key="id", candidates=[*REAL, "noise"])
    study.auto_design(top_n=1)
    assert len(study.accepted) == 1
    assert study.history["event"].tolist().count("accepted") == 1
    assert study.state.looks == ()
    workflow = GLMWorkflow("claims", exposure="years", key="id", top_n=1, finalize=False)
    found = workflow.fit(rows, [*REAL, "noise"])
    assert found.selected_factors == study.accepted
    assert found.holdout_report is None
    assert found.study.state.looks == ()


def test_candidates_that_look_like_chance_are_screened_out_with_the_reason(rows: pd.DataFrame) -> None:
    found = run_workflow(
        rows, target="claims", exposure="years", key="id", candidates=[*REAL, "noise"], q=0.01, finalize=False
    )
    assert set(found.selected_factors) == set(REAL)
    assert "screening q " in found.rejected["noise"]


def test_at_most_so_many_factors_leaves_the_most_needed(rows: pd.DataFrame) -> None:
    found = run_workflow(
        rows, target="claims", exposure="years", key="id", candidates=list(REAL), max_factors=1, finalize=False
    )
    assert found.selected_factors == (found.ranking["factor"].iloc[0],)
    removed = found.decisions[found.decisions["event"] == "removed"]
    assert removed["reason"].str.startswith("at most 1 factors").all()
    assert len(removed) == 1


def test_a_true_interaction_is_found_and_kept_and_a_false_one_is_not() -> None:
    rows = policies(crossed=0.8)
    found = run_workflow(
        rows,
        target="claims",
        exposure="years",
        key="id",
        candidates=[*REAL, "gender"],
        interactions=3,
        errors=0.5,
        finalize=False,
    )
    crossed = [name for name in found.selected_factors if ":" in name]
    assert crossed in (["score:segment"], ["segment:score"])
    assert found.interactions is not None
    off = run_workflow(rows, target="claims", exposure="years", key="id", candidates=list(REAL), finalize=False)
    assert off.interactions is None


def test_a_workflow_that_was_stopped_goes_on_where_it_was(
    rows: pd.DataFrame, result: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {
        "target": "claims",
        "exposure": "years",
        "key": "id",
        "candidates": [*REAL, "noise", "street"],
        "store": str(tmp_path),
        "name": "stopped",
    }
    with monkeypatch.context() as patched:
        patched.setattr("glm_local.study.pruning.prune", _stopped)
        with pytest.raises(KeyboardInterrupt):
            run_workflow(rows, **asked)
    again = run_workflow(rows, **asked)
    assert again.model.fingerprint == result.model.fingerprint
    assert again.decisions["event"].tolist().count("accepted") == 2
    before = len(again.decisions)
    assert len(run_workflow(rows, **asked).decisions) == before
    with pytest.raises(ConfigError, match="asked something else"):
        run_workflow(rows, **{**asked, "candidates": list(REAL)})


def test_a_workflow_split_by_time_is_the_same_when_it_is_run_again(rows: pd.DataFrame, tmp_path: Path) -> None:
    split = {"method": "time", "column": "id"}
    asked = {"target": "claims", "key": "id", "candidates": ["segment"], "store": str(tmp_path), "split": split}
    first, second = (run_workflow(rows, **asked) for _ in range(2))
    assert first.model.fingerprint == second.model.fingerprint


def _stopped(*_: object) -> None:
    raise KeyboardInterrupt


def test_rules_that_make_no_sense_are_refused_before_any_row_is_seen() -> None:
    with pytest.raises(ConfigError, match="Nearest: 'top_n'"):
        GLMWorkflow("claims", topn=3)
    with pytest.raises(ConfigError, match="given twice"):
        GLMWorkflow("claims", rules=WorkflowRules(), top_n=3)
    with pytest.raises(ConfigError) as told:
        WorkflowRules(q=0, top_n=0, max_factors=0)
    assert [one.path for one in told.value.problems] == ["q", "top_n", "max_factors"]
    with pytest.raises(ConfigError, match="level"):
        WorkflowRules(level=0)
    with pytest.raises(ConfigError):
        RateGLM("claims", "years", topn=3)
    with pytest.raises(ConfigError, match="exposure"):
        RateGLM("claims", None)


# -- one-object models ----------------------------------------------------------------------------------------------


def test_a_model_fits_predicts_and_reports(rows: pd.DataFrame) -> None:
    glm = GLM("claims", exposure="years", key="id")
    bins = glm.bins(rows, "score", 5)
    model = glm.fit(rows, [bins])
    scored = glm.predict(rows)
    assert scored["predicted"].sum() == pytest.approx(rows["claims"].sum(), rel=1e-9)
    pd.testing.assert_series_equal(scored["predicted"].iloc[[7]], glm.predict(rows.iloc[[7]])["predicted"])
    report = glm.report(rows, bands=5)
    assert len(report.calibration) == len(report.lift) == 5
    assert report.summary["rows"].iloc[0] == len(rows)
    assert model.document.spec.exposure == "years"


def test_a_model_without_factors_predicts_the_total(rows: pd.DataFrame) -> None:
    glm = GLM("claims", exposure="years")
    glm.fit(rows, [])
    assert glm.predict(rows)["predicted"].sum() == pytest.approx(rows["claims"].sum(), rel=1e-12)


def test_optimal_bins_take_fixed_factors_as_offset(rows: pd.DataFrame) -> None:
    glm = GLM("claims", exposure="years", key="id")
    alone = glm.optimize(rows, "score", max_bins=4)
    fixed = glm.optimize(rows, "segment", fixed_factors=[alone.spec])
    assert alone.spec is not None
    assert fixed.spec is not None
    assert len(alone.groups) <= 4
    levels = glm.apply(rows, alone.spec, fixed.spec)
    assert levels["score_bin"].notna().all()
    assert levels["segment_bin"].nunique() <= rows["segment"].nunique()
    strict = glm.optimize(rows, "score", BinningRules(min_rows=len(rows)))
    assert strict.spec is None or len(strict.groups) == 1


def test_applying_bins_leaves_every_column_as_it_was_and_scores_the_same(rows: pd.DataFrame) -> None:
    glm = GLM("claims", exposure="years", key="id")
    bins = glm.bins(rows, "score", 5)
    glm.fit(rows, [bins])
    applied = glm.apply(rows, bins)
    pd.testing.assert_frame_equal(applied[rows.columns], rows)
    pd.testing.assert_series_equal(glm.predict(applied)["predicted"], glm.predict(rows)["predicted"])
    with pytest.raises(ConfigError, match="score_bin"):
        glm.apply(applied, bins)
    pd.testing.assert_frame_equal(glm.apply(applied, bins, overwrite=True), applied)
    with pytest.raises(ConfigError, match="replaced unasked"):
        glm.apply(rows, bins, suffix="")


SCORE: dict[str, Any] = {"kind": "numeric", "name": "score", "column": "x", "missing": "own_level"}
FEW = pd.DataFrame(
    {
        "x": [1.0, 2, 3, 4, 100, 6],
        "y": [0.0, 1, 0, 2, 1, 3],
        "area": list("aabbcc"),
        "id": range(6),
        "hours": [1.0, 1, 1, 1, 1, 1],
    }
)


def test_bins_of_a_few_rows_ask_for_no_folds() -> None:
    glm = GLM("y", exposure="hours")
    assert len(glm.bins(FEW, "x", 3).edges) == 2
    groups = glm.bins(FEW, "area", 2)
    assert len(groups.levels) == 2
    fitted = glm.fit(FEW, [groups, glm.bins(FEW.head(1), "x")])
    assert fitted.predict(FEW)["prediction"].sum() == pytest.approx(FEW["y"].sum())


def test_bins_are_of_the_method_and_number_their_specification_asks_for() -> None:
    glm = GLM("y")
    rule = {"method": "uniform", "bins": 3}
    assert list(glm.bins(FEW, {**SCORE, "edges": rule}).edges) == [34.0, 67.0]
    assert list(glm.bins(FEW, "x", 3, method="uniform").edges) == [34.0, 67.0]
    assert list(glm.bins(FEW, {**SCORE, "edges": rule}, 2).edges) == [50.5]
    assert list(glm.bins(FEW, {**SCORE, "edges": rule}, method="quantile").edges) == [2.0, 4.0]
    assert len(glm.bins(FEW, {**SCORE, "edges": {"method": "quantile", "bins": 2}}).edges) == 1
    assert list(glm.bins(FEW, {**SCORE, "edges": [2.5, 50]}).edges) == [2.5, 50]
    for policy in ("refuse", "base", "own_level"):
        found = glm.bins(FEW, {**SCORE, "edges": rule, "missing": policy})
        assert (list(found.edges), found.missing) == ([34.0, 67.0], "base" if policy == "own_level" else policy)
        area = {"kind": "categorical", "name": "area", "column": "area", "missing": policy, "unseen": "refuse"}
        assert glm.bins(FEW, area, 2).unseen == "refuse"
    with pytest.raises(ConfigError, match="'area' is categorical"):
        glm.bins(FEW, "area", method="uniform")
    with pytest.raises(SpecError, match="Nearest: 'uniform'"):
        glm.bins(FEW, "x", method="unifrom")
    with pytest.raises(DataError, match="Nearest: 'area'"):
        glm.bins(FEW, "aera")


def test_an_applied_level_is_the_base_where_the_model_says_base() -> None:
    rows = pd.DataFrame({"area": ["a", "a", "b", None, "c"], "y": [1.0, 2.0, 3.0, 1.0, 0.0]})
    area = {
        "kind": "categorical",
        "name": "area",
        "column": "area",
        "levels": ["a", "b"],
        "missing": "base",
        "unseen": "base",
    }
    glm = GLM("y")
    assert glm.apply(rows, area)["area_bin"].tolist() == ["a", "a", "b", "(base level)", "(base level)"]
    glm.fit(rows, [area])
    assert glm.apply(rows, area)["area_bin"].tolist() == ["a", "a", "b", "a", "a"]
    named = GLM("y").apply(rows, {**area, "base": {"level": "b"}})
    assert named["area_bin"].tolist() == ["a", "a", "b", "b", "b"]


AREA: dict[str, Any] = {
    "kind": "categorical",
    "name": "area",
    "column": "area",
    "levels": ["a", "b"],
    "missing": "base",
    "unseen": "base",
}
AGE: dict[str, Any] = {"kind": "numeric", "name": "age", "column": "age", "edges": [30], "missing": "own_level"}
POWER: dict[str, Any] = {
    "kind": "linear",
    "name": "power",
    "column": "power",
    "missing": 3,
    "centre": "mean",
    "cap": {"upper": 8},
}
CROSSED: dict[str, Any] = {"kind": "interaction", "name": "area:age", "factors": ["area", "age"], "unseen": "base"}


def cars() -> pd.DataFrame:
    draw, n = np.random.default_rng(8), 600
    rows = pd.DataFrame(
        {
            "area": draw.choice(["a", "b", "c", None], n),
            "age": draw.choice([20.0, 40.0, np.nan], n),
            "power": draw.choice([2.0, 5.0, 9.0, np.nan], n),
        }
    )
    rows = rows[~((rows["area"] == "b") & rows["age"].isna())].reset_index(drop=True)
    return rows.assign(y=draw.poisson(1.0 + (rows["area"] == "b") * (rows["age"] == 40)))


@pytest.mark.parametrize("coding", ["net_of_margins", "cells"])
def test_rows_of_one_applied_cell_and_number_have_one_prediction(coding: str) -> None:
    rows, crossed = cars(), {**CROSSED, "coding": coding}
    factors = [AREA, AGE, POWER, crossed]
    glm = GLM("y")
    glm.fit(rows, factors)
    more = pd.concat(
        [rows, pd.DataFrame({"area": ["b"], "age": [np.nan], "power": [2.0], "y": [0]})], ignore_index=True
    )
    applied = glm.apply(glm.predict(more), *factors)
    names = ["area_bin", "age_bin", "area:age_bin", "power_value"]
    assert applied[names].notna().all(axis=None)
    assert set(applied["area_bin"]) == {"a", "b"}
    assert (applied.groupby(names)["predicted"].agg(lambda one: one.max() - one.min()) < 1e-12).all()
    seen = applied.head(len(rows))
    assert (seen["area:age_bin"] == seen["area_bin"] + " × " + seen["age_bin"]).all()
    base = glm.model_.document.factors[-1].learned.base
    assert applied["area:age_bin"].iloc[-1] == (base if coding == "cells" else "(pooled cells)")
    capped = more["power"].fillna(3).clip(upper=8)
    assert (applied["power_value"] - capped).std() == pytest.approx(0, abs=1e-12)
    alone = glm.apply(rows, crossed)
    pd.testing.assert_series_equal(alone["area:age_bin"], seen["area:age_bin"])


def test_no_verb_replaces_a_column_unasked(rows: pd.DataFrame, result: Any) -> None:
    glm = GLM("claims", exposure="years")
    model = glm.fit(rows, [glm.bins(rows, "score", 4)])
    verbs: dict[str, Any] = {
        "prediction": lambda frame, **more: model.predict(frame, **more),
        "claims": lambda frame, **more: model.predict(frame, output="claims", **more),
        "predicted": lambda frame, **more: glm.predict(frame, **more),
        "score_level": lambda frame, **more: model.with_levels(frame, **more),
        "score": lambda frame, **more: model.with_levels(frame, suffix="", **more),
    }
    for column, verb in verbs.items():
        frame = rows if column in rows else rows.assign(**{column: -1.0})
        with pytest.raises(ConfigError, match=f"{column!r} is there already"):
            verb(frame)
        assert len(verb(frame, overwrite=True).columns) == len(frame.columns)
    with pytest.raises(ConfigError, match="'claims' is there already"):
        result.scored(prediction="claims")
    with pytest.raises(ConfigError, match="'years' is there already"):
        result.scored(sample="years")


def test_ranking_puts_the_real_factors_first(rows: pd.DataFrame) -> None:
    table = GLM("claims", exposure="years", key="id").rank(rows, ["noise", "score", "segment"]).table
    assert table["factor"].tolist()[-1] == "noise"
    assert len(table) == 3
    assert {"p_value", "missing_share", "coverage"} <= set(table.columns)


@pytest.mark.parametrize(("family", "target"), [("gamma", "cost"), ("binomial", "any"), ("gaussian", "score")])
def test_other_families_are_fitted_by_the_same_object(rows: pd.DataFrame, family: str, target: str) -> None:
    used = rows.assign(cost=rows["claims"] * 100 + 50 + rows["noise"].abs(), any=(rows["claims"] > 0).astype(float))
    glm = GLM(target, family, key="id")
    glm.fit(used, [glm.optimize(used, "segment").spec or glm.bins(used, "segment")])
    predicted = glm.predict(used)["predicted"]
    if family != "gaussian":
        assert (predicted > 0).all()
    assert predicted.mean() == pytest.approx(used[target].mean(), rel=0.2)


def test_a_bare_column_is_no_factor_and_a_model_is_needed_first(rows: pd.DataFrame) -> None:
    with pytest.raises(SpecError, match="only a name"):
        GLM("claims").fit(rows, ["score"])
    with pytest.raises(ConfigError, match="no model yet"):
        GLM("claims").predict(rows)
    with pytest.raises(ConfigError, match="given twice"):
        GLM("claims").optimize(rows, "score", BinningRules(), max_bins=3)
    with pytest.raises(SpecError, match="is made of 'score', which is not known"):
        GLM("claims").apply(rows, {**CROSSED, "factors": ["score", "segment"]})


def test_a_rate_model_that_chooses_has_the_chosen_specifications_never_raw_columns(rows: pd.DataFrame) -> None:
    rate = RateGLM("claims", "years", key="id", candidate_factors=[*REAL, "noise", "street"], top_n=3)
    model = rate.fit(rows)
    assert set(rate.selected_factors_) == set(REAL)
    assert {one.kind for one in rate.specs_} <= {"numeric", "categorical"}
    assert tuple(model.document.factors) == rate.specs_
    assert len(model.document.factors[0].document()) > 3
    assert rate.identified_factors_ is not None
    assert len(rate.identified_factors_) == 4
    assert rate.validation_report_ is not None
    assert rate.result_ is not None
    assert rate.result_.study.state.looks == ()
    assert "predicted_count" in rate.predict(rows.head(3)).columns


def test_a_rate_model_takes_given_factors_too(rows: pd.DataFrame) -> None:
    rate = RateGLM("claims", "years")
    spec = {"kind": "categorical", "name": "segment", "column": "segment", "missing": "own_level", "unseen": "base"}
    model = rate.fit(rows, [spec], ridge=1.0)
    assert rate.selected_factors_ == ("segment",)
    assert (rate.result_, rate.identified_factors_, rate.validation_report_) == (None, None, None)
    assert model.document.spec.ridge == 1.0
    with pytest.raises(ConfigError, match="neither factors nor candidates"):
        rate.fit(rows)
    with pytest.raises((DataError, FitError)):
        RateGLM("claims", "yaers", candidate_factors=["segment"]).fit(rows)
