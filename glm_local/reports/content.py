"""Report content: everything the page shows, as plain records; the page computes nothing about the model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from glm_local.drawing.tables import ValidationTables
from glm_local.texts.level_warnings import searched_warning

CoefficientStatus = Literal["fitted", "base", "pinned", "aliased", "empty", "separated", "pooled"]

KNOWN: tuple[CoefficientStatus, ...] = ("fitted", "base", "pinned")
"""Statuses with a number to draw."""

STATUS_NOTES: dict[str, str] = {
    "fitted": "",
    "base": "base",
    "pooled": "pooled: follow their margins",
    "pinned": "pinned by hand, no interval",
    "aliased": "aliased: determined by other terms, no estimate",
    "empty": "no training rows",
    "separated": "separated: the estimate runs away",
}


FITTED_ON = ("train",)
"""Samples a model was fitted on: their figures prove nothing about rows it has not seen."""


def best_sample(tables: ValidationTables) -> str:
    """The best evidence in the tables: holdout, validation, any other sample, and only then what was fitted on."""
    names = [str(name) for name in tables.summary["sample"]]
    others = [name for name in reversed(names) if name not in FITTED_ON]
    return next((name for name in ("holdout", "validation", *others, *FITTED_ON) if name in names), "")


@dataclass(frozen=True)
class CoefficientRow:
    """One line of the coefficient table; numbers are NaN or None where they do not exist.

    Parameters
    ----------
    term
        Name of the coefficient.
    factor, level
        The factor and its level; both empty for the intercept, `level` empty for a linear term.
    estimate, std_error, statistic, p_value, lower, upper
        On the link scale.
    relativity, relativity_lower, relativity_upper
        exp of the estimate and its bounds, for links where that means something.
    rows, exposure
        Training rows and exposure in the level.
    inference
        What p-value and interval rest on, where they are not what they say: "searched on the same rows"; else empty.
    unseen_p_value, unseen_lower, unseen_upper, unseen_relativity_lower, unseen_relativity_upper
        The same of these levels on rows that took no part in the design; None where that was not asked for.
    credible
        The relativity (for links without one the estimate), weighted by its credibility.
    thin
        What the level holds, in words, where that is too little to stand on its own.
    status
        "fitted", "base", "pinned" (set by hand), "aliased", "empty", "separated" or "pooled".
    """

    term: str
    factor: str = ""
    level: str = ""
    estimate: float | None = None
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    lower: float | None = None
    upper: float | None = None
    relativity: float | None = None
    relativity_lower: float | None = None
    relativity_upper: float | None = None
    rows: float | None = None
    exposure: float | None = None
    status: CoefficientStatus = "fitted"
    inference: str = ""
    unseen_p_value: float | None = None
    unseen_lower: float | None = None
    unseen_upper: float | None = None
    unseen_relativity_lower: float | None = None
    unseen_relativity_upper: float | None = None
    credible: float | None = None
    thin: str = ""

    @property
    def notes(self) -> str:
        """What a reader must know of the line."""
        return "; ".join(one for one in (self.inference or STATUS_NOTES[self.status], self.thin) if one)


@dataclass(frozen=True)
class Decision:
    """One decision of the study: when, by whom, what, why, on what evidence."""

    when: str
    who: str
    what: str
    why: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class DoubleLift:
    """Two versions of a model, named `first` (A) and `second` (B), on one sample, in bands by B over A.

    `table` has one line per band, lowest ratio first (`glm_local.diagnostics.double_lift`, one sample of it): `band`,
    `exposure`, `lowest`, `highest` (of the ratio), `actual_rate`, `rate_a`, `rate_b`, and what each is relative to its
    average: `actual_relative`, `relative_a`, `relative_b`.
    """

    first: str
    second: str
    table: pd.DataFrame
    sample: str = "validation"


@dataclass(frozen=True)
class ReportContent:
    """What `render_report` puts on the page.

    Parameters
    ----------
    title, subtitle
        Name of the model; one line that says what it predicts ("claim count per year, Poisson, log link").
    coefficients
        In the order of the model; levels of a factor in the factor's order, base rows included.
    validation
        Tables of the validation.
    verdict
        The paragraph at the top; empty: `plain_verdict` writes it from the tables.
    fit_figures
        Name to value, already written as text ("AIC": "192,818.33").
    convergence
        One sentence: reason and number of iterations.
    converged
        Whether the fit converged.
    second_opinion
        One sentence: who refitted the model and how far apart the coefficients are, or why it was not possible.
    second_opinion_status
        "agrees", "differs", "not verifiable" or "not asked".
    warnings
        Sentences about aliased, empty or separated levels, and anything else a reader must know.
    fingerprints, versions, passes
        Name to text: SHA-256 of data, specs and model; versions of software; passes over rows by stage.
    decisions
        The study's history.
    created
        Time in UTC, as text.
    statistic_name
        "z" or "t".
    relativity_name
        "Relativity" for a log link, "Odds ratio" for a logit link, "" when exp of an estimate means nothing.
    exposure_name
        What exposure counts ("years"), "" when it is rows.
    double_lifts
        This model beside others on the judged sample; empty: beside one rate for every row.
    """

    title: str
    subtitle: str
    coefficients: Sequence[CoefficientRow]
    validation: ValidationTables
    verdict: str = ""
    fit_figures: Mapping[str, str] = field(default_factory=dict)
    convergence: str = ""
    converged: bool = True
    second_opinion: str = ""
    second_opinion_status: Literal["agrees", "differs", "not verifiable", "not asked"] = "not asked"
    warnings: Sequence[str] = ()
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    passes: Mapping[str, str] = field(default_factory=dict)
    decisions: Sequence[Decision] = ()
    created: str = ""
    statistic_name: Literal["z", "t"] = "z"
    relativity_name: str = "Relativity"
    exposure_name: str = ""
    double_lifts: Sequence[DoubleLift] = ()

    @property
    def judged_sample(self) -> str:
        """The sample the page judges by: the holdout, else validation, else one the model was not fitted on."""
        return best_sample(self.validation)

    @property
    def evidence(self) -> ValidationTables:
        """The tables that hold it."""
        return self.validation

    @property
    def factors(self) -> list[str]:
        """Factors with levels, in the order of the model."""
        return list(dict.fromkeys(row.factor for row in self.coefficients if row.factor and row.level))


def caution(coefficients: Sequence[CoefficientRow]) -> str:
    """The sentence in bold above coefficients whose intervals are not what they say; empty where all are."""
    return searched_warning(dict.fromkeys(row.factor for row in coefficients if row.inference))


def known(value: float | None) -> float:
    """The number, NaN for None."""
    return math.nan if value is None else float(value)
