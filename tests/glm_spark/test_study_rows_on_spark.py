"""A study's rows on Spark: the same suite, and the same numbers as on pandas whatever the partitioning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

from glm_local.candidates.factor_gain import candidate_sums
from glm_local.candidates.open_rows import open_rows
from glm_local.factors.factors import categorical
from glm_local.glm.request import FitRequest
from glm_local.pandas_rows.pandas_engine import PandasEngine
from tests.suites.candidates_suite import CANDIDATES, SPLIT, StudyRowsSuite, motor

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class TestStudyRowsOnSpark(StudyRowsSuite):
    @pytest.fixture(autouse=True)
    def _engine(self, spark: SparkSession) -> None:
        from glm_spark.spark_engine import SparkEngine

        self.engine = SparkEngine(spark)

    def frame_of(self, rows: pd.DataFrame) -> Any:
        return self.engine.spark.createDataFrame(pa.Table.from_pandas(rows, preserve_index=False))


def test_pandas_and_spark_have_the_same_fine_codes_and_sums_for_any_partitioning(spark: SparkSession) -> None:
    from glm_spark.spark_engine import SparkEngine

    request = FitRequest(target="claims", factors=(), family="poisson", exposure="exposure")
    town = categorical("town", missing="own_level", unseen="base")
    held = spark.createDataFrame(pa.Table.from_pandas(motor(), preserve_index=False))
    answers = []
    for engine, frame in (
        (PandasEngine(), motor()),
        (SparkEngine(spark), held.repartition(3)),
        (SparkEngine(spark), held.repartition(7)),
    ):
        rows, _ = open_rows(engine, frame, request, list(CANDIDATES), SPLIT, ["id"])  # type: ignore[type-var]
        model = rows.fit([town])
        answers.append((model, candidate_sums(rows, model), {name: one.fine for name, one in rows.candidates.items()}))
        rows.close()
    (first, sums, fine), *others = answers
    for model, found, codes in others:
        assert codes == fine
        for ours, theirs in zip(first.coefficients, model.coefficients, strict=True):
            assert ours.estimate == pytest.approx(theirs.estimate, abs=1e-10)
        for name, one in sums.items():
            assert (one.rows == found[name].rows).all()
            assert one.fitted == pytest.approx(found[name].fitted, rel=1e-10)
