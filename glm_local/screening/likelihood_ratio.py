"""Likelihood-ratio tests of a candidate's tested levels against the current model."""

from __future__ import annotations

from typing import Any

import numpy as np

from glm_local.candidates.candidate import Candidate
from glm_local.candidates.factor_sums import FactorSums
from glm_local.candidates.study_rows import StudyRows
from glm_local.factors.factor_spec import FactorSpec
from glm_local.scoring.model_spec import ModelDocument
from glm_local.screening.level_gain import LevelGain
from glm_local.screening.score_test import Dispersion, ScoreTest, clustered_test, ratio_test
from glm_local.screening.tested_levels import TestedLevels


def closed_form(
    sums: FactorSums, tested: TestedLevels, gain: LevelGain, score: ScoreTest, dispersion: Dispersion
) -> ScoreTest:
    """Against a model of the intercept alone: shifts of levels are the joint fit itself.

    An estimated dispersion is the one after the levels, by their score statistic.
    """
    rows = np.bincount(tested.group, sums.rows[:, : sums.folds].sum(axis=1), tested.groups)
    freedom = int((rows > 0).sum()) - 1
    if score.effect is not None:
        return clustered_test(max(gain.train, 0.0), score.effect)
    if dispersion.freedom is not None and score.residual_freedom is not None and score.residual_freedom > 0:
        left = score.residual_freedom
        dispersion = Dispersion((dispersion.pearson - score.explained) / left, left)
    return ratio_test(gain.train, freedom, dispersion)


def refitted(
    rows: StudyRows[Any], model: ModelDocument, candidate: Candidate, tested: TestedLevels, score: ScoreTest
) -> ScoreTest:
    """Against any model: the tested levels are added and everything is fitted again, on packed rows.

    By key the design effect is that of their score test.
    """
    larger = rows.fit([*model.factors, _spec(model, candidate, tested)], on_separation="warn", on_failure="warn")
    before, after = model.statistics, larger.statistics
    freedom = after.parameters - before.parameters
    if score.effect is not None and freedom:
        return clustered_test(max(before.deviance - after.deviance, 0.0), score.effect)
    dispersion = Dispersion()
    if after.statistic == "t":
        dispersion = Dispersion(after.dispersion or 0.0, float(after.df_residual))
    return ratio_test(before.deviance - after.deviance, freedom, dispersion)


def _spec(model: ModelDocument, candidate: Candidate, tested: TestedLevels) -> FactorSpec:
    """The tested levels as a factor; codes that stand apart and were pooled go where their pool is."""
    ordered = candidate.ordered
    groups = [np.flatnonzero(tested.group[:ordered] == at).tolist() for at in range(tested.groups)]
    kept = [at for at, group in enumerate(groups) if group]
    labels = [f"tested {at}" for at in kept]
    taken = {one.name for one in model.factors}
    name = f"{candidate.name} tested"
    while name in taken:
        name += "'"

    def policy(cause: str) -> Any:
        code = candidate.apart(cause)
        if code is None:
            return "base"
        at = int(tested.group[code])
        return {"level": f"tested {at}"} if at in kept else "own_level"

    return candidate.spec(
        [groups[at] for at in kept], labels=labels, missing=policy("missing"), unseen=policy("unseen"), name=name
    )
