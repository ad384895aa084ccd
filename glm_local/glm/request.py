"""What a fit is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from glm_local.arguments.checked import arguments_checked
from glm_local.factors.spec_problems import listed

Solver = Literal["auto", "cells", "blocks", "statsmodels", "spark_ml"]
Route = Literal["cells", "blocks", "statsmodels", "spark_ml"]
OnTrouble = Literal["error", "warn"]


DispersionRule = Literal["auto", "fixed", "pearson", "deviance"]


class FitOptions(TypedDict, total=False):
    """What `fit_glm` takes beside rows, roles and factors; see there. The names and kinds of `FitRequest`'s fields."""

    ridge: float
    solver: Solver
    intercept: bool
    dispersion: DispersionRule
    confidence: float
    where: Any
    on_failure: OnTrouble
    on_separation: OnTrouble
    name: str
    pins: Mapping[str, Mapping[str, float]] | None


@arguments_checked
@dataclass(frozen=True)
class FitRequest:
    """Everything `fit_glm` is asked; see there."""

    target: Any
    factors: Sequence[Any]
    family: Any = "poisson"
    link: Any = None
    exposure: Any = None
    offset: Any = None
    weight: Any = None
    ridge: float = 0.0
    solver: Solver = "auto"
    intercept: bool = True
    dispersion: DispersionRule = "auto"
    confidence: float = 0.95
    where: Any = None
    on_failure: OnTrouble = "error"
    on_separation: OnTrouble = "error"
    tolerance: float = 1e-9
    max_iterations: int = 50
    name: str = "model"
    pins: Mapping[str, Mapping[str, float]] | None = None
    data_fingerprint: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", listed(self.factors))
        object.__setattr__(self, "ridge", float(self.ridge))
