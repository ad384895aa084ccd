"""Factor specifications -> expressions; what each kind compiles to is said where the kind is."""

from __future__ import annotations

from collections.abc import Sequence

from glm_local.errors import SpecError
from glm_local.factors.compiled import Compiled
from glm_local.factors.compiled_factor import CompiledFactor, CompiledLinear, Extra
from glm_local.factors.compiled_interaction import CompiledInteraction
from glm_local.factors.factor_spec import FactorSpec

__all__ = [
    "Compiled",
    "CompiledFactor",
    "CompiledInteraction",
    "CompiledLinear",
    "Extra",
    "compile_factor",
    "compile_factors",
]


def compile_factors(specs: Sequence[FactorSpec]) -> dict[str, Compiled]:
    """Compile a set of factors, by name, in model order."""
    return {spec.name: compile_factor(spec) for spec in specs}


def compile_factor(spec: FactorSpec) -> Compiled:
    """Turn one factor into expressions.

    Parameters
    ----------
    spec
        A resolved factor: edges, levels, centre and scale known.

    Raises
    ------
    SpecError
        When something is still to be learned.

    Examples
    --------
    >>> from glm_local.factors.spec_problems import read_factor
    >>> age = read_factor({"kind": "numeric", "name": "age", "column": "Age", "edges": [25], "missing": "refuse"})
    >>> compile_factor(age).code
    Bin(argument=Read(column='Age', kind='number'), edges=(25.0,), outputs=(0, 1), missing=2)
    """
    if not spec.is_resolved:
        raise SpecError.because(
            f"factor {spec.name!r} still has something to learn.",
            "Only what is known can be compiled.",
            "Run learn_factors on the training rows first.",
            f"/{spec.name}",
        )
    return spec.compiled()
