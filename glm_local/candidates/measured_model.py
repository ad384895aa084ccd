"""A model measured on samples of packed rows, and by groups of their keys: one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glm_local.candidates.sample_codes import SAMPLE, SAMPLES
from glm_local.candidates.study_rows import StudyRows
from glm_local.glm.fit_plan import FitPlan
from glm_local.glm.kernels import Predictor
from glm_local.inference.key_inference import KeyInference
from glm_local.inference.key_scores import SCORE_GROUPS, KeyScoresKernel
from glm_local.inference.packed_fit import PackedFit
from glm_local.inference.recode import ManyKernels, RecodedKernel
from glm_local.inference.row_means import DevianceKernel, RowMeans
from glm_local.inference.row_scores import ColumnScores
from glm_local.rows.blocks import Kernel
from glm_local.scoring.model_spec import ModelDocument


@dataclass(frozen=True)
class SampleDeviance:
    """A model on one sample: rows, weight (exposure where it is folded in), observed, fitted, deviance."""

    rows: int
    weight: float
    actual: float
    predicted: float
    deviance: float


def measured_model(
    rows: StudyRows[Any], model: ModelDocument | None, samples: Sequence[str], keys: bool = True
) -> tuple[dict[str, SampleDeviance], KeyInference | None]:
    """A model on some samples, and what its training rows say by key where they have one; one packed pass in all."""
    fit, plan = rows.packed(model)
    means = RowMeans.of(fit.columns, fit.link, fit.coefficients)
    kernels: list[Kernel] = [
        RecodedKernel(rows.recode(plan, rows.codes_of(sample)), DevianceKernel(rows.family, means))
        for sample in samples
    ]
    keys = keys and rows.group_atom is not None
    every = ManyKernels(tuple([*kernels, key_scores(rows, fit, plan)] if keys else kernels))
    answers = every.answers(rows.sum(every, "deviance"))
    found = {
        sample: SampleDeviance(int(one[0][0]), *(float(value) for value in one[0][1:]))
        for sample, one in zip(samples, answers, strict=False)
    }
    return found, KeyInference.of(fit, answers[-1]) if keys else None


def sample_deviances(
    rows: StudyRows[Any], model: ModelDocument | None, samples: Sequence[str] = SAMPLES
) -> dict[str, SampleDeviance]:
    """A model on some samples; one packed pass in all."""
    return measured_model(rows, model, samples, False)[0]


def key_inference(rows: StudyRows[Any], model: ModelDocument, samples: Sequence[str]) -> KeyInference | None:
    """What the rows of samples say by key of a model fitted on them; one packed pass, None without keys."""
    if rows.group_atom is None:
        return None
    fit, plan = rows.packed(model)
    return KeyInference.of(fit, rows.sum(key_scores(rows, fit, plan, samples), "scores by key"))


def key_scores(
    rows: StudyRows[Any], fit: PackedFit, plan: FitPlan, samples: Sequence[str] | str = "train"
) -> KeyScoresKernel:
    """What adds up the scores of a fitted model by groups of keys, over the training rows or those of some samples."""
    design, group = rows.design, rows.group_atom
    assert group is not None
    at = design.atom_of(SAMPLE)
    return KeyScoresKernel(
        fit.family,
        fit.link,
        Predictor.at(fit.basis.inner(fit.coefficients), fit.basis),
        RowMeans.of(fit.columns, fit.link, fit.coefficients),
        ColumnScores(fit.columns, SCORE_GROUPS),
        rows.recode(plan),
        group,
        (at, rows.codes_of(samples)[design.atoms[at].member_codes(SAMPLE)]),
    )
