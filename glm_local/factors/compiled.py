"""What a specification compiles to."""

from __future__ import annotations

from glm_local.factors.compiled_factor import CompiledFactor, CompiledLinear
from glm_local.factors.compiled_interaction import CompiledInteraction

Compiled = CompiledFactor | CompiledLinear | CompiledInteraction
