"""Opening a study's rows: the split, fine codes of all candidates, sample codes, and whether samples are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic

from glm_local.candidates.pre_bins import PRE_BINS, CandidateLike, Learned, learn_candidates
from glm_local.candidates.sample_codes import GROUP, SAMPLE_COLUMN, SAMPLES, sample_code, sample_flag
from glm_local.candidates.study_rows import StudyRows
from glm_local.expressions.expression import Expression, Literal, Read
from glm_local.glm.request import FitRequest
from glm_local.inference.key_scores import KEY_GROUPS
from glm_local.rows.cells import CellRequest
from glm_local.rows.engine import Engine, Frame
from glm_local.scoring.compile_score import role_expression
from glm_local.validation.folds import fold_expression, key_group_expression
from glm_local.validation.likeness import KeyParts, RateRoles, Unlike, unlike_samples
from glm_local.validation.split import Split
from glm_local.validation.split_check import may_lose, part_of_key
from glm_local.validation.split_learning import learn_split

COUNTED = "(rows of samples)"


@dataclass(frozen=True)
class OpenedRows(Generic[Frame]):
    """Packed rows and what opening them showed.

    Parameters
    ----------
    rows
        Packed.
    refused
        Why columns are no candidates, by name.
    lost, total
        Rows in no sample, and all.
    unlike
        Samples and folds whose rates differ beyond chance.
    """

    rows: StudyRows[Frame]
    refused: Mapping[str, str]
    lost: int = 0
    total: int = 0
    unlike: tuple[Unlike, ...] = ()


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
    by_key: bool = False,
) -> tuple[StudyRows[Frame], Mapping[str, str]]:
    """Learn the split and the fine codes of candidates, and pack the rows; `opened_rows` without its checks.

    Passes: at most four over the source (the split where it learns, values, cut points, packing).

    Parameters
    ----------
    key
        Columns whose equal values stay in one fold.
    by_key
        Whether tests and standard errors are made from the scores of groups of keys.

    Returns
    -------
    tuple
        The rows, and why columns are no candidates, by name.
    """
    opened = opened_rows(
        engine,
        frame,
        request,
        candidates,
        split,
        key,
        folds=folds,
        seed=seed,
        pre_bins=pre_bins,
        check=False,
        by_key=by_key,
    )
    return opened.rows, opened.refused


def opened_rows(
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
    check: bool = True,
    by_key: bool = False,
) -> OpenedRows[Frame]:
    """As `open_rows`; `check` compares samples (a pass only where rows by themselves look unlike), counts lost rows."""
    with engine.holding(frame) as held:
        kinds = engine.columns(held)
        learned = learn_split(engine, held, split)
        code = sample_code(learned.sample(kinds), fold_expression(list(key), kinds, folds, seed), folds)
        # Named once, it is hashed once by engines that keep columns.
        group = key_group_expression(key, kinds, seed, KEY_GROUPS)
        marked = engine.with_columns(held, {SAMPLE_COLUMN: code, GROUP: group})
        column = Read(SAMPLE_COLUMN, "integer")
        training = sample_flag(column, "train", folds)
        asked = [CellRequest(COUNTED, {"sample": column}, limit=1_000)] if check and may_lose(split) else []
        found = learn_candidates(engine, marked, candidates, where=training, pre_bins=pre_bins, besides=asked)
        groups = Read(GROUP, "integer")
        rows = StudyRows(engine, marked, request, found.candidates, column, folds, groups, by_key)
        rows.blocks  # noqa: B018  packed while the source is held
        opened = OpenedRows(rows, found.refused, *_lost(found))
        if not check:
            return opened
        try:
            unlike = _unlike(engine, marked, rows, column, part_of_key(key, kinds, seed))
        except BaseException:
            rows.close()
            raise
    return replace(opened, unlike=tuple(unlike))


def training_rows(
    engine: Engine[Frame],
    frame: Frame,
    request: FitRequest,
    candidates: Sequence[CandidateLike],
) -> tuple[StudyRows[Frame], Mapping[str, str]]:
    """Pack all rows as training rows of one fold: for what looks at them once and compares nothing out of fold.

    Passes: at most three over the source (values, cut points, packing).
    """
    with engine.holding(frame) as held:
        marked = engine.with_columns(held, {SAMPLE_COLUMN: Literal(0)})
        found = learn_candidates(engine, marked, candidates)
        rows = StudyRows(engine, marked, request, found.candidates, Read(SAMPLE_COLUMN, "integer"), 1)
        rows.blocks  # noqa: B018  packed while the source is held
    return rows, found.refused


def _lost(found: Learned) -> tuple[int, int]:
    """Rows in no sample, and all; none where the split can lose none."""
    table = found.besides.get(COUNTED)
    return (0, 0) if table is None else (int(table.rows[table.missing["sample"]].sum()), int(table.rows.sum()))


def _unlike(
    engine: Engine[Frame], marked: Frame, rows: StudyRows[Frame], code: Expression, part: Expression | None
) -> list[Unlike]:
    moments, request = rows.sample_moments, rows.request
    assert moments is not None  # rows are packed
    found = unlike_samples(moments, _groups(rows.folds))
    if not found or part is None:
        return found
    roles = RateRoles(
        role_expression(request.target),
        *(None if one is None else role_expression(one) for one in (request.exposure, request.weight)),
    )
    table = engine.cells(marked, [KeyParts.request("samples by key", code, part, roles)])["samples by key"]
    assert table is not None  # only a request that allows overflow gets None
    return unlike_samples(moments, _groups(rows.folds), KeyParts.of(table))


def fold_names(folds: int) -> list[str]:
    """Names of training folds, as messages have them."""
    return [f"fold {at + 1}" for at in range(folds)]


def _groups(folds: int) -> dict[str, list[tuple[str, Sequence[int]]]]:
    codes: list[Sequence[int]] = [list(range(folds)), [folds], [folds + 1]]
    named = fold_names(folds)
    return {
        "all rows": list(zip(SAMPLES, codes, strict=True)),
        "the training rows": [(name, [at]) for at, name in enumerate(named)],
    }
