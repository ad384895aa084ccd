"""The samples of a study checked as it opens: what stops it, and what it says and goes on."""

from __future__ import annotations

import warnings
from typing import Any

from glm_local.candidates.open_rows import OpenedRows, fold_names
from glm_local.errors import DataError
from glm_local.glm.constant_target import constant_target
from glm_local.study.setup import StudySetup
from glm_local.validation.split_check import lost_problem, lost_warning, stops, unlike_problem


def checked_samples(opened: OpenedRows[Any], setup: StudySetup) -> tuple[str, ...]:
    """Sentences on lost rows and unlike samples that are let pass.

    Raises
    ------
    DataError
        More rows are in no sample than may be, samples made by hash differ in their rates beyond chance, or the target
        is 0 (a share: or 1) on every row.
    """
    split = setup.split
    lost = lost_problem(split, opened.lost, opened.total)
    unlike = unlike_problem(opened.unlike, split, setup.key) if opened.unlike else None
    stopped = [one for one in (lost, unlike if stops(split, opened.unlike, fold_names(setup.folds)) else None) if one]
    if stopped:
        opened.rows.close()
        raise DataError(stopped, "the samples of the study" if len(stopped) > 1 else "")
    said = (lost_warning(split, opened.lost, opened.total), unlike.found if unlike else "")
    constant = _constant(opened)
    told = tuple(one for one in (*said, constant) if one)
    for one in told:
        warnings.warn(one, stacklevel=2)
    return told


def _constant(opened: OpenedRows[Any]) -> str:
    """What is said of a target that is the same on every row; such a one at an end of the means has no model."""
    rows = opened.rows
    assert rows.summary is not None  # rows are packed
    found = constant_target(rows.blocks, rows.summary, rows.family, rows.link)
    if found is not None and not found.possible:
        opened.rows.close()
        raise DataError(found.problem(rows.family), "the rows of the study")
    return "" if found is None else found.sentence
