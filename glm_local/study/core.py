"""The core of a study: its history, its rows, and the one way a decision is made."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Generic

import numpy as np

from glm_local.arguments.checked import arguments_checked
from glm_local.binning.result import BinningResult
from glm_local.binning.searched import Searched
from glm_local.errors import DataError, Problem, SpecError
from glm_local.factors.factor_spec import FactorSpec
from glm_local.glm.document import package_versions
from glm_local.rows.engine import Frame
from glm_local.study.comparison import Comparison, compare_designs
from glm_local.study.design import Change, Design
from glm_local.study.environment import Environment
from glm_local.study.floors_said import profile_of, said_profile, thin_of
from glm_local.study.history import Fact, StudyHistory
from glm_local.study.partition import partition_key
from glm_local.study.screened import Screened
from glm_local.study.setup import StudySetup
from glm_local.study.state import StudyState
from glm_local.study.workbench import FittedDesign, Workbench


@arguments_checked
class StudyCore(Generic[Frame]):
    """State, rows and decisions; the verbs of a study are written on it.

    A decision is made in one order only: check everything, compute the evidence, commit one event, take the state that
    event leads to. What fails before the commit leaves nothing behind.
    """

    def __init__(self, environment: Environment[Frame], history: StudyHistory, bench: Workbench[Frame]) -> None:
        self._environment, self._history, self._bench = environment, history, bench
        self._checked = False
        self.timings: dict[str, float] = {}
        self._searches: dict[str, Searched] = {}
        self.results: dict[str, BinningResult] = {}
        """The last binning of each factor in this session; `FactorBlock.result` tells whether it still stands."""
        self.tests: Mapping[str, Mapping[str, Mapping[str, Any]]] = {}
        """Screening tests made against the last design, by its fingerprint and candidate; not decided on yet."""

    # -- what it is -------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Of the study and its models."""
        return self._history.name

    @property
    def state(self) -> StudyState:
        """What its events make of it."""
        return self._history.state

    @property
    def design(self) -> Design:
        """Accepted factors and pins."""
        return self.state.design

    @property
    def setup(self) -> StudySetup:
        """What it was asked at its beginning."""
        return self._bench.setup

    @property
    def bench(self) -> Workbench[Frame]:
        """Its rows, opened: the first use splits and packs them and records both."""
        if not self._checked:
            with self.stage("open rows"):
                self._bench.rows  # noqa: B018  packed here, in the open
                self._check_data()
            if self.state.setup is None:
                self._record_opening()
            self._checked = True
        return self._bench

    def _check_data(self) -> None:
        known = self.state.data
        if known is not None and known != self._bench.data:
            raise DataError(
                Problem(
                    f"study {self.name!r}",
                    f"The rows have the fingerprint {self._bench.data[:17]}…, the study was made on {known[:17]}….",
                    "A study goes on with the rows it began with.",
                    "Load it with those rows, or begin a study of its own on the new ones.",
                )
            )

    def _record_opening(self) -> None:
        bench = self._bench
        versions = package_versions()
        split: dict[str, Any] = {"setup": bench.setup.document(), "rows": bench.counts, "package_versions": versions}
        split |= {"warnings": list(bench.warnings)} if bench.warnings else {}
        self.commit([Fact("split", split), Fact("learned", bench.learned)])

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a step; `timings` adds them up."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - start

    # -- what it does -----------------------------------------------------------------------------------------------

    def commit(self, facts: Sequence[Fact], *, finish: bool = False) -> StudyState:
        """Append events and take the state they lead to."""
        with self.stage("write history"):
            return self._history.commit(facts, finish=finish)

    def current(self) -> FittedDesign:
        """The accepted design, fitted."""
        return self.fitted(self.design)

    def fitted(self, design: Design) -> FittedDesign:
        """A design fitted on the training rows; bins that were searched for are judged by the search without the fold.

        What searched bins only seem to gain out of fold, because the fold's rows helped to choose them, is taken back.
        """
        bench, design = self.bench, self.marked(design)
        with self.stage("fit and measure"):
            found = bench.fitted(design)
        searches = [one for one in map(self.search_of, design.factors) if one is not None]
        if not searches:
            return found
        optimism = np.sum([one.optimism for one in searches], axis=0)
        return replace(found, cross_validation=found.cross_validation.without_optimism(optimism))

    def search_of(self, spec: FactorSpec) -> Searched | None:
        """The search that found these bins on the training rows; None for bins nobody searched for."""
        key = partition_key(spec)
        said = self.state.searched.get(key)
        return self._searches.get(key) if said is None else Searched.read(said)

    def marked(self, design: Design) -> Design:
        """A design whose factors say whether their levels were searched for in this study."""
        factors = tuple(self.state.with_mark(one) for one in design.factors)
        return design if factors == design.factors else replace(design, factors=factors)

    def remember(self, spec: FactorSpec | None, found: Searched | None) -> None:
        """Know a search before its event is written."""
        if spec is not None and found is not None:
            self._searches[partition_key(spec)] = found

    def changed(self, changes: Sequence[Change], design: Design | None = None) -> FittedDesign:
        """A design with changes, checked against the table and fitted; nothing is recorded.

        Raises
        ------
        SpecError, DataError, FitError
            With every problem; the study is as it was.
        """
        bench = self.bench
        after = (self.design if design is None else design).after(changes)
        bench.check(after.factors)
        return self.fitted(after)

    def comparison(self, change: Change, design: Design | None = None, screening: Screened | None = None) -> Comparison:
        """Evidence for one change against a design, the accepted one if not said."""
        before = self.design if design is None else design
        candidate, current = self.changed([change], before), self.fitted(before)
        spec = change.spec if change.spec is not None else before.get(change.factor)
        searched = spec is not None and self.search_of(spec) is not None
        return compare_designs(change.factor, change, current, candidate, searched, screening)

    def decision(
        self,
        kind: str,
        factor: str | None,
        changes: Sequence[Change],
        reason: str | None,
        evidence: Mapping[str, Any],
        more: Mapping[str, Any] | None = None,
    ) -> Fact:
        """The event of a decision; everything in it is computed here, before anything is written."""
        before = self.design
        after = self.changed(changes)
        profile = said_profile({"evidence": evidence}) or profile_of(self._history.events)
        thin = thin_of(after.model, [one.factor for one in changes], profile)
        said = {**evidence, **({"thin_levels": thin} if thin else {})}
        payload = {
            "changes": [one.document() for one in changes],
            "before": before.fingerprint,
            "after": after.design.fingerprint,
            "model": after.figures(),
            "evidence": said,
            **(more or {}),
        }
        return Fact(kind, payload, factor, reason)

    def resolved(self, spec: FactorSpec) -> FactorSpec:
        """A specification with what it leaves open learned from the training rows."""
        return self.bench.resolved(spec)

    def require_open_split(self) -> None:
        """Refuse to divide rows a second time."""
        if self.state.setup is not None:
            raise SpecError.because(
                "the study is split already.",
                "Rows are divided once: a second split would leak the holdout.",
                "Begin a new study for another split.",
                path="/split",
            )
