"""Factor specification -> expressions: the code of a level, the value of a linear term, the code of a crossing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from glm_local.errors import SpecError
from glm_local.expressions.category_key import Key, category_key, sorted_keys, stored_forms
from glm_local.expressions.columns import ReadKind
from glm_local.expressions.expression import (
    Arithmetic,
    Bin,
    Clip,
    Expression,
    IfMissing,
    Lookup,
    Read,
)
from glm_local.expressions.expression import Literal as Constant
from glm_local.expressions.expression_columns import type_of
from glm_local.expressions.expression_json import expression_from_json
from glm_local.factors.compiled_factor import CompiledFactor, CompiledLinear, Extra
from glm_local.factors.compiled_interaction import CompiledInteraction
from glm_local.factors.factor_spec import FactorSpec, InteractionSpec, LinearSpec, NamedLevel, NumericSpec
from glm_local.factors.level_names import (
    CAUSES,
    edge_number,
    known_part,
    level_names,
    level_values,
    source_of,
)

__all__ = [
    "Compiled",
    "CompiledFactor",
    "CompiledInteraction",
    "CompiledLinear",
    "Extra",
    "compile_factor",
    "compile_factors",
    "is_resolved",
    "linear_argument",
    "numeric_argument",
]


Compiled = CompiledFactor | CompiledLinear | CompiledInteraction


def is_resolved(spec: FactorSpec) -> bool:
    """Whether nothing is left for `learn_factors` to learn (base level and crossed cells are the fit's to tell)."""
    if isinstance(spec, InteractionSpec):
        return True
    if isinstance(spec, LinearSpec):
        return all(getattr(spec.learned, name, None) is not None for name in asked_moments(spec))
    return known_part(spec.document(), "edges" if isinstance(spec, NumericSpec) else "levels") is not None


def asked_moments(spec: LinearSpec) -> set[str]:
    """Which of mean and sd a linear factor asks for."""
    moments = {"mean"} if "mean" in (spec.centre, spec.missing) else set()
    return moments | ({"sd"} if spec.scale == "sd" else set())


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
    if not is_resolved(spec):
        raise SpecError.because(
            f"factor {spec.name!r} still has something to learn.",
            "Only what is known can be compiled.",
            "Run learn_factors on the training rows first.",
            f"/{spec.name}",
        )
    if isinstance(spec, LinearSpec):
        return CompiledLinear(spec.name, _linear_value(spec))
    if isinstance(spec, InteractionSpec):
        return _crossing(spec)
    document = spec.document()
    levels = level_names(document)
    assert levels is not None
    codes, extras = _codes_by_cause(document, levels)
    code = _bin(spec, document, codes) if isinstance(spec, NumericSpec) else _lookup(spec.column, document, codes)
    return CompiledFactor(spec.name, tuple(levels), tuple(extras), code, _base_of(spec))


def _crossing(spec: InteractionSpec) -> CompiledInteraction:
    cells = spec.learned.cells if spec.learned else None
    named = not isinstance(spec.unseen, str)
    return CompiledInteraction(
        spec.name,
        spec.factors,
        spec.coding,
        "cell" if named else cast(Any, spec.unseen),
        cast(NamedLevel, spec.unseen).level if named else None,
        cells,
        _base_of(spec),
        spec.separator,
    )


def _base_of(spec: Any) -> str | None:
    if not isinstance(spec.base, str):
        return cast(str, spec.base.level)
    return spec.learned.base if spec.learned else None


def _codes_by_cause(document: Mapping[str, Any], levels: Sequence[str]) -> tuple[dict[str, int], list[Extra]]:
    """Code of every cause that has a policy, and the extras among them."""
    codes: dict[str, int] = {}
    extras: list[Extra] = []
    for cause in CAUSES:
        policy = document.get(cause)
        if policy in ("base", "refuse"):
            codes[cause] = len(levels) + len(extras)
            extras.append(Extra(cast(Any, cause), cast(Any, policy)))
        elif policy is not None:
            name = cause if isinstance(policy, str) else next(iter(policy.values()))
            codes[cause] = levels.index(name)
    return codes, extras


def numeric_argument(spec: NumericSpec) -> Expression:
    """What a numeric factor cuts: its column as number, integer or date (days since 1970-01-01)."""
    return Read(spec.column, spec.source)


def _bin(spec: NumericSpec, document: Mapping[str, Any], codes: Mapping[str, int]) -> Bin:
    edges = [edge_number(edge) for edge in known_part(document, "edges")]
    outputs = list(range(len(edges) + 1))
    if spec.lower is not None:  # x < lower as a right-closed interval: x <= the double just below lower
        edges.insert(0, math.nextafter(edge_number(spec.lower), -math.inf))
        outputs.insert(0, codes["below"])
    if spec.upper is not None:
        edges.append(edge_number(spec.upper))
        outputs.append(codes["above"])
    return Bin(numeric_argument(spec), tuple(edges), tuple(outputs), codes["missing"])


def _lookup(column: str, document: Mapping[str, Any], codes: Mapping[str, int]) -> Lookup:
    source = source_of(document)
    code_of: dict[Key, int] = {}
    for code, level in enumerate(known_part(document, "levels")):
        for value in level_values(level):
            code_of[cast(Key, category_key(value, source))] = code
    for key in list(code_of):  # a value of the list wins over another one's float32 form
        for form in stored_forms(key, source):
            code_of.setdefault(form, code_of[key])
    keys = sorted_keys(code_of)
    return Lookup(
        Read(column, source), tuple(keys), tuple(code_of[key] for key in keys), codes["missing"], codes["unseen"]
    )


def linear_argument(spec: LinearSpec) -> Expression:
    """What a linear factor takes, capped, as a number; missing is not filled yet."""
    argument: Expression
    if spec.expression is not None:
        argument = expression_from_json(spec.expression, "/expression")
    else:
        kind: ReadKind = spec.source
        argument = Read(cast(str, spec.column), kind)
    if type_of(argument) != "number":
        argument = Arithmetic("*", argument, Constant(1.0))
    if spec.cap is None:
        return argument
    lower, upper = (None if limit is None else float(limit) for limit in (spec.cap.lower, spec.cap.upper))
    return Clip(argument, lower, upper)


def _linear_value(spec: LinearSpec) -> Expression:
    value = linear_argument(spec)
    mean = spec.learned.mean if spec.learned else None
    sd = spec.learned.sd if spec.learned else None
    if spec.missing != "refuse":
        fill = mean if spec.missing == "mean" else spec.missing
        value = IfMissing(value, Constant(float(cast(float, fill))))
    centre = float(cast(float, mean if spec.centre == "mean" else spec.centre))
    scale = float(cast(float, sd if spec.scale == "sd" else spec.scale))
    if centre != 0:
        value = Arithmetic("-", value, Constant(centre))
    return value if scale == 1 else Arithmetic("/", value, Constant(scale))
