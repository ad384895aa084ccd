"""The published motor results again, on a Spark table: the same numbers, by cells and by blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import glm_local
import glm_spark
from glm_local.expressions.expression import Compare, Literal, Read
from tests.reference import motor
from tests.reference.test_motor import LORENTZEN


@pytest.fixture(scope="module")
def policies(spark: Any) -> Any:
    rows = motor.frequency_rows().drop(columns=["ClaimNbAll"])
    rows["wm2023_learn"] = rows["wm2023_learn"].map({True: 1, False: 0}).fillna(-1).astype("int64")
    claims = pd.read_parquet(motor.DATA / "freMTPL2sev.parquet")
    claims["ClaimAmountCut"] = claims["ClaimAmount"].clip(upper=100_000)
    rows = rows.merge(claims.groupby("IDpol")["ClaimAmountCut"].sum(), on="IDpol", how="left")
    rows["ClaimNb_pos"] = np.where(rows["ClaimAmountCut"] > 0, rows["ClaimNb"], 0).astype("int64")
    frame = spark.createDataFrame(pa.Table.from_pandas(rows, preserve_index=False)).repartition(2).cache()
    yield frame
    frame.unpersist()


@pytest.fixture(scope="module")
def engine(spark: Any) -> glm_spark.SparkEngine:
    return glm_spark.SparkEngine(spark)


def _loss(frame: Any, model: Any) -> float:
    scored = model.predict(frame).select("ClaimNb", "prediction").toArrow()
    return motor.poisson_loss(scored["ClaimNb"].to_numpy(), scored["prediction"].to_numpy())


@pytest.mark.parametrize(
    ("solver", "dropped", "learn", "test"),
    [
        ("blocks", (), 31.26738, 32.17123),
        ("cells", ("Area",), 31.26742, 32.17196),
        ("blocks", ("Area", "VehBrand"), 31.27852, 32.18196),
    ],
)
def test_losses_equal_noll_salzmann_wuethrich_on_spark(
    policies: Any, engine: Any, solver: Any, dropped: tuple[str, ...], learn: float, test: float
) -> None:
    model = glm_spark.fit_glm(
        policies,
        target="ClaimNb",
        factors=motor.without(motor.GLM1, *dropped),
        exposure="Exposure",
        solver=solver,
        where=Read("noll2018_learn", "boolean"),
        engine=engine,
    )
    assert 100 * model.statistics.deviance / model.statistics.rows == pytest.approx(learn, abs=5e-6)
    assert _loss(policies.where("not noll2018_learn"), model) == pytest.approx(test, abs=5e-6)


def test_aic_and_losses_equal_wuethrich_merz_on_spark(policies: Any, engine: Any) -> None:
    counted = policies.drop("ClaimNb").withColumnRenamed("n_sev", "ClaimNb")
    model = glm_spark.fit_glm(
        counted,
        target="ClaimNb",
        factors=motor.GLM1_2023,
        exposure="Exposure",
        engine=engine,
        where=Compare("==", Read("wm2023_learn", "integer"), Literal(1)),
    )
    assert model.statistics.aic == pytest.approx(192_818.3333, abs=5e-5)
    for sample, loss in ((1, 24.101494), (0, 24.146297)):
        assert _loss(counted.where(f"wm2023_learn = {sample}"), model) == pytest.approx(loss, abs=5e-7)


def test_coefficients_equal_lorentzens_tutorial_on_spark(policies: Any, engine: Any) -> None:
    rate = {"divide": ["ClaimNb", "Exposure"]}
    model = glm_spark.fit_glm(
        policies, target=rate, weight="Exposure", factors=motor.GLM1, solver="blocks", engine=engine
    )
    estimates = [one.estimate for one in model.document.coefficients if one.status == "fitted"]
    np.testing.assert_allclose(estimates, [float(one) for one in LORENTZEN.split()], atol=5.1e-7)


def test_gamma_severity_on_spark_equals_the_fit_on_pandas(policies: Any, engine: Any) -> None:
    positive = policies.where("ClaimNb_pos > 0")
    asked: dict[str, Any] = {
        "target": {"divide": ["ClaimAmountCut", "ClaimNb_pos"]},
        "weight": "ClaimNb_pos",
        "factors": motor.GLM1,
        "family": "gamma",
    }
    ours = glm_spark.fit_glm(positive, engine=engine, **asked)
    reference = glm_local.fit_glm(positive.toArrow(), **asked)
    for one, two in zip(ours.document.coefficients, reference.document.coefficients, strict=True):
        assert (one.term, one.status) == (two.term, two.status)
        if one.status == "base":
            continue
        assert one.estimate == pytest.approx(two.estimate, rel=1e-9, abs=1e-11)
        assert one.std_error == pytest.approx(two.std_error, rel=1e-9)
    assert ours.statistics.log_likelihood == pytest.approx(reference.statistics.log_likelihood, rel=1e-12)
