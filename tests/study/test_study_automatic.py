from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local.binning.rules import BinningRules
from glm_local.errors import ConfigError, DataError
from glm_local.on_pandas.studies import GLMStudy
from tests.study.study_rows import AGE, AREA, motor_frame, motor_study


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return motor_frame()


@pytest.fixture(scope="module")
def designed(frame: pd.DataFrame) -> GLMStudy:
    return motor_study(frame).auto_design(interactions=2)


def test_an_automatic_study_keeps_what_matters_and_rejects_noise(designed: GLMStudy) -> None:
    assert {"age", "area"} <= set(designed.accepted)
    assert not {"noise", "wobble"} & set(designed.accepted)
    assert {"noise", "wobble"} <= set(designed.state.rejected)
    assert all(designed.state.rejected.values())


def test_an_automatic_study_finds_the_true_interaction(designed: GLMStudy) -> None:
    assert "age:area" in designed.accepted or "area:age" in designed.accepted
    said = designed.state.interactions
    assert said is not None
    assert {said["table"][0]["first"], said["table"][0]["second"]} == {"age", "area"}


def test_running_it_again_adds_nothing(designed: GLMStudy) -> None:
    before = len(designed.history)
    designed.auto_design(interactions=2)
    assert len(designed.history) == before


@pytest.mark.parametrize("noise", [(), ("noise", "wobble")])
def test_a_design_stopped_after_any_decision_goes_on_to_the_same_history(
    noise: tuple[str, ...], frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed, study = begun(frame, noise).auto_design(interactions=2), begun(frame, noise)
    whole, commit = steps(undisturbed), study.commit
    assert any(step.startswith("removed") for step in whole) or not noise
    for _ in range(len(whole)):

        def once(facts: Any) -> Any:
            monkeypatch.setattr(study, "commit", stopped)
            return commit(facts)

        monkeypatch.setattr(study, "commit", once)
        try:
            study.auto_design(interactions=2)
            break
        except InterruptedError:
            assert steps(study) == whole[: len(study.history)]
    assert steps(study) == whole
    monkeypatch.setattr(study, "commit", commit)
    coefficients = [one.finalize(reason="as the other").model.coefficients for one in (study, undisturbed)]
    assert coefficients[0] == coefficients[1]


def begun(frame: pd.DataFrame, noise: tuple[str, ...]) -> GLMStudy:
    """A study in which somebody accepted noise."""
    study = motor_study(frame)
    for name in noise:
        study.factor(name).optimize(size=3)
        study.factor(name).accept("for the test")
    return study


def stopped(_: Any) -> Any:
    raise InterruptedError


def steps(study: GLMStudy) -> list[str]:
    return [" ".join(map(str, line)) for line in study.history[["event", "factor", "reason"]].fillna("").to_numpy()]


def test_only_the_best_are_tried_when_so_many_are_asked_for(frame: pd.DataFrame) -> None:
    study = motor_study(frame).auto_design(top_n=1)
    assert len(study.accepted) == 1
    assert list(study.history["event"]).count("accepted") == 1
    assert study.state.looks == ()


def test_a_name_that_is_no_candidate_is_told_the_nearest(frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="Nearest: 'age'"):
        motor_study(frame).auto_design(candidates=["agee"])
    with pytest.raises(DataError, match="Nearest: 'age'"):
        motor_study(frame).factor("agee").optimize()


def test_a_useless_factor_is_not_kept_because_it_was_optimized(frame: pd.DataFrame) -> None:
    draw = np.random.default_rng(9)
    many = frame.assign(branch=draw.choice([f"b{at:02d}" for at in range(60)], len(frame)))
    study = motor_study(many, candidates=["branch"]).auto_design()
    assert study.accepted == ()
    assert "branch" in study.state.rejected


def test_a_candidate_that_knows_the_target_is_not_tried(frame: pd.DataFrame) -> None:
    study = motor_study(frame.assign(paid=frame["claims"] * 1000.0), candidates=["age", "paid"]).auto_design()
    assert study.accepted == ("age",)
    assert "leakage" in study.state.rejected["paid"]


def test_a_table_of_noise_ends_with_the_intercept_and_can_be_finalized(frame: pd.DataFrame) -> None:
    study = motor_study(frame, candidates=["noise", "wobble"]).auto_design()
    assert study.accepted == ()
    found = study.finalize()
    marked = study.bench.rows.engine.with_columns(
        study.bench.rows.frame, {"sample": study.bench.rows.sample_expression}
    )
    train = marked[marked["sample"] == "train"]
    estimate = found.model.coefficients[0].estimate
    assert estimate == pytest.approx(np.log(train["claims"].sum() / train["exposure"].sum()))


def test_refining_holds_the_others_as_offset_and_never_loses_out_of_fold(frame: pd.DataFrame) -> None:
    study = motor_study(frame)
    study.factor("age").coarse_bins(2).accept()
    study.factor("area").target_order(2).accept()
    before = study.current().cross_validation
    assert study.refine_factor("age", reason="two bins are too few", accept=True)
    gain, _ = study.current().cross_validation.gain_over(before)
    assert gain > 0
    event = study._history.events[-1]
    assert (event.kind, event.factor, event.reason) == ("refined", "age", "two bins are too few")
    assert study.accepted == ("age", "area")
    rounds = study.refine_all(accept=True)
    assert 1 <= rounds <= 3
    assert study.refine_all(accept=True) == 1
    assert study.design["area"].name == "area"


def test_refining_proposes_and_changes_nothing_until_it_is_accepted(frame: pd.DataFrame) -> None:
    study = motor_study(frame)
    study.factor("age").coarse_bins(2).accept()
    study.factor("area").target_order(2).accept()
    design, before = study.design, study.current().cross_validation
    assert study.refine_factor("age", reason="two bins are too few")
    assert study.design == design
    event = study._history.events[-1]
    assert (event.kind, event.factor, event.reason) == ("proposed", "age", "two bins are too few")
    found = study.compare("age")
    assert found.cv_gain > 0
    assert study.refine_all() >= 1
    assert study.design == design
    study.accept("age", reason="better out of fold")
    assert study._history.events[-1].kind == "refined"
    assert study.current().cross_validation.gain_over(before)[0] == pytest.approx(found.cv_gain)
    assert not study.refine_factor("age")
    derived = study.replay().derived
    assert set(derived["event"]) == {"optimized"}
    assert derived["same"].all()


def test_refining_leaves_pinned_and_crossed_factors_alone(frame: pd.DataFrame) -> None:
    study = motor_study(frame)
    study.accept("area", AREA).accept("age", AGE).accept_interaction("age", "area", "they go together")
    study.factor("power").coarse_bins(2).accept()
    study.factor("power").pin({"missing": 1.1}).accept()
    design = study.design
    assert study.refine_all() == 0
    study.refine_all(accept=True)
    lines = study._history.events[-1].payload["evidence"]["factors"]
    assert study.design == design
    assert {one["why"] for one in lines if "why" in one} >= {
        "an interaction is made of its levels",
        "it is not made of pre-bins",
        "its relativities are pinned",
    }


def test_rules_hold_in_everything_automatic(frame: pd.DataFrame) -> None:
    study = motor_study(frame).auto_design(rules=BinningRules(max_bins=3, trend="descending"))
    for spec in study.design.factors:
        edges = getattr(spec, "edges", ())
        assert len(edges) <= 2


def test_an_interaction_is_tested_by_a_joint_fit_and_accepted_net_of_its_margins(frame: pd.DataFrame) -> None:
    study = motor_study(frame)
    study.accept("area", AREA).accept("age", AGE)
    ranking = study.find_interactions()
    assert list(ranking.table[["first", "second"]].iloc[0]) == ["area", "age"]
    found = study.test_interaction("age", "area")
    assert found.comparison.df <= 4
    assert found.comparison.p_value is not None
    assert found.comparison.p_value < 0.01
    assert "age:area" in study.state.proposals
    assert "age:area" not in study.accepted
    study.accept_interaction("age", "area", "young in town")
    model = study.model.document
    assert not [one for one in model.coefficients if one.status == "aliased"]
    assert study.design["age:area"].coding == "net_of_margins"  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="Remove 'age:area' first"):
        study.remove("age")
    study.remove("age:area").remove("age")
    with pytest.raises(ConfigError, match="is not in the model"):
        study.test_interaction("age", "area")
    with pytest.raises(ConfigError, match="1 factor"):
        study.find_interactions()


def test_ranking_is_against_the_current_model(frame: pd.DataFrame) -> None:
    study = motor_study(frame.assign(age_again=frame["age"] // 2))
    alone = study.rank_candidates().table.set_index("factor")
    assert alone.loc["age_again", "p_value"] < 1e-10
    study.factor("age").optimize().accept()
    beside = study.rank_candidates().table.set_index("factor")
    assert beside.loc["age_again", "cv_gain"] < 0.2 * alone.loc["age_again", "cv_gain"]
    assert list(study.history["event"]).count("ranked") == 2


@pytest.mark.parametrize(
    ("family", "link", "make"),
    [
        ("gamma", None, lambda frame: np.exp(frame["mean"]) * 500),
        ("gaussian", None, lambda frame: frame["mean"] * 10),
        ("binomial", None, lambda frame: (frame["draw"] < 1 / (1 + np.exp(-frame["mean"]))).astype(float)),
        ("tweedie(1.5)", "log", lambda frame: np.exp(frame["mean"]) * 3),
        ("poisson", "identity", lambda frame: 2 + frame["mean"].clip(0, 1)),
    ],
)
def test_a_study_of_any_family_goes_from_rows_to_a_verified_model(
    frame: pd.DataFrame, family: str, link: str | None, make
) -> None:  # type: ignore[no-untyped-def]
    draw = np.random.default_rng(3)
    mean = 0.6 * (frame["age"] < 30) + 0.3 * (frame["area"] == "D") + draw.normal(0, 0.3, len(frame))
    rows = frame.assign(mean=mean, draw=draw.random(len(frame))).head(4000)
    rows = rows.assign(y=make(rows))
    study = GLMStudy(
        rows, target="y", family=family, link=link, key="policy", candidates=["age", "area", "noise"], name=family
    )
    study.auto_design()
    assert "age" in study.accepted
    found = study.finalize()
    assert found.opinion is not None
    assert found.opinion.verdict == "agrees", str(found.opinion)
    again = study.replay()
    assert again.same
    assert again.derived["same"].all()


def test_a_candidate_without_values_is_refused_with_a_reason_and_may_be_given_a_spec(frame: pd.DataFrame) -> None:
    study = motor_study(frame.assign(empty=np.nan), candidates=["age", "empty"])
    with pytest.raises(DataError, match="'empty' has no pre-bins"):
        study.factor("empty").optimize()
    assert "no known value" in study.state.learned["refused"]["empty"]
    table = study.rank_candidates().table.set_index("factor")
    assert "no known value" in table.loc["empty", "error"]


def test_a_factor_that_divides_fine_codes_takes_one_more_pass_and_is_the_same_model(frame: pd.DataFrame) -> None:
    study = motor_study(frame)
    study.accept("age", AGE)
    passes = study._environment.engine.passes
    before = passes.raw
    linear = {"kind": "linear", "name": "wobble", "column": "wobble", "missing": 0}
    study.accept("wobble", linear, reason="to see")
    assert passes.raw == before + 1
    assert study.finalize(verify=False).largest_difference <= 1e-10


def test_an_automatic_design_leaves_bins_a_person_set_and_keeps_the_rules_of_an_optimized_factor(
    frame: pd.DataFrame,
) -> None:
    study = motor_study(frame)
    study.factor("power").set_spec(
        {"kind": "numeric", "name": "power", "column": "power", "edges": [6.5], "missing": "own_level"}
    ).accept("the tariff says so")
    study.factor("age").optimize(BinningRules(max_bins=3, trend="descending")).accept("falls with age")
    power = study.design["power"]
    study.auto_design()
    assert study.design["power"] == power
    age = study.model.coefficients.query("factor == 'age' and level != 'missing'")["estimate"].to_numpy()
    assert len(age) <= 3
    assert (np.diff(age) <= 1e-9).all()
