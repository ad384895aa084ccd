"""Workflows and one-object models on Spark: the same factors, bins and numbers as on pandas, for any partitioning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import glm_local
from tests.suites.workflow_rows import REAL, policies

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ASKED: dict[str, Any] = {
    "target": "claims",
    "exposure": "years",
    "key": "id",
    "candidates": [*REAL, "noise", "street"],
    "interactions": 1,
}


@pytest.fixture(scope="module")
def here() -> Any:
    return glm_local.run_workflow(policies(3_000), **ASKED)


@pytest.mark.parametrize("partitions", [1, 7])
def test_a_workflow_on_spark_designs_the_model_of_pandas(spark: SparkSession, here: Any, partitions: int) -> None:
    import glm_spark

    frame = spark.createDataFrame(policies(3_000)).repartition(partitions)
    there = glm_spark.run_workflow(frame, **ASKED)
    assert there.selected_factors == here.selected_factors
    assert [one.document() for one in there.specs] == [one.document() for one in here.specs]
    assert there.rejected.keys() == here.rejected.keys()
    assert there.ranking["factor"].tolist() == here.ranking["factor"].tolist()
    ours, theirs = here.coefficients, there.coefficients
    assert theirs["term"].tolist() == ours["term"].tolist()
    assert theirs["estimate"].astype(float).tolist() == pytest.approx(
        ours["estimate"].astype(float).tolist(), rel=1e-10
    )
    assert there.finalization.opinion.solver == "spark_ml"
    assert there.finalization.opinion.verdict == "agrees"
    assert there.study.bench.engine.passes.raw <= 8


def test_one_object_fits_predicts_and_chooses_on_spark(spark: SparkSession) -> None:
    import glm_spark

    rows = policies(2_000)
    frame = spark.createDataFrame(rows)
    glm = glm_spark.GLM("claims", exposure="years", key="id")
    bins = glm.bins(frame, "score", 4)
    assert bins.document() == glm_local.GLM("claims", exposure="years", key="id").bins(rows, "score", 4).document()
    rule = {
        "kind": "numeric",
        "name": "score",
        "column": "score",
        "missing": "refuse",
        "edges": {"method": "uniform", "bins": 3},
    }
    few = glm.bins(frame.limit(6), rule)
    assert few.document() == glm_local.GLM("claims", exposure="years").bins(frame.limit(6).toPandas(), rule).document()
    glm.fit(frame, [bins])
    scored = glm.predict(frame)
    assert type(scored).__name__ == "DataFrame"
    assert scored.agg({"predicted": "sum"}).first()[0] == pytest.approx(rows["claims"].sum(), rel=1e-9)
    crossed = {"kind": "interaction", "name": "both", "factors": ["score", "segment"], "unseen": "base"}
    segment = {"kind": "categorical", "name": "segment", "column": "segment", "missing": "refuse", "unseen": "base"}
    local = glm_local.GLM("claims", exposure="years")
    local.fit(rows, [bins, segment, crossed])
    glm.model_ = glm_spark.load_model(json.loads(local.model_.to_json()))
    there = glm.apply(frame, crossed, segment).select("id", "both_bin", "segment_bin").toPandas().sort_values("id")
    here = local.apply(rows, crossed, segment).sort_values("id")
    assert (
        there[["both_bin", "segment_bin"]].to_numpy().tolist() == here[["both_bin", "segment_bin"]].to_numpy().tolist()
    )
    with pytest.raises(glm_local.ConfigError, match="'claims' is there already"):
        glm.model_.predict(frame, output="claims")
    applied = glm.apply(frame, bins).toPandas()
    assert set(applied["score_bin"]) == set(glm_local.GLM("claims").apply(rows, bins)["score_bin"])
    assert applied["score"].sum() == pytest.approx(rows["score"].sum(), rel=1e-12)
    rate = glm_spark.RateGLM("claims", "years", key="id", candidate_factors=["noise", "street"])
    rate.fit(frame)
    assert rate.selected_factors_ == ()  # the predecessor chose noise here
