"""Factors that are the target in disguise: read from its own column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from glm_local.errors import Problem
from glm_local.expressions.expression import Expression
from glm_local.expressions.expression_columns import columns_of
from glm_local.factors.factor_spec import FactorSpec

_NONE: Mapping[str, Expression] = MappingProxyType({})


def target_problems(
    specs: Sequence[FactorSpec],
    target: Expression,
    others: Sequence[Expression | None] = (),
    derived: Mapping[str, Expression] = _NONE,
) -> list[Problem]:
    """A problem for every factor that reads the target's own column, by itself or through a derived one.

    Parameters
    ----------
    others
        Exposure, weight and offset: their columns are known before the target is, and may be factors.
    derived
        What derived columns are made of.
    """
    known = set().union(*(_behind(one, derived) for one in others if one is not None))
    own = _behind(target, derived) - known
    return [
        Problem(
            f"/factors/{at}/{where}",
            f"factor {spec.name!r} reads {column!r}, which is the target.",
            "A factor is known before the target is.",
            "Leave it out.",
        )
        for at, spec in enumerate(specs)
        for where, read in spec.reads()
        for column in sorted(_behind(read, derived) & own)
    ]


def _behind(expression: Expression, derived: Mapping[str, Expression]) -> set[str]:
    found, waiting = set[str](), list(columns_of(expression))
    while waiting:
        column = waiting.pop()
        if column not in found:
            found.add(column)
            waiting += columns_of(derived[column]) if column in derived else ()
    return found
