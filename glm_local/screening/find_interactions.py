"""Interactions: every pair of factors tested net of its margins, from one pass over packed rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, TypedDict

import numpy as np
import pandas as pd

from glm_local.arguments.checked import arguments_checked
from glm_local.candidates.study_rows import StudyRows
from glm_local.inference.key_scores import PAIR_GROUPS
from glm_local.scoring.model_spec import ModelDocument
from glm_local.screening.interaction_ranking import InteractionRanking
from glm_local.screening.pair_factors import PairFactor, chosen_pairs, pair_factors
from glm_local.screening.pair_test import PairSums, PairTest, pair_test
from glm_local.screening.ranking import by_gain
from glm_local.screening.score_kernel import TestedField
from glm_local.screening.score_pass import CurrentModel, field_of, score_pass
from glm_local.screening.score_test import q_values
from glm_local.screening.tested_levels import ScreeningRules

NetOf = Literal["auto", "model", "margins"]

MOST_CROSSED = 16_000_000
"""Cells times codes of the model's atoms up to which "auto" takes all of the model's columns into account."""

COLUMNS = (
    "rank",
    "first",
    "second",
    "cells",
    "tested_cells",
    "thin_cells",
    "statistic",
    "df",
    "p_value",
    "q_value",
    "gain",
    "cv_gain",
    "cv_gain_se",
    "stability",
    "fold_correlation",
    "adjusted_for",
    "flags",
)


@arguments_checked
class PairOptions(TypedDict, total=False):
    """What `find_interactions` takes beside rows, model and pairs; see there."""

    net_of: NetOf
    rules: ScreeningRules | None


def find_interactions(
    rows: StudyRows[Any],
    model: ModelDocument | None,
    pairs: Sequence[tuple[str, str]] | None = None,
    *,
    net_of: NetOf = "auto",
    rules: ScreeningRules | None = None,
) -> InteractionRanking:
    """Test the cells of pairs of factors net of the margins of both, and rank pairs by what they gain out of fold.

    Out of fold a pair of many cells pays for each of them, so that cell count alone never puts a pair first.

    Passes: one over packed rows for all pairs (one more when a pair names candidates outside the model).

    Parameters
    ----------
    rows
        The study's packed rows.
    model
        The current model.
    pairs
        Pairs of factors of the model, or of candidates (then by tested levels, as many as leave the cells enough rows
        and evidence); None is all pairs of the model's.
    net_of
        "model": cells are net of every column of the model; "margins": of the two factors only, which is cheaper and
        can only understate a pair; "auto": the model where the crossed tables stay small.
    rules
        Floors below which cells are pooled with their margins; their evidence is that of levels where none is given.

    Raises
    ------
    DataError
        For a pair that names no factor.
    """
    current = CurrentModel.of(rows, model)
    rules = (rules or ScreeningRules()).of_domain(current.domain)
    chosen = chosen_pairs(rows, current, pairs)
    names = list(dict.fromkeys(name for pair in chosen for name in pair))
    factors = pair_factors(rows, model, current, names, rules)
    fields = [_joint(rows, current, factors[first], factors[second]) for first, second in chosen]
    crossed = net_of == "model" or (net_of == "auto" and _crossed_cells(current, fields) <= MOST_CROSSED)
    lines, cells = [], {}
    if fields:
        sums = score_pass(rows, current, fields, "interactions", crossed, PAIR_GROUPS)
        for (first, second), levels, cross, by_key in zip(chosen, sums.levels, sums.cross, sums.by_key, strict=True):
            found = PairSums(levels, cross, by_key, sums.model)
            test = pair_test(factors[first], factors[second], found, current, rules)
            lines.append(_line(first, second, test, "model" if crossed else "margins"))
            cells[first, second] = test.cells
    return InteractionRanking(_ranked(lines), cells, "" if model is None else model.fingerprint)


def _joint(rows: StudyRows[Any], current: CurrentModel, first: PairFactor, second: PairFactor) -> TestedField:
    return field_of(rows, current, first.times(second.size), second.times(1))


def _crossed_cells(current: CurrentModel, fields: Sequence[TestedField]) -> int:
    codes = sum(atom.size for atom in current.fit.columns.design.atoms)
    return sum(one.size for one in fields) * codes


def _line(first: str, second: str, test: PairTest, adjusted_for: str) -> dict[str, Any]:
    correlations = test.fold_correlations
    known = not np.isnan(correlations).any() and test.score.freedom > 0
    return {
        "rank": 0,
        "first": first,
        "second": second,
        "cells": len(test.cells),
        "tested_cells": test.tested_cells,
        "thin_cells": test.thin_cells,
        "statistic": test.score.statistic,
        "df": test.score.freedom,
        "p_value": test.score.p_value,
        "gain": test.gain,
        "cv_gain": test.cv_gain if known else math.nan,
        "cv_gain_se": test.cv_gain_se if known else math.nan,
        "stability": float((correlations > 0).mean()) if known else math.nan,
        "fold_correlation": float(correlations.mean()) if known else math.nan,
        "adjusted_for": adjusted_for,
        "flags": test.untested,
    }


def _ranked(lines: Sequence[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(list(lines), columns=list(COLUMNS))
    table["q_value"] = q_values(table["p_value"])
    return by_gain(table, ["p_value", "first", "second"])
