"""Opening a study's rows: the split, fine codes of all candidates, sample codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glm_local.candidates.pre_bins import PRE_BINS, CandidateLike, learn_candidates
from glm_local.candidates.sample_balance import balances, check_balance
from glm_local.candidates.sample_codes import SAMPLE_COLUMN, sample_code, sample_flag
from glm_local.candidates.study_rows import StudyRows
from glm_local.contract.engine import Engine, Frame
from glm_local.contract.expression import Read
from glm_local.glm.fit import FitRequest
from glm_local.validation.folds import fold_expression
from glm_local.validation.split import Split
from glm_local.validation.split_learning import learn_split


def open_rows(
    engine: Engine[Frame],
    frame: Frame,
    request: FitRequest,
    candidates: Sequence[CandidateLike],
    split: Split,
    key: Sequence[str],
    *,
    folds: int = 5,
    seed: int = 0,
    pre_bins: int = PRE_BINS,
) -> tuple[StudyRows[Frame], Mapping[str, str]]:
    """Learn the split and the fine codes of candidates, and pack the rows.

    Passes: at most four over the source (the split where it learns, values, cut points, packing).

    Parameters
    ----------
    key
        Columns whose equal values stay in one fold.

    Returns
    -------
    tuple
        The rows, and why columns are no candidates, by name.
    """
    with engine.holding(frame) as held:
        kinds = engine.columns(held)
        learned = learn_split(engine, held, split)
        code = sample_code(learned.sample(kinds), fold_expression(list(key), kinds, folds, seed), folds)
        # Named once, it is hashed once by engines that keep columns.
        marked = engine.with_columns(held, {SAMPLE_COLUMN: code})
        column = Read(SAMPLE_COLUMN, "integer")
        training = sample_flag(column, "train", folds)
        found = learn_candidates(engine, marked, candidates, where=training, pre_bins=pre_bins)
        rows = StudyRows(engine, marked, request, found.candidates, column, folds)
        rows.blocks  # noqa: B018  packed while the source is held
    return rows, found.refused


def check_samples(rows: StudyRows[Frame], split: Split, key: Sequence[str]) -> None:
    """Compare samples and folds; no pass. Samples by time or by a column may differ, what a hash divides may not.

    Raises
    ------
    DataError
        Folds, or samples made by a hash, whose rates differ beyond chance: the key goes with the target.
    """
    assert rows.sample_sums is not None
    by_hash = split.method in ("hash", "stratified")
    target = rows.request.target
    named = target if isinstance(target, str) else "target"
    check_balance(balances(rows.sample_sums, rows.folds, by_hash), split.key if by_hash else key, named)
