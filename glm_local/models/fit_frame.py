"""A fit on any engine, as a model in hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from glm_local.glm.fit import fit
from glm_local.glm.reference_fit import fit_statsmodels
from glm_local.glm.request import FitRequest
from glm_local.glm.second_opinion import ReferenceSolver
from glm_local.models.model import Model
from glm_local.rows.engine import Engine

Frame = TypeVar("Frame")

LOCAL_REFERENCES: dict[str, ReferenceSolver] = {"statsmodels": fit_statsmodels}
"""Independent solvers that need nothing but this machine."""


def fit_frame(
    engine: Engine[Frame],
    frame: Frame,
    request: FitRequest,
    references: Mapping[str, ReferenceSolver] = LOCAL_REFERENCES,
) -> Model[Frame]:
    """Fit on any engine."""
    return Model(fit(engine, frame, request, references), engine)
