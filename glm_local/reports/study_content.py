"""Study report content: what `render_study_report` puts on the page, as plain records; every part may be empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from glm_local.drawing.tables import ValidationTables, summary_with_gini
from glm_local.reports.content import CoefficientRow, Decision, DoubleLift, best_sample


@dataclass(frozen=True)
class FactorPage:
    """What a factor's page shows beyond its coefficients and its A/E table, which the content already has.

    Parameters
    ----------
    name
        The factor, as in `StudyContent.coefficients` and `ValidationTables.actual_expected`.
    words
        The spec in words, a sentence each (`glm_local.factors.spec_words` writes them from a spec).
    trials
        The bin path: columns `bins`, `train_deviance`, `cv_deviance`, `cv_se`, `validation_deviance`, `chosen`
        (true once); any further numeric column (penalties, score) is listed in the table. Absent columns are fine.
    guarantee
        What is proven about the bins, one sentence.
    previous
        Level to relativity (estimate where relativities mean nothing) in the version before; other levels are gaps.
    previous_name
        What that version is called.
    decisions
        Decisions about this factor, oldest first.
    """

    name: str
    words: Sequence[str] = ()
    trials: pd.DataFrame | None = None
    guarantee: str = ""
    previous: Mapping[str, float] = field(default_factory=dict)
    previous_name: str = "previous version"
    decisions: Sequence[Decision] = ()


@dataclass(frozen=True)
class PairCells:
    """The cells of two factors, one line each.

    `cells` has columns `row`, `column` (level names, both in their factor's order of first appearance), `exposure`,
    `actual`, `predicted`, and optionally `rows`, `actual_to_predicted`, `pooled` (thin cells that follow the margins)
    and either `lower`, `upper` (interval of A/E) or `deviation` (in standard deviations).
    """

    row: str
    column: str
    cells: pd.DataFrame
    note: str = ""


@dataclass(frozen=True)
class StudyContent:
    """What `render_study_report` shows. Only the title is needed: an empty part is left out.

    Parameters
    ----------
    title, subtitle, purpose
        Name of the model; one line on what it predicts; what it is for, in a sentence or two.
    roles
        Role to column, in words ("target": "claims").
    model
        Name to text: family, link, number of factors, anything else about the model as a whole.
    coefficients
        As in `glm_local.reports.ReportContent`: base rows included, levels in their factor's order.
    fit_figures
        Name to text ("AIC": "192,818.33").
    validation
        Tables of train and validation, never of the holdout (`glm_local.validation.ValidationReport`).
    factors
        Pages in the order of the model; a factor of the model without one gets a page of its coefficients.
    screening
        One line per candidate, best first; columns as in `glm_local.reports.study_tables.SCREENING`.
    interactions
        One line per pair, best first; columns as in `INTERACTIONS`.
    pairs
        Cells of the pairs to be drawn.
    versions
        One line per version of the model; columns as in `MODEL_VERSIONS`.
    double_lifts
        Comparisons of versions.
    decisions
        All decisions of the study, oldest first.
    holdout
        Tables of the holdout, once it was looked at.
    holdout_looks
        Every look at the holdout: when, who, what was asked, why.
    holdout_kept
        Whether rows were set apart as a holdout.
    second_opinion, second_opinion_status
        One sentence, and its verdict.
    warnings
        Sentences a reader must know.
    unseen
        What the intervals of rows that took no part in the design are of, in a sentence; empty where none were asked.
    convergence, converged
        One sentence on how the fit ended; whether it converged.
    fingerprints, packages, passes
        Name to text: SHA-256 of data, specs and model; versions of software; passes over rows by stage.
    verdict
        The paragraph at the top; empty: written from the tables.
    created
        Time in UTC, as text.
    statistic_name, relativity_name, exposure_name
        As in `ReportContent`.
    """

    title: str
    subtitle: str = ""
    purpose: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)
    model: Mapping[str, str] = field(default_factory=dict)
    coefficients: Sequence[CoefficientRow] = ()
    fit_figures: Mapping[str, str] = field(default_factory=dict)
    validation: ValidationTables | None = None
    factors: Sequence[FactorPage] = ()
    screening: pd.DataFrame | None = None
    interactions: pd.DataFrame | None = None
    pairs: Sequence[PairCells] = ()
    versions: pd.DataFrame | None = None
    double_lifts: Sequence[DoubleLift] = ()
    decisions: Sequence[Decision] = ()
    holdout: ValidationTables | None = None
    holdout_looks: Sequence[Decision] = ()
    holdout_kept: bool = True
    second_opinion: str = ""
    second_opinion_status: Literal["agrees", "differs", "not verifiable", "not asked"] = "not asked"
    warnings: Sequence[str] = ()
    unseen: str = ""
    convergence: str = ""
    converged: bool = True
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    passes: Mapping[str, str] = field(default_factory=dict)
    verdict: str = ""
    created: str = ""
    statistic_name: Literal["z", "t"] = "z"
    relativity_name: str = "Relativity"
    exposure_name: str = ""

    @property
    def judged_sample(self) -> str:
        """The sample of headline and factor charts: the holdout if it was looked at, else validation; or ""."""
        return "" if self.evidence is None else best_sample(self.evidence)

    @property
    def evidence(self) -> ValidationTables | None:
        """The tables that hold the judged sample."""
        return self.validation if self.holdout is None else self.holdout

    @property
    def shown_sample(self) -> str:
        """The sample of lift and calibration beside the versions: the best of `validation`; or ""."""
        return "" if self.validation is None else best_sample(self.validation)

    @property
    def model_factors(self) -> list[str]:
        """Factors of the model, linear terms included, in its order."""
        return list(dict.fromkeys(row.factor for row in self.coefficients if row.factor))

    @property
    def pages(self) -> list[FactorPage]:
        """A page for each factor: those given, then those of the model without one."""
        given = {page.name for page in self.factors}
        return [*self.factors, *(FactorPage(name) for name in self.model_factors if name not in given)]

    def actual_expected(self, factor: str) -> pd.DataFrame | None:
        """The factor's A/E table, all samples, the holdout's included where it was looked at."""
        tables = [one.actual_expected.get(factor) for one in (self.validation, self.holdout) if one is not None]
        known = [table for table in tables if table is not None and len(table)]
        return pd.concat(known, ignore_index=True) if known else None

    @property
    def every_sample(self) -> pd.DataFrame | None:
        """Summary and Gini of all samples, one line each."""
        tables = [summary_with_gini(one) for one in (self.validation, self.holdout) if one is not None]
        return pd.concat(tables, ignore_index=True) if tables else None
