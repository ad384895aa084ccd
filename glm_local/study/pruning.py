"""Removing factors that do not earn their place beside the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from glm_local.glm.document import covariance_matrix
from glm_local.glm.levels_covariance import solve_covariance
from glm_local.study import ranking
from glm_local.study.comparison import SEARCHED_BINS, Comparison, gain_text, p_text
from glm_local.study.core import StudyCore
from glm_local.study.design import Change
from glm_local.study.keeping import KeepingRule
from glm_local.study.screened import Screened


def prune(study: StudyCore[Any], rule: KeepingRule, mark_of: Callable[[str], str]) -> None:
    """Remove factors that do not earn their place beside the others; Wald's test says whom to look at.

    One whose bins were searched for is tested by screening against the model without it, other ones by their
    likelihood-ratio test; either goes when the model gains out of fold without it.
    """
    # After a removal all are looked at again, as a run that was stopped there and goes on does.
    while any(_removed(study, name, rule, mark_of) for name in wald_suspects(study, rule.given_level)):
        pass


def _removed(study: StudyCore[Any], name: str, rule: KeepingRule, mark_of: Callable[[str], str]) -> bool:
    """Look at one factor, and remove it in one commit where it does not earn its place."""
    mark = mark_of(f"prune {name}")
    if mark in study.state.done or study.design.crossings_of(name):
        return False
    change = Change(name)
    found = study.comparison(change)
    test = _screening(study, found, rule)
    absent = not test.passes(rule.most_q) if test is not None else (found.p_value or 0.0) >= rule.given_level
    if not absent and found.cv_gain <= 0:
        return False
    said = found.document() | ({} if test is None else {"screening": test.document()})
    label = f" ({found.p_of})" if found.p_of == SEARCHED_BINS else ""
    told = f"{p_text(found.p_value or 0.0)}{label}" if test is None else test.words(rule.most_q)
    reason = f"beside the others: {told}; out-of-fold gain without it {gain_text(found.cv_gain)}"
    study.commit([study.decision("removed", name, [change], reason, said, {"mark": mark})])
    return True


def _screening(study: StudyCore[Any], found: Comparison, rule: KeepingRule) -> Screened | None:
    """Test of a searched factor against the model without it."""
    if not found.searched or rule.most_q >= 1 or found.factor not in study.bench.rows.candidates:
        return None
    return ranking.screened(study, found.factor, found.candidate.design)


def wald_suspects(study: StudyCore[Any], level: float) -> list[str]:
    """Factors whose coefficients together are not away from 0 at a level, weakest first."""
    model = study.current().model
    fitted = [one for one in model.coefficients if one.status == "fitted"]
    covariance = np.nan_to_num(covariance_matrix(model))  # unknown: then all are looked at
    found: dict[str, float] = {}
    for name in study.design.names:
        own = np.flatnonzero([one.factor == name for one in fitted])
        if not len(own):
            found[name] = 1.0
            continue
        estimate = np.array([float(fitted[at].estimate or 0.0) for at in own])
        statistic = float(estimate @ solve_covariance(covariance, own, estimate))
        found[name] = float(stats.chi2.sf(statistic, len(own)))
    return [name for name, p_value in sorted(found.items(), key=lambda one: -one[1]) if p_value >= level]
