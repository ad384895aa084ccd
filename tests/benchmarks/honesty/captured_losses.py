"""Where a model's captured deviance is lost: factors that are not there, bins that join what differs, estimates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from glm_local.models.model import Model
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.scoring.model_spec import ModelDocument
from tests.benchmarks.honesty.captured_truth import TRUE, Array, KnownRows, gain
from tests.benchmarks.honesty.spline_gam import SplineGam

LEFT_OUT, BINS, ESTIMATES = "left out", "bins", "estimates"
LOSSES = (LEFT_OUT, BINS, ESTIMATES)
GAM_LOSS = "spline GAM, all"

Losses = dict[tuple[str, str], float]
"""By factor and reason."""


def study_losses(document: ModelDocument, judged: KnownRows) -> Losses:
    """Deviance lost by factor and by reason, each factor by itself with the truth of the others.

    A factor that is not in the model loses all it has. Bins lose what is left when every level has the best estimate
    there is, which only the truth knows; estimates lose the rest. Columns are independent, so that losses add up to the
    whole but for their interplay and the level.
    """
    levels = Model(document, PandasEngine()).with_levels(judged.frame)
    estimates = {(term.factor, term.level): term.estimate or 0.0 for term in document.coefficients}
    names = [spec.name for spec in document.factors]
    lost: Losses = {}
    for name in TRUE:
        truth = judged.effects[name].to_numpy()
        if name not in names:
            lost[name, LEFT_OUT] = lost_by(judged, truth, np.zeros(len(truth)))
            continue
        level = levels[f"{name}_level"]
        fitted = np.array([estimates[name, own] for own in level])
        lost[name, BINS] = lost_by(judged, truth, best_of_levels(judged, truth, level))
        lost[name, ESTIMATES] = lost_by(judged, truth, fitted) - lost[name, BINS]
    noise = [name for name in names if name not in TRUE]
    if noise:
        added = sum(np.array([estimates[name, own] for own in levels[f"{name}_level"]]) for name in noise)
        lost["noise", ESTIMATES] = lost_by(judged, np.zeros(len(levels)), np.asarray(added))
    return lost


def gam_losses(model: SplineGam, judged: KnownRows) -> Losses:
    """Deviance lost by factor, whatever the reason; the noise candidates are one."""
    effects = model.effects(judged.frame, model.names)
    pairs = {name: (judged.effects[name].to_numpy(), effects[name].to_numpy()) for name in TRUE}
    lost = {(name, GAM_LOSS): lost_by(judged, truth, fitted) for name, (truth, fitted) in pairs.items()}
    added = effects.drop(columns=list(TRUE)).sum(axis=1).to_numpy()
    return {**lost, ("noise", GAM_LOSS): lost_by(judged, np.zeros(len(added)), added)}


def best_of_levels(judged: KnownRows, truth: Array, level: pd.Series) -> Array:
    """Of each row's level the effect that loses least when the others are true."""
    code, _ = pd.factorize(level)
    without = np.bincount(code, judged.mean * np.exp(-truth))
    return np.asarray(np.log(np.bincount(code, judged.mean) / without)[code])


def lost_by(judged: KnownRows, truth: Array, effect: Array) -> float:
    """Deviance lost when one true effect becomes another, at the right level."""
    fitted = judged.mean * np.exp(effect - truth)
    fitted *= judged.mean.sum() / fitted.sum()
    return -2 * float((judged.mean * np.log(fitted / judged.mean) - fitted + judged.mean).sum())


def losses(document: ModelDocument, model: SplineGam | None, judged: KnownRows, constant: float) -> Losses:
    """Of a study, and of a GAM where there is one, as shares of the oracle's gain."""
    whole = gain(judged.mean, judged.mean, constant)
    lost = {**study_losses(document, judged), **(gam_losses(model, judged) if model is not None else {})}
    return {at: value / whole for at, value in lost.items()}


def loss_lines(studies: list[Mapping[tuple[str, str], float]]) -> list[str]:
    """A markdown table: the mean over studies by factor and reason."""
    columns = (*TRUE, "noise")
    lines = [f"| Lost of the oracle's gain | {' | '.join(columns)} | all |", "|---" * (len(columns) + 2) + "|"]
    for reason in (*LOSSES, GAM_LOSS):
        means = [float(np.mean([study.get((name, reason), 0.0) for study in studies])) for name in columns]
        lines.append(f"| {reason} | {' | '.join(f'{mean:.3f}' for mean in [*means, sum(means)])} |")
    return lines
