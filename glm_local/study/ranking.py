"""Ranking candidates against the current model, as an event and as rows of the table `rankings`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import pandas as pd

from glm_local.screening.rank_factors import RankingOptions, rank_factors
from glm_local.screening.ranking import Ranking
from glm_local.study.core import StudyCore
from glm_local.study.design import Design
from glm_local.study.history import Fact
from glm_local.study.screened import Screened, screened_of

LEAK = "leakage?"


def rank(study: StudyCore[Any], names: Sequence[str] | None, **options: Unpack[RankingOptions]) -> Ranking:
    """Rank candidates against the current model and record the ranking."""
    bench = study.bench
    model = study.current().model if study.design.factors else None
    with study.stage("rank candidates"):
        found = rank_factors(bench.rows, model, names, refused=bench.learned.get("refused"), **options)
    lines = _lines(found.table)
    payload = {
        "what": "candidates",
        "design": study.design.fingerprint,
        "table": lines,
        "options": _said(options),
        "asked": None if names is None else list(names),
        "tested_against": found.tested_against,
        **spread_of(found),
    }
    rows = [
        {
            "ranking": f"candidates {len(study.state.versions)}",
            "place": at,
            "candidate": line["factor"],
            "metric": "cv_gain",
            "value": line["cv_gain"],
            "details": line,
        }
        for at, line in enumerate(lines, 1)
    ]
    study.commit([Fact("ranked", payload, rows={"rankings": rows})])
    return found


def spread_of(found: Ranking) -> dict[str, float | None]:
    """Dispersion by row and by key beside the model a ranking was made against; nothing where rows have no key."""
    names = ("dispersion_by_row", "dispersion_by_key")
    known = (value if math.isfinite(value) else None for value in found.dispersion or ())
    return dict(zip(names, known, strict=False))


def again(study: StudyCore[Any], names: Sequence[str], mark: str) -> None:
    """Test some candidates again against the current model; the ranking that is shown stays the first one."""
    bench, model = study.bench, study.current().model
    with study.stage("rank candidates"):
        found = rank_factors(bench.rows, model, names)
    payload = {
        "what": "again",
        "design": study.design.fingerprint,
        "table": _lines(found.table),
        "asked": list(names),
        "tested_against": found.tested_against,
        "mark": mark,
        **spread_of(found),
    }
    study.commit([Fact("ranked", payload)])


def screened(study: StudyCore[Any], name: str, design: Design | None = None, following: Sequence[str] = ()) -> Screened:
    """The test of one candidate against a design, the accepted one if not said.

    Its q-value is that among the last tests of all candidates. Two packed passes, none when known; candidates that
    follow are tested in the same passes and known when it is their turn.
    """
    against = study.design if design is None else design
    line = study.state.screened.get(name)
    if line is None or line["design"] != against.fingerprint:
        line = _tested(study, name, against, following)
    return screened_of(line, name, study.state.screened, against.fingerprint)


def _tested(study: StudyCore[Any], name: str, design: Design, following: Sequence[str]) -> Mapping[str, Any]:
    known = study.tests.get(design.fingerprint, {})
    if name not in known:
        model = study.fitted(design).model if design.factors else None
        with study.stage("rank candidates"):
            lines = _lines(rank_factors(study.bench.rows, model, [name, *following]).table)
        known = {**known, **{str(line["factor"]): line for line in lines}}
        study.tests = {design.fingerprint: known}
    return known[name]


def order(study: StudyCore[Any], names: Sequence[str] | None) -> list[str]:
    """Candidates to try, best first; the last ranking counts, made now where there is none of them."""
    for name in names or ():
        if name not in study.bench.learned.get("refused", {}):
            study.bench.candidate(name)
    said = study.state.ranking
    wanted = None if names is None else set(names)
    if said is None or (wanted is not None and not wanted <= {line["factor"] for line in said["table"]}):
        rank(study, names)
        said = study.state.ranking
    assert said is not None
    tested = [line for line in said["table"] if not line["error"]]
    return [str(line["factor"]) for line in tested if wanted is None or line["factor"] in wanted]


def leak(study: StudyCore[Any], name: str) -> str:
    """What the ranking says of a candidate that looks like the target itself; empty when nothing."""
    said = study.state.ranking
    lines = [] if said is None else [line for line in said["table"] if line["factor"] == name]
    flags = [flag for line in lines for flag in str(line["flags"] or "").split("; ") if flag.startswith(LEAK)]
    return "; ".join(flags)


def _lines(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in line.items()} for line in plain.to_dict("records")]


def _said(options: Mapping[str, Any]) -> dict[str, str]:
    return {name: repr(value) for name, value in options.items() if value is not None}
