"""The automatic study as one call: rows in, finalized model, specifications, reasons and reports out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Generic, Unpack

import pandas as pd

from glm_local.arguments.checked import arguments_checked
from glm_local.audit.store import Store
from glm_local.errors import ConfigError
from glm_local.factors.factor_spec import FactorSpec
from glm_local.models.model import Model
from glm_local.rows.engine import Frame
from glm_local.rows.new_columns import with_new_columns
from glm_local.study.closing import Finalization, of_samples
from glm_local.study.looks import PageOptions
from glm_local.study.selective import SelectiveIntervals, known_intervals
from glm_local.study.setup import Dispersion, SplitLike
from glm_local.study.study import Study
from glm_local.validation import ValidationReport
from glm_local.workflow.rules import WorkflowRuleOptions, WorkflowRules, given_twice, known_rules
from glm_local.workflow.steps import check_inference, design


@arguments_checked
@dataclass(frozen=True)
class WorkflowResult(Generic[Frame]):
    """What an automatic study came to.

    Parameters
    ----------
    study
        The study itself: history, comparisons, further decisions.
    model
        The finalized model, else the accepted design fitted on the training rows.
    ranking, interactions
        Candidates and pairs as they were ranked, one line each; interactions None where no pair was looked at.
    decisions
        Every event, oldest first.
    validation_report
        Tables of train and validation.
    holdout_report
        Tables of the holdout; None when the study was not finalized, because then nobody looked.
    finalization
        The last fit with its second opinion; None when the study was not finalized.
    """

    study: Study[Frame] = field(repr=False)
    model: Model[Frame]
    ranking: pd.DataFrame = field(repr=False)
    interactions: pd.DataFrame | None = field(repr=False)
    decisions: pd.DataFrame = field(repr=False)
    validation_report: ValidationReport = field(repr=False)
    holdout_report: ValidationReport | None = field(repr=False)
    finalization: Finalization | None = field(repr=False)

    @property
    def selected_factors(self) -> tuple[str, ...]:
        """Factors that earned their place, interactions included."""
        return self.study.accepted

    @property
    def specs(self) -> tuple[FactorSpec, ...]:
        """Their specifications."""
        return self.study.design.factors

    @property
    def coefficients(self) -> pd.DataFrame:
        """Of the model."""
        return self.model.coefficients

    @property
    def intervals(self) -> SelectiveIntervals | None:
        """Intervals on rows that took no part in the design; None where they were not asked for."""
        return known_intervals(self.study.state)

    @property
    def rejected(self) -> Mapping[str, str]:
        """Factor to why it was not kept."""
        return dict(self.study.state.rejected)

    def scored(self, prediction: str = "predicted", sample: str = "sample") -> Frame:
        """The study's rows with the model's prediction and the sample each row is in; no row is looked at here.

        Columns of these names in the rows are never replaced: give others.
        """
        rows = self.study.bench.rows
        mean = self.model.expression()
        scored = with_new_columns(rows.engine, rows.frame, {prediction: mean}, "prediction")
        return with_new_columns(rows.engine, scored, {sample: rows.sample_expression}, "sample")

    def report(self, path: str | Path | None = None, **shown: Unpack[PageOptions]) -> str:
        """The study's page, one HTML document; see `GLMStudy.report`."""
        return self.study.report(path, **shown)

    def _repr_html_(self) -> str:
        why = "".join(f"<li>{escape(name)}: {escape(reason)}</li>" for name, reason in self.rejected.items())
        kept = escape(", ".join(self.selected_factors) or "none")
        return f"<p>{escape(repr(self.model))}</p><p>Kept: {kept}. Not kept:</p><ul>{why}</ul>"


class WorkflowOptions(WorkflowRuleOptions, total=False):
    """What `GLMWorkflow` takes beside the target; see there."""

    family: Any
    link: Any
    exposure: Any
    offset: Any
    weight: Any
    split: SplitLike
    key: str | Sequence[str] | None
    folds: int
    seed: int
    dispersion: Dispersion
    name: str
    store: Store | str | Path | None
    user: str | None
    finalize: bool
    verify: bool
    rules: WorkflowRules | None


@arguments_checked
class Workflow(Generic[Frame]):
    """A study that runs by rule: a factor is in the model only if it earns its place.

    Candidates are ranked, binned optimally and compared one after the other, best first, each with the ones before as
    offset and then jointly refitted; accepted factors are refined together and pruned; pairs are crossed where asked.

    Parameters
    ----------
    target, family, link, exposure, offset, weight, split, key, folds, seed, dispersion, name, store, user
        As of `GLMStudy`. A study of this name that the store has is gone on with, where it was stopped.
    finalize, verify
        Whether the model is fitted on source rows at the end and looked at on the holdout; whether an independent
        solver refits it.
    rules
        When a factor is tried and when it stays.
    rule
        Fields of `WorkflowRules`, instead of `rules`.
    """

    _study: ClassVar[type[Study[Any]]]

    def __init__(
        self,
        target: Any,
        *,
        family: Any = "poisson",
        link: Any = None,
        exposure: Any = None,
        offset: Any = None,
        weight: Any = None,
        split: SplitLike = None,
        key: str | Sequence[str] | None = None,
        folds: int = 5,
        seed: int = 0,
        dispersion: Dispersion = "by_key",
        name: str = "study",
        store: Store | str | Path | None = None,
        user: str | None = None,
        finalize: bool = True,
        verify: bool = True,
        rules: WorkflowRules | None = None,
        **rule: Unpack[WorkflowRuleOptions],
    ) -> None:
        if rules is not None and rule:
            raise given_twice()
        self.rules = rules or WorkflowRules(**known_rules(rule))
        self._asked = {
            "target": target,
            "family": family,
            "link": link,
            "exposure": exposure,
            "offset": offset,
            "weight": weight,
            "split": split,
            "key": key,
            "folds": folds,
            "seed": seed,
            "dispersion": dispersion,
        }
        self._name, self._store, self._user = name, store, user
        self._finalize, self._verify = finalize, verify

    def fit(self, frame: Any, candidates: Sequence[Any] | None = None) -> WorkflowResult[Any]:
        """Run the study on rows.

        Parameters
        ----------
        frame
            What `GLMStudy` takes.
        candidates
            Columns or specifications; None is every column that has no role and is not the key.

        Raises
        ------
        SpecError, ConfigError, DataError, FitError
            As of the study's verbs.
        """
        study = self._opened(frame, candidates)
        check_inference(study, self.rules, self._finalize)
        design(study, self.rules)
        final = study.finalize(self._verify, inference=self.rules.inference) if self._finalize else None
        if final is None and self.rules.inference == "selective":
            study.selective_intervals()
        report = study.validation_report() if final is None else final.report
        samples = [one for one in report.samples if one != "holdout"]
        said, pairs = study.state.ranking or {"table": []}, study.state.interactions
        return WorkflowResult(
            study,
            study.model,
            pd.DataFrame(said["table"]),
            None if pairs is None else pd.DataFrame(pairs["table"]),
            study.history,
            of_samples(report, samples),
            of_samples(report, ["holdout"]) if final is not None and "holdout" in report.samples else None,
            final,
        )

    def _opened(self, frame: Any, candidates: Sequence[Any] | None) -> Study[Any]:
        if self._store is None or self._name not in self._study.studies(self._store):
            return self._study(
                frame, **self._asked, candidates=candidates, name=self._name, store=self._store, user=self._user
            )
        asked = self._study(frame, **self._asked, candidates=candidates, name=self._name)
        study = self._study.load(self._store, self._name, frame, user=self._user)
        known = _asked(study)
        # A study begun before there was the word goes on with rows by themselves.
        said = {name: value for name, value in _asked(asked).items() if name in known or value != "by_key"}
        if said != known:
            raise ConfigError.because(
                f"the store has a study {self._name!r} that was asked something else.",
                "A study goes on with the target, candidates, split and folds it began with.",
                "Give the new one a name of its own.",
                path="name",
            )
        return study


def _asked(study: Study[Any]) -> dict[str, Any]:
    """What a study was asked, without what its split learned of the rows."""
    document = study.setup.document()
    return {**document, "split": {name: said for name, said in document["split"].items() if name != "learned"}}
