"""What can be wrong with the rows or the estimates of a fit, in words."""

from __future__ import annotations

from collections.abc import Sequence

from glm_local.contract.blocks import Domain
from glm_local.contract.counted import counted
from glm_local.errors import Problem
from glm_local.glm.families import Family
from glm_local.glm.solution import Solution
from glm_local.glm.summary import Summary

_DOMAINS: dict[Domain, str] = {
    "real": "any number",
    "nonnegative": "targets of 0 or more",
    "positive": "targets above 0",
    "unit": "targets from 0 to 1 (shares; the weight is the number of trials)",
}
_FILTER = "Filter such rows with where=, or mend them."
_EXPOSURE = "An exposure is a number above 0: a row without exposure says nothing."
_RULES: dict[str, tuple[str, str]] = {
    "target missing": ("A target is a number on every row that is fitted.", _FILTER),
    "weight missing": ("A weight is a number of 0 or more.", _FILTER),
    "weight negative": ("A weight is a number of 0 or more; rows of weight 0 are left out and counted.", _FILTER),
    "exposure missing": ("An exposure is a number above 0.", _FILTER),
    "exposure not positive": (_EXPOSURE, _FILTER),
    "offset missing": ("An offset is a number on the link scale.", _FILTER),
    "numeric missing": ("A linear term is a number on every row unless its spec says what missing is.", _FILTER),
}


def row_problems(summary: Summary, family: Family) -> list[Problem]:
    """Return a problem per kind of faulty row, with its count; or that no row is left."""
    outside = (f"The {family} family takes {_DOMAINS[family.domain]}.", "Choose another family, or mend the rows.")
    rules = {**_RULES, "target outside the family": outside}
    problems = [
        Problem(f"rows: {fault}", f"{counted(count)}.", *rules[fault])
        for fault, count in summary.faults.items()
        if count and fault in rules
    ]
    if not summary.rows and not problems:
        way_out = "Look at where= and the weights."
        problems.append(Problem("rows", "no row is left to fit.", "A fit needs rows with weight.", way_out))
    return problems


def refused_problems(refused: Sequence[tuple[str, str, int]]) -> list[Problem]:
    """Return a problem per factor and cause whose policy is "refuse" and that has rows."""
    way_out = "Name a policy for them (own_level, base or a level), or filter the rows."
    return [
        Problem(f"factor {factor!r}", f"{_are(rows)} {cause}.", f"The spec refuses {cause} values.", way_out)
        for factor, cause, rows in refused
    ]


def _are(rows: int) -> str:
    return f"{counted(rows)} {'is' if rows == 1 else 'are'}"


def separation_problems(named: Sequence[tuple[str, str]]) -> list[Problem]:
    """Return a problem per level whose estimate does not exist."""
    rule = "Its estimate does not exist: it would run away (separation)."
    way_out = "Merge the level, give a ridge penalty, or ask on_separation='warn'."
    return [Problem(f"coefficient {name}", f"{detail}.", rule, way_out) for name, detail in named]


def convergence_problem(solution: Solution) -> Problem:
    """Return what to say of a fit that did not converge, naming the terms that still move."""
    away = ", ".join(repr(str(column)) for column in solution.running_away)
    found = f"the fit did not converge: {solution.reason} after {solution.iterations} iterations"
    return Problem(
        "",
        found + (f"; still moving: {away}." if away else "."),
        "An estimate is where the score vanishes.",
        "Merge or drop the named terms, give a ridge penalty, or ask on_failure='warn' and read the result with care.",
    )
