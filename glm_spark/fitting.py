"""The public verbs on the Spark engine: fit a model, load one, open the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from glm_local.arguments.checked import arguments_checked
from glm_local.glm.request import FitRequest
from glm_local.glm.second_opinion import ReferenceSolver
from glm_local.models.fit_frame import LOCAL_REFERENCES, fit_frame
from glm_local.models.model import Model, read_document
from glm_local.on_pandas import fitting as local
from glm_spark.spark_engine import SparkEngine
from glm_spark.spark_ml import fit_spark_ml

P = ParamSpec("P")
R = TypeVar("R")


@arguments_checked
def open_engine() -> SparkEngine:
    """The engine of this package, on the active session (or a new local one)."""
    return SparkEngine()


@arguments_checked
def spark_references(engine: SparkEngine) -> dict[str, ReferenceSolver]:
    """Independent solvers beside a Spark engine: Spark ML on the cluster, statsmodels on the driver."""
    return {**LOCAL_REFERENCES, "spark_ml": partial(fit_spark_ml, engine.spark)}


def _on_spark(counterpart: Callable[P, R]) -> Callable[[Callable[..., R]], Callable[P, R]]:
    """Give a function the signature and documentation of its local counterpart."""
    return wraps(counterpart)  # type: ignore[return-value]


@arguments_checked
@_on_spark(local.fit_glm)
def fit_glm(frame: Any, *, engine: SparkEngine | None = None, **asked: Any) -> Model[Any]:
    """Fit a factor GLM on a Spark DataFrame; see `glm_local.fit_glm`."""
    used = engine or SparkEngine()
    return fit_frame(used, frame, FitRequest(**asked), spark_references(used))


@arguments_checked
@_on_spark(local.load_model)
def load_model(source: str | Path | Mapping[str, Any]) -> Model[Any]:
    """Load a model that scores Spark DataFrames."""
    return Model(read_document(source), SparkEngine())
