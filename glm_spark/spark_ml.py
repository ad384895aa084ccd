"""The cluster's reference solver: Spark ML's GeneralizedLinearRegression on a design table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from glm_local.errors import FitError, GlmError
from glm_local.families.families import Family
from glm_local.families.links import Link, PowerLink
from glm_local.glm.reference_problem import MOST_VALUES, CannotVerify, ReferenceProblem
from glm_local.glm.second_opinion import ReferenceFit, diverged
from glm_spark.spark_errors import explanation

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Array = NDArray[np.float64]

SOLVER = "spark_ml"
MOST_FEATURES = 4096
"""Spark ML's normal equations refuse more features."""
_LINK_POWERS = {"identity": 1.0, "log": 0.0, "inverse": -1.0}
_BINOMIAL_LINKS = ("logit", "probit", "cloglog")


def fit_spark_ml(
    spark: SparkSession,
    design: Array,
    response: Array,
    weight: Array | None,
    offset: Array | None,
    family: Family,
    link: Link,
    tolerance: float = 1e-12,
    max_iterations: int = 100,
    most_values: int = MOST_VALUES,
) -> ReferenceFit:
    """Fit by Spark ML on an Arrow table of rows or cells; works on classic sessions and over Spark Connect.

    Columns are scaled to root mean square 1 and the response to mean 1, which is undone afterwards: Spark ML's
    tolerance is absolute, and its Tweedie diverges silently on raw currency. Deviance and dispersion are computed
    here, since Spark ML clamps responses below 0.1 in its Tweedie deviance.

    Parameters
    ----------
    spark
        The session.
    design, response, weight, offset, family, link
        See `glm_local.glm.reference_problem.ReferenceProblem`.
    tolerance, max_iterations
        Spark ML's ``tol`` and ``maxIter``. When the last iteration still moved coefficients by more, the fit failed.
    most_values
        Largest design (rows times columns) that is tried.

    Returns
    -------
    ReferenceFit
        Estimates by column; standard errors at dispersion 1, None where Spark ML has none.

    Raises
    ------
    CannotVerify
        More than 4,096 features, an intercept alone, a link Spark ML lacks, or a design that is too large or collinear.
    FitError
        When Spark ML fails or does not converge.
    """
    _check_size(design.shape[1] - 1)
    problem = ReferenceProblem.of(design, response, weight, offset, family, link, most_values)
    task = _Task.of(problem)
    regression = _regression(task, tolerance, max_iterations)
    try:
        model = regression.fit(_frame(spark, task))
        summary = model.summary
        iterations = int(summary.numIterations)
        estimate = _by_column(task, model.coefficients.toArray(), float(model.intercept))
        unscaled_se = _unscaled_se(task, summary)
    except Exception as error:
        raise _failed(error) from None
    if iterations >= max_iterations:
        raise diverged(SOLVER, iterations)
    return ReferenceFit.of(problem, estimate, unscaled_se, SOLVER, iterations)


@dataclass(frozen=True)
class _Task:
    """The problem on Spark ML's scale: which columns are features, and what undoes the scaling.

    With the response divided by c, a log link moves the offset by -log c and leaves coefficients as they are; a power
    link with exponent q divides offset and coefficients by c^q. Information at dispersion 1 changes by c^(2 - 2q - p).
    """

    problem: ReferenceProblem
    features: NDArray[np.intp]
    response_scale: float

    @classmethod
    def of(cls, problem: ReferenceProblem) -> _Task:
        columns = np.arange(problem.design.shape[1])
        features = columns if problem.intercept is None else np.delete(columns, problem.intercept)
        _check_offered(problem, len(features))
        return cls(problem, features, _response_scale(problem))

    @property
    def link_power(self) -> float:
        """Exponent q of the link as Spark ML counts it, 0 for log; not for binomial."""
        link = self.problem.link
        return link.exponent if isinstance(link, PowerLink) else _LINK_POWERS[link.name]

    @property
    def coefficient_factor(self) -> float:
        """By which Spark ML's coefficients are multiplied."""
        return 1.0 if self.problem.family.binary else self.response_scale**self.link_power

    @property
    def se_factor(self) -> float:
        """By which Spark ML's standard errors at dispersion 1 are multiplied."""
        power = self.problem.family.power
        return 1.0 if power is None else self.response_scale ** ((power - 2) / 2 + self.link_power)

    def offset(self) -> Array:
        """Offsets on Spark ML's scale."""
        problem = self.problem
        if not problem.family.binary and self.link_power == 0:
            return problem.offset - math.log(self.response_scale)
        return problem.offset / self.coefficient_factor


def _check_size(features: int) -> None:
    if features > MOST_FEATURES:
        raise CannotVerify.because(
            f"The model has {features:,} features.",
            f"Spark ML solves at most {MOST_FEATURES:,}.",
            "Group levels, or use solver='blocks', which has no such limit.",
        )


def _check_offered(problem: ReferenceProblem, features: int) -> None:
    _check_size(features)
    if not features:
        raise CannotVerify.because(
            "The model has an intercept alone.", "Spark ML needs a feature.", "There is nothing to verify."
        )
    if problem.family.in_spark_ml is None:
        raise CannotVerify.because(
            f"Spark ML has no {problem.family} family.",
            "A reference solver must know the family.",
            "Verify with statsmodels.",
        )
    if problem.family.binary and problem.link.name not in _BINOMIAL_LINKS:
        raise CannotVerify.because(
            f"Spark ML has no binomial family with {problem.link} link.",
            f"It has {', '.join(_BINOMIAL_LINKS)}.",
            "Verify with statsmodels.",
        )


def _response_scale(problem: ReferenceProblem) -> float:
    if problem.family.binary:
        return 1.0
    mean = float(np.average(np.abs(problem.response), weights=problem.weight))
    return mean if mean > 0 else 1.0


def _frame(spark: SparkSession, task: _Task) -> DataFrame:
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql.functions import col

    problem = task.problem
    scaled = problem.design[:, task.features] / problem.column_scales[task.features]
    ends = np.arange(len(scaled) + 1, dtype=np.int32) * np.int32(scaled.shape[1])
    columns = [pa.array(problem.response / task.response_scale), pa.array(problem.weight), pa.array(task.offset())]
    values = pa.ListArray.from_arrays(pa.array(ends), pa.array(scaled.ravel()))
    table = pa.Table.from_arrays([*columns, values], names=["label", "weight", "offset", "values"])
    features = array_to_vector(col("values")).alias("features")
    return spark.createDataFrame(table).select("label", "weight", "offset", features)


def _regression(task: _Task, tolerance: float, max_iterations: int) -> Any:
    from pyspark.ml.regression import GeneralizedLinearRegression

    problem = task.problem
    regression = GeneralizedLinearRegression(
        labelCol="label",
        featuresCol="features",
        weightCol="weight",
        fitIntercept=problem.intercept is not None,
        tol=tolerance,
        maxIter=max_iterations,
        regParam=0.0,
    )
    if task.offset().any():
        regression = regression.setOffsetCol("offset")
    regression = regression.setFamily(str(problem.family.in_spark_ml))
    if problem.family.binary:
        return regression.setLink(problem.link.name)
    assert problem.family.power is not None
    return regression.setVariancePower(problem.family.power).setLinkPower(task.link_power)


def _by_column(task: _Task, features: Array, intercept: float | None) -> Array:
    """Spark ML's numbers (features first, intercept last) in the order and scale of the design's columns."""
    problem = task.problem
    values = np.full(problem.design.shape[1], np.nan)
    values[task.features] = features / problem.column_scales[task.features]
    if problem.intercept is not None and intercept is not None:
        values[problem.intercept] = intercept / problem.design[0, problem.intercept]
    return values * task.coefficient_factor


def _unscaled_se(task: _Task, summary: Any) -> Array | None:
    try:
        errors: Sequence[float] = summary.coefficientStandardErrors
    except Exception:  # Spark ML fell back to a solver that has none
        return None
    at_one = np.asarray(errors, dtype=np.float64) / math.sqrt(float(summary.dispersion))
    count = len(task.features)
    columns = _by_column(task, at_one[:count], float(at_one[count]) if len(at_one) > count else None)
    return np.abs(columns) * (task.se_factor / task.coefficient_factor)


def _failed(error: Exception) -> Exception:
    if isinstance(error, GlmError):
        return error
    told = explanation(error)
    if told is None:
        return error
    return FitError.because(
        f"Spark ML failed: {told.problems[0].found}",
        "A reference solver must run to its end.",
        "Use this project's solver; the model itself is not touched by this.",
    )
