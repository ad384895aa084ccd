"""Levels that hold too little to stand on their own, told from a model document: no pass over rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from glm_local.factors.factor_spec import InteractionSpec
from glm_local.factors.searched_levels import is_searched
from glm_local.families.families import Family, family_from
from glm_local.inference.design_effect import least_effect
from glm_local.scoring.model_spec import Coefficient, ModelDocument

Profile = Literal["insurance", "credit"]

EVENTS, OTHERS = 10.0, 20.0
"""Expected evidence a level or cell holds at least: of counts and shares, and of other families. Alone, the relativity
of a level of 10 events, and the odds ratio of one of 20 events and 20 non-events (20 * 20 / 40 = 10), have a standard
error of 32 %."""
SHARES: Mapping[Profile, float] = {"insurance": 0.0, "credit": 0.05}
"""Share of the training weight a level holds at least, by profile; cells, which are parts of levels, have none."""

THIN = "thin: "
"""How the words of a thin level begin."""
ROUNDING = 1e-9


def evidence_floor(domain: str) -> float:
    """Expected evidence a level holds at least, and a cell of a crossing, by the domain of the family.

    Examples
    --------
    >>> evidence_floor("nonnegative"), evidence_floor("unit"), evidence_floor("positive")
    (10.0, 10.0, 20.0)
    """
    return EVENTS if domain in ("nonnegative", "unit") else OTHERS


def thin_levels(document: ModelDocument, profile: Profile = "insurance") -> dict[str, str]:
    """What each level holds, in words, by term, of those below the floors of a profile.

    The evidence of a level is the larger of what is expected at the rate of all its factor's rows and what its own rate
    makes of it: events for counts; events * non-events / rows for shares, which is never more than either; sum
    w m^2 / V(m) / dispersion for other positive responses, for gamma no more than its rows; rows for responses of any
    sign. Where rows bear weights events too are counted over the dispersion: a weight has no unit. Levels that were
    searched for are thin below half the floor, since the search judged by the model of its time. The base is a level
    like the others; pinned levels are not estimated, and those without rows have a note of their own.
    """
    family, found = family_from(document.spec.family), dict[str, str]()
    dispersion = evidence_dispersion(document)
    for spec in document.factors:
        lines = [one for one in document.coefficients if one.factor == spec.name and one.level is not None]
        weight = sum(one.weight or 0.0 for one in lines)
        if not weight > 0:
            continue
        cells = isinstance(spec, InteractionSpec)
        rate = sum(one.amount or 0.0 for one in lines) / weight
        for one in lines:
            if one.status in ("fitted", "separated") or (one.status == "base" and not cells):
                held, share = _evidence(family, one, rate, dispersion), (one.weight or 0.0) / weight
                least, least_share = evidence_floor(family.domain), 0.0 if cells else SHARES[profile]
                # A search judged by the model of its time, which expected something else here.
                least = least / 2 if is_searched(spec) else least
                if held < least * (1 - ROUNDING):
                    counted = evidence_words(family.domain, dispersion)
                    found[one.term] = f"{THIN}{held:,.3g} {counted}, less than {least:g}"
                elif share < least_share * (1 - ROUNDING):
                    found[one.term] = f"{THIN}{share:.1%} of the weight, less than {least_share:.0%}"
    return found


def evidence_dispersion(document: ModelDocument) -> float:
    """What the information of a level is divided by to be its evidence.

    1 where the family fixes it and rows bear no weights, which may have any unit; else Pearson's chi-square over the
    residual degrees of freedom.
    """
    spec = document.spec
    if least_effect(family_from(spec.family), spec.weight is not None) and spec.dispersion in ("fixed", "by_key"):
        return 1.0
    return document.statistics.dispersion_pearson or 1.0


def evidence_words(domain: str, dispersion: float = 1.0) -> str:
    """What the evidence of a level is counted in, by the domain of the family.

    Examples
    --------
    >>> evidence_words("nonnegative"), evidence_words("unit"), evidence_words("real")
    ('expected events', 'expected events × non-events / rows', 'rows')
    """
    if domain in ("unit", "nonnegative"):
        counted = "expected events × non-events / rows" if domain == "unit" else "expected events"
        return over_dispersion(counted, dispersion)
    return "rows over the dispersion" if domain == "positive" else "rows"


def over_dispersion(counted: str, dispersion: float) -> str:
    """What was counted, and that it was divided by the dispersion where that is not 1.

    Examples
    --------
    >>> over_dispersion("25 expected", 1.0), over_dispersion("25 expected", 1.7)
    ('25 expected', '25 expected over the dispersion')
    """
    return counted if dispersion == 1 else f"{counted} over the dispersion"


def _evidence(family: Family, level: Coefficient, rate: float, dispersion: float) -> float:
    weight, amount, rows = level.weight or 0.0, level.amount or 0.0, float(level.rows or 0)
    own = amount / weight if weight > 0 else 0.0
    return max(_at(family, weight, one, rows, dispersion) for one in (rate, own))


def _at(family: Family, weight: float, mean: float, rows: float, dispersion: float) -> float:
    if family.domain == "unit":
        return weight * mean * (1 - mean) / dispersion
    if family.domain not in ("nonnegative", "positive"):
        return rows
    if not mean > 0:
        return 0.0
    variance = float(np.asarray(family.variance(np.array([mean])))[0])
    known = weight * mean**2 / variance / dispersion
    return min(known, rows) if family.domain == "positive" else known
