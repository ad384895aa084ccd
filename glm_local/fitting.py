"""Where the fit meets an engine and the reference solvers that run beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from glm_local.contract.engine import Engine
from glm_local.glm.fit import FitRequest, ReferenceSolver, fit
from glm_local.model import Model

Frame = TypeVar("Frame")


def fit_frame(
    engine: Engine[Frame], frame: Frame, references: Mapping[str, ReferenceSolver] | None = None, **asked: Any
) -> Model[Frame]:
    """Fit on any engine; `asked` are the fields of `FitRequest`."""
    document = fit(engine, frame, FitRequest(**asked), references or {})
    return Model(document, engine)
