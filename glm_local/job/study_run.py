"""A study inside a job: its history is the job's own run, so that both are one chain and one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from glm_local.audit.fill_rows import payload_json, sha256_text
from glm_local.audit.run_log import RunLog
from glm_local.audit.store import Store
from glm_local.expressions.columns import ColumnKind
from glm_local.job.job_environment import JobEnvironment
from glm_local.job.study_config import StudyConfig
from glm_local.job.study_rules import binning_rules, candidates
from glm_local.screening.tested_levels import ScreeningRules
from glm_local.study.core import StudyCore
from glm_local.study.history import Fact, StudyHistory
from glm_local.study.setup import StudySetup, study_setup
from glm_local.study.study import Study
from glm_local.study.workbench import Workbench
from glm_local.workflow.rules import WorkflowRules

Frame = TypeVar("Frame")

ATTEMPTS = ("started", "resumed", "failed")
"""Events of attempts; steps are counted without them, so that a second attempt names its steps as the first."""


class RunHistory(StudyHistory):
    """The history of a study that one run makes from beginning to end; who runs it starts and finishes the run."""

    def __init__(
        self,
        store: Store,
        name: str,
        run_id: str,
        config: Mapping[str, Any] | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(store, name, None, config or {}, about or {})
        self.log: RunLog = self._new_log(run_id)
        self._is_read = False

    def _open_log(self) -> RunLog:
        self._log = self.log
        if not self._is_read:
            self._read_on()
            self._is_read = True
        return self.log

    def finish(self) -> None:
        """Nothing: the job has files to record before its run ends."""

    def end_again(self) -> None:
        """Nothing: the job ends and seals its run itself."""

    def _steps(self, facts: Sequence[Fact]) -> list[str]:
        number = sum(one.kind not in ATTEMPTS for one in self.events)
        return [
            f"{number + at:05d}-{fact.kind}-{sha256_text(payload_json([fact.kind, fact.factor, fact.rows]))[:8]}"
            for at, fact in enumerate(facts)
        ]


def study_name(config: StudyConfig, run_id: str) -> str:
    """Name of the study of a run: each run designs a study of its own."""
    own = run_id.removeprefix(f"{config.job.name}-")
    return f"{config.study_name}-{own}"


def open_study(
    config: StudyConfig,
    environment: JobEnvironment[Frame],
    frame: Frame,
    kinds: Mapping[str, ColumnKind],
    history: RunHistory,
) -> Study[Frame]:
    """Begin the study of a run, or go on with it where its events end."""
    engine, known = environment.engine, history.state.setup
    if known is None:
        roles = config.roles
        setup = study_setup(
            engine.columns(frame),
            target=roles.target,
            family=config.model.family,
            link=config.model.link,
            exposure=roles.exposure,
            offset=roles.offset,
            weight=roles.weight,
            candidates=candidates(config, kinds),
            split=config.split_document,
            key=config.key,
            folds=config.study.folds,
            seed=config.job.seed,
            dispersion=config.model.dispersion,
        )
    else:
        setup = StudySetup.read(known)
    bench: Workbench[Frame] = Workbench(engine, frame, setup, history.name, history.state.learned or None)
    study: Study[Frame] = Study.__new__(Study)
    StudyCore.__init__(study, environment, history, bench)
    return study


def workflow_rules(config: StudyConfig) -> WorkflowRules:
    """What the sections of a study's file ask of it."""
    asked: Any = config.study
    pairs = asked.interactions
    return WorkflowRules(
        keep=asked.acceptance.rule,
        q=asked.screening.q,
        top_n=asked.screening.top_n,
        binning=binning_rules(asked.binning),
        level=asked.acceptance.level,
        errors=asked.acceptance.errors,
        max_factors=asked.acceptance.max_factors,
        rounds=asked.refine_rounds,
        interactions=pairs.count if pairs.enabled else 0,
        interaction_q=pairs.q,
        pooling=ScreeningRules(min_rows=pairs.min_cell_rows, min_evidence=pairs.min_cell_evidence),
        inference=asked.inference,
    )
