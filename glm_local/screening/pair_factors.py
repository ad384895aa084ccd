"""Factors as they enter a pair: levels, and where a row's level comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from glm_local.candidates.factor_gain import candidate_sums
from glm_local.candidates.study_rows import StudyRows
from glm_local.errors import DataError, nearest
from glm_local.factors.compiled_factor import CompiledFactor
from glm_local.factors.factor_spec import FactorSpec
from glm_local.scoring.model_spec import ModelDocument
from glm_local.screening.candidate_levels import CandidateLevels
from glm_local.screening.score_pass import CurrentModel, FieldLevels
from glm_local.screening.tested_levels import ScreeningRules


@dataclass(frozen=True)
class PairFactor:
    """One factor of a pair: the model's own levels, or a candidate's tested ones.

    Parameters
    ----------
    base
        Position of the base level in the model; None for a candidate, where the largest stands for it.
    """

    name: str
    labels: tuple[str, ...]
    levels: FieldLevels
    base: int | None = None

    @property
    def size(self) -> int:
        """Number of levels."""
        return len(self.labels)

    def times(self, stride: int) -> FieldLevels:
        """Its part of a joint code."""
        return FieldLevels(self.levels.field, self.levels.levels * stride, self.levels.of_model)


def pair_factors(
    rows: StudyRows[Any],
    model: ModelDocument | None,
    current: CurrentModel,
    names: Sequence[str],
    rules: ScreeningRules,
) -> dict[str, PairFactor]:
    """Levels of all named factors; candidates that are not in the model cost one packed pass together.

    A candidate has as many levels as its evidence allows in a pair (`ScreeningRules.in_pairs`).
    """
    compiled = level_factors_of(current)
    outside = [name for name in names if name not in compiled]
    sums = candidate_sums(rows, model, outside) if outside else {}
    found: dict[str, PairFactor] = {}
    for name in names:
        if name in compiled:
            found[name] = _of_model(compiled[name], _spec(current, name))
        else:
            tested = CandidateLevels.in_pairs(sums[name], current, rules).tested
            found[name] = PairFactor(name, tested.labels, FieldLevels(name, tested.group))
    return found


def level_factors_of(current: CurrentModel) -> dict[str, CompiledFactor]:
    """The model's factors with levels of their own, in model order."""
    return {name: one for name, one in current.plan.compiled.items() if isinstance(one, CompiledFactor)}


def chosen_pairs(
    rows: StudyRows[Any], current: CurrentModel, pairs: Sequence[tuple[str, str]] | None
) -> list[tuple[str, str]]:
    """The named pairs, checked; None is all pairs of the model's factors.

    Raises
    ------
    DataError
        For a name that is neither a factor of the model nor a candidate, and for a factor paired with itself.
    """
    inside = list(level_factors_of(current))
    if pairs is None:
        return list(combinations(inside, 2))
    known = list(dict.fromkeys([*inside, *rows.candidates]))
    for pair in pairs:
        for name in pair:
            if name not in known:
                raise DataError.because(
                    f"{name!r} is neither a factor of the model nor a candidate.",
                    "A pair names two factors.",
                    nearest(name, known),
                )
        if len(pair) != 2 or pair[0] == pair[1]:
            raise DataError.because(f"The pair {tuple(pair)!r} was asked.", "A pair names two factors.", "Name two.")
    return list(dict.fromkeys((first, second) for first, second in pairs))


def _spec(current: CurrentModel, name: str) -> FactorSpec:
    return next(one for one in current.fit.document.factors if one.name == name)


def _of_model(one: CompiledFactor, spec: FactorSpec) -> PairFactor:
    """Codes without a level of their own count as the base, as they do in the model."""
    base = getattr(getattr(spec, "learned", None), "base", None)
    at = one.levels.index(base) if base in one.levels else 0
    codes = np.append(np.arange(len(one.levels)), np.full(len(one.extras), at)).astype(np.int64)
    return PairFactor(one.name, one.levels, FieldLevels(one.name, codes, of_model=True), at)
