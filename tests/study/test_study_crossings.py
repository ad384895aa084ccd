"""Crossings in a study: fitted as they are announced, pooled as they are recorded, skipped with a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import ScreeningRules
from glm_local.errors import ConfigError, DataError
from glm_local.on_pandas.workflows import GLMWorkflow
from tests.benchmarks.honesty.made_studies import Family, joint_frame, study_of, thin_cells


@pytest.mark.parametrize("family", ["poisson", "binomial"])
def test_a_crossing_has_the_coefficients_the_history_gives_it(family: Family) -> None:
    study = study_of(thin_cells(3, family), family)
    found = study.test_interaction("a", "b")
    said = study.state.comparisons["a:b"]
    own = found.cells[found.cells["status"] == "own"]
    assert said["df"] == len(own) == found.comparison.df
    before = study.current().model.statistics.parameters
    study.accept_interaction("a", "b", "as tested")
    model = study.model.document
    fitted = [one.level for one in model.coefficients if one.factor == "a:b" and one.status == "fitted"]
    assert sorted(fitted) == sorted(f"{row} × {column}" for row, column in zip(own["row"], own["column"], strict=True))
    assert model.statistics.parameters == before + len(own)
    assert "a4 × b2" not in fitted
    decided = study.state.decided[-1].event.payload["evidence"]
    assert (decided["df"], decided["p_value"]) == (said["df"], said["p_value"])
    assert decided["pooled_cells"] == int(found.cells["pooled"].sum()) > 0
    assert "pooled with their margins" in found._repr_html_()


@pytest.mark.parametrize("family", ["poisson", "binomial"])
@pytest.mark.parametrize("seed", range(3))
def test_a_thin_cell_without_events_leaves_a_planted_pair_testable(family: Family, seed: int) -> None:
    frame = thin_cells(seed, family, 0.5)
    frame.loc[(frame["a"] == "a4") & (frame["b"] == "b2"), "y"] = 0.0
    study = study_of(frame, family)
    assert study.test_interaction("a", "b").comparison.p_value < 1e-6  # type: ignore[operator]
    study.accept_interaction("a", "b", "planted")
    assert study.finalize(verify=False).model.convergence.converged


def test_a_cell_without_events_is_pooled_and_named() -> None:
    frame = thin_cells(1, "poisson")
    frame.loc[(frame["a"] == "a1") & (frame["b"] == "b1"), "y"] = 0.0
    study = study_of(frame, "poisson")
    cells = study.test_interaction("a", "b").cells.set_index(["row", "column"])
    assert cells.loc[("a1", "b1"), "status"] == "no events"
    recorded = study.state.proposals["a:b"].evidence["cells"]
    assert {(one["row"], one["column"]): one["status"] for one in recorded}["a1", "b1"] == "no events"


def test_the_model_on_source_rows_scores_what_the_study_compared() -> None:
    frame = thin_cells(3, "poisson", 0.3)
    study = study_of(frame, "poisson").accept_interaction("a", "b", "planted")
    model = study.model
    scored = model.predict(frame)["prediction"]
    assert scored.notna().all()
    thin = frame[(frame["a"] == "a4") & (frame["b"] == "b2")]
    effects = {(one.factor, one.level): one.estimate or 0.0 for one in model.document.coefficients}
    margins = effects[None, None] + effects["a", "a4"] + effects["b", "b2"]
    assert model.predict({"a": "a4", "b": "b2"}) == pytest.approx(np.exp(margins))
    assert len(thin) == 15


def few_events(rows: int = 2_000) -> pd.DataFrame:
    draw = np.random.default_rng(2)
    frame = pd.DataFrame(
        {"id": np.arange(rows), "a": draw.choice(list("pq"), rows), "b": draw.choice(list("uv"), rows)}
    )
    return frame.assign(y=(draw.random(rows) < 0.012).astype(float))


def test_the_ways_out_of_an_error_are_arguments() -> None:
    study = study_of(few_events(), "poisson")
    with pytest.raises(DataError, match=r"rules=ScreeningRules\(min_rows=\.\.\., min_evidence=\.\.\.\)") as refused:
        study.test_interaction("a", "b")
    assert "4 cells, 0 with an effect of their own" in str(refused.value)
    found = study.test_interaction("a", "b", rules=ScreeningRules(min_rows=5, min_evidence=1))
    assert found.comparison.df == 1
    study.accept_interaction("a", "b", "lower floors", rules=ScreeningRules(min_rows=5, min_evidence=1))
    assert "a:b" in study.accepted


def test_floors_below_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="min_rows"):
        ScreeningRules(min_rows=-1)
    with pytest.raises(ConfigError, match="bands"):
        ScreeningRules(bands=0)


def test_automatic_design_says_which_pairs_were_not_tested_and_why() -> None:
    draw = np.random.default_rng(2)
    a, b = draw.random(2_500) < 0.1, draw.random(2_500) < 0.1
    frame = pd.DataFrame({"id": np.arange(2_500), "a": np.where(a, "p", "q"), "b": np.where(b, "u", "v")})
    frame["y"] = draw.poisson(0.2 * np.exp(1.2 * a + 1.2 * b)).astype(float)
    study = study_of(frame, "poisson").auto_design(interactions=2, candidates=[])
    told = [one for one in study.history["reason"] if "a:b not tested: beside the base levels" in str(one)]
    assert len(told) == 1


def test_a_pair_that_cannot_be_fitted_is_rejected_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of(joint_frame(1), "poisson")
    _nothing_can_be_fitted(monkeypatch)
    study.auto_design(interactions=2, candidates=[])
    assert study.state.rejected["a:b"] == "not tested: the rows are gone."


def test_a_workflow_says_why_a_pair_was_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    _nothing_can_be_fitted(monkeypatch)
    frame = joint_frame(1)
    study = GLMWorkflow("y", interactions=1, key="id").fit(frame, ["a", "b"]).study
    assert study.state.rejected["a:b" if "a:b" in study.state.rejected else "b:a"] == "not tested: the rows are gone."


def test_screening_a_candidate_without_a_test_rejects_it_with_the_reason() -> None:
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"id": np.arange(900), "x": draw.normal(size=900), "y": (np.arange(900) % 75 == 0) * 1.0})
    study = GLMWorkflow("y", q=0.5, key="id").fit(frame, ["x"]).study
    assert "no two levels hold" in study.state.rejected["x"]


def _nothing_can_be_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise DataError.because("the rows are gone.", "Rows are needed.", "Bring them back.")

    monkeypatch.setattr("glm_local.study.crossing.joint_test", refuse)
    monkeypatch.setattr("glm_local.workflow.steps.joint_test", refuse)
