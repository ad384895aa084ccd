"""The same model by Spark ML, as its users fit it: bands in SQL, indexed and one-hot encoded factors, cached vectors."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.motor_design import EXPOSURE, MADE_EDGES, MADE_LEVELS, TARGET


@dataclass(frozen=True)
class MlFit:
    """Seconds from Parquet to standard errors, and what was found."""

    seconds: float
    preparing: float
    iterations: int
    deviance: float
    coefficients: int


def fit_spark_ml(frame: Any) -> MlFit:
    """Fit GeneralizedLinearRegression on rows; preparing is everything up to the cached vectors."""
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
    from pyspark.ml.regression import GeneralizedLinearRegression
    from pyspark.sql import functions

    start = time.perf_counter()
    names = [*MADE_EDGES, *MADE_LEVELS]
    bands = [_band(name, edges) for name, edges in MADE_EDGES.items()]
    amounts = [functions.col(TARGET).cast("double").alias("y"), functions.log(EXPOSURE).alias("log_exposure")]
    banded = frame.select(*bands, *MADE_LEVELS, *amounts)
    steps = Pipeline(
        stages=[
            StringIndexer(inputCols=list(MADE_LEVELS), outputCols=[f"{name}_index" for name in MADE_LEVELS]),
            OneHotEncoder(
                inputCols=[name if name in MADE_EDGES else f"{name}_index" for name in names],
                outputCols=[f"{name}_vector" for name in names],
                dropLast=True,
            ),
            VectorAssembler(inputCols=[f"{name}_vector" for name in names], outputCol="features"),
        ]
    )
    rows = steps.fit(banded).transform(banded).select("features", "y", "log_exposure").cache()
    rows.count()
    prepared = time.perf_counter()
    regression = GeneralizedLinearRegression(
        family="poisson",
        link="log",
        featuresCol="features",
        labelCol="y",
        offsetCol="log_exposure",
        tol=1e-8,
    )
    model = regression.fit(rows)
    errors = model.summary.coefficientStandardErrors
    done = time.perf_counter()
    found = MlFit(done - start, prepared - start, model.summary.numIterations, model.summary.deviance, len(errors))
    rows.unpersist(blocking=True)
    return found


def _band(name: str, edges: list[int]) -> Any:
    from pyspark.sql import functions

    value = functions.when(functions.col(name) <= edges[0], 0)
    for i, edge in enumerate(edges[1:], 1):
        value = value.when(functions.col(name) <= edge, i)
    return value.otherwise(len(edges)).alias(name)
