"""Factors that are the target in disguise: read from its own column, or telling it nearly row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from glm_local.contract.compile_factor import linear_argument
from glm_local.contract.expression import Expression, Read
from glm_local.contract.expression_columns import columns_of
from glm_local.contract.factor_spec import FactorSpec, InteractionSpec, LinearSpec
from glm_local.errors import Problem
from glm_local.glm.fit_plan import LevelCount

NEARLY_ALL = 0.95
"""Share of a binomial target's deviance that no factor explains by itself unless it knows the target."""

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
            f"/factors/{at}/{where}", f"factor {spec.name!r} reads {column!r}, which is the target.",
            "A factor is known before the target is.", "Leave it out.",
        )  # fmt: skip
        for at, spec in enumerate(specs)
        for where, read in _reads(spec)
        for column in sorted(_behind(read, derived) & own)
    ]


def _reads(spec: FactorSpec) -> list[tuple[str, Expression]]:
    if isinstance(spec, InteractionSpec):
        return []
    if isinstance(spec, LinearSpec):
        return [("column" if spec.expression is None else "expression", linear_argument(spec))]
    return [("column", Read(str(spec.column)))]


def _behind(expression: Expression, derived: Mapping[str, Expression]) -> set[str]:
    found, waiting = set[str](), list(columns_of(expression))
    while waiting:
        column = waiting.pop()
        if column not in found:
            found.add(column)
            waiting += columns_of(derived[column]) if column in derived else ()
    return found


def leak_suspects(counts: Sequence[LevelCount]) -> list[str]:
    """Factors whose levels alone explain nearly all of a binomial target's deviance, in a sentence each."""
    suspects = []
    for name in dict.fromkeys(one.factor for one in counts):
        own = [one for one in counts if one.factor == name and one.weight > 0]
        weight, amount = (np.array([getattr(one, field) for one in own]) for field in ("weight", "amount"))
        whole = _entropy(weight.sum(), amount.sum())
        share = 1 - _entropy(weight, amount) / whole if whole > 0 else 0.0
        if share > NEARLY_ALL and 4 * len(own) < sum(one.rows for one in own):  # a level for every row tells all
            found = f"factor {name!r} alone explains {share:.1%} of the target"
            suspects.append(f"{found}: leakage? Is it known before the target is?")
    return suspects


def _entropy(weight: object, amount: object) -> float:
    w, a = np.atleast_1d(np.asarray(weight, dtype=float)), np.atleast_1d(np.asarray(amount, dtype=float))
    share = np.clip(a / w, 0.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.nan_to_num(share * np.log(share)) + np.nan_to_num((1 - share) * np.log1p(-share))
    return float(-(w * terms).sum())
