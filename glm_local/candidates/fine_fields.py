"""What is packed of a study's rows: fine codes of candidates, and what other factors needed beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from glm_local.candidates.field_map import code_map
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression
from glm_local.factors.compile_factor import CompiledFactor
from glm_local.glm.fit_plan import FitPlan
from glm_local.inference.recode import FieldMap
from glm_local.rows.blocks import BlockDesign, Field


@dataclass(frozen=True)
class FineFields:
    """Packed codes and numbers by name.

    Parameters
    ----------
    kinds
        Of the table's columns.
    factors
        Name to factor: candidates first, then factors that divide fine codes.
    numerics
        Name to expression of linear terms.
    """

    kinds: Mapping[str, ColumnKind]
    factors: Mapping[str, CompiledFactor]
    numerics: Mapping[str, Expression] = field(default_factory=dict)
    _maps: dict[tuple[str, str], NDArray[np.int64] | None] = field(default_factory=dict, repr=False, compare=False)

    def design(self, roles: BlockDesign, sample: Field, *more: Field) -> BlockDesign:
        """The block design of the study's rows; `roles` gives response, weight, exposure and offset."""
        fields = tuple(Field(name, one.code, one.size) for name, one in self.factors.items())
        return replace(roles, fields=(*fields, sample, *more), numerics=dict(self.numerics), sorted_by=sample.name)

    def source(self, one: CompiledFactor, complete: Callable[[str], bool]) -> FieldMap | None:
        """The packed field a factor's codes can be read off, and how; None when it divides fine codes.

        `complete` says of a field's name whether every value of the rows has a fine code.
        """
        for name, fine in self.factors.items():
            key = (name, repr(one.code))
            if key not in self._maps:
                self._maps[key] = code_map(fine, one, self.kinds, complete(name))
            codes = self._maps[key]
            if codes is not None:
                return FieldMap(name, codes)
        return None

    def with_plan(self, plan: FitPlan, complete: Callable[[str], bool]) -> FineFields:
        """These fields, or more where a plan needs them."""
        lacking = [one for one in level_factors(plan).values() if self.source(one, complete) is None]
        numerics = {numeric_name(one): one for one in plan.design.numerics.values()}
        if not lacking and numerics.keys() <= self.numerics.keys():
            return self
        factors = dict(self.factors)
        for one in lacking:
            name = one.name
            while name in factors:
                name += "'"
            factors[name] = one
        return FineFields(self.kinds, factors, {**self.numerics, **numerics})


def level_factors(plan: FitPlan) -> dict[str, CompiledFactor]:
    """The factors of a plan that have levels, by name."""
    return {name: one for name, one in plan.compiled.items() if isinstance(one, CompiledFactor)}


def numeric_name(expression: Expression) -> str:
    """Name under which a linear term's number is packed."""
    return f"(linear) {expression!r}"
