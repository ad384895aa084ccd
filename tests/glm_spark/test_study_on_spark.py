from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytest.importorskip("pyspark", reason="PySpark is not installed")

from pyspark.sql import SparkSession

from glm_local import fit_glm
from glm_local.audit import verify
from glm_local.errors import DataError
from glm_local.on_pandas.studies import GLMStudy as LocalStudy
from glm_local.scoring.model_spec import ModelDocument
from glm_local.stores.delta_store import open_store
from glm_local.study.design import Change
from glm_local.study.selective import known_intervals
from glm_spark import fit_glm as fit_on_spark
from glm_spark.spark_engine import SparkEngine
from glm_spark.studies import GLMStudy
from tests.benchmarks.honesty.made_studies import level_factor, thin_cells
from tests.benchmarks.honesty.shared_keys import shared_keys
from tests.study.study_rows import motor_frame

ASKED: dict[str, Any] = {"target": "claims", "exposure": "exposure", "key": "policy", "user": "ann", "name": "motor"}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return motor_frame(4_000)


@pytest.fixture(scope="module")
def local(frame: pd.DataFrame) -> LocalStudy:
    study = LocalStudy(frame, **ASKED).auto_design(interactions=1)
    study.finalize(inference="selective")
    return study


def _apart(one: ModelDocument, other: ModelDocument) -> float:
    ours = {line.term: line.estimate for line in one.coefficients}
    theirs = {line.term: line.estimate for line in other.coefficients}
    assert ours.keys() == theirs.keys()
    return max(abs(float(ours[term] or 0.0) - float(theirs[term] or 0.0)) for term in ours)


@pytest.mark.parametrize("partitions", [1, 3])
def test_spark_reaches_the_same_specs_ranking_and_model(
    spark: SparkSession, frame: pd.DataFrame, local: LocalStudy, partitions: int
) -> None:
    rows = spark.createDataFrame(frame).repartition(partitions)
    study = GLMStudy(rows, engine=SparkEngine(spark), **ASKED).auto_design(interactions=1)
    found = study.finalize(inference="selective")
    ours_unseen, theirs_unseen = (known_intervals(one.state) for one in (study, local))
    assert ours_unseen is not None
    assert theirs_unseen is not None
    for name in ("estimate", "lower", "upper", "naive_lower"):
        values = (one.table[name].to_numpy(float) for one in (ours_unseen, theirs_unseen))
        assert next(values) == pytest.approx(next(values), abs=1e-9, nan_ok=True)
    assert study.bench.data == local.bench.data
    assert study.samples == local.samples
    assert study.accepted == local.accepted
    assert study.design.fingerprint == local.design.fingerprint
    assert _apart(study.model.document, local.model.document) <= 1e-10
    ours, theirs = study.state.ranking, local.state.ranking
    assert ours is not None
    assert theirs is not None
    assert [line["factor"] for line in ours["table"]] == [line["factor"] for line in theirs["table"]]
    assert list(study.history["event"]) == list(local.history["event"])
    assert found.opinion is not None
    assert found.opinion.verdict == "agrees"
    page = study.report()
    assert "motor" in page
    assert study._environment.engine.passes.raw <= 8


def test_a_pair_with_a_thin_cell_is_fitted_as_it_is_announced_on_spark_too(spark: SparkSession) -> None:
    rows = thin_cells(3, "poisson", 0.3)
    asked: dict[str, Any] = {"target": "y", "key": "id", "user": "ann", "name": "made", "candidates": ["a", "b"]}
    tests = []
    for study in (LocalStudy(rows, **asked), GLMStudy(spark.createDataFrame(rows), engine=SparkEngine(spark), **asked)):
        for name in ("a", "b"):
            study.accept(name, level_factor(name), "made")
        tests.append(study.test_interaction("a", "b"))
        study.accept_interaction("a", "b", "planted")
        tests.append(study.model)
    near, model, far, on_spark = tests
    pd.testing.assert_frame_equal(near.cells, far.cells, rtol=1e-9)
    assert far.comparison.df == near.comparison.df == int((far.cells["status"] == "own").sum())
    assert far.comparison.p_value == pytest.approx(near.comparison.p_value, rel=1e-6)
    assert _apart(on_spark.document, model.document) <= 1e-10
    scored = on_spark.predict(spark.createDataFrame(rows)).toPandas().sort_values("id")["prediction"].to_numpy()
    assert scored == pytest.approx(model.predict(rows).sort_values("id")["prediction"].to_numpy(), rel=1e-9)


def test_given_cells_are_the_only_columns_on_spark_too(spark: SparkSession) -> None:
    rows = thin_cells(3, "poisson", 0.3)
    cells = [["a1", "b1"], ["a2", "b1"]]
    crossing = {
        "kind": "interaction",
        "name": "x",
        "factors": ["a", "b"],
        "unseen": "base",
        "learned": {"cells": cells},
    }
    asked: dict[str, Any] = {"target": "y", "factors": [level_factor("a"), level_factor("b"), crossing]}
    far, near = fit_on_spark(spark.createDataFrame(rows), **asked).document, fit_glm(rows, **asked).document
    fitted = [one.level for one in far.coefficients if one.factor == "x" and one.status == "fitted"]
    assert fitted == ["a1 × b1", "a2 × b1"]
    assert [one.status for one in far.coefficients] == [one.status for one in near.coefficients]
    assert _apart(far, near) <= 1e-9


def test_a_study_goes_on_on_the_other_engine(spark: SparkSession, frame: pd.DataFrame, tmp_path: Path) -> None:
    study = LocalStudy(frame, store=tmp_path, **ASKED)
    study.factor("age").optimize().accept("begun on a laptop")
    there = GLMStudy.load(
        open_store(tmp_path), "motor", spark.createDataFrame(frame).repartition(2), engine=SparkEngine(spark)
    )
    assert there.accepted == ("age",)
    there.factor("area").optimize().accept("gone on with on the cluster")
    there.finalize(verify=False, reason="done")
    back = LocalStudy.load(tmp_path, "motor", frame)
    assert back.accepted == ("age", "area")
    assert _apart(back.current().model, there.model.document) <= 1e-10
    assert verify(open_store(tmp_path)).ok
    changed = spark.createDataFrame(frame.assign(claims=frame["claims"] + 1))
    with pytest.raises(DataError, match="the study was made on"):
        GLMStudy.load(open_store(tmp_path), "motor", changed, engine=SparkEngine(spark)).samples  # noqa: B018


def test_the_history_of_a_study_is_written_through_spark(
    delta_spark: SparkSession, frame: pd.DataFrame, tmp_path: Path
) -> None:
    study = GLMStudy(
        delta_spark.createDataFrame(frame),
        store=str(tmp_path),
        candidates=["area"],
        engine=SparkEngine(delta_spark),
        **ASKED,
    )
    study.factor("area").optimize().accept("clear")
    study.finalize(verify=False)
    report = verify(open_store(tmp_path))
    assert report.ok, str(report)
    assert LocalStudy.load(tmp_path, "motor", frame).accepted == ("area",)


def test_dispersions_errors_tests_and_intervals_by_key_are_the_same_on_spark(spark: SparkSession) -> None:
    rows = shared_keys(1, "ten rows a key", 3_000, candidates=2)
    names = ["k1", "r1"]
    asked: dict[str, Any] = {"target": "y", "key": "id", "user": "ann", "name": "made", "candidates": names}
    found = []
    scattered = spark.createDataFrame(rows).repartition(4, "r1")
    for study in (LocalStudy(rows, **asked), GLMStudy(scattered, engine=SparkEngine(spark), **asked)):
        tests = study.rank_candidates().table.set_index("factor").loc[names, ["statistic", "p_value"]]
        for name in names:
            study.accept(name, level_factor(name), "made")
        pair = study.find_interactions().table[["statistic", "p_value"]]
        model = study.model.document
        errors = [one.std_error for one in model.coefficients if one.status == "fitted"]
        figures = [model.statistics.dispersion_by_row, model.statistics.dispersion_by_key]
        compared = study.comparison(Change("r1"))
        bounds = study.validation_report().actual_expected["k1"][["lower", "upper", "dispersion_by_key"]]
        found.append(
            [
                *figures,
                *errors,
                compared.statistic,
                compared.p_value,
                *tests.to_numpy().ravel(),
                *pair.to_numpy().ravel(),
                *bounds.to_numpy().ravel(),
            ]
        )
    assert found[1] == pytest.approx(found[0], rel=1e-8, nan_ok=True)
    assert found[0][1] > 2
