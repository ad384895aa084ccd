"""What a factor makes of a row, as a column: the name of its level, the name of its cell, or its number."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from glm_local.expressions.expression import Expression
from glm_local.factors.compile_factor import Compiled
from glm_local.factors.compiled_factor import CompiledFactor, CompiledLinear
from glm_local.factors.compiled_interaction import CompiledInteraction
from glm_local.factors.level_names import POOLED_CELLS

UNKNOWN_BASE = "(base level)"
"""Shown where rows go to a base level no fit has found yet, or to the base of an interaction net of its margins."""


def applied(one: Compiled, members: Mapping[str, Compiled], bases: Mapping[str, str]) -> Expression:
    """What the factor makes of a row; refused rows are missing.

    Parameters
    ----------
    members
        Compiled factors by name; an interaction picks its own.
    bases
        Base levels (base cells) that are known, by factor.
    """
    if isinstance(one, CompiledLinear):
        return one.value
    if isinstance(one, CompiledFactor):
        return level_labels(one, bases.get(one.name, UNKNOWN_BASE))
    return one.with_outputs(members, _cells(one, one.crossed(members), bases))


def level_labels(compiled: CompiledFactor, base: str | None) -> Expression:
    """Text expression of a factor's level names; codes of the policy "base" show the base level."""
    return compiled.with_outputs(_labels(compiled, base))


def _labels(compiled: CompiledFactor, base: str | None) -> tuple[str | None, ...]:
    return (*compiled.levels, *(base if extra.policy == "base" else None for extra in compiled.extras))


def _cells(one: CompiledInteraction, crossed: Sequence[CompiledFactor], bases: Mapping[str, str]) -> list[str | None]:
    """Name of the cell of every crossed code; cells without a coefficient or training rows follow their policy."""
    seen = None if one.cells is None else set(one.cells)
    base = bases.get(one.name, UNKNOWN_BASE) if one.coding == "cells" else UNKNOWN_BASE
    left = base if one.coding == "cells" else POOLED_CELLS
    elsewhere = {"base": left, "refuse": None, "cell": one.unseen_cell}[one.unseen]
    own = [bases.get(member.name) for member in crossed]
    names: list[str | None] = []
    for cell in itertools.product(*(_labels(member, bases.get(member.name, UNKNOWN_BASE)) for member in crossed)):
        known = [level for level in cell if level is not None]
        if len(known) < len(cell):
            names.append(None)
            continue
        at_base = one.coding == "net_of_margins" and any(level == at for level, at in zip(known, own, strict=True))
        names.append(one.cell_name(known) if seen is None or at_base or tuple(known) in seen else elsewhere)
    return names
