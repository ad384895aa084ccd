from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytest.importorskip("pyspark", reason="PySpark is not installed")

from pyspark.sql import SparkSession

from glm_local.audit import verify
from glm_local.contract.model_spec import ModelDocument
from glm_local.delta_store import open_store
from glm_local.errors import DataError
from glm_local.studies import GLMStudy as LocalStudy
from glm_spark.spark_engine import SparkEngine
from glm_spark.studies import GLMStudy
from tests.glm_local.study_rows import motor_frame

ASKED: dict[str, Any] = {"target": "claims", "exposure": "exposure", "key": "policy", "user": "ann", "name": "motor"}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return motor_frame(4_000)


@pytest.fixture(scope="module")
def local(frame: pd.DataFrame) -> LocalStudy:
    study = LocalStudy(frame, **ASKED).auto_design(interactions=1)
    study.finalize()
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
    found = study.finalize()
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


def test_a_study_goes_on_on_the_other_engine(spark: SparkSession, frame: pd.DataFrame, tmp_path: Path) -> None:
    study = LocalStudy(frame, store=tmp_path, **ASKED)
    study.factor("age").optimize().accept("begun on a laptop")
    there = GLMStudy.load(open_store(tmp_path), "motor", spark.createDataFrame(frame).repartition(2), engine=SparkEngine(spark))
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
        delta_spark.createDataFrame(frame), store=str(tmp_path), candidates=["area"], engine=SparkEngine(delta_spark),
        **ASKED,
    )  # fmt: skip
    study.factor("area").optimize().accept("clear")
    study.finalize(verify=False)
    report = verify(open_store(tmp_path))
    assert report.ok, str(report)
    assert LocalStudy.load(tmp_path, "motor", frame).accepted == ("area",)
