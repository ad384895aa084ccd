"""A candidate against the current model: jointly refitted, tested, cross-validated, measured on validation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from glm_local.factors.searched_levels import searched_names
from glm_local.families.families import family_from
from glm_local.inference.design_effect import DesignEffect, least_effect
from glm_local.study.design import Change
from glm_local.study.keeping import KeepingRule
from glm_local.study.screened import Screened
from glm_local.study.workbench import FittedDesign
from glm_local.texts.level_warnings import SEARCHED

Action = Literal["add", "replace", "remove"]
RAO_SCOTT = "F by key"
"""The likelihood-ratio test with Rao and Scott's correction by key (`glm_local.inference.design_effect`)."""
SEARCHED_BINS = f"bins {SEARCHED}"
"""What the p-value of such bins is of, wherever it appears: it is not calibrated."""


@dataclass(frozen=True)
class Comparison:
    """What changing a factor does to the model; positive gains are improvements.

    Parameters
    ----------
    factor, action
        What is changed: added, replaced or removed.
    change
        The change compared.
    current, candidate
        The fitted designs before and after.
    train_gain
        Deviance saved on the training rows.
    df
        Parameters gained.
    statistic, p_value, test
        Likelihood-ratio test on the training rows: "F by key" with what the columns spread by key, else chi-square, or
        F where the dispersion is estimated; None where the designs are not nested.
        Of bins that were searched for on the same rows it is no evidence; `p_of` says so.
    cv_gain, cv_se
        Deviance saved out of fold, summed over folds, and its standard error from the paired differences of folds. Of
        bins that were searched for it is the gain of the search made again without the fold, choice of the size
        included.
    fold_gains
        The differences themselves, one per fold.
    validation_gain
        Deviance saved on validation; None without validation rows.
    searched
        Whether the levels were searched for on the training rows.
    screening
        Whether the factor is there at all: the calibrated test of the candidate against the current model, of levels
        formed without the target. None where nothing was searched for, or nothing is added.

    Notes
    -----
    Two questions are answered apart: whether a factor is there (`screening`; of given levels, `p_value`), and what its
    levels gain (`cv_gain`). Validation rows take part in neither.
    """

    factor: str
    action: Action
    change: Change
    current: FittedDesign
    candidate: FittedDesign
    train_gain: float
    df: int
    statistic: float | None
    p_value: float | None
    test: str
    cv_gain: float
    cv_se: float
    fold_gains: tuple[float, ...]
    validation_gain: float | None
    searched: bool = False
    screening: Screened | None = None

    @property
    def p_of(self) -> str:
        """What the p-value is of: a crossing of searched levels is of such bins too."""
        designs = (self.current.design, self.candidate.design)
        searched = self.searched or any(self.factor in searched_names(one.factors) for one in designs)
        return SEARCHED_BINS if searched else "levels as given"

    def earns_its_place(self, rule: KeepingRule | None = None) -> bool:
        """Whether it passes both questions of the rule: it is there, and its levels gain."""
        asked = rule or KeepingRule()
        there = self.screening is None or self.screening.passes(asked.most_q)
        level = self._level(asked)
        tested = level is None or self.p_value is None or self.p_value < level
        return there and tested and self.cv_gain > max(self._errors(asked) * self.cv_se, 0.0)

    def _level(self, rule: KeepingRule) -> float | None:
        return rule.test_level if self.searched else rule.given_level

    def _errors(self, rule: KeepingRule) -> float:
        return rule.least_errors if self.searched else rule.given_errors

    def verdict(self, rule: KeepingRule | None = None) -> str:
        """The rule and what came of it, in a sentence."""
        asked = rule or KeepingRule()
        what = "out-of-fold gain of the search" if self.searched else "out-of-fold gain"
        parts = [] if self.screening is None else [self.screening.words(asked.most_q)]
        parts.append(f"{what} {gain_text(self.cv_gain)}, {self._against(self._errors(asked))}")
        parts.append(self._test_words(self._level(asked)))
        return f"{'kept' if self.earns_its_place(asked) else 'not kept'}: {'; '.join(one for one in parts if one)}"

    def _test_words(self, level: float | None) -> str:
        if self.p_value is None:
            return "no test, the models are not nested"
        return p_text(self.p_value, level) + (f" ({self.p_of})" if self.p_of == SEARCHED_BINS else "")

    def _against(self, errors: float) -> str:
        side = "above" if self.cv_gain > errors * self.cv_se else "not above"
        if errors == 0:
            return f"{side} 0 (± {gain_text(self.cv_se)})"
        return f"{side} {'its' if errors == 1 else f'{errors:g} times its'} standard error of {gain_text(self.cv_se)}"

    def document(self) -> dict[str, Any]:
        """As an event's payload keeps it."""
        return {
            "action": self.action,
            "train_gain": self.train_gain,
            "df": self.df,
            "statistic": self.statistic,
            "p_value": self.p_value,
            "test": self.test,
            "cv_gain": self.cv_gain,
            "cv_se": self.cv_se,
            "fold_gains": list(self.fold_gains),
            "validation_gain": self.validation_gain,
            "p_of": self.p_of,
            "searched": self.searched,
            "screening": None if self.screening is None else self.screening.document(),
            "current": self.current.figures(),
            "candidate": self.candidate.figures(),
        }

    @property
    def table(self) -> pd.DataFrame:
        """One row: figures of both designs, gains, test."""
        return comparison_table(self.factor, self.document())

    def __repr__(self) -> str:
        parameters = f"{self.df:+d} parameters, " if self.df else ""
        return f"Comparison({self.action} {self.factor!r}: {parameters}{self.verdict()})"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.factor)}: {escape(self.verdict())}</p>" + self.table.T.to_html(header=False)


def p_text(p_value: float, level: float | None = None) -> str:
    """A p-value in a sentence, and on which side of a level it lies; very small ones are never 0.

    Examples
    --------
    >>> p_text(0.0312), p_text(0.0), p_text(0.0312, 0.01), p_text(1e-9, 1e-6)
    ('p = 0.031', 'p < 0.001', 'p = 0.031, not below 0.01', 'p = 1e-09, below 1e-06')
    """
    said = f"p = {p_value:.3f}" if p_value >= 0.001 else "p < 0.001"
    if level is None:
        return said
    # Where three decimals hide which side of the level it is, more are shown.
    if level <= 0.001 or said.removeprefix("p = ") == f"{level:.3f}":
        said = f"p = {p_value:.3g}" if p_value >= 1e-300 else "p < 1e-300"
    return f"{said}, {'below' if p_value < level else 'not below'} {level:g}"


def gain_text(gain: float) -> str:
    """A gain of deviance: one decimal, three significant digits below 1.

    Examples
    --------
    >>> gain_text(2762.4412), gain_text(-16.44), gain_text(0.01234)
    ('2,762.4', '-16.4', '0.0123')
    """
    return f"{gain:,.1f}" if abs(gain) >= 1 or gain == 0 else f"{gain:.3g}"


def comparison_table(factor: str, said: Mapping[str, Any]) -> pd.DataFrame:
    """A comparison's payload as one row."""
    row: dict[str, Any] = {"factor": factor, "action": said["action"]}
    for side in ("current", "candidate"):
        for name in ("train_deviance", "validation_deviance", "cv_mean_deviance", "parameters"):
            row[f"{side}_{name}"] = said[side][name]
    gains = ("train_gain", "df", "statistic", "p_value", "cv_gain", "cv_se", "validation_gain")
    test = said.get("screening") or {}
    row |= {name: said[name] for name in gains} | {"p_of": said.get("p_of", "")}
    row |= {f"screening_{name}": test.get(f"{name}_value") for name in ("p", "q")}
    return pd.DataFrame([row])


def compare_designs(
    factor: str,
    change: Change,
    current: FittedDesign,
    candidate: FittedDesign,
    searched: bool = False,
    screening: Screened | None = None,
) -> Comparison:
    """Compare two fitted designs."""
    action: Action = "remove" if change.spec is None else "replace" if factor in current.design else "add"
    gain = current.train.deviance - candidate.train.deviance
    df = candidate.model.statistics.parameters - current.model.statistics.parameters
    pinned = change.pins or (factor in current.design.pins)
    nested = action != "replace" and df != 0 and not pinned
    statistic, p_value, test = _ratio_test(abs(gain), df, current, candidate) if nested else (None, None, "not nested")
    cv_gain, cv_se = candidate.cross_validation.gain_over(current.cross_validation)
    folds = current.cross_validation.deviance - candidate.cross_validation.deviance
    validation = None
    if current.validation is not None and candidate.validation is not None:
        validation = current.validation.deviance - candidate.validation.deviance
    return Comparison(
        factor,
        action,
        change,
        current,
        candidate,
        gain,
        df,
        statistic,
        p_value,
        test,
        cv_gain,
        cv_se,
        tuple(float(one) for one in folds),
        validation,
        searched,
        screening,
    )


def _design_effect(wide: FittedDesign, narrow: FittedDesign) -> DesignEffect | None:
    """How much more the columns that one design has beside the other spread by key than the model says."""
    keys, others = wide.keys, narrow.keys
    assert keys is not None
    known = () if others is None else others.terms
    at = np.flatnonzero([term not in known for term in keys.terms])
    spec = wide.model.spec
    least = least_effect(family_from(spec.family), spec.weight is not None)
    return DesignEffect.of_covariances(keys.model, keys.sandwich, at, keys.groups, least)


def _ratio_test(
    gain: float, df: int, current: FittedDesign, candidate: FittedDesign
) -> tuple[float | None, float | None, str]:
    """The larger of two nested models against the smaller."""
    wide, narrow = (candidate, current) if df > 0 else (current, candidate)
    larger = wide.model
    figures, columns = larger.statistics, abs(df)
    if larger.spec.dispersion == "by_key":
        effect = _design_effect(wide, narrow)
        return (None, None, "no keys") if effect is None else (gain / effect.mean, effect.p_value(gain), RAO_SCOTT)
    if larger.spec.dispersion == "fixed":
        return gain, float(stats.chi2.sf(gain, columns)), "chi-square"
    if figures.df_residual <= 0 or not figures.dispersion:
        return None, None, "no dispersion"
    statistic = gain / columns / figures.dispersion
    p_value = float(stats.f.sf(statistic, columns, figures.df_residual))
    return statistic, p_value if math.isfinite(p_value) else None, "F"
