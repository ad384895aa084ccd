"""A family Spark ML has not: fitted, scored and designed with on Spark as on pandas, and not verifiable there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import glm_local
import glm_spark

pytest.importorskip("pyspark")

FAMILY = "negative_binomial(1.7)"
AREA = {
    "kind": "categorical",
    "name": "area",
    "column": "area",
    "missing": "refuse",
    "unseen": "refuse",
    "base": {"level": "A"},
}


def _rows() -> pd.DataFrame:
    draw = np.random.default_rng(5)
    area, exposure = draw.choice(list("ABC"), 2_000), draw.uniform(0.2, 2.0, 2_000)
    mean = exposure * np.where(area == "B", 1.5, 1.0)
    counts = draw.poisson(mean * draw.gamma(1.7, 1 / 1.7, 2_000)).astype(float)
    return pd.DataFrame({"row": np.arange(2_000), "y": counts, "area": area, "years": exposure})


def test_a_negative_binomial_fit_is_the_same_on_spark(spark: Any) -> None:
    frame = _rows()
    asked: dict[str, Any] = {"target": "y", "factors": [AREA], "family": FAMILY, "exposure": "years"}
    local, there = glm_local.fit_glm(frame, **asked), glm_spark.fit_glm(spark.createDataFrame(frame), **asked)
    first, second = (one.document.statistics for one in (local, there))
    assert second.deviance == pytest.approx(first.deviance, rel=1e-11)
    assert second.null_deviance == pytest.approx(first.null_deviance, rel=1e-9)
    assert second.log_likelihood == pytest.approx(first.log_likelihood, rel=1e-11)
    scored = there.predict(spark.createDataFrame(frame)).toPandas().sort_values("row")["prediction"]
    np.testing.assert_allclose(scored, local.predict(frame)["prediction"], rtol=1e-12)
    report, here = there.validation(spark.createDataFrame(frame)), local.validation(frame)
    pd.testing.assert_frame_equal(report.summary, here.summary, rtol=1e-9)


def test_spark_ml_says_that_it_has_no_such_family(spark: Any) -> None:
    study = glm_spark.GLMStudy(spark.createDataFrame(_rows()), target="y", family=FAMILY, exposure="years", key="row")
    study.accept("area", AREA, reason="by hand")
    opinion = study.finalize(reason="agreed").opinion
    assert opinion is not None
    assert opinion.verdict == "not verifiable"
    assert "Spark ML has no negative_binomial" in opinion.reason
