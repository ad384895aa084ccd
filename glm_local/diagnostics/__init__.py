"""Diagnostics of scored frames and of samples: tables by group, comparisons, double lift, drift; all through cells."""

from glm_local.diagnostics.aggregation import aggregate_table
from glm_local.diagnostics.comparison import model_version_comparison, train_validation_comparison
from glm_local.diagnostics.double_lift_table import double_lift
from glm_local.diagnostics.drift_table import Drift, drift
from glm_local.diagnostics.factor_report import by_factor_report
from glm_local.diagnostics.metrics import (
    binomial_deviance,
    gamma_deviance,
    gaussian_deviance,
    mean_deviance,
    poisson_deviance,
    tweedie_deviance,
    weighted_mae,
    weighted_rmse,
)
from glm_local.diagnostics.rate_table import aggregate_rate_table
from glm_local.diagnostics.scored_report import validation_report
from glm_local.diagnostics.scored_tables import calibration, lift, summary
from glm_local.diagnostics.stability_index import StabilityIndex, stability_index

__all__ = [
    "Drift",
    "StabilityIndex",
    "aggregate_rate_table",
    "aggregate_table",
    "binomial_deviance",
    "by_factor_report",
    "calibration",
    "double_lift",
    "drift",
    "gamma_deviance",
    "gaussian_deviance",
    "lift",
    "mean_deviance",
    "model_version_comparison",
    "poisson_deviance",
    "stability_index",
    "summary",
    "train_validation_comparison",
    "tweedie_deviance",
    "validation_report",
    "weighted_mae",
    "weighted_rmse",
]
