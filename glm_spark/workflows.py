"""Workflows and one-object models on Spark: those of `glm_local.workflow`, bound to the Spark engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from glm_local.arguments.checked import arguments_checked
from glm_local.workflow.glm import Glm
from glm_local.workflow.rate_glm import RateGlm
from glm_local.workflow.workflow import Workflow, WorkflowOptions, WorkflowResult
from glm_spark.studies import GLMStudy


class GLMWorkflow(Workflow[Any]):  # noqa: D101  it has one
    __doc__ = Workflow.__doc__
    _study = GLMStudy


class GLM(Glm[Any]):  # noqa: D101  it has one
    __doc__ = Glm.__doc__
    _study = GLMStudy


class RateGLM(RateGlm[Any]):  # noqa: D101  it has one
    __doc__ = RateGlm.__doc__
    _study = GLMStudy
    _workflow = GLMWorkflow


@arguments_checked
def run_workflow(
    frame: Any, *, target: Any, candidates: Sequence[Any] | None = None, **options: Unpack[WorkflowOptions]
) -> WorkflowResult[Any]:
    """Run an automatic study in one call; `options` are the other arguments of `GLMWorkflow`."""
    return GLMWorkflow(target, **options).fit(frame, candidates)
