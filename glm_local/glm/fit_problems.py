"""What can be wrong with the rows or the estimates of a fit, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glm_local.errors import FitError, GlmError, Problem
from glm_local.families.families import Family
from glm_local.glm.information import kept_part
from glm_local.glm.solution import BOUNDARY, Solution
from glm_local.glm.summary import Summary
from glm_local.rows.domain import Domain
from glm_local.texts.counted import counted

_DOMAINS: dict[Domain, str] = {
    "real": "any number",
    "nonnegative": "targets of 0 or more",
    "positive": "targets above 0",
    "unit": "targets from 0 to 1 (shares; the weight is the number of trials)",
}
_FILTER = "Filter such rows with where=, or mend them."
_UNITS = "Give target, weight, exposure and numeric columns in other units, or choose another link or family."
_EXPOSURE = "An exposure is a number above 0: a row without exposure says nothing."
_RULES: dict[str, tuple[str, str]] = {
    "target missing": ("A target is a number on every row that is fitted.", _FILTER),
    "weight missing": ("A weight is a number of 0 or more.", _FILTER),
    "weight negative": ("A weight is a number of 0 or more; rows of weight 0 are left out and counted.", _FILTER),
    "exposure missing": ("An exposure is a number above 0.", _FILTER),
    "exposure not positive": (_EXPOSURE, _FILTER),
    "offset missing": ("An offset is a number on the link scale.", _FILTER),
    "beyond doubles": (
        "Weight times target, times the powers of exposure and exp(offset) the family takes, is a double (to 1e308).",
        "Give target, exposure or weight in other units, take a constant off the offset, or filter such rows.",
    ),
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


def overflow_problems(summary: Summary, numerics: Sequence[str]) -> list[Problem]:
    """Return a problem per total of the rows that is no double, so that nothing could be fitted."""
    totals = {"weights": summary.weight, "weight times target": summary.amount}
    problems = [
        Problem("rows", f"the sum of {name} is {total:g}.", "A total is a finite number.", _UNITS)
        for name, total in totals.items()
        if not np.isfinite(total) or (name == "weights" and total <= 0)
    ]
    for name, first, second in zip(numerics, *summary.moments[:2], strict=True):
        if not (np.isfinite(first) and np.isfinite(second)) or (second == 0 and first != 0):
            problems.append(
                Problem(
                    f"numeric {name!r}",
                    "the squares of its values are beyond doubles.",
                    "Values lie between 1e-150 and 1e150 in size.",
                    "Give the column in other units, or cut it off.",
                )
            )
    return problems


def outweighed_problem(summary: Summary, solution: Solution) -> Problem | None:
    """Return that columns look aliased only because few rows hold nearly all weight."""
    if not solution.aliased or not summary.outweighed(len(solution.columns)):
        return None
    names = ", ".join(str(solution.columns.columns[at]) for at in solution.aliased)
    return Problem(
        "/weight",
        f"a few rows hold nearly all weight, and beside them nothing can be told of {names}.",
        "Weights are so unequal that doubles lose the other rows.",
        "Cut the largest weights off, or fit those rows alone.",
    )


def unusable_problem(solution: Solution) -> Problem | None:
    """Return what is wrong with a fit whose figures are no numbers, or that estimates nothing."""
    kept = np.setdiff1d(np.arange(len(solution.coefficients)), solution.aliased)
    figures = {
        "deviance": solution.deviance,
        "null deviance": solution.null_deviance,
        "Pearson chi-square": solution.pearson,
        "fitted total": solution.fitted,
        "size of the coefficients": np.abs(solution.coefficients[kept]).sum(),
        "size of their variances": np.abs(kept_part(solution.covariance, kept)).sum(),
    }
    if solution.reason == BOUNDARY:  # has no variances
        del figures["size of their variances"]
    if not solution.columns.has_intercept:  # no coefficient at all may give no mean
        del figures["null deviance"]
    found = [f"the {name} is {figure:g}" for name, figure in figures.items() if not np.isfinite(figure)]
    if not found and len(solution.coefficients) and not len(kept):
        found = ["no coefficient moves the means"]
    if not found:
        return None
    return Problem("", f"{', '.join(found)}.", "A fit is given out only when all its figures are numbers.", _UNITS)


def refused_problems(refused: Sequence[tuple[str, str, int]]) -> list[Problem]:
    """Return a problem per factor and cause whose policy is "refuse" and that has rows."""
    way_out = "Name a policy for them (own_level, base or a level), or filter the rows."
    return [
        Problem(f"factor {factor!r}", f"{_are(rows)} {cause}.", f"The spec refuses {cause} values.", way_out)
        for factor, cause, rows in refused
    ]


def _are(rows: int) -> str:
    return f"{counted(rows)} {'is' if rows == 1 else 'are'}"


SEPARATION_WAY_OUT = "Merge the level, give a ridge penalty, or ask on_separation='warn'."


def separation_problems(named: Sequence[tuple[str, str]]) -> list[Problem]:
    """Return a problem per level whose estimate does not exist."""
    rule = "Its estimate does not exist: it would run away (separation)."
    return [Problem(f"coefficient {name}", f"{detail}.", rule, SEPARATION_WAY_OUT) for name, detail in named]


def convergence_problem(solution: Solution) -> Problem:
    """Return what to say of a fit that did not converge, naming the terms that still move."""
    if solution.reason == BOUNDARY:
        return Problem(
            "",
            "the fit stopped at a boundary value: a fitted mean is at the end of what the family and the link allow.",
            "An estimate is where the score vanishes; there it does not, and no standard error is valid.",
            "Take a link without ends (log; logit for shares), drop or merge terms, give a ridge penalty, or ask "
            "on_failure='warn' for the estimates at the boundary, without standard errors.",
        )
    away = ", ".join(repr(str(column)) for column in solution.running_away)
    found = f"the fit did not converge: {solution.reason} after {solution.iterations} iterations"
    return Problem(
        "",
        found + (f"; still moving: {away}." if away else "."),
        "An estimate is where the score vanishes.",
        "Merge or drop the named terms, give a ridge penalty, or ask on_failure='warn' and read the result with care.",
    )


def no_start() -> GlmError:
    """Return what to say where neither a constant nor least squares give means that the family takes."""
    return FitError.because(
        "no coefficients were found whose means the family allows on every row.",
        "A fit starts from such means; with this link a linear predictor has ends.",
        "Take a link without ends (log; logit for shares), keep the intercept, or look at the offset.",
        "/link",
    )
