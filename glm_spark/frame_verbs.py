"""The public verbs on Spark DataFrames: samples, tables, comparisons; `glm_local` has what they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from glm_local import diagnostics, sampling
from glm_local.arguments.checked import arguments_checked
from glm_local.on_pandas import frame_verbs
from glm_local.rows.engine_bound import bound_to
from glm_local.sampling import STRATUM, TIES, WEIGHT, draw_sample
from glm_local.sql.statement import quote_identifier
from glm_spark.spark_engine import SparkEngine
from glm_spark.spark_errors import explained

P = ParamSpec("P")
R = TypeVar("R")

on_spark = bound_to(SparkEngine, "Spark DataFrame.")

aggregate_table = on_spark(diagnostics.aggregate_table)
aggregate_rate_table = on_spark(diagnostics.aggregate_rate_table)
by_factor_report = on_spark(diagnostics.by_factor_report)
calibration = on_spark(diagnostics.calibration)
double_lift = on_spark(diagnostics.double_lift)
drift = on_spark(diagnostics.drift)
lift = on_spark(diagnostics.lift)
missing_strata = on_spark(sampling.missing_strata)
model_version_comparison = on_spark(diagnostics.model_version_comparison)
summary = on_spark(diagnostics.summary)
train_validation_comparison = on_spark(diagnostics.train_validation_comparison)
validation_report = on_spark(diagnostics.validation_report)


def _counterpart(local: Callable[P, Any]) -> Callable[[Callable[..., R]], Callable[P, R]]:
    """Give a function the signature and documentation of its local counterpart."""
    return wraps(local)  # type: ignore[return-value]


@arguments_checked
@_counterpart(frame_verbs.stratified_sample)
def stratified_sample(
    frame: Any, strata: str | Sequence[str], *, weight_column: str | None = "sample_weight", **asked: Any
) -> DataFrame:
    """Draw a sample with so many rows of every stratum; see `glm_local.stratified_sample`."""
    draw = draw_sample(SparkEngine(), frame, strata, weight_column=weight_column, **asked)
    own = [quote_identifier(name) for name in draw.columns]
    weight = [] if weight_column is None else [f"`{WEIGHT}` AS {quote_identifier(weight_column)}"]
    with explained():
        whole = draw.marked.where(f"`{WEIGHT}` IS NOT NULL AND `{TIES}` = 0")
        drawn: DataFrame = whole.selectExpr(*own, *weight)
        if draw.has_ties:
            # Rows of one rank are alike: whichever are taken, the sample holds the same.
            place = F.row_number().over(Window.partitionBy(STRATUM).orderBy(STRATUM))
            tied = draw.marked.where(f"`{TIES}` > 0").withColumn("__sample place", place)
            tied = tied.where(f"`__sample place` <= `{TIES}`")
            drawn = drawn.unionAll(tied.selectExpr(*own, *weight))
    return drawn


__all__ = [
    "aggregate_rate_table",
    "aggregate_table",
    "by_factor_report",
    "calibration",
    "double_lift",
    "drift",
    "lift",
    "missing_strata",
    "model_version_comparison",
    "stratified_sample",
    "summary",
    "train_validation_comparison",
    "validation_report",
]
