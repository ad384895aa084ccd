"""Score sums of a study's rows: one pass over packed rows for everything that is tested against one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.candidates.measured_model import key_scores
from glm_local.candidates.study_rows import StudyRows
from glm_local.glm.fit_plan import FitPlan
from glm_local.glm.kernels import NewtonKernel, Predictor
from glm_local.inference.design_effect import least_effect
from glm_local.inference.key_scores import SCORE_GROUPS
from glm_local.inference.packed_fit import PackedFit
from glm_local.inference.row_means import RowMeans
from glm_local.inference.thin_levels import evidence_dispersion
from glm_local.scoring.model_spec import ModelDocument
from glm_local.screening.score_kernel import ScoreKernel, ScoreSums, TestedField
from glm_local.screening.score_test import Dispersion
from glm_local.screening.tested_levels import ScreeningRules, counted_domain, evidence, floors_text

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CurrentModel:
    """The model tests are made against, on the study's rows."""

    fit: PackedFit
    plan: FitPlan

    @classmethod
    def of(cls, rows: StudyRows[Any], model: ModelDocument | None) -> CurrentModel:
        """A model of the study; None is the intercept alone."""
        return cls(*rows.packed(model))

    @property
    def dispersion(self) -> Dispersion:
        """As the model's own tests take it: known, or Pearson's with the residual degrees of freedom."""
        statistics = self.fit.document.statistics
        least = least_effect(self.fit.family, self.fit.document.spec.weight is not None)
        if statistics.statistic == "z":
            return Dispersion(least=least)
        return Dispersion(statistics.dispersion or 0.0, float(statistics.df_residual), statistics.pearson_chi2, least)

    def evidence(self, rows: Array, information: Array) -> Array:
        """Evidence of levels or cells under the model, in the units of the floors."""
        return evidence(self.fit.family, self.fit.link, rows, information, evidence_dispersion(self.fit.document))

    @property
    def domain(self) -> str:
        """The domain whose units evidence is counted in."""
        return counted_domain(self.fit.family, self.fit.link)

    def floors_text(self, rules: ScreeningRules) -> str:
        """The floors in words, counted as this model counts evidence."""
        return floors_text(rules, self.domain, evidence_dispersion(self.fit.document))


@dataclass(frozen=True)
class FieldLevels:
    """What each code of a packed field, or of a field of the model's design, adds to a tested level."""

    field: str
    levels: NDArray[np.int64]
    of_model: bool = False


def field_of(rows: StudyRows[Any], model: CurrentModel, *parts: FieldLevels) -> TestedField:
    """A tested field of some parts; its levels run from 0 to the largest there can be."""
    tables, size = [], 1
    for part in parts:
        design = model.plan.design if part.of_model else rows.design
        at = design.atom_of(part.field)
        tables.append((part.of_model, at, part.levels[design.atoms[at].member_codes(part.field)].astype(np.intp)))
        size += int(part.levels.max(initial=0))
    return TestedField(tuple(tables), size)


def score_pass(
    rows: StudyRows[Any],
    model: CurrentModel,
    fields: Sequence[TestedField],
    purpose: str,
    crossed: bool = True,
    groups: int = SCORE_GROUPS,
) -> ScoreSums:
    """Scores and information of all fields under a model, training rows only; one pass over packed rows.

    Where tests are made by key, scores are also added up in so many groups of keys.
    """
    fit, design = model.fit, rows.design
    inner = fit.basis.inner(fit.coefficients)
    predictor = Predictor.at(inner, fit.basis)
    at = design.atom_of(rows.sample_field)
    kernel = ScoreKernel(
        NewtonKernel(fit.columns, fit.family, fit.link, predictor, inner),
        RowMeans.of(fit.columns, fit.link, fit.coefficients),
        rows.recode(model.plan),
        tuple(fields),
        (at, design.atoms[at].member_codes(rows.sample_field).astype(np.intp)),
        rows.folds,
        crossed,
        None if rows.group_atom is None else key_scores(rows, fit, model.plan),
        groups if rows.by_key else 0,
    )
    return kernel.answer(rows.sum(kernel, purpose))
