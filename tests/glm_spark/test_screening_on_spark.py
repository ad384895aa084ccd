"""Rankings of candidates and pairs are the same on Spark as on pandas, whatever the partitioning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from glm_local.screening.find_interactions import find_interactions
from glm_local.screening.rank_factors import rank_factors
from glm_spark.spark_engine import SparkEngine
from tests.screening.screening_rows import claims, every_level, study_rows
from tests.screening.test_screening_calibration import ALL_TRAIN, null_study

NAMES = ["area", "age", "strong", "near", "wave", "gaps", "group", "flag"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    held = claims(8_000, 11, effect=0.3)
    return held.assign(flag=held["strong"] == "a")


def screened(rows: Any) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    model = rows.fit([every_level(rows, "area"), every_level(rows, "age", 5), every_level(rows, "strong")])
    return (
        rank_factors(rows, None).table,
        rank_factors(rows, model, tests=("score", "likelihood_ratio")).table,
        find_interactions(rows, model).table,
    )


@pytest.fixture(scope="module")
def here(frame: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
    return screened(study_rows(frame, NAMES, exposure="exposure"))


@pytest.mark.parametrize("parts", [2, 7])
def test_both_engines_rank_alike(spark: Any, frame: pd.DataFrame, here: tuple[pd.DataFrame, ...], parts: int) -> None:
    rows = study_rows(
        spark.createDataFrame(frame).repartition(parts), NAMES, engine=SparkEngine(spark), exposure="exposure"
    )
    try:
        for mine, theirs in zip(screened(rows), here, strict=True):
            pd.testing.assert_frame_equal(mine, theirs, rtol=1e-8, atol=1e-8)
    finally:
        rows.close()


def test_noise_against_the_intercept_alone_is_noise_on_spark_too(spark: Any) -> None:
    frame = null_study("poisson", seed=0, rows=4_000)
    names = [name for name in frame if name.split(" ")[0] in ("free", "kinds")]
    rows = study_rows(spark.createDataFrame(frame), names, ALL_TRAIN, engine=SparkEngine(spark), exposure="exposure")
    try:
        table = rank_factors(rows).table
    finally:
        rows.close()
    assert kstest(table["p_value"], "uniform").pvalue > 1e-3
    assert (np.abs(table["cv_gain_share"]) < 0.02).all()
