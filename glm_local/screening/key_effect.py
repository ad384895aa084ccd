"""How much more the levels of one candidate spread than the family says, because rows of a key are alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from glm_local.candidates.factor_sums import FactorSums
from glm_local.candidates.study_rows import StudyRows
from glm_local.scoring.model_spec import ModelDocument
from glm_local.screening.candidate_levels import CandidateLevels
from glm_local.screening.score_kernel import INFORMATION, SCORE
from glm_local.screening.score_pass import CurrentModel, FieldLevels, field_of, score_pass
from glm_local.screening.score_test import Efficient
from glm_local.screening.tested_levels import ScreeningRules


def key_effect(rows: StudyRows[Any], model: ModelDocument, sums: FactorSums) -> float:
    """Times the dispersion that the scores of a candidate's tested levels spread by key; at least 1, without keys 1.

    It is read off the levels' scores net of their total: a candidate that differs within keys has its own, smaller
    effect. The dispersion is the family's, 1, or that by row where it is estimated or rows bear weights. One packed
    pass.
    """
    if not rows.by_key:
        return 1.0
    current = CurrentModel.of(rows, model)
    group = CandidateLevels.of(sums, current, ScreeningRules().of_domain(current.domain)).tested.group
    field = field_of(rows, current, FieldLevels(sums.name, group))
    found = score_pass(rows, current, [field], "key effect", crossed=False)
    total, by_key = found.levels[0].sum(axis=1), found.by_key[0]
    if by_key is None or found.dispersion is None:
        return 1.0
    levels = len(total[SCORE])
    parts = np.vstack([np.eye(levels), np.ones(levels)])
    information = (parts * total[INFORMATION]) @ parts.T
    whole = Efficient.of(parts @ total[SCORE], information, None, found.model, parts @ by_key)
    effect = whole.net_of_others(levels).test(current.dispersion).effect
    if effect is None:
        return 1.0
    return max(1.0, effect.mean / (current.dispersion.least or found.dispersion[0]))
