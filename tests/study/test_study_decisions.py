from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import fit_glm
from glm_local.errors import ArgumentError, ConfigError, DataError, FitError, GlmError, SpecError
from glm_local.on_pandas.studies import GLMStudy
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.validation import keyed_rows
from tests.study.study_rows import AGE, AREA, motor_frame, motor_study


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return motor_frame()


@pytest.fixture
def study(frame: pd.DataFrame) -> GLMStudy:
    return motor_study(frame)


def _events(study: GLMStudy) -> list[str]:
    return list(study.history["event"])


def test_nothing_is_read_or_written_before_a_verb_needs_rows(frame: pd.DataFrame) -> None:
    study = motor_study(frame)
    assert len(study.history) == 0
    assert study._environment.engine.passes.passes == []
    assert study.samples["train"] > 0
    assert _events(study) == ["started", "split", "learned"]


def test_an_accepted_factor_is_in_the_model_as_fit_glm_fits_it(study: GLMStudy, frame: pd.DataFrame) -> None:
    study.accept("area", AREA, reason="tariff").accept("age", AGE, reason="known")
    rows = study.bench.rows
    train = rows.engine.with_columns(rows.frame, {"sample": rows.sample_expression})
    train = train[train["sample"] == "train"]
    raw = fit_glm(train, target="claims", factors=[AREA, AGE], exposure="exposure")
    ours = {one.term: one.estimate for one in study.model.document.coefficients}
    theirs = {one.term: one.estimate for one in raw.document.coefficients}
    assert ours.keys() == theirs.keys()
    assert max(abs(ours[term] - theirs[term]) for term in ours if ours[term] is not None) < 1e-10


def test_a_bad_spec_leaves_nothing_behind(study: GLMStudy) -> None:
    study.accept("area", AREA)
    before = (_events(study), study.design, study.state)
    bad = [
        {**AGE, "edges": [60, 27]},
        {**AGE, "column": "aeg"},
        {**AGE, "missing": "nowhere"},
        {"name": "age"},
        {**AREA, "name": "age", "levels": [1, 2], "source": "integer"},
    ]
    for at, spec in enumerate(bad):
        with pytest.raises(GlmError):
            study.accept("age", spec)
        if at < 4:  # that the last one adds nothing shows when it is fitted
            with pytest.raises(GlmError):
                study.factor("age").set_spec(spec)
    assert (_events(study), study.design, study.state) == before
    assert study.accept("age", AGE).accepted == ("area", "age")


def test_a_fit_that_fails_leaves_nothing_behind(frame: pd.DataFrame) -> None:
    claims = frame["claims"].where(frame["area"] != "D", 0.0)
    study = motor_study(frame.assign(claims=claims))
    study.accept("age", AGE)
    before = (_events(study), study.state)
    with pytest.raises(FitError, match=r"area=D|separat"):
        study.accept("area", AREA)
    assert (_events(study), study.state) == before


def test_a_spec_of_one_column_is_not_accepted_under_the_name_of_another(study: GLMStudy) -> None:
    with pytest.raises(SpecError, match="named 'age', it was given for 'power'"):
        study.accept("power", AGE)
    nameless = {name: value for name, value in AGE.items() if name != "name"}
    with pytest.raises(SpecError, match="reads column 'age' and has no name"):
        study.factor("power").set_spec(nameless)
    for verb in (study.accept, study.compare, lambda name, spec: study.factor(name).set_spec(spec)):
        with pytest.raises(SpecError, match="reads column 'age', it was given for 'power'"):
            verb("power", {**AGE, "name": "power"})
    study.factor("age").set_spec(nameless).accept()
    with pytest.raises(SpecError, match="reads column 'power'"):
        study.replace("age", {**AGE, "column": "power"})
    study.accept("age_band", {**AGE, "name": "age_band", "edges": [40]}, reason="another cut of the same column")
    assert study.accepted == ("age", "age_band")


def test_coarse_bins_are_of_equal_exposure_or_of_equal_width(study: GLMStudy, frame: pd.DataFrame) -> None:
    even = study.factor("age").coarse_bins(4).spec
    wide = study.factor("age").coarse_bins(4, method="uniform").spec
    assert even is not None
    assert wide is not None
    rows = study.bench.rows
    train = rows.engine.with_columns(rows.frame, {"sample": rows.sample_expression})
    ages = train.loc[train["sample"] == "train", "age"]
    low, width = ages.min(), (ages.max() - ages.min()) / 4
    assert list(wide.edges) == pytest.approx([low + width * at for at in (1, 2, 3)], abs=0.02 * width)
    assert list(even.edges) != list(wide.edges)
    study.accept("age")
    assert study.design["age"].edges == wide.edges
    with pytest.raises(SpecError, match="Nearest: 'uniform'"):
        study.factor("age").coarse_bins(4, method="uniforme")
    with pytest.raises(ConfigError, match="equal width are for numbers"):
        study.factor("area").coarse_bins(4, method="uniform")


def test_nothing_proposed_cannot_be_accepted(study: GLMStudy) -> None:
    with pytest.raises(ConfigError, match="nothing is proposed for 'age'"):
        study.accept("age")
    with pytest.raises(ConfigError, match="Nearest: 'age'"):
        study.accept("aeg")


def test_accepting_the_same_again_adds_nothing(study: GLMStudy) -> None:
    study.accept("area", AREA)
    before = _events(study)
    assert _events(study.accept("area", AREA)) == before


def test_a_comparison_has_the_joint_refit_its_test_and_paired_folds(study: GLMStudy) -> None:
    study.accept("area", AREA)
    found = study.factor("age").set_spec(AGE).compare()
    assert found.df == 2
    assert found.test == "F by key"
    assert found.p_value is not None
    assert found.p_value < 1e-10
    assert len(found.fold_gains) == 5
    assert found.cv_gain == pytest.approx(sum(found.fold_gains))
    assert found.cv_se == pytest.approx(np.sqrt(5) * np.std(found.fold_gains, ddof=1))
    assert {"candidate_validation_deviance", "current_validation_deviance"} <= set(found.table)
    assert found.earns_its_place()
    assert "age" not in study.accepted


def test_accepting_after_a_comparison_fits_nothing_again(study: GLMStudy) -> None:
    study.factor("age").set_spec(AGE).compare()
    before = len(study._environment.engine.passes.passes)
    study.accept("age")
    assert len(study._environment.engine.passes.passes) == before


def test_noise_does_not_earn_a_place(study: GLMStudy) -> None:
    spec = {"kind": "categorical", "name": "noise", "column": "noise", "missing": "base", "unseen": "base"}
    found = study.compare("noise", spec)
    assert not found.earns_its_place()
    assert found.verdict().startswith("not kept")


def test_a_rejected_factor_is_recorded_and_may_come_back(study: GLMStudy) -> None:
    study.reject("noise", "no signal")
    assert study.state.rejected == {"noise": "no signal"}
    study.accept(
        "noise", {"kind": "categorical", "name": "noise", "column": "noise", "missing": "base", "unseen": "base"}
    )
    assert study.state.rejected == {}
    with pytest.raises(ConfigError, match=r"Call study\.remove\('noise'"):
        study.reject("noise")
    with pytest.raises(ConfigError, match="Nearest: 'wobble'"):
        study.reject("woble")


def test_removing_and_undoing_go_back_and_keep_both(study: GLMStudy) -> None:
    study.accept("area", AREA).accept("age", AGE)
    with_both = study.model.fingerprint
    study.remove("area", "try without")
    assert study.accepted == ("age",)
    study.undo("it was better before")
    assert study.accepted == ("area", "age")
    assert study.model.fingerprint == with_both
    study.undo()
    assert study.accepted == ("area",)
    study.undo()
    with pytest.raises(ConfigError, match="no decision to take back"):
        study.undo()
    assert _events(study)[3:] == ["accepted", "accepted", "removed", "undone", "undone", "undone"]


def test_replacing_puts_another_spec_or_factor_in_its_place(study: GLMStudy) -> None:
    study.accept("area", AREA).accept("age", AGE)
    study.replace("age", {**AGE, "edges": [27]}, reason="simpler")
    assert len(study.design["age"].edges) == 1  # type: ignore[union-attr, arg-type]
    study.factor("power").coarse_bins(3)
    study.replace("area", "power", reason="area is not allowed")
    assert study.accepted == ("age", "power")
    assert study.history["event"].iloc[-1] == "replaced"
    with pytest.raises(ConfigError, match="is not in the model"):
        study.replace("area", AREA)


def test_smoothing_by_hand_proposes_and_then_smooths(study: GLMStudy) -> None:
    study.accept("age", AGE)
    block = study.factor("age").merge("(27, 60]", "(60, inf)")
    assert list(block.spec.edges) == [27]  # type: ignore[union-attr]
    block.split_level("(27, inf)", at=45).move_edge(45, 50).accept("smoother")
    assert list(study.design["age"].edges) == [27, 50]  # type: ignore[union-attr]
    assert _events(study)[-4:] == ["proposed", "proposed", "proposed", "smoothed"]


def test_a_pinned_relativity_holds_and_the_others_are_fitted_around_it(study: GLMStudy) -> None:
    study.accept("age", AGE)
    study.factor("age").pin({"(-inf, 27]": 1.5}, "agreed with sales").accept("agreed with sales")
    held = {one.level: one.relativity for one in study.model.document.coefficients if one.factor == "age"}
    assert held["(-inf, 27]"] == pytest.approx(1.5)
    assert study.design.pins == {"age": {"(-inf, 27]": 1.5}}
    with pytest.raises(SpecError, match="is not a level of 'age'"):
        study.factor("age").pin({"young": 1.5})
    study.factor("age").pin({}).accept("free again")
    assert study.design.pins == {}
    study.undo()
    assert study.design.pins == {"age": {"(-inf, 27]": 1.5}}


def test_looking_at_the_holdout_is_an_event_and_train_is_none(study: GLMStudy) -> None:
    study.accept("age", AGE)
    block = study.factor("age")
    train, holdout = block.bin_table(), block.bin_table("holdout", "curious")
    assert train["predicted"].sum() == pytest.approx(train["actual"].sum())
    assert int(holdout["rows"].sum()) == study.samples["holdout"]
    assert {"train_actual", "validation_actual"} <= set(block.validation_table())
    study.holdout_report("the board asked")
    assert list(study.validation_report().samples) == ["train", "validation"]
    looks = study.history[study.history["event"] == "looked"]
    assert list(looks["reason"]) == ["curious", "the board asked"]
    with pytest.raises(DataError, match="Nearest: 'holdout'"):
        block.bin_table("holdouts")


def test_the_intercept_alone_predicts_what_happened(study: GLMStudy) -> None:
    current = study.current()
    assert current.train.predicted == pytest.approx(current.train.actual, rel=1e-12)


def test_a_seed_of_zero_is_a_seed(frame: pd.DataFrame) -> None:
    counts = [motor_study(frame, seed=seed) for seed in (0, 0, 42)]
    prints = [one.bench.data for one in counts]
    assert prints[0] == prints[1] != prints[2]
    assert counts[0].state.setup is not None
    assert counts[0].state.setup["seed"] == 0


def test_rows_are_divided_once(study: GLMStudy) -> None:
    study.split((0.5, 0.3, 0.2))
    assert study.samples["train"] / 6000 == pytest.approx(0.5, abs=0.03)
    with pytest.raises(SpecError, match="split already"):
        study.split((0.6, 0.2, 0.2))


def test_without_a_key_rows_are_identified_by_their_content_and_that_is_said(frame: pd.DataFrame) -> None:
    study = motor_study(frame, key=None)
    assert study.samples["train"] / 6000 == pytest.approx(0.6, abs=0.03)
    assert study.setup.key_rule == "row content"
    assert study.state.setup is not None
    assert study.state.setup["key_rule"] == "row content"
    numbers = frame[["claims", "exposure", "wobble"]]
    assert motor_study(numbers, key=None).samples["train"] > 3_000


def test_a_study_without_a_key_does_not_divide_rows_by_their_target() -> None:
    draw = np.random.default_rng(5)
    rows = pd.DataFrame(
        {
            "region": draw.choice(["A", "B", "C", None], 6_000),
            "agent": draw.integers(0, 3_000, 6_000),
            "exposure": draw.uniform(0.2, 1.0, 6_000),
        }
    )
    rates = rows["region"].map({"A": 0.1, "B": 0.13, "C": 0.17}).fillna(0.5)
    rows["claims"] = draw.poisson(rates * rows["exposure"])
    study = motor_study(rows, key=None, candidates=["region"])
    assert sum(study.samples.values()) == len(rows)
    rows = keyed_rows(PandasEngine(), rows, study.setup.key, study.setup.role_columns)
    expression = study.setup.split.sample(PandasEngine().columns(rows))
    samples = PandasEngine().with_columns(rows, {"sample": expression}).groupby("sample")[["claims", "exposure"]].sum()
    rate = samples["claims"] / samples["exposure"]
    assert rate.max() / rate.min() < 1.25


def test_what_is_asked_is_checked_at_once(frame: pd.DataFrame) -> None:
    with pytest.raises(DataError) as error:
        motor_study(frame, target="claim", exposure="exposur", folds=1)
    assert [one.path for one in error.value.problems] == ["/target", "/exposure", "/folds"]
    with pytest.raises(ConfigError, match=r"folds is 'five'.*\n.*seed is True"):
        motor_study(frame, folds="five", seed=True)
    with pytest.raises(SpecError, match="is the target"):
        motor_study(frame, candidates=["age", "claims"])


def test_weights_count_in_every_figure(frame: pd.DataFrame) -> None:
    weight = np.where(frame["policy"] % 2 == 0, 2.0, 1.0)
    study = motor_study(frame.assign(w=weight), weight="w", candidates=["age", "area"])
    study.accept("age", AGE)
    table = study.factor("age").bin_table()
    rows = study.bench.rows
    marked = rows.engine.with_columns(rows.frame, {"sample": rows.sample_expression})
    train = marked[marked["sample"] == "train"]
    assert table["actual"].sum() == pytest.approx((train["w"] * train["claims"]).sum())
    assert table["exposure"].sum() == pytest.approx((train["w"] * train["exposure"]).sum())


def test_missing_targets_and_exposure_of_zero_are_errors_not_zeros(frame: pd.DataFrame) -> None:
    for column, value, said in (
        ("claims", np.nan, "target"),
        ("exposure", 0.0, "exposure"),
        ("exposure", np.nan, "exposure"),
    ):
        broken = frame.copy()
        broken.loc[3, column] = value
        with pytest.raises(DataError, match=said):
            motor_study(broken).samples  # noqa: B018


def test_an_unfinished_study_with_a_learned_split_goes_on_after_loading(frame: pd.DataFrame, tmp_path: Path) -> None:
    timed = frame.assign(day=np.arange(len(frame)) % 365)
    split = {"method": "time", "column": "day", "fractions": {"train": 0.6, "validation": 0.2, "holdout": 0.2}}
    study = GLMStudy(
        timed,
        target="claims",
        exposure="exposure",
        key="policy",
        split=split,
        candidates=["age", "area"],
        name="timed",
        store=tmp_path,
    )
    study.factor("age").optimize().accept("it matters")
    again = GLMStudy.load(tmp_path, "timed", timed)
    again.factor("area").optimize().accept("so does this")
    assert again.accepted == ("age", "area")
    assert again.run_id == study.run_id


def test_tests_of_overdispersed_counts_are_honest_by_key_and_with_pearsons_dispersion() -> None:
    draw = np.random.default_rng(2)
    rows = 4_000
    frailty = draw.gamma(0.3, 1 / 0.3, rows)
    frame = pd.DataFrame(
        {
            "id": range(rows),
            "y": draw.poisson(3 * frailty),
            **{f"n{at}": draw.integers(0, 8, rows) for at in range(12)},
        }
    )
    asked: dict[str, Any] = {"target": "y", "key": "id", "candidates": [f"n{at}" for at in range(12)]}
    by_key = GLMStudy(frame, **asked).rank_candidates().table["p_value"]
    poisson = GLMStudy(frame, **asked, dispersion="fixed").rank_candidates().table["p_value"]
    quasi = GLMStudy(frame, **asked, dispersion="pearson").rank_candidates().table["p_value"]
    assert poisson.median() < 1e-3
    assert quasi.median() > 0.1
    assert by_key.median() > 0.1
    with pytest.raises(ArgumentError, match="pearson"):
        GLMStudy(frame, **asked, dispersion="pearsn")


def test_main_effects_are_the_joint_fit_of_the_accepted_factors_and_recorded(
    study: GLMStudy, frame: pd.DataFrame
) -> None:
    study.accept("area", AREA).accept("age", AGE)
    model = study.fit_main_effects()
    train = study.bench.rows.flag("train")
    own = fit_glm(study.bench.rows.frame, target="claims", exposure="exposure", factors=[AREA, AGE], where=train)
    assert model.statistics.deviance == pytest.approx(own.statistics.deviance, rel=1e-12)
    assert study.history["event"].iloc[-1] == "fitted"


def test_a_proposal_is_the_studys_whatever_handle_made_it(study: GLMStudy) -> None:
    study.factor("age").optimize(size=3)
    result = study.factor("age").result
    assert result is not None
    assert result.bins == 3
    study.factor("age").accept("three bins")
    assert study.factor("age").result is result
    nothing = study.factor("wobble").optimize()
    assert nothing.result is not None
    assert nothing.result.spec is None
    assert study.factor("wobble").result is nothing.result
    study.factor("age").move_edge(study.factor("age").spec.edges[0], 33)  # type: ignore[union-attr]
    assert study.factor("age").result is None
