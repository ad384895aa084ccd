"""Factors as validation shows them: an integer expression and a label for every code, in the factor's order."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from glm_local.expressions.expression import Expression
from glm_local.factors.compile_factor import Compiled
from glm_local.factors.compiled_factor import CompiledFactor
from glm_local.factors.compiled_interaction import CompiledInteraction
from glm_local.factors.level_names import cell_name
from glm_local.rows.blocks import mixed_radix

MOST_CELLS = 400
"""Crossings with more potential cells are not shown cell by cell."""

Labelled = tuple[Expression, Sequence[str]]


def level_labels(one: CompiledFactor) -> list[str]:
    """A label for every code; what has no level says where it goes."""
    goes = {"base": "as base", "refuse": "refused"}
    return [*one.levels, *(f"({extra.cause}, {goes[extra.policy]})" for extra in one.extras)]


def codes_and_labels(one: Compiled, compiled: Mapping[str, Compiled]) -> Labelled | None:
    """Code expression and labels of a factor or a crossing; None for linear terms, slopes and very large crossings."""
    if isinstance(one, CompiledFactor):
        return one.code, level_labels(one)
    if not isinstance(one, CompiledInteraction) or one.linear(compiled) is not None:
        return None
    members = one.crossed(compiled)
    cells = list(itertools.product(*(level_labels(member) for member in members)))
    if len(cells) > MOST_CELLS:
        return None
    code = mixed_radix([(member.code, member.size) for member in members])
    return code, [cell_name(cell, one.separator) for cell in cells]
