"""Factor specifications: how raw columns become one factor. What was asked and what was learned lie apart."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from glm_local.factors.kind import told_in_order
from glm_local.factors.kinds.categorical import CategoricalLearned, CategoricalSpec, OrdinalSpec
from glm_local.factors.kinds.hinge import HingeSpec
from glm_local.factors.kinds.interaction import InteractionLearned, InteractionSpec
from glm_local.factors.kinds.linear import LinearLearned, LinearSpec
from glm_local.factors.kinds.numeric import NumericLearned, NumericSpec
from glm_local.factors.spec import (
    BaseRule,
    Cap,
    Edge,
    EdgeMethod,
    EdgeRule,
    Group,
    NamedLevel,
    Number,
    NumberSpec,
    OwnLevel,
    Policy,
    Spec,
    Value,
)

__all__ = [
    "SPEC_OF_KIND",
    "VERSION",
    "BaseRule",
    "Cap",
    "CategoricalLearned",
    "CategoricalSpec",
    "Edge",
    "EdgeMethod",
    "EdgeRule",
    "FactorSpec",
    "Group",
    "HingeSpec",
    "InteractionLearned",
    "InteractionSpec",
    "LinearLearned",
    "LinearSpec",
    "NamedLevel",
    "Number",
    "NumberSpec",
    "NumericLearned",
    "NumericSpec",
    "OrdinalSpec",
    "OwnLevel",
    "Policy",
    "Spec",
    "Value",
]

VERSION = 1

AnySpec = NumericSpec | CategoricalSpec | OrdinalSpec | LinearSpec | HingeSpec | InteractionSpec
"""Every kind there is."""

FactorSpec = Annotated[AnySpec, Field(discriminator="kind")]

SPEC_OF_KIND: dict[str, type[Spec]] = {one.model_fields["kind"].default: one for one in get_args(AnySpec)}

told_in_order(list(SPEC_OF_KIND))
