"""Factor-based generalized linear models on one machine: the contract, the numerics and the pandas engine.

>>> import pandas as pd
>>> from glm_local import fit_glm
>>> frame = pd.DataFrame({"claims": [0, 1, 2, 1, 3, 0], "years": [1, 1, 2, 1, 2, 1], "area": list("ABABBA")})
>>> area = {"kind": "categorical", "name": "area", "column": "area", "missing": "refuse", "unseen": "base",
...         "base": {"level": "A"}}
>>> model = fit_glm(frame, target="claims", factors=[area], family="poisson", exposure="years")
>>> round(model.predict({"area": "B", "years": 1}), 6)
1.25
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from glm_local.errors import ConfigError, DataError, EngineError, FitError, GlmError, Problem, SpecError, StoreError

if TYPE_CHECKING:
    from glm_local.binning.rules import BinningRules
    from glm_local.diagnostics import (
        Drift,
        binomial_deviance,
        gamma_deviance,
        gaussian_deviance,
        mean_deviance,
        poisson_deviance,
        tweedie_deviance,
        weighted_mae,
        weighted_rmse,
    )
    from glm_local.factors.spec_problems import read_factors
    from glm_local.models.model import Model
    from glm_local.on_pandas.fitting import fit_glm, load_model, open_engine
    from glm_local.on_pandas.frame_verbs import (
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
    from glm_local.on_pandas.studies import GLMStudy
    from glm_local.on_pandas.workflows import GLM, GLMWorkflow, RateGLM, run_workflow
    from glm_local.pandas_rows.pandas_engine import PandasEngine
    from glm_local.screening.tested_levels import ScreeningRules
    from glm_local.stores.run_folder import RunFolder
    from glm_local.validation import (
        Split,
        ValidationReport,
        fold_expression,
        keyed_rows,
        learn_split,
        read_split,
        split_counts,
    )
    from glm_local.workflow.rules import WorkflowRules
    from glm_local.workflow.workflow import WorkflowResult

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
    "PandasEngine",
    "Problem",
    "RateGLM",
    "RunFolder",
    "ScreeningRules",
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
    "split_counts",
    "stratified_sample",
    "summary",
    "train_validation_comparison",
    "tweedie_deviance",
    "validation_report",
    "weighted_mae",
    "weighted_rmse",
]

__version__ = "0.1.0"

# Loaded when first asked for: an executor that unpacks a kernel needs numpy, not the whole package.
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
        "glm_local.on_pandas.frame_verbs",
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
        ),
        "glm_local.diagnostics",
    ),
    "RunFolder": "glm_local.stores.run_folder",
    "ScreeningRules": "glm_local.screening.tested_levels",
    "BinningRules": "glm_local.binning.rules",
    "GLM": "glm_local.on_pandas.workflows",
    "GLMStudy": "glm_local.on_pandas.studies",
    "GLMWorkflow": "glm_local.on_pandas.workflows",
    "RateGLM": "glm_local.on_pandas.workflows",
    "WorkflowResult": "glm_local.workflow.workflow",
    "WorkflowRules": "glm_local.workflow.rules",
    "run_workflow": "glm_local.on_pandas.workflows",
    "Model": "glm_local.models.model",
    "PandasEngine": "glm_local.pandas_rows.pandas_engine",
    **dict.fromkeys(
        (
            "Split",
            "ValidationReport",
            "fold_expression",
            "keyed_rows",
            "learn_split",
            "read_split",
            "split_counts",
        ),
        "glm_local.validation",
    ),
    "fit_glm": "glm_local.on_pandas.fitting",
    "load_model": "glm_local.on_pandas.fitting",
    "open_engine": "glm_local.on_pandas.fitting",
    "read_factors": "glm_local.factors.spec_problems",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'glm_local' has no attribute {name!r}")
