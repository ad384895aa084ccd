"""The configuration of an automatic study: what its TOML file may say beyond what every job says."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from glm_local.candidates.pre_bins import candidate_document
from glm_local.job.config import PageSection, Section, TaskConfig, schema_text
from glm_local.study.setup import Dispersion

SCHEMA_FILE = "conf/schema/study.schema.json"


class StudyModelSection(Section):
    """Family, link and dispersion of every model of the study."""

    family: Any = Field(description="Family of the response", examples=["poisson"])
    link: Any = Field(None, description="Link function; the family's own when not given")
    dispersion: Dispersion = Field(
        "by_key",
        description='"by_key": tests, standard errors and intervals are made from the scores of the keys\' rows, so '
        "that neither overdispersion nor rows that share a key make them too sure; else as for a model, row by row",
    )


class ScreeningSection(Section):
    """Which candidates are tried at all."""

    q: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Largest q-value of a candidate's test at the time of trying; 1 tries all; the rule's own (0.05) "
        "when not given",
    )
    top_n: int | None = Field(None, description="Most candidates that are tried, best first", ge=1)


class BinningSection(Section):
    """Rules of the bins of every factor; see `glm_local.binning.rules.BinningRules`."""

    min_bins: int = Field(1, description="Fewest bins of a factor that has any", ge=1)
    max_bins: int = Field(8, description="Most bins; levels of their own (missing) come on top", ge=1)
    profile: Literal["insurance", "credit"] = Field(
        "insurance",
        description='Whose floors hold where none are given: "insurance": 10 expected events (for shares events '
        '* non-events / rows; for gamma and the like 20 rows over the dispersion); "credit": the same and 5 % of the '
        "weight",
    )
    min_rows: float | None = Field(
        None,
        ge=0,
        description="Training rows every bin holds at least; takes the place of the profile's expected events",
    )
    min_exposure: float | None = Field(
        None, description="Weight or exposure every bin holds at least; takes the place of the profile's share", ge=0
    )
    min_events: float | None = Field(
        None,
        description="Observed weighted response every bin holds at least; takes the place of the profile's expected "
        "events",
        ge=0,
    )
    min_evidence: float | None = Field(
        None,
        ge=0,
        description="Expected events (for shares events * non-events / rows) every bin holds at least; the profile's "
        "when not given",
    )
    min_share: float | None = Field(
        None, description="Share of the weight every bin holds at least; the profile's when not given", ge=0, le=1
    )
    min_relativity_step: float | None = Field(None, description="Least ratio of neighbouring relativities", ge=0)
    trend: Literal["none", "ascending", "descending", "peak", "valley", "auto"] = Field(
        "none", description="Order of relativities along a numeric or ordinal factor"
    )
    size: Any = Field(
        "cross_validated",
        description='How the number of bins is chosen: "cross_validated", "one_standard_error", "bic", or the number',
    )
    apart: list[list[str]] = Field(default_factory=list, description="Pairs of pre-bins that are never in one bin")
    missing: Any = Field("own_level", description='Policy for missing values: "own_level", "base" or { level = "…" }')
    unseen: Any = Field("base", description='Policy for unseen categories: "own_level", "base" or { level = "…" }')
    penalties: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Name of a penalty to its numbers: { bin_count = { per_bin = 0.001 } }"
    )


class AcceptanceSection(Section):
    """When a factor earns its place."""

    rule: Literal["screening", "likelihood_ratio"] = Field(
        "screening",
        description='"screening": the calibrated test of the candidate and the out-of-fold gain of its search; '
        '"likelihood_ratio": the test of the bins searched on the same rows',
    )
    level: float | None = Field(
        None,
        gt=0,
        le=1,
        description="What the likelihood-ratio test must be below; the rule's own when not given (likelihood_ratio: "
        "0.01, screening: none; 0.01 of levels that were not searched for)",
    )
    errors: float | None = Field(
        None,
        ge=0,
        le=100,
        description="Standard errors the out-of-fold gain must be above; the rule's own when not given (screening: 0, "
        "likelihood_ratio and levels that were not searched for: 1)",
    )
    max_factors: int | None = Field(None, description="Most factors; the least needed are removed beyond", ge=1)


class InteractionsSection(Section):
    """Whether pairs of accepted factors are crossed."""

    enabled: bool = False
    count: int = Field(3, description="Most pairs that are tried, best first", ge=1, le=100)
    q: float = Field(0.05, description="Largest share of false discoveries among pairs that are tried", gt=0, le=1)
    min_cell_rows: float = Field(30.0, description="Cells with fewer training rows follow their margins", ge=0)
    min_cell_evidence: float | None = Field(
        None,
        description="Likewise cells of less evidence, counted as that of levels is (min_evidence of the binning); "
        "what a level holds when not given: 10, for gamma and the like 20",
        ge=0,
    )


class FinalizeSection(Section):
    """The last fit, on source rows."""

    enabled: bool = Field(True, description="Whether the model is finalized; its look at the holdout is recorded")
    verify: bool = Field(True, description="Whether an independent solver refits it")
    reason: str | None = Field(None, description="Why it is finalized, for the history", min_length=1)


class StudySection(Section):
    """What the study does, in the order it does it."""

    folds: int = Field(5, description="Cross-validation folds of the training rows", ge=2, le=50)
    candidates: Any = Field(
        "all",
        description='Columns and factor specifications under review; "all" is every column without a role '
        "(and outside of report.baseline)",
    )
    leave_out: list[str] = Field(default_factory=list, description='Columns that are no candidates under "all"')
    screening: ScreeningSection = Field(default_factory=ScreeningSection)
    binning: BinningSection = Field(default_factory=BinningSection)
    acceptance: AcceptanceSection = Field(default_factory=AcceptanceSection)
    refine_rounds: int = Field(2, description="Most rounds in which every factor is optimized again", ge=0, le=50)
    interactions: InteractionsSection = Field(default_factory=InteractionsSection)
    inference: Literal["naive", "selective"] = Field(
        "naive",
        description='"selective" shows intervals of rows that took no part in the design beside those of the '
        "rows that were searched",
    )
    finalize: FinalizeSection = Field(default_factory=FinalizeSection)


class StudyConfig(TaskConfig):
    """One automatic study, whole."""

    model: StudyModelSection = Field(description="Names the family", examples=['{ family = "poisson" }'])
    study: StudySection = Field(description="Says what the study does", examples=['{ candidates = "all" }'])
    report: PageSection = Field(default_factory=PageSection)

    def specifications(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Path and document of every candidate that is a specification."""
        for at, one in enumerate(self.study.candidates if isinstance(self.study.candidates, list) else ()):
            if isinstance(one, dict):
                yield f"/study/candidates/{at}", candidate_document(one)


def study_schema_text() -> str:
    """Return the schema of a study's file as the text that is published."""
    return schema_text(StudyConfig, "study")


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else SCHEMA_FILE).write_text(study_schema_text(), encoding="utf-8")
