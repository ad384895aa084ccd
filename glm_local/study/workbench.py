"""The workbench of a study: its packed rows, and designs fitted on them, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic

import numpy as np

from glm_local.binning.rules import BinningRules
from glm_local.candidates.candidate import Candidate
from glm_local.candidates.cross_validation import CrossValidation, cross_validate
from glm_local.candidates.factor_gain import candidate_sums
from glm_local.candidates.factor_sums import FactorSums
from glm_local.candidates.measured_model import SampleDeviance, measured_model
from glm_local.candidates.open_rows import opened_rows
from glm_local.candidates.sample_codes import SAMPLES
from glm_local.candidates.study_rows import StudyRows
from glm_local.errors import DataError, FitError, Problem, nearest
from glm_local.expressions.columns import ColumnKind
from glm_local.factors.factor_spec import FactorSpec
from glm_local.factors.fingerprint import fingerprint
from glm_local.factors.searched_levels import is_searched
from glm_local.factors.spec_problems import factor_problems, read_factor
from glm_local.factors.text_columns import text_problems
from glm_local.glm.fit_problems import SEPARATION_WAY_OUT
from glm_local.inference.key_inference import KeyInference, with_key_inference
from glm_local.rows.engine import Engine, Frame
from glm_local.scoring.model_spec import ModelDocument
from glm_local.screening.key_effect import key_effect
from glm_local.study.design import Design
from glm_local.study.row_digest import row_digest
from glm_local.study.sample_check import checked_samples
from glm_local.study.setup import StudySetup
from glm_local.validation import learn_split
from glm_local.validation.key_choice import COLUMN_OF, ROW_NUMBER, chosen_key, keyed_rows, words_of


@dataclass(frozen=True)
class FittedDesign:
    """A design fitted on the training rows, and measured.

    Parameters
    ----------
    design, model
        What was fitted, and the fit.
    train, validation
        The model on these samples; validation None where it has no rows.
    cross_validation
        Out-of-fold deviance per training fold.
    keys
        What the scores of the training rows say by key.
    """

    design: Design
    model: ModelDocument
    train: SampleDeviance
    validation: SampleDeviance | None
    cross_validation: CrossValidation
    keys: KeyInference | None = None

    def figures(self) -> dict[str, Any]:
        """What an event keeps of it."""
        cross, validation = self.cross_validation, self.validation
        return {
            "fingerprint": self.model.fingerprint,
            "parameters": self.model.statistics.parameters,
            "train_deviance": self.train.deviance,
            "train_mean_deviance": _mean(self.train),
            "cv_mean_deviance": cross.mean,
            "aic": self.model.statistics.aic,
            "validation_deviance": None if validation is None else validation.deviance,
            "validation_mean_deviance": None if validation is None else _mean(validation),
            **({} if self.keys is None else self.keys.document()),
        }


class Workbench(Generic[Frame]):
    """Packs the rows at the first need and answers everything a study asks of them.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    setup
        What the study was asked.
    name
        Of its models.
    learned
        Payload of the event `learned`, when the study was opened before: nothing is learned again then.
    """

    def __init__(
        self, engine: Engine[Frame], frame: Frame, setup: StudySetup, name: str, learned: Mapping[str, Any] | None
    ) -> None:
        with engine.holding(frame) as held:
            self.frame: Frame = held
            self.kinds: Mapping[str, ColumnKind] = engine.columns(held)
        self._source = frame
        self.engine, self.setup, self.name = engine, setup, name
        self.learned: Mapping[str, Any] = learned or {}
        self.warnings: tuple[str, ...] = ()
        self._fitted: dict[str, FittedDesign] = {}

    @cached_property
    def rows(self) -> StudyRows[Frame]:
        """The packed rows."""
        known = self.learned.get("candidates")
        asked = self.setup.candidates if known is None else [read_factor(one) for one in known]
        with self.engine.holding(self.frame) as unkeyed:
            self.setup = setup = self._with_key(unkeyed)
            held = self._keyed(unkeyed)
            self.setup = setup = replace(setup, split=learn_split(self.engine, held, setup.split))
            opened = opened_rows(
                self.engine,
                held,
                setup.request(self.name),
                asked,
                setup.split,
                setup.key,
                folds=setup.folds,
                seed=setup.seed,
                check=known is None,
                by_key=setup.by_key,
            )
            rows, refused = opened.rows, opened.refused
            if known is None:
                self.warnings = checked_samples(opened, setup)
            self.data = row_digest(rows.blocks, rows.design)
        self.counts = _rows_by_sample(rows)
        if known is None:
            fine = [one.fine.document() for one in rows.candidates.values()]
            self.learned = {"candidates": fine, "refused": dict(refused), "data": self.data, "rows": self.counts}
        return rows

    def _with_key(self, held: Frame) -> StudySetup:
        """The setup, its key chosen by looking at the rows where nobody named one."""
        setup = self.setup
        if setup.key_rule != "to be chosen":
            return setup
        return setup.with_key(chosen_key(self.engine, held, self._source, setup.role_columns))

    def _keyed(self, held: Frame) -> Frame:
        """The rows with the columns a key without a column of its own is read from."""
        words = [
            word
            for word in words_of((*self.setup.key, *self.setup.split.key), self.kinds)
            if COLUMN_OF[word] not in self.kinds  # a job brings them
        ]
        frame = self._source if ROW_NUMBER in words else held
        for word in sorted(words, reverse=True):  # numbers first: they belong to the source as it came
            frame = keyed_rows(self.engine, frame, word, self.setup.role_columns)
        return frame

    def check(self, specs: Sequence[FactorSpec]) -> None:
        """Raise every problem of some factors against the table."""
        problems = factor_problems(specs, self.kinds)
        if problems:
            raise DataError(problems, "the table against the specs")

    def candidate(self, name: str) -> Candidate:
        """The candidate of a name; the error names the nearest one."""
        if name in self.rows.candidates:
            return self.rows.candidates[name]
        refused = self.learned.get("refused", {})
        if name in refused:
            raise DataError.because(f"{name!r} has no pre-bins: {refused[name]}", "", "Give its spec: set_spec.")
        raise DataError.because(
            f"{name!r} is not a candidate of this study.",
            "Only candidates have pre-bins.",
            nearest(name, list(self.rows.candidates)),
        )

    def resolved(self, spec: FactorSpec) -> FactorSpec:
        """A specification with what it leaves open learned from the training rows."""
        rows = self.rows
        texts = text_problems(self.engine, rows.frame, [spec], self.kinds, rows.flag("train"))
        if texts:
            raise DataError(texts, "the table against the specs")
        return rows.resolve([spec])[0]

    def fitted(self, design: Design) -> FittedDesign:
        """The design fitted and measured; a design is fitted once."""
        # The order of factors is that of coefficients, and so part of what a model is.
        key = f"{design.fingerprint} {design.names} {[is_searched(one) for one in design.factors]}"
        found = self._fitted.get(key)
        if found is None:
            try:
                model = self.rows.fit(design.factors, name=self.name, pins=design.pins or None)
            except FitError as error:
                raise FitError([_in_a_study(one) for one in error.problems]) from None
            samples = ("train", "validation") if self.counts.get("validation") else ("train",)
            figures, keys = measured_model(self.rows, model, samples)
            cross = cross_validate(self.rows, model)
            fit, plan = self.rows.packed(model)
            model = self.by_key(model, keys)
            self.rows.keep(fit, plan, model.fingerprint)
            found = FittedDesign(design, model, figures["train"], figures.get("validation"), cross, keys)
            self._fitted[key] = found
        return found

    def by_key(self, model: ModelDocument, keys: KeyInference | None) -> ModelDocument:
        """A fitted design's model with what its rows say by key: always measured, used where the study asks for it."""
        if keys is None:
            return model
        return with_key_inference(model, keys, self.setup.by_key)

    def sums_beside(self, design: Design, factor: str, rules: BinningRules | None = None) -> FactorSums:
        """A candidate's sums under a design's model, its own coefficients taken out where it is in the model.

        For rules that choose the size by BIC they know how much the rows of a key are alike in the candidate: one pass.
        """
        model = self.fitted(design).model
        model = self._without(model, factor) if factor in design else model
        sums = candidate_sums(self.rows, model, [factor])[factor]
        if rules is None or rules.size != "bic":
            return sums
        return replace(sums, key_effect=key_effect(self.rows, model, sums))

    def _without(self, model: ModelDocument, factor: str) -> ModelDocument:
        fit, plan = self.rows.packed(model)
        own = np.array([one.term == factor for one in fit.columns.columns], dtype=bool)
        key = fingerprint({"model": model.fingerprint, "without": factor})
        document = model.model_copy(update={"fingerprint": key})
        masked = replace(fit, document=document, coefficients=np.where(own, 0.0, fit.coefficients))
        self.rows.keep(masked, plan)
        return document

    def close(self) -> None:
        """Free the packed rows."""
        if "rows" in self.__dict__:
            self.rows.close()


def _in_a_study(problem: Problem) -> Problem:
    """A problem of a fit with the ways out a study has: its verbs take neither a penalty nor a policy of separation."""
    if SEPARATION_WAY_OUT not in problem.way_out:
        return problem
    ways = "Merge the level (study.factor(...).merge), or ask bins for events (BinningRules(min_events=...))."
    return replace(problem, way_out=problem.way_out.replace(SEPARATION_WAY_OUT, ways))


def _mean(one: SampleDeviance) -> float | None:
    return one.deviance / one.weight if one.weight else None


def _rows_by_sample(rows: StudyRows[Any]) -> dict[str, int]:
    """Rows of each sample; a study needs rows to train on in every fold."""
    counts = rows.static(rows.sample_field, "rows").sum(axis=1)
    found = {sample: rows.sample_rows(sample) for sample in SAMPLES}
    empty = [fold for fold in range(rows.folds) if not counts[fold]]
    if empty:
        raise DataError(
            Problem(
                "/split",
                f"training fold {empty[0]} has no row ({found['train']:,} training rows in all).",
                "Every fold has rows.",
                "Take fewer folds, another key, or another split.",
            )
        )
    return found
