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
        Model,
        Split,
        ValidationReport,
        WorkflowResult,
        WorkflowRules,
        fold_expression,
        learn_split,
        read_factors,
        read_split,
        split_counts,
        validation_report,
    )
    from glm_spark.fitting import fit_glm, load_model, open_engine, spark_references
    from glm_spark.session import spark_session
    from glm_spark.spark_engine import SparkEngine
    from glm_spark.studies import GLMStudy
    from glm_spark.workflows import GLM, GLMWorkflow, RateGLM, run_workflow

__all__ = [
    "BinningRules", "ConfigError", "DataError", "EngineError", "FitError", "GLM", "GLMStudy", "GLMWorkflow", "GlmError",
    "Model", "Problem", "RateGLM", "SparkEngine", "SpecError", "Split", "StoreError", "ValidationReport",
    "WorkflowResult", "WorkflowRules", "fit_glm", "fold_expression", "learn_split", "load_model", "open_engine",
    "read_factors", "read_split", "run_workflow", "spark_references", "spark_session", "split_counts",
    "validation_report",
]  # fmt: skip

# Loaded when first asked for: executors import parts of this package and need no session, no solver, no printer.
_HOMES = {
    **dict.fromkeys(("GLM", "GLMWorkflow", "RateGLM", "run_workflow"), "glm_spark.workflows"),
    "GLMStudy": "glm_spark.studies",
    **dict.fromkeys(
        (
            "BinningRules", "Model", "Split", "ValidationReport", "WorkflowResult", "WorkflowRules", "fold_expression", "learn_split", "read_factors", "read_split",
            "split_counts", "validation_report",
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
