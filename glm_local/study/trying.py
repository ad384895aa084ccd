"""A candidate's levels held against the model without it: those searched for, and few where their search loses."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from glm_local.binning.result import BinningResult
from glm_local.binning.rules import BinningRules
from glm_local.errors import FitError
from glm_local.study import proposing
from glm_local.study.comparison import Comparison
from glm_local.study.core import StudyCore
from glm_local.study.decisions import compared
from glm_local.study.design import Change
from glm_local.study.history import Fact
from glm_local.study.keeping import KeepingRule
from glm_local.study.screened import Screened

SURE, FEW_LEVELS = 5.0, 5
"""A candidate whose q-value is below the limit over `SURE` is tried in so few levels if its search loses."""
IN_FEW_BANDS = f"in at most {FEW_LEVELS} bands of equal exposure"
IN_FEW_GROUPS = f"in at most {FEW_LEVELS} groups of equal exposure by shrunk experience"


@dataclass(frozen=True)
class Tried:
    """Levels of a candidate held against the model without it.

    Parameters
    ----------
    found, change
        The comparison and what it compares; None where there are no levels, or no fit.
    method
        How the levels were made.
    facts
        For the history.
    why
        The verdict in words.
    kept
        Whether they earn their place.
    """

    found: Comparison | None
    change: Change | None
    method: str
    facts: list[Fact]
    why: str
    kept: bool = False

    @classmethod
    def of(
        cls,
        study: StudyCore[Any],
        result: BinningResult,
        method: str,
        rules: BinningRules,
        keeping: KeepingRule,
        test: Screened | None,
    ) -> Tried:
        """Fit the levels beside the model, and judge them by a rule."""
        said = proposing.proposed(study, result, method, rules)
        if result.spec is None:
            return cls(None, None, method, [said], result.proof.guarantee.rstrip("."))
        change = Change(result.factor, result.spec)
        try:
            found = study.comparison(change, screening=test)
        except FitError as error:
            return cls(None, change, method, [said], f"the joint fit failed: {error.problems[0].found}")
        verdict, kept = found.verdict(keeping), found.earns_its_place(keeping)
        return cls(found, change, method, [said, compared(found)], verdict, kept)


def in_few_levels(
    study: StudyCore[Any], name: str, rules: BinningRules, keeping: KeepingRule, test: Screened, searched: Tried
) -> Tried:
    """Few levels of a candidate that is surely there though its search loses.

    Ordered ones in bands that nobody searched for; categories in groups by their shrunk experience, whose gain out of
    fold is that of an order learned without the fold.
    """
    if not rules.leave_levels_free:
        return searched
    rule, most = dataclasses.replace(keeping, q=keeping.most_q / SURE, errors=0.0), min(FEW_LEVELS, rules.max_bins)
    if study.bench.candidate(name).kind == "categorical":
        how, method, result = IN_FEW_GROUPS, "target order", proposing.ordered(study, name, most, rules)
    else:
        how, method, result = IN_FEW_BANDS, "coarse bins", proposing.coarse(study, name, most, rules)
    few = Tried.of(study, result, method, rules, rule, test)
    facts = [*searched.facts, *few.facts]
    if few.kept:
        return dataclasses.replace(few, facts=facts, why=f"{how} {few.why} (searched for: {searched.why})")
    return dataclasses.replace(searched, facts=facts, why=f"{searched.why}; {how} {few.why}")
