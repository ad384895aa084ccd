"""Interactions: pairs ranked net of their margins, one tested by a joint fit, thin cells pooled, accepted or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Unpack, cast

import pandas as pd

from glm_local.errors import ConfigError, DataError, FitError, GlmError
from glm_local.factors.factor_spec import InteractionSpec
from glm_local.screening.find_interactions import PairOptions, find_interactions
from glm_local.screening.interaction_ranking import InteractionRanking
from glm_local.screening.pair_cells import MARGIN, OWN, POOLED, SILENT, THIN
from glm_local.screening.score_pass import CurrentModel
from glm_local.screening.tested_levels import ScreeningRules
from glm_local.study.comparison import Comparison
from glm_local.study.core import StudyCore
from glm_local.study.decisions import compared, require_accepted
from glm_local.study.design import Change
from glm_local.study.history import Fact

REASONS = {THIN: "thin", MARGIN: "needed by a margin whose other cells are thin", SILENT: "without events"}


@dataclass(frozen=True)
class InteractionTest:
    """A pair tested by a joint fit with the accepted factors.

    Parameters
    ----------
    first, second
        Factors of the model.
    comparison
        The model with the crossing against the current one.
    cells
        Cells of the pair; those with `status` "own" are the coefficients, `pooled` ones follow their margins: they are
        thin, have no events, or are needed by the margins of a level whose other cells are thin.
    """

    first: str
    second: str
    comparison: Comparison
    cells: pd.DataFrame

    @property
    def spec(self) -> InteractionSpec:
        """The crossing tested."""
        spec = self.comparison.change.spec
        assert isinstance(spec, InteractionSpec)
        return spec

    @property
    def table(self) -> pd.DataFrame:
        """The comparison, one row."""
        return self.comparison.table

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.spec.name)}: {cells_text(self.cells)}</p>" + self.comparison._repr_html_()


def cells_text(cells: pd.DataFrame) -> str:
    """Cells of a pair in words: how many have a coefficient, how many are pooled and why.

    Examples
    --------
    >>> cells_text(pd.DataFrame({"status": ["own", "base", "thin", "thin"]}))
    '4 cells, 1 with an effect of their own, 2 pooled with their margins (2 thin)'
    """
    counts = {word: int((cells["status"] == word).sum()) for word in (OWN, *POOLED)}
    pooled = [f"{counts[word]} {REASONS[word]}" for word in POOLED if counts[word]]
    text = f"{len(cells)} cells, {counts[OWN]} with an effect of their own"
    total = sum(counts[word] for word in POOLED)
    return f"{text}, {total} pooled with their margins ({', '.join(pooled)})" if pooled else text


def crossing_name(first: str, second: str) -> str:
    """Name of the crossing of two factors."""
    return f"{first}:{second}"


def find(
    study: StudyCore[Any],
    pairs: Sequence[tuple[str, str]] | None,
    mark: str | None = None,
    **options: Unpack[PairOptions],
) -> InteractionRanking:
    """Rank pairs against the current model and record the ranking, under a mark in the same commit."""
    if pairs is None and len(study.design.factors) < 2:
        raise ConfigError.because(
            f"the model has {len(study.design.factors)} factor{'s' if len(study.design.factors) != 1 else ''}.",
            "Pairs are made of two accepted factors.",
            "Accept more factors, or name pairs of candidates.",
        )
    model = study.current().model
    with study.stage("find interactions"):
        found = find_interactions(study.bench.rows, model, pairs, **options)
    table = found.table
    lines = [
        {str(name): value for name, value in line.items()}
        for line in table.astype(object).where(table.notna(), None).to_dict("records")
    ]
    rows = [
        {
            "ranking": f"interactions {len(study.state.versions)}",
            "place": at,
            "candidate": crossing_name(line["first"], line["second"]),
            "metric": "cv_gain",
            "value": line["cv_gain"],
            "details": line,
        }
        for at, line in enumerate(lines, 1)
    ]
    payload = {"what": "interactions", "design": study.design.fingerprint, "table": lines}
    marked = [] if mark is None else [Fact("decided", {"mark": mark}, reason=_ranked_text(found))]
    study.commit([Fact("ranked", payload, rows={"rankings": rows}), *marked])
    return found


def joint_test(
    study: StudyCore[Any], first: str, second: str, rules: ScreeningRules | None = None, name: str | None = None
) -> InteractionTest:
    """Fit the crossing of two accepted factors beside the current model; nothing is recorded.

    Cells under the floors of `rules`, and cells without events, are pooled: they have no effect of their own and follow
    both margins, as do cells without training rows.

    Raises
    ------
    DataError
        When no cell is left with an effect of its own.
    FitError
        When the joint fit fails; ways out are arguments of the caller.
    """
    for one in (first, second):
        require_accepted(study, one)
    if first == second:
        raise ConfigError.because(f"{first!r} is named twice.", "", "Name two factors.", path="pair")
    with study.stage("find interactions"):
        found = find_interactions(study.bench.rows, study.current().model, [(first, second)], rules=rules)
    cells = found.pair_cells(first, second)
    own = cells[cells["status"] == OWN]
    if not len(own):
        floors = CurrentModel.of(study.bench.rows, study.current().model).floors_text(rules or ScreeningRules())
        raise _nothing_left(first, second, cells, floors)
    spec = InteractionSpec(
        name=name or crossing_name(first, second),
        factors=(first, second),
        unseen="base",
        coding="net_of_margins",
        learned={"cells": [[str(row), str(column)] for row, column in zip(own["row"], own["column"], strict=True)]},
    )
    try:
        comparison = study.comparison(Change(spec.name, spec))
    except FitError as error:
        raise FitError([replace(one, way_out=_higher_floors(first, second)) for one in error.problems]) from None
    if not comparison.df:
        raise DataError.because(
            f"the cells of {first!r} and {second!r} add no coefficient to the model.",
            "Other factors span them.",
            "Look at study.find_interactions().pair_cells(...).",
        )
    return InteractionTest(first, second, comparison, cells)


def _nothing_left(first: str, second: str, cells: pd.DataFrame, floors: str) -> DataError:
    return cast(
        DataError,
        DataError.because(
            f"no cell of {first!r} and {second!r} has an effect of its own: {cells_text(cells)}.",
            f"A cell beside the base levels needs {floors}, and observed events.",
            f"Merge levels: study.factor({first!r}).merge(...); or lower the floors: "
            "rules=ScreeningRules(min_rows=..., min_evidence=...).",
        ),
    )


def _higher_floors(first: str, second: str) -> str:
    return (
        f"Pool more cells: rules=ScreeningRules(min_rows=..., min_evidence=...); or merge levels: "
        f"study.factor({first!r}).merge(...), study.factor({second!r}).merge(...)."
    )


def record_test(study: StudyCore[Any], first: str, second: str, rules: ScreeningRules | None = None) -> InteractionTest:
    """Test a pair, record the comparison, and propose the crossing."""
    found = joint_test(study, first, second, rules)
    study.commit([_proposed(study, found), compared(found.comparison)])
    return found


def accept(
    study: StudyCore[Any], first: str, second: str, reason: str | None, rules: ScreeningRules | None = None
) -> None:
    """Take the crossing of two accepted factors into the model."""
    name = crossing_name(first, second)
    if name in study.design or crossing_name(second, first) in study.design:
        return
    found = joint_test(study, first, second, rules)
    decided = _decision(study, found, reason)
    study.commit([_proposed(study, found), decided])


def auto_interactions(study: StudyCore[Any], most: int, keeping: Any, mark: str) -> None:
    """Test the best pairs by q-value and accept those that earn their place."""
    if len([one for one in study.design.factors if not isinstance(one, InteractionSpec)]) < 2:
        return
    if f"{mark} found" not in study.state.done:
        find(study, None, f"{mark} found")
    said = study.state.interactions
    lines = [] if said is None else said["table"]
    chosen = [one for one in lines if one["q_value"] is not None and one["q_value"] <= 0.05][:most]
    for line in chosen:
        first, second = str(line["first"]), str(line["second"])
        own = f"{mark} {crossing_name(first, second)}"
        if own not in study.state.done and first in study.design and second in study.design:
            _try_pair(study, first, second, keeping, own)


def _ranked_text(found: InteractionRanking) -> str:
    """What the ranking of pairs came to; pairs without a test are named with the reason."""
    untested = found.table[found.table["p_value"].isna()]
    said = [
        f"{crossing_name(str(first), str(second))} {why}"
        for first, second, why in zip(untested["first"], untested["second"], untested["flags"], strict=True)
    ]
    return "; ".join(["pairs are ranked", *said])


def skipped(study: StudyCore[Any], first: str, second: str, error: GlmError, **more: Any) -> None:
    """Record that a pair could not be tested, and why."""
    evidence = {"pair": [first, second], "error": error.problems[0].found}
    said = {"design": study.design.fingerprint, "evidence": evidence, **more}
    reason = f"not tested: {error.problems[0].found}"
    study.commit([Fact("rejected", said, crossing_name(first, second), reason)])


def _try_pair(study: StudyCore[Any], first: str, second: str, keeping: Any, mark: str) -> None:
    try:
        found = joint_test(study, first, second)
    except (FitError, DataError) as error:
        skipped(study, first, second, error, mark=mark)
        return
    comparison = found.comparison
    reason = comparison.verdict(keeping)
    proposal = _proposed(study, found)
    if comparison.earns_its_place(keeping):
        study.commit([proposal, compared(comparison), _decision(study, found, reason, mark=mark)])
        return
    rejected = {"design": study.design.fingerprint, "evidence": dict[str, Any](), "mark": mark}
    study.commit([proposal, compared(comparison), Fact("rejected", rejected, found.spec.name, reason)])


def _decision(study: StudyCore[Any], found: InteractionTest, reason: str | None, **more: Any) -> Fact:
    evidence = {**found.comparison.document(), "pooled_cells": int(found.cells["pooled"].sum())}
    return study.decision("crossed", found.spec.name, [found.comparison.change], reason, evidence, more)


def _proposed(study: StudyCore[Any], found: InteractionTest) -> Fact:
    cells = found.cells.astype(object).where(found.cells.notna(), None)
    evidence = {"cells": [{str(name): value for name, value in one.items()} for one in cells.to_dict("records")]}
    payload = {
        "spec": found.spec.document(),
        "method": "crossed",
        "design": study.design.fingerprint,
        "evidence": evidence,
    }
    return Fact("proposed", payload, found.spec.name)
