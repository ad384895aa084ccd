"""What is kept is there, what is printed is the gain to expect: a short run of tests/benchmarks/honesty, and its parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.gam.api import BSplines, GLMGam
from statsmodels.genmod import families

from glm_local.binning.rules import BinningRules
from glm_local.binning.searched import Searched
from glm_local.candidates.measured_model import sample_deviances
from glm_local.errors import ArgumentError, ConfigError
from glm_local.on_pandas.studies import GLMStudy
from glm_local.study.design import Change, Design
from glm_local.study.keeping import KeepingRule
from glm_local.study.pruning import prune
from glm_local.workflow.rules import WorkflowRules
from tests.benchmarks.honesty.captured import captured
from tests.benchmarks.honesty.captured_losses import LOSSES
from tests.benchmarks.honesty.captured_methods import DEFAULT, ORACLE
from tests.benchmarks.honesty.captured_truth import known_rows, truth_of
from tests.benchmarks.honesty.kept import kept
from tests.benchmarks.honesty.spline_gam import SplineGam
from tests.study.study_rows import motor_frame, motor_study


def noise_rows(seed: int, rows: int = 4_000) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "y": draw.poisson(0.2, rows).astype(float),
            "agent": [f"a{one:02d}" for one in draw.integers(0, 50, rows)],
            "wave": draw.normal(size=rows),
        }
    )


def noise_study(seed: int) -> GLMStudy:
    return GLMStudy(noise_rows(seed), target="y", key="id", candidates=["agent", "wave"], name="s", user="ann")


def searched_of(study: GLMStudy, name: str) -> Searched:
    spec = study.factor(name).spec
    assert spec is not None
    found = study.search_of(spec)
    assert found is not None
    return found


def test_bins_searched_in_noise_print_no_gain_and_say_where_their_p_value_is_from() -> None:
    for seed in range(4):
        study = noise_study(seed)
        found = study.factor("agent").optimize(size=5).compare()
        assert found.p_value is not None
        assert found.p_value < 0.001
        assert found.cv_gain < 0
        assert found.screening is not None
        assert found.screening.p_value is not None
        assert found.screening.p_value > 0.001
        assert found.verdict().startswith("not kept: screening q ")
        assert "(bins searched on the same rows)" in found.verdict()
        assert found.table["p_of"].item() == "bins searched on the same rows"
        study.accept("agent", reason="to see")
        evidence = study._history.events[-1].payload["evidence"]
        assert (evidence["p_of"], evidence["searched"]) == ("bins searched on the same rows", True)
        assert evidence["cv_gain"] == found.cv_gain
        assert "(bins searched on the same rows)" in study.report()
        assert study.remove("agent").state.decided[-1].event.payload["evidence"]["searched"]


def test_a_study_of_noise_keeps_nothing() -> None:
    assert kept(6, 1_500, true=0, candidates=9).noise_any == 0


def test_the_gain_that_is_printed_is_the_gain_to_expect() -> None:
    found = kept(6, 3_000, true=2, candidates=4, size=0.6)
    assert found.power == 1
    assert abs(found.printed - found.expected) < 3 * found.error
    assert found.printed == pytest.approx(found.expected, rel=0.2)


def test_an_automatic_study_captures_most_of_the_deviance_there_is_to_gain() -> None:
    study = captured(20_000, 0, (DEFAULT, ORACLE), size=2.0, judged=20_000, with_losses=True)
    assert (study.kept, study.noise) == (5, 0)
    assert study.shares[DEFAULT] > 0.82  # .858 when this was written, and .804 by the rule before
    assert 0.97 < study.shares[ORACLE] < 1
    lost = sum(value for (_, reason), value in study.lost.items() if reason in LOSSES)
    assert lost == pytest.approx(1 - study.shares[DEFAULT], abs=0.02)


def test_the_gam_that_studies_are_held_against_is_the_one_of_statsmodels() -> None:
    names = ["slope", "valley"]
    rows = known_rows(truth_of(0), 4_000, (0, 0)).frame
    model = SplineGam(names, vanishing=False).fit(rows)
    basis = BSplines(rows[names].to_numpy(dtype=float), df=[10, 10], degree=[3, 3])
    # Parts are the intercept, and of each spline its straight line and its bends; statsmodels doubles a penalty.
    penalty = model.smoothing[[2, 4]] / 2
    intercept = np.ones((len(rows), 1))
    other = GLMGam(rows["y"], exog=intercept, smoother=basis, alpha=penalty, family=families.Poisson()).fit()
    assert model.predict(rows) == pytest.approx(other.fittedvalues, rel=1e-3)


def test_groups_in_target_order_are_judged_by_orders_learned_without_the_fold() -> None:
    study = noise_study(1)
    found = study.factor("agent").target_order(5).compare()
    assert found.searched
    assert found.cv_gain < 0


def test_a_factor_that_is_masked_at_first_is_found_beside_what_masks_it() -> None:
    draw = np.random.default_rng(2)
    rows = 6_000
    one = draw.integers(0, 2, rows)
    other = np.where(draw.random(rows) < 0.8, 1 - one, one)
    y = draw.poisson(np.exp(-1.2 + 0.6 * one + 0.36 * other)).astype(float)
    frame = pd.DataFrame({"id": np.arange(rows), "y": y, "one": one, "other": other})
    for at in range(8):
        frame[f"n{at}"] = draw.normal(size=rows)
    names = [name for name in frame if name not in ("id", "y")]
    study = GLMStudy(frame, target="y", key="id", candidates=names, name="s")
    first = study.rank_candidates().table.set_index("factor")
    masked = "other" if first.loc["other", "p_value"] > first.loc["one", "p_value"] else "one"
    assert set(study.auto_design().accepted) == {"one", "other"}
    tests = study.state.screened
    assert tests[masked]["design"] != study.state.versions[0]["design"] or tests[masked]["p_value"] < 0.01


def test_bins_that_were_searched_for_stay_so_under_any_name_and_when_they_are_merged() -> None:
    study = motor_study()
    study.factor("age").optimize(size=4)
    gains = searched_of(study, "age").optimism
    given = study.factor("age").spec
    assert given is not None
    study.factor("age").set_spec({**given.document(), "notes": [], "base": {"level": "(27, 44]"}})
    assert searched_of(study, "age").optimism.tolist() == gains.tolist()
    study.factor("age").optimize(size=4)
    levels = [str(one) for one in study.factor("age").bin_table()["level"]][:2]
    study.factor("age").merge(*levels)
    assert searched_of(study, "age").optimism.tolist() == gains.tolist()
    study.factor("age").coarse_bins(4)
    spec = study.factor("age").spec
    assert spec is not None
    assert study.search_of(spec) is None


def test_a_search_knows_its_gain_without_each_fold_size_included() -> None:
    study = motor_study()
    study.factor("age").optimize()
    found = searched_of(study, "age")
    assert len(found.gains) == len(found.held) == len(found.sizes) == 5
    assert Searched.read(found.document()) == found
    fixed = motor_study()
    fixed.factor("age").optimize(size=3)
    assert set(searched_of(fixed, "age").sizes) == {3}


def test_levels_as_given_keep_their_own_test_and_need_more_than_one_standard_error() -> None:
    study = motor_study()
    found = study.compare(
        "age", {"kind": "numeric", "name": "age", "column": "age", "edges": [27, 60], "missing": "base"}
    )
    assert not found.searched
    assert found.screening is None
    assert found.p_of == "levels as given"
    assert found.earns_its_place()
    assert not found.earns_its_place(KeepingRule(errors=1e6))


def test_bic_is_refused_for_categories_before_anything_is_tried() -> None:
    study = noise_study(0)
    with pytest.raises(ConfigError, match="cross_validated"):
        study.factor("agent").optimize(size="bic")
    with pytest.raises(ConfigError, match="'agent' is categorical"):
        study.auto_design(rules=BinningRules(size="bic"))
    assert study.state.rejected == {}


def test_bic_pays_for_the_place_of_every_cut() -> None:
    kept_noise = 0
    for seed in range(12):
        study = noise_study(seed)
        kept_noise += study.factor("wave").optimize(size="bic").spec is not None
    assert kept_noise <= 1


def test_the_rule_before_is_there_by_name_and_its_words_are_checked() -> None:
    old = KeepingRule("likelihood_ratio")
    assert (old.most_q, old.test_level, old.least_errors) == (1.0, 0.01, 1.0)
    study = motor_study().auto_design(keep="likelihood_ratio", rules=BinningRules(size="one_standard_error"))
    assert {"age", "area"} <= set(study.accepted)
    with pytest.raises(ArgumentError, match="'screening'"):
        motor_study().auto_design(keep="screning")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="'screening'"):
        KeepingRule("screning")  # type: ignore[arg-type]
    assert WorkflowRules(keep="likelihood_ratio").plan.keeping == old


def test_the_two_questions_are_answered_apart_in_the_history() -> None:
    study = motor_study(motor_frame()).auto_design()
    accepted = [one for one in study._history.events if one.kind == "accepted"]
    rejected = [one for one in study._history.events if one.kind == "rejected"]
    assert accepted
    for one in accepted:
        evidence = one.payload["evidence"]
        assert evidence["screening"]["q_value"] <= 0.05
        assert evidence["cv_gain"] > 0
        assert "screening q " in str(one.reason)
        assert "out-of-fold gain of the search" in str(one.reason)
    assert {one.factor for one in rejected} == {"noise", "wobble"}
    assert all("screening q " in str(one.reason) for one in rejected)


def test_a_study_that_loses_on_validation_says_so_on_its_first_page() -> None:
    study = next(one for one in map(noise_study, range(20)) if _lost(one))
    page = study.report()
    assert "Validation speaks against the accepted factors" in page
    assert "Kept although the validation gain was negative when decided: agent (" in page
    assert page.index("Validation speaks against") < page.index("Decisions taken</h2>")
    sound = motor_study().auto_design()
    assert sound.validation_gain is not None
    assert sound.validation_gain > 0
    assert "Validation speaks against" not in sound.report()


def _lost(study: GLMStudy) -> bool:
    """Whether a noise factor that is accepted loses on validation, as recorded and as measured."""
    study.factor("agent").optimize(size=5).accept("to see")
    recorded, now, nothing = study.validation_gain, study.current().validation, study.bench.fitted(Design()).validation
    assert recorded is not None
    assert now is not None
    assert nothing is not None
    assert recorded == pytest.approx(nothing.deviance - now.deviance)
    return recorded < 0


def test_each_kept_factor_shows_its_holdout_gain_after_finalize_for_one_packed_pass() -> None:
    study = motor_study().auto_design()
    assert "holdout gain" not in study.report()
    passes = study._environment.engine.passes
    before = len(passes.passes)
    study.finalize(verify=False)
    assert [one.purpose for one in passes.passes[before:]].count("holdout gains") == 1
    gains = (study.state.finalized or {})["holdout_gains"]
    assert set(gains) == set(study.accepted)
    rows = study.bench.rows
    whole = sample_deviances(rows, study.current().model, ("holdout",))["holdout"].deviance
    for name, gain in gains.items():
        without = study.fitted(study.design.after([Change(name)])).model
        refitted = sample_deviances(rows, without, ("holdout",))["holdout"].deviance - whole
        assert gain == pytest.approx(refitted, rel=0.15, abs=1.0)
    assert "holdout gain" in study.report()


def test_a_factor_whose_searched_bins_are_pruned_by_their_own_test_says_so() -> None:
    study = noise_study(3)
    study.factor("wave").optimize(size=2).accept("to see")
    prune(study, KeepingRule("likelihood_ratio", level=1e-9), lambda step: step)
    assert study.accepted == ()
    assert "(bins searched on the same rows)" in str(study.state.decided[-1].event.reason)
    study.undo()
    prune(study, KeepingRule(level=1e-9), lambda step: f"{step} again")
    assert study.accepted == ()
    assert "beside the others: screening q" in str(study.state.decided[-1].event.reason)
