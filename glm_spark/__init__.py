"""Factor-based generalized linear models on Spark: every public name of `glm_local`, taking Spark DataFrames.

>>> import glm_local, glm_spark
>>> set(glm_local.__all__) - {"PandasEngine"} <= set(glm_spark.__all__)
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from glm_local import __version__ as __version__
from glm_local.errors import ConfigError, DataError, EngineError, FitError, GlmError, Problem, SpecError, StoreError

if TYPE_CHECKING:
    from glm_local import (
        BinningRules,
        Drift,
        Model,
        RunFolder,
        ScreeningRules,
        Split,
        ValidationReport,
        WorkflowResult,
        WorkflowRules,
        binomial_deviance,
        fold_expression,
        gamma_deviance,
        gaussian_deviance,
        keyed_rows,
        learn_split,
        mean_deviance,
        poisson_deviance,
        read_factors,
        read_split,
        split_counts,
        tweedie_deviance,
        weighted_mae,
        weighted_rmse,
    )
    from glm_spark.fitting import fit_glm, load_model, open_engine, spark_references
    from glm_spark.frame_verbs import (
        aggregate_rate_table,
        aggregate_table,
        by_factor_report,
        calibration,
        double_lift,
        drift,
        lift,
        missing_strata,
        model_version_comparison,
        stratified_sample,
        summary,
        train_validation_comparison,
        validation_report,
    )
    from glm_spark.session import spark_session
    from glm_spark.spark_engine import SparkEngine
    from glm_spark.studies import GLMStudy
    from glm_spark.workflows import GLM, GLMWorkflow, RateGLM, run_workflow

__all__ = [
    "BinningRules",
    "ConfigError",
    "DataError",
    "Drift",
    "EngineError",
    "FitError",
    "GLM",
    "GLMStudy",
    "GLMWorkflow",
    "GlmError",
    "Model",
    "Problem",
    "RateGLM",
    "RunFolder",
    "ScreeningRules",
    "SparkEngine",
    "SpecError",
    "Split",
    "StoreError",
    "ValidationReport",
    "WorkflowResult",
    "WorkflowRules",
    "aggregate_rate_table",
    "aggregate_table",
    "binomial_deviance",
    "by_factor_report",
    "calibration",
    "double_lift",
    "drift",
    "fit_glm",
    "fold_expression",
    "gamma_deviance",
    "gaussian_deviance",
    "keyed_rows",
    "learn_split",
    "lift",
    "load_model",
    "mean_deviance",
    "missing_strata",
    "model_version_comparison",
    "open_engine",
    "poisson_deviance",
    "read_factors",
    "read_split",
    "run_workflow",
    "spark_references",
    "spark_session",
    "split_counts",
    "stratified_sample",
    "summary",
    "train_validation_comparison",
    "tweedie_deviance",
    "validation_report",
    "weighted_mae",
    "weighted_rmse",
]

# Loaded when first asked for: executors import parts of this package and need no session, no solver, no printer.
_HOMES = {
    **dict.fromkeys(
        (
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
        ),
        "glm_spark.frame_verbs",
    ),
    **dict.fromkeys(
        (
            "Drift",
            "binomial_deviance",
            "gamma_deviance",
            "gaussian_deviance",
            "mean_deviance",
            "poisson_deviance",
            "tweedie_deviance",
            "weighted_mae",
            "weighted_rmse",
            "RunFolder",
        ),
        "glm_local",
    ),
    **dict.fromkeys(("GLM", "GLMWorkflow", "RateGLM", "run_workflow"), "glm_spark.workflows"),
    "GLMStudy": "glm_spark.studies",
    **dict.fromkeys(
        (
            "BinningRules",
            "Model",
            "ScreeningRules",
            "Split",
            "ValidationReport",
            "WorkflowResult",
            "WorkflowRules",
            "fold_expression",
            "keyed_rows",
            "learn_split",
            "read_factors",
            "read_split",
            "split_counts",
        ),
        "glm_local",
    ),
    "SparkEngine": "glm_spark.spark_engine",
    "fit_glm": "glm_spark.fitting",
    "load_model": "glm_spark.fitting",
    "open_engine": "glm_spark.fitting",
    "spark_references": "glm_spark.fitting",
    "spark_session": "glm_spark.session",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'glm_spark' has no attribute {name!r}")
