"""The same fits on Spark: R's cases, the engines' agreement, the passes made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import glm_local
import glm_spark
from tests.models import test_model_files as models
from tests.reference import test_aliased_predictions as aliased
from tests.reference import test_boundaries as boundaries
from tests.reference import test_fit_rules as rules
from tests.reference import test_weighted_likelihood as weighted
from tests.reference.test_truth import _null_deviance
from tests.reference.truth_cases import CASES, Case, as_array, by_r_name, factors, rows, truth


@pytest.fixture(scope="module")
def engine(spark: Any) -> glm_spark.SparkEngine:
    return glm_spark.SparkEngine(spark)


def _table(frame: pd.DataFrame) -> pa.Table:
    return pa.table({name: pa.array(frame[name].tolist(), from_pandas=False) for name in frame.columns})


def _spark_frame(spark: Any, frame: pd.DataFrame, parts: int = 3) -> Any:
    return spark.createDataFrame(_table(frame)).repartition(parts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id}-{case.options.get('offset', '') and 'offset'}")
def test_a_fit_on_spark_equals_r(spark: Any, engine: Any, case: Case) -> None:
    reference = truth(case.id)
    frame = rows(case.csv)
    levels = reference.get("levels", {})
    for name in levels:
        frame[name] = frame[name].astype(str)
    solver = "blocks" if case.csv in ("insurance", "budworm", "clotting") else "cells"
    model = glm_spark.fit_glm(
        _spark_frame(spark, frame, 2),
        target=case.target,
        factors=factors(case, levels),
        family=case.family,
        solver=solver,
        engine=engine,
        **case.options,
    )
    names = list(reference["coef"])
    found, found_se = (np.array([by_r_name(model, one)[name] for name in names]) for one in ("estimate", "std_error"))
    expected_se = as_array(reference["se"], names)
    assert np.max(np.abs(found - as_array(reference["coef"], names)) / expected_se) < 1e-9
    assert np.max(np.abs(found_se / expected_se - 1)) < 1e-8
    assert model.statistics.deviance == pytest.approx(reference["deviance"], rel=1e-10)
    assert model.statistics.null_deviance == pytest.approx(_null_deviance(case, reference), rel=1e-10)
    if reference["aic"] is not None:
        assert model.statistics.aic == pytest.approx(reference["aic"], rel=1e-10)


@pytest.mark.parametrize("family", ["poisson", "gamma"])
def test_both_counts_of_the_aic_of_a_weighted_model_are_those_of_pandas(spark: Any, engine: Any, family: str) -> None:
    target = "count" if family == "poisson" else "cost"
    asked: dict[str, Any] = {"target": target, "family": family, "factors": [weighted.AREA], "weight": "n"}
    local = glm_local.fit_glm(weighted.ROWS, exposure="years", **asked).statistics
    found = glm_spark.fit_glm(_spark_frame(spark, weighted.ROWS), engine=engine, exposure="years", **asked).statistics
    assert abs(found.r_aic - found.aic) > 1
    assert (found.r_aic, found.aic) == pytest.approx((local.r_aic, local.aic), rel=1e-11)


@pytest.fixture(scope="module")
def spark_rows(spark: Any) -> Any:
    return _spark_frame(spark, rules.ROWS)


def _estimates(model: Any) -> dict[str, float]:
    return {one.term: one.estimate for one in model.document.coefficients if one.status == "fitted"}


@pytest.mark.parametrize("solver", ["cells", "blocks"])
def test_both_engines_and_any_partitioning_give_one_model(spark: Any, engine: Any, solver: Any) -> None:
    asked: dict[str, Any] = {"target": "claims", "factors": rules.EVERYTHING, "exposure": "years", "solver": solver}
    local = glm_local.fit_glm(rules.ROWS, **asked)
    for parts in (1, 5):
        model = glm_spark.fit_glm(_spark_frame(spark, rules.ROWS, parts), engine=engine, **asked)
        assert _estimates(model) == pytest.approx(_estimates(local), rel=1e-11, abs=1e-12)
        assert model.statistics.log_likelihood == pytest.approx(local.statistics.log_likelihood, rel=1e-12)
        assert [spec.document() for spec in model.document.factors] == [
            spec.document() for spec in local.document.factors
        ]


def test_frame_table_and_record_score_the_same_number(spark: Any, engine: Any, spark_rows: Any) -> None:
    local = glm_local.fit_glm(rules.ROWS, target="claims", factors=rules.EVERYTHING, exposure="years")
    model = glm_local.Model(local.document, engine)
    scored = model.predict(spark_rows).toArrow().to_pandas()
    again = local.predict(scored.drop(columns="prediction"))["prediction"]
    np.testing.assert_allclose(scored["prediction"], again, rtol=1e-12)
    for at in (0, 31):
        assert local.predict(scored.iloc[at].to_dict()) == pytest.approx(scored["prediction"][at], rel=1e-12)


def test_the_sql_of_a_model_scores_the_same_number(spark: Any, spark_rows: Any) -> None:
    model = glm_local.fit_glm(rules.ROWS, target="claims", factors=rules.EVERYTHING, exposure="years")
    spark_rows.createOrReplaceTempView("policies_to_score")
    scored = spark.sql(model.to_sql(table="policies_to_score")).toArrow().to_pandas()
    np.testing.assert_allclose(scored["prediction"], model.predict(scored, overwrite=True)["prediction"], rtol=1e-12)


def test_spark_ml_is_a_solver_and_agrees(spark: Any, engine: Any, spark_rows: Any) -> None:
    asked: dict[str, Any] = {"target": "claims", "factors": [rules.AREA, rules.FUEL, rules.AGE], "exposure": "years"}
    ours = glm_spark.fit_glm(spark_rows, engine=engine, **asked)
    theirs = glm_spark.fit_glm(spark_rows, engine=engine, solver="spark_ml", **asked)
    assert theirs.document.convergence.route == "spark_ml"
    assert _estimates(theirs) == pytest.approx(_estimates(ours), rel=1e-7, abs=1e-9)
    with pytest.raises(glm_local.SpecError, match="comes with glm_spark"):
        glm_local.fit_glm(rules.ROWS, solver="spark_ml", **asked)


def test_passes_over_rows_stay_in_budget(engine: Any, spark_rows: Any) -> None:
    for solver, learn in (("cells", 1), ("blocks", 1)):
        model = glm_spark.fit_glm(
            spark_rows,
            target="claims",
            factors=[rules.AREA, rules.FUEL],
            exposure="years",
            engine=engine,
            solver=solver,
        )
        assert model.document.convergence.raw_passes <= 1 + learn
        assert model.document.convergence.packed_passes <= (1 if solver == "cells" else 9)


def test_maxima_inside_are_found_and_boundaries_told(spark: Any, engine: Any) -> None:
    asked: dict[str, Any] = {"target": "y", "factors": [boundaries.X], "link": "identity", "engine": engine}
    inside = glm_spark.fit_glm(_spark_frame(spark, boundaries.rows(boundaries.INSIDE), 2), family="gamma", **asked)
    assert list(_estimates(inside).values()) == pytest.approx([0.76189471, 0.13610248], abs=5e-9)
    with pytest.raises(glm_local.FitError, match="boundary value"):
        glm_spark.fit_glm(_spark_frame(spark, boundaries.rows(boundaries.AT_ZERO), 2), family="tweedie(1.5)", **asked)


def test_faulty_rows_are_told_without_a_java_trace(spark: Any, engine: Any) -> None:
    bad = rules.ROWS.assign(claims=rules.ROWS["claims"].where(rules.ROWS.index != 7, -2.0))
    with pytest.raises(glm_local.DataError, match="target outside the family") as caught:
        glm_spark.fit_glm(
            _spark_frame(spark, bad), target="claims", factors=[rules.AREA], exposure="years", engine=engine
        )
    assert "org.apache" not in str(caught.value)


@pytest.mark.parametrize("solver", ["cells", "blocks", "spark_ml"])
def test_predictions_of_aliased_levels_on_spark_sum_to_what_was_observed(spark: Any, engine: Any, solver: Any) -> None:
    frame = _spark_frame(spark, aliased.ROWS)
    factors = [aliased.factor("a", "p"), aliased.factor("b", "r")]
    model = glm_spark.fit_glm(frame, target="y", factors=factors, solver=solver, engine=engine)
    scored = model.predict(frame).toPandas()
    assert scored["prediction"].sum() == pytest.approx(26, rel=1e-7 if solver == "spark_ml" else 1e-9)
    assert scored.loc[scored["a"] == "none", "prediction"].sum() == pytest.approx(1, rel=1e-6)
    assert model.coefficients.set_index("term").loc["a=none", "estimate"] == pytest.approx(-2.128232, abs=5e-7)


def test_a_models_fingerprint_does_not_depend_on_partitions_or_the_engine(spark: Any, engine: Any) -> None:
    frame = models._frame()
    asked: dict[str, Any] = {
        "target": "claims",
        "factors": models.FACTORS,
        "family": "poisson",
        "dispersion": "pearson",
    }
    found = {
        glm_spark.fit_glm(_spark_frame(spark, frame, parts), engine=engine, **asked).fingerprint for parts in (1, 3, 7)
    }
    assert found == {glm_local.fit_glm(frame, **asked).fingerprint}
