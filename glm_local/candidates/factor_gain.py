"""Factor sums of candidates: code sums under a model, and what a shift of its linear predictor gains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glm_local.candidates.code_sums import CodeSums, Measure
from glm_local.candidates.factor_sums import FactorSums, Gain, PowerLogSums, QuadraticSums
from glm_local.candidates.offset_sums import OffsetGrid
from glm_local.candidates.study_rows import StudyRows
from glm_local.families.family import GainForm
from glm_local.inference.thin_levels import evidence_dispersion
from glm_local.scoring.model_spec import ModelDocument

Array = NDArray[np.float64]


def candidate_sums(
    rows: StudyRows[Any], model: ModelDocument | None, names: Sequence[str] | None = None
) -> dict[str, FactorSums]:
    """Every candidate's sums under a model, the holdout left out: what binning works on.

    Passes: one over packed rows; one more to lay out the linear predictor for families and links whose gain has no
    closed form. None for one candidate that was asked for last under this model.

    Parameters
    ----------
    names
        Candidates, all of them if None; an unknown one raises a DataError with the nearest name.
    """
    chosen = list(rows.candidates) if names is None else list(names)
    for name in chosen:
        rows.candidate(name)
    if len(chosen) > 1:
        return _factor_sums(rows, model, chosen)
    key = ("candidate sums", "" if model is None else model.fingerprint, *chosen)
    return rows.last_of(key, lambda: _factor_sums(rows, model, chosen))


def _factor_sums(rows: StudyRows[Any], model: ModelDocument | None, names: Sequence[str]) -> dict[str, FactorSums]:
    """One packed pass for all names; two where the gain has no closed form."""
    form = rows.family.gain_form(rows.link)
    measures: tuple[Measure, ...] = ("fitted", "deviance")
    if form == "power and log" and rows.family.power != 1:
        measures = (*measures, "a", "b")
    sums = rows.code_sums(model, names, measures, "candidates")
    grid = None if form != "grid" else OffsetGrid.of(rows, model)
    offsets = {} if grid is None else grid.sums(rows, names)
    dispersion = evidence_dispersion(rows.packed(model)[0].document)
    return {
        name: _one(
            rows, name, sums, offsets[name] if grid is not None else _closed_gain(rows, name, sums, form), dispersion
        )
        for name in names
    }


def _visible(rows: StudyRows[Any], table: Array) -> Array:
    """Without the holdout, and without validation where it has no rows."""
    return table[:, : rows.visible_samples]


def _closed_gain(rows: StudyRows[Any], name: str, sums: CodeSums, form: GainForm) -> Gain:
    amount = _visible(rows, rows.static(name, "amount"))
    fitted = _visible(rows, sums.of(name, "fitted"))
    power = rows.family.power
    if form == "quadratic":
        return QuadraticSums(amount - fitted, _visible(rows, rows.static(name, "weight")))
    assert power is not None
    if power == 1:
        return PowerLogSums(1.0, amount, fitted)
    return PowerLogSums(float(power), _visible(rows, sums.of(name, "a")), _visible(rows, sums.of(name, "b")))


def _one(rows: StudyRows[Any], name: str, sums: CodeSums, gain: Gain, dispersion: float) -> FactorSums:
    candidate = rows.candidates[name]
    labels = candidate.labels
    deviance = _visible(rows, sums.of(name, "deviance"))
    return FactorSums(
        name,
        candidate.kind,
        labels,
        candidate.ordered,
        rows.folds,
        _visible(rows, rows.static(name, "rows")),
        _visible(rows, rows.static(name, "weight")),
        _visible(rows, rows.static(name, "amount")),
        _visible(rows, sums.of(name, "fitted")),
        gain,
        deviance.sum(axis=0),
        dispersion,
    )
