"""Looks at a study: its model, history, versions, rankings and reports; only looks at the holdout change anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, Unpack

import pandas as pd

from glm_local.arguments.checked import arguments_checked
from glm_local.models.model import Model
from glm_local.rows.engine import Frame
from glm_local.scoring.model_spec import ModelDocument
from glm_local.screening.rank_factors import RankingOptions
from glm_local.screening.ranking import Ranking
from glm_local.study import closing, ranking
from glm_local.study.core import StudyCore
from glm_local.study.factor_block import FactorBlock
from glm_local.study.history import Fact
from glm_local.study.report import study_report
from glm_local.study.tables import history_table, versions_table
from glm_local.study.validation_gain import validation_gain
from glm_local.validation import ValidationReport


class PageOptions(TypedDict, total=False):
    """What a study's page is told beside its path; see `StudyLooks.report`."""

    title: str | None
    purpose: str
    exposure_name: str


@arguments_checked
class StudyLooks(StudyCore[Frame]):
    """Everything a study shows."""

    @property
    def model(self) -> Model[Frame]:
        """The current model: the finalized one, else the accepted design fitted on the training rows."""
        return Model(self._document(), self._environment.engine)

    def _document(self) -> ModelDocument:
        said = self.state.finalized
        return self.current().model if said is None else closing.stored_model(self, str(said["model"]))

    @property
    def accepted(self) -> tuple[str, ...]:
        """Names of the accepted factors, in order."""
        return self.state.accepted

    @property
    def samples(self) -> dict[str, int]:
        """Rows of train, validation and holdout."""
        return dict(self.bench.counts)

    @property
    def history(self) -> pd.DataFrame:
        """One line per event, oldest first."""
        return history_table(self._history.events)

    @property
    def model_versions(self) -> pd.DataFrame:
        """One line per design a decision led to, with its deviances."""
        return versions_table(self.state)

    @property
    def validation_gain(self) -> float | None:
        """Deviance the accepted factors save on validation against the intercept alone; negative is a loss. No pass."""
        return validation_gain(self.state)

    @property
    def run_id(self) -> str | None:
        """The run that is open or was last."""
        return self.state.run_id

    @property
    def head(self) -> str:
        """The last event, ``seq:hash``; kept where the store's writers cannot write, it proves nothing was cut off."""
        last = self._history.events[-1] if self._history.events else None
        return "" if last is None else f"{last.seq}:{last.row_hash}"

    def rank_candidates(self, names: Sequence[str] | None = None, **options: Unpack[RankingOptions]) -> Ranking:
        """Rank candidates against the current model; see `glm_local.screening.rank_factors`."""
        return ranking.rank(self, names, **options)

    def factor(self, name: str) -> FactorBlock:
        """One factor: propose, inspect, decide. A name that is no candidate is a new factor, begun by `set_spec`."""
        self.bench  # noqa: B018  a study that is not split yet is split here
        return FactorBlock(self, name)

    def validation_report(self, bands: int = 10) -> ValidationReport:
        """Tables of the current model on train and validation, never the holdout. One pass over source rows."""
        report = closing.measured(self, self.current().model, ("train", "validation"), bands)
        samples = {one: closing.sample_figures(report, one) for one in report.samples}
        self.commit([Fact("validated", {**samples, "design": self.design.fingerprint})])
        return report

    def holdout_report(self, reason: str | None = None, bands: int = 10) -> ValidationReport:
        """Tables of the current model on the holdout; every look is an event. One pass over source rows."""
        report = closing.measured(self, self.current().model, ("holdout",), bands)
        closing.look(self, "holdout_report", reason, closing.sample_figures(report, "holdout"))
        return report

    def report(
        self, path: str | Path | None = None, *, title: str | None = None, purpose: str = "", exposure_name: str = ""
    ) -> str:
        """The study as one self-contained HTML page; written to `path` when one is given.

        A finalized study's page takes no pass over rows; its holdout is the one that was recorded.
        """
        with self.stage("report"):
            page = study_report(self, title, purpose, exposure_name)
        if path is not None:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(page, encoding="utf-8")
        return page

    def __repr__(self) -> str:
        said = "finalized" if self.state.is_finalized else f"{len(self._history.events)} events"
        return f"{type(self).__name__}({self.name!r}: {len(self.accepted)} factors accepted, {said})"
