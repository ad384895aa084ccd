"""Overdispersed and clustered rows: both dispersions are measured, told, and no test or interval is too sure of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from glm_local import GLMStudy, GLMWorkflow, RateGLM, run_workflow
from glm_local.binning.rules import BinningRules
from glm_local.errors import ArgumentError, ConfigError
from glm_local.inference.design_effect import DesignEffect
from glm_local.inference.key_inference import cluster_factor
from glm_local.study.proposing import optimized
from glm_local.study.setup import StudySetup
from tests.benchmarks.honesty.clusters import simulated
from tests.benchmarks.honesty.shared_keys import shared_keys

BANDS = {"kind": "numeric", "edges": [-0.5, 0.5], "missing": "base", "base": {"level": "(-inf, -0.5]"}}
K0, R0 = ({**BANDS, "name": name, "column": name} for name in ("k0", "r0"))


def study_of(kind: str, rows: int = 3_000, seed: int = 1, **asked: Any) -> GLMStudy:
    frame = shared_keys(seed, kind, rows, candidates=1)
    return GLMStudy(frame, target="y", key="id", name="s", user="ann", candidates=["k0", "r0"], **asked)


def fitted(study: GLMStudy) -> GLMStudy:
    return study.accept("k0", K0).accept("r0", R0)


def training(study: GLMStudy) -> pd.DataFrame:
    rows = study.bench.rows
    found = rows.engine.with_columns(rows.frame, {"flag": rows.flag("train")})
    return found[found["flag"].astype(bool)]


def reference(study: GLMStudy, groups: int) -> Any:
    """The same model by statsmodels, clusters as the study's groups of keys."""
    rows = training(study)
    bands = [pd.get_dummies(pd.cut(rows[name], [-np.inf, -0.5, 0.5, np.inf])).astype(float) for name in ("k0", "r0")]
    matrix = sm.add_constant(np.column_stack([one.to_numpy()[:, 1:] for one in bands]))
    clusters = rows["(key group)"].to_numpy() // (1_024 // groups)
    plain = sm.GLM(rows["y"].to_numpy(), matrix, family=sm.families.Poisson())
    return plain.fit(cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": False})


def test_standard_errors_are_the_sandwich_of_groups_of_keys_that_others_find() -> None:
    study = fitted(study_of("ten rows a key"))
    model = study.model.document
    keys = study.current().keys
    assert keys is not None
    other, rows = reference(study, 256), study.samples["train"]
    factor = cluster_factor(keys.groups, rows, len(keys.terms))
    expected = np.diag(other.cov_params()) * factor
    known = np.array(
        [[one.estimate, one.std_error] for one in model.coefficients if one.status == "fitted"], dtype=float
    )
    assert known[:, 0] == pytest.approx(other.params, rel=1e-6, abs=1e-8)
    assert known[:, 1] ** 2 == pytest.approx(expected, rel=1e-6)
    assert (model.spec.dispersion, model.statistics.statistic, model.statistics.key_groups) == (
        "by_key",
        "t",
        keys.groups,
    )


def test_dispersions_by_row_and_by_key_are_what_loops_over_rows_find() -> None:
    study = fitted(study_of("ten rows a key"))
    rows, model = training(study), study.model
    off = rows["y"] - model.predict(rows, output="mean")["mean"]
    total, n, p = rows["y"].sum(), len(rows), 5
    figures = model.document.statistics
    assert figures.dispersion_by_row == pytest.approx((off**2).sum() / total * n / (n - p))
    groups = off.groupby(rows["(key group)"]).sum()
    assert figures.dispersion_by_key == pytest.approx((groups**2).sum() / total * cluster_factor(len(groups), n, p))
    exact = (off.groupby(rows["id"]).sum() ** 2).sum() / total
    assert figures.dispersion_by_key == pytest.approx(exact, rel=0.25)
    assert figures.dispersion == figures.dispersion_by_key


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("poisson", ""),
        ("negative binomial", "rows spread more than the family says"),
        ("ten rows a key", "rows of one key move together"),
    ],
)
def test_a_dispersion_above_is_told_by_model_page_and_history(kind: str, told: str) -> None:
    study = fitted(study_of(kind))
    page, text = study.report(), study.model.summary()
    for shown in (page, text):
        assert ("rows spread more" in shown or "move together" in shown) == bool(told)
        assert told in shown
    assert "Dispersion by key" in page
    assert "by key" in text
    ranking = study.rank_candidates()
    assert "Beside the current model the dispersion is" in ranking.summary()
    figures = study.model.document.statistics
    assert ranking.dispersion == pytest.approx((figures.dispersion_by_row, figures.dispersion_by_key))
    assert (study.state.ranking or {})["dispersion_by_key"] == ranking.dispersion[1]  # type: ignore[index]
    version = study.model_versions.iloc[-1]
    figures = study.model.document.statistics
    assert version["dispersion_by_row"] == figures.dispersion_by_row
    assert version["dispersion_by_key"] == figures.dispersion_by_key
    assert study.state.decided[-1].event.payload["model"]["dispersion_by_key"] == figures.dispersion_by_key


def test_rows_by_themselves_are_there_by_name_and_warned_about() -> None:
    study = fitted(study_of("ten rows a key", dispersion="fixed"))
    model = study.model.document
    assert (model.spec.dispersion, model.statistics.statistic, model.statistics.dispersion) == ("fixed", "z", 1.0)
    assert model.statistics.dispersion_by_key is not None
    assert 'dispersion="by_key" does' in model.warnings[-1]
    assert study.remove("r0").compare("r0", R0).test == "chi-square"
    wider = fitted(study_of("ten rows a key")).model.document.coefficients
    narrow = {one.term: one.std_error for one in model.coefficients}
    assert all(one.std_error > 1.2 * narrow[one.term] for one in wider if one.std_error and (one.factor or "") == "k0")


def test_a_history_without_the_word_is_read_as_rows_by_themselves() -> None:
    document = study_of("poisson").setup.document()
    assert document["dispersion"] == "by_key"
    old = StudySetup.read({name: value for name, value in document.items() if name != "dispersion"})
    assert not old.by_key
    assert "dispersion" not in old.document()


def test_a_finalized_study_keeps_the_standard_errors_its_decisions_saw() -> None:
    study = fitted(study_of("ten rows a key"))
    seen = study.model.document
    final = study.finalize().model
    assert final.spec.dispersion == "by_key"
    assert [one.std_error for one in final.coefficients] == [one.std_error for one in seen.coefficients]
    assert study.model.document.fingerprint == final.fingerprint
    assert study.replay().same


def test_a_workflow_goes_on_with_a_study_begun_before_there_was_the_word(tmp_path: Path) -> None:
    frame = shared_keys(1, "poisson", 1_500, candidates=1)
    asked: dict[str, Any] = {"target": "y", "candidates": ["k0"], "key": "id", "finalize": False, "store": tmp_path}
    old = run_workflow(frame, **asked, dispersion="auto").study
    assert "dispersion" not in old.setup.document()
    assert run_workflow(frame, **asked).study.setup.dispersion == "auto"
    with pytest.raises(ConfigError, match="asked something else"):
        run_workflow(frame, **asked, dispersion="pearson")


def test_the_word_is_an_argument_of_workflows_and_checked() -> None:
    frame = shared_keys(1, "ten rows a key", 2_000, candidates=1)
    found = run_workflow(frame, target="y", candidates=["k0"], key="id", dispersion="pearson", finalize=False)
    assert found.study.setup.dispersion == "pearson"
    assert run_workflow(frame, target="y", candidates=["k0"], key="id", finalize=False).study.setup.by_key
    for made in (GLMWorkflow, lambda target, dispersion: RateGLM(target, "k0", dispersion=dispersion)):
        with pytest.raises(ArgumentError, match="'by_key'"):
            made("y", dispersion="by key")  # type: ignore[operator]


def test_few_keys_are_told() -> None:
    frame = shared_keys(1, "poisson", 2_000, candidates=1).assign(id=lambda one: one.index % 24)
    study = GLMStudy(frame, target="y", key="id", name="s", candidates=["r0"], split=(1.0, 0.0, 0.0))
    model = study.accept("r0", R0).model.document
    assert "24 keys hold all rows: too few to judge errors by." in model.warnings


def test_a_test_without_clusters_or_columns_has_no_design_effect() -> None:
    assert DesignEffect.of_scores(np.zeros((0, 9)), 1.0) is None
    assert DesignEffect.of_scores(np.ones((2, 1)), 1.0) is None
    assert np.isnan(cluster_factor(1, 10, 2))


def test_by_key_tests_are_called_and_intervals_cover_as_they_say_where_by_row_they_do_not() -> None:
    found = {}
    for definition in ("by_key", "fixed"):
        kinds = [simulated(kind, definition, 2, 2_500, 4) for kind in ("negative binomial", "ten rows a key")]
        called = np.mean([p_value < 0.05 for one in kinds for p_value in one.ranking])
        covered = np.mean([hit for one in kinds for hit in one.coefficients + one.ratios])
        found[definition] = called, covered, sum(sum(one.finds) for one in kinds)
    assert found["by_key"][0] < 0.12 < 0.25 < found["fixed"][0]
    assert found["by_key"][1] > 0.91 > 0.87 > found["fixed"][1]
    assert found["by_key"][2] < found["fixed"][2]


@pytest.mark.parametrize("accepted", [False, True])
def test_bins_by_bic_are_charged_as_the_rows_of_a_key_are_alike_in_the_candidate(accepted: bool) -> None:
    kept = {"by_key": {"k2": 0, "r0": 0}, "fixed": {"k2": 0, "r0": 0}}
    for seed in range(6):
        frame = shared_keys(seed, "ten rows a key", 6_000, candidates=3, effect=0.3)
        for definition, found in kept.items():
            study = GLMStudy(frame, target="y", key="id", name="s", candidates=["k2", "r0"], dispersion=definition)
            for name in found:
                if accepted:
                    study.accept(
                        name, {**BANDS, "name": name, "column": name, "edges": [0], "base": {"level": "(0, inf)"}}
                    )
                result = optimized(study, name, BinningRules(size="bic"))
                found[name] += result.bins > 0
    assert kept["fixed"]["k2"] >= 5  # noise that is the same on all rows of a key
    assert kept["by_key"]["k2"] == 0
    assert kept["by_key"]["r0"] >= 4  # a true number that differs within keys
