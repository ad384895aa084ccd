from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from glm_local import fit_glm
from glm_local.audit import history, holdout_looks, reproduce, show, verify, what_changed, who_decided, why_is_it_in
from glm_local.audit.queries import audit_query
from glm_local.audit.tables import TABLES
from glm_local.errors import ConfigError, DataError, StoreError
from glm_local.on_pandas.studies import GLMStudy
from glm_local.stores.delta_store import open_store
from tests.study.study_rows import AREA, motor_frame, motor_study


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return motor_frame()


def _designed(frame: pd.DataFrame, **asked: object) -> GLMStudy:
    study = motor_study(frame, **asked)
    study.accept("area", AREA, reason="tariff")
    study.factor("age").optimize(max_bins=4).accept("optimal")
    return study


def test_a_finalized_model_is_the_raw_fit_verified_and_recorded(frame: pd.DataFrame) -> None:
    study = _designed(frame)
    found = study.finalize(reason="tariff 2027")
    assert found.opinion is not None
    assert found.opinion.verdict == "agrees"
    assert found.largest_difference <= 1e-10
    assert study.state.is_finalized
    assert study.model.fingerprint == found.model.fingerprint
    marked = study.bench.rows.engine.with_columns(
        study.bench.rows.frame, {"sample": study.bench.rows.sample_expression}
    )
    raw = fit_glm(
        marked[marked["sample"] == "train"], target="claims", factors=list(study.design.factors), exposure="exposure"
    )
    assert raw.fingerprint == found.model.fingerprint
    assert list(found.report.samples) == ["train", "validation", "holdout"]


def test_finalizing_twice_adds_nothing(frame: pd.DataFrame) -> None:
    study = _designed(frame)
    first = study.finalize(verify=False)
    events, passes = len(study.history), len(study._environment.engine.passes.passes)
    again = study.finalize()
    assert again.repeated
    assert (again.model.fingerprint, len(study.history)) == (first.model.fingerprint, events)
    assert len(study._environment.engine.passes.passes) == passes
    pd.testing.assert_frame_equal(again.report.summary, first.report.summary)


def test_the_holdout_is_untouched_until_it_is_looked_at(frame: pd.DataFrame) -> None:
    study = _designed(frame)
    study.rank_candidates()
    study.refine_all()
    assert study.state.looks == ()
    assert "holdout" not in str(study.validation_report().samples)
    study.finalize(verify=False, reason="done")
    assert [one.payload["what"] for one in study.state.looks] == ["finalize"]


def test_a_decision_after_finalizing_opens_the_study_again(frame: pd.DataFrame, tmp_path: Path) -> None:
    study = _designed(frame, store=tmp_path)
    first = study.finalize(verify=False)
    first_run = study.run_id
    study.remove("area", "not allowed")
    assert not study.state.is_finalized
    second = study.finalize(verify=False)
    assert second.model.fingerprint != first.model.fingerprint
    assert study.run_id != first_run
    page = study.report()
    assert f"the version before ({first.model.fingerprint[:8]})" in page
    assert "previous finalized version" in page
    store = open_store(tmp_path)
    changed = what_changed(store, str(first_run), str(study.run_id))
    lines = {str(one["term"]): one for one in changed}
    assert lines["area=D"]["relativity_b"] is None
    assert lines["(Intercept)"]["estimate_a"] != lines["(Intercept)"]["estimate_b"]
    assert verify(store).ok
    assert not any("not finished" in str(one) for one in verify(store).findings)


def test_a_saved_study_is_written_whole_and_goes_on_there(frame: pd.DataFrame, tmp_path: Path) -> None:
    study = _designed(frame)
    events = len(study.history)
    study.save(tmp_path)
    assert len(history(open_store(tmp_path), "motor")) == events
    study.accept(
        "power", {"kind": "numeric", "name": "power", "column": "power", "edges": [5, 6], "missing": "own_level"}
    )
    study.finalize(verify=False)
    store = open_store(tmp_path)
    assert len(history(store, "motor")) == len(study.history)
    report = verify(store)
    assert report.ok, str(report)
    study.save(tmp_path)
    with pytest.raises(ConfigError, match="has a study 'motor' already"):
        _designed(frame).save(tmp_path)


def test_a_study_opens_again_and_goes_on(frame: pd.DataFrame, tmp_path: Path) -> None:
    study = _designed(frame, store=tmp_path)
    study.factor("power").coarse_bins(4)
    other = GLMStudy.load(tmp_path, "motor", frame, user="bob")
    assert other.accepted == study.accepted
    assert other.design.fingerprint == study.design.fingerprint
    assert other._environment.engine.passes.passes == []
    assert other.model.fingerprint == study.model.fingerprint
    other.accept("power", reason="seen by bob")
    assert list(other.history["by_user"])[-1] == "bob"
    assert "resumed" in set(other.history["event"])
    learned = [one.purpose for one in other._environment.engine.passes.passes if one.verb in ("cells", "quantiles")]
    assert learned == []
    with pytest.raises(StoreError, match="Load the study again"):
        study.remove("area")
    assert study.accepted == ("area", "age")


def test_a_study_is_not_begun_twice_nor_loaded_under_a_wrong_name(frame: pd.DataFrame, tmp_path: Path) -> None:
    _designed(frame, store=tmp_path)
    with pytest.raises(ConfigError, match="has a study 'motor' already"):
        motor_study(frame, store=tmp_path)
    with pytest.raises(ConfigError, match="Nearest: 'motor'"):
        GLMStudy.load(tmp_path, "moter", frame)
    assert GLMStudy.studies(tmp_path) == ["motor"]


def test_other_rows_than_the_studys_are_refused(frame: pd.DataFrame, tmp_path: Path) -> None:
    _designed(frame, store=tmp_path)
    changed = frame.copy()
    changed.loc[5, "claims"] += 1
    with pytest.raises(DataError, match="the study was made on"):
        GLMStudy.load(tmp_path, "motor", changed).samples  # noqa: B018
    shuffled = frame.sample(frac=1.0, random_state=3)
    assert GLMStudy.load(tmp_path, "motor", shuffled).samples["train"] > 0


def test_a_branch_goes_its_own_way_and_the_line_stays(frame: pd.DataFrame, tmp_path: Path) -> None:
    study = _designed(frame, store=tmp_path)
    before = (study.accepted, len(study.history))
    branch = study.branch("motor without area", "what if area is banned")
    branch.remove("area", "banned")
    assert branch.accepted == ("age",)
    assert (study.accepted, len(study.history)) == before
    again = GLMStudy.load(tmp_path, "motor without area", frame)
    assert again.accepted == ("age",)
    again.undo()
    assert again.accepted == ("area", "age")
    study.remove("age")
    assert GLMStudy.load(tmp_path, "motor without area", frame).accepted == ("area", "age")
    with pytest.raises(ConfigError, match="There is a study 'motor' already"):
        study.branch("motor")
    assert verify(open_store(tmp_path)).ok


def test_a_replay_reaches_the_recorded_models(frame: pd.DataFrame, tmp_path: Path) -> None:
    study = _designed(frame, store=tmp_path)
    study.remove("area").undo()
    study.refine_all(accept=True)
    study.finalize(verify=False)
    run = study.run_id
    study.remove("age")
    found = GLMStudy.load(tmp_path, "motor", frame).replay(run)
    assert found.same
    assert found.model.fingerprint == show(open_store(tmp_path), str(run)).tables["models"][0]["model_id"]
    assert found.table["same_model"].all()
    assert list(found.table["event"][:4]) == ["accepted", "accepted", "removed", "undone"]
    assert list(found.derived["event"]) == ["optimized", "refined", "refined"]
    assert found.derived["same"].all()
    with pytest.raises(ConfigError, match="the study has no run"):
        study.replay("nowhere")


def test_factors_taken_out_and_in_again_are_replayed_in_their_new_order(frame: pd.DataFrame, tmp_path: Path) -> None:
    study = _designed(frame, store=tmp_path)
    study.remove("area").accept("area", AREA)
    assert study.accepted == ("age", "area")
    other = GLMStudy.load(tmp_path, "motor", frame)
    assert other.model.fingerprint == study.model.fingerprint
    found = other.replay()
    assert found.same
    assert found.table["same_model"].all()


def test_a_changed_history_is_not_followed(frame: pd.DataFrame) -> None:
    from dataclasses import replace

    from glm_local.study.state import fold

    events = list(_designed(frame)._history.events)
    at = next(at for at, one in enumerate(events) if one.kind == "accepted")
    change = json.loads(json.dumps(events[at].payload))
    change["changes"][0]["spec"]["levels"] = ["A", "B", "C", "D"]
    with pytest.raises(StoreError, match="Each event leads to the design it names"):
        fold([*events[:at], replace(events[at], payload=change)])


def test_the_auditors_questions_are_answered(frame: pd.DataFrame, tmp_path: Path) -> None:
    study = _designed(frame, store=tmp_path)
    study.reject("noise", "no signal")
    study.factor("age").bin_table("holdout", "curious")
    study.finalize(reason="done")
    store, run = open_store(tmp_path), str(study.run_id)
    assert [one["event"] for one in who_decided(store, "age", "motor")] == ["accepted"]
    assert [one["event"] for one in why_is_it_in(store, run, "age")] == ["proposed", "accepted", "looked"]
    assert [one["reason"] for one in holdout_looks(store, "motor")] == ["curious", "done"]
    made = reproduce(store, run)
    assert made["models"] == [study.model.fingerprint]
    assert made["run"]["config"]["seed"] == 0
    assert made["run"]["environment"]["numpy"] == np.__version__
    assert [one["event"] for one in made["decisions"]] == ["split", "accepted", "accepted", "rejected", "finalized"]
    duckdb = pytest.importorskip("duckdb")
    asked = duckdb.connect()
    for name in TABLES:
        asked.register(name, store.read(name))
    ask = lambda question, **about: asked.execute(audit_query(question, about, dialect="duckdb")).fetchall()  # noqa: E731
    assert len(ask("holdout_looks", study="motor")) == 2
    assert [row[3] for row in ask("who_decided", study="motor", factor="noise")] == ["rejected"]
    assert ask("reproduce", run=run)[0][7] == study.model.fingerprint


def test_numbers_come_back_from_the_history_as_they_were(frame: pd.DataFrame, tmp_path: Path) -> None:
    study = _designed(frame, store=tmp_path)
    edges = {"kind": "numeric", "name": "wobble", "column": "wobble", "edges": [-0.1 - 0.2, 1 / 3], "missing": "base"}
    study.factor("wobble").set_spec(edges)
    other = GLMStudy.load(tmp_path, "motor", frame)
    assert other.factor("wobble").spec == study.factor("wobble").spec
    assert list(other.factor("wobble").spec.edges) == [-0.1 - 0.2, 1 / 3]  # type: ignore[union-attr]
    assert other.state.versions[-1]["train_deviance"] == study.current().train.deviance


def test_the_report_of_a_finalized_study_takes_no_pass(frame: pd.DataFrame, tmp_path: Path) -> None:
    study = _designed(frame, store=tmp_path)
    study.rank_candidates()
    study.finalize(reason="<script>alert(1)</script>")
    passes = len(study._environment.engine.passes.passes)
    page = study.report(tmp_path / "page" / "motor.html", title="Motor", purpose="Frequency of claims.")
    assert len(study._environment.engine.passes.passes) == passes
    assert (tmp_path / "page" / "motor.html").read_text(encoding="utf-8") == page
    assert "<script>alert(1)" not in page
    for word in ("age", "area", "tariff", study.model.fingerprint[:12]):
        assert word in page
    other = GLMStudy.load(tmp_path, "motor", frame)
    assert "Motor" in other.report(title="Motor")
    assert other._environment.engine.passes.passes == []


def test_a_branch_tells_what_was_decided_before_it(frame: pd.DataFrame, tmp_path: Path) -> None:
    branch = _designed(frame, store=tmp_path).branch("other", "what if")
    branch.remove("area", "banned")
    branch.finalize(verify=False)
    store, run = open_store(tmp_path), str(branch.run_id)
    assert [one["event"] for one in why_is_it_in(store, run, "area")] == ["accepted", "removed"]
    assert "branched" in [one["event"] for one in reproduce(store, run)["decisions"]]


@pytest.mark.parametrize("split", [(0.8, 0, 0.2), (0.8, 0.2, 0), {"method": "time", "column": "age"}])
def test_any_split_is_finalized_reported_and_opened_again(frame: pd.DataFrame, tmp_path: Path, split: object) -> None:
    study = _designed(frame, store=tmp_path, split=split)
    found = study.finalize(verify=False)
    assert list(found.report.samples) == [name for name, rows in study.samples.items() if rows]
    assert bool(study.state.looks) == (study.samples["holdout"] > 0)
    other = GLMStudy.load(tmp_path, "motor", frame)
    assert other.samples == study.samples
    assert other.replay().same
    assert other.report()


def test_rows_without_a_key_are_in_a_sample_like_any_other(frame: pd.DataFrame) -> None:
    keyless = frame.assign(policy=frame["policy"].astype("Int64").where(frame.index > 20))
    study = _designed(keyless)
    study.finalize(verify=False)
    assert sum(study.samples.values()) == len(frame)
    assert "in no sample" not in study.report()


def test_a_pinned_model_is_finalized_and_verified_with_its_pins(frame: pd.DataFrame) -> None:
    study = motor_study(frame)
    study.accept("area", AREA)
    study.factor("area").pin({"D": 2.0}, "agreed").accept("agreed")
    found = study.finalize()
    assert found.opinion is not None
    assert found.opinion.verdict == "agrees"
    assert found.largest_difference <= 1e-10
    assert {one.level: one.relativity for one in found.model.coefficients}["D"] == pytest.approx(2.0)
    assert study.replay().same


def test_a_study_never_looks_at_rows_itself(frame: pd.DataFrame) -> None:
    from tests.doubles import OpaqueEngine, opaque

    locked = motor_study(opaque(frame), engine=OpaqueEngine())
    plain = motor_study(frame)
    for study in (locked, plain):
        study.auto_design(interactions=1)
        study.factor("age").bin_table("holdout")
        study.finalize()
    assert locked.model.fingerprint == plain.model.fingerprint
    assert locked.bench.data == plain.bench.data


def test_a_study_of_a_delta_table_records_its_version(frame: pd.DataFrame, tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake")
    table = str(tmp_path / "rows")
    deltalake.write_deltalake(table, frame)
    deltalake.write_deltalake(table, frame, mode="overwrite")
    study = motor_study(table, store=tmp_path / "audit")
    study.accept("area", AREA)
    study.finalize(verify=False)
    data = reproduce(open_store(tmp_path / "audit"), str(study.run_id))["run"]["data"]
    assert data["delta_version"] == 1
    assert data["fingerprint"].startswith("delta version:")
    assert study.bench.data == motor_study(frame).bench.data
    assert "delta version" in study.report()
