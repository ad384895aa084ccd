"""Faults of rows in the words of who asked: which factor misses values, and that a role is text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from glm_local.errors import DataError, Problem
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression, IsMissing
from glm_local.expressions.expression_columns import columns_of
from glm_local.factors.compile_factor import CompiledLinear
from glm_local.factors.level_names import source_of
from glm_local.glm.fit_plan import FitPlan
from glm_local.rows.blocks import BlockDesign
from glm_local.rows.cells import CellRequest
from glm_local.rows.engine import Engine, Frame
from glm_local.texts.counted import counted

_TEXT = (
    'Make it a number: {"when": {"condition": {"equal": [{"column": "%s", "read": "text"}, {"value": "…"}]}, '
    '"then": 1, "otherwise": 0}}, say.'
)


@contextmanager
def faults_named(
    engine: Engine[Frame], frame: Frame, plan: FitPlan, where: Expression | None, kinds: Mapping[str, ColumnKind]
) -> Iterator[None]:
    """Say of faults that the packed rows only count which factor or what kind of column they come from.

    One pass more, and only where a linear factor misses values.
    """
    try:
        yield
    except DataError as error:
        problems = [named for one in error.problems for named in _named(one, engine, frame, plan, where, kinds)]
        raise DataError(problems, error.source) from None


def _named(
    problem: Problem,
    engine: Engine[Any],
    frame: Any,
    plan: FitPlan,
    where: Expression | None,
    kinds: Mapping[str, ColumnKind],
) -> list[Problem]:
    if problem.path == "rows: numeric missing":
        return _linear(problem, engine, frame, plan, where, kinds) or [problem]
    for spec in plan.specs:
        if problem.path == f"factor {spec.name!r}" and problem.found.endswith(" missing."):
            as_text = source_of(spec.document()) == "text"
            return [problem if as_text else _level(problem, str(getattr(spec, "column", "")), kinds)]
    return [role_named(problem, plan.design, kinds)]


def role_named(problem: Problem, design: BlockDesign, kinds: Mapping[str, ColumnKind]) -> Problem:
    """A fault of a role's rows, said of text where its column is text."""
    fault = problem.path.removeprefix("rows: ")
    role = fault.removesuffix(" missing")
    read = {
        "target": design.response,
        "weight": design.weight,
        "offset": design.offset,
        "exposure": design.exposure,
    }.get(role)
    return problem if fault == role or read is None else _text(problem, role, read, kinds)


def _level(problem: Problem, column: str, kinds: Mapping[str, ColumnKind]) -> Problem:
    """Refused rows of a factor, said of text where the column is text that is no such value there."""
    if kinds.get(column) != "text":
        return problem
    rows = problem.found.removesuffix(" missing.").removesuffix(" are").removesuffix(" is")
    return replace(problem, found=f"column {column!r} is text; {rows} hold none of what the factor reads.")


def _text(problem: Problem, what: str, read: Expression, kinds: Mapping[str, ColumnKind]) -> Problem:
    """The problem, said of text where the column is text: a word is no number, and not missing."""
    texts = [column for column, kind in columns_of(read).items() if kind == "number" and kinds.get(column) == "text"]
    if not texts:
        return problem
    found = f"{what} {texts[0]!r} is text, which is no number on {problem.found.removeprefix('missing on ')}"
    return replace(problem, found=found, way_out=_TEXT % texts[0])


def _linear(
    problem: Problem,
    engine: Engine[Any],
    frame: Any,
    plan: FitPlan,
    where: Expression | None,
    kinds: Mapping[str, ColumnKind],
) -> list[Problem]:
    terms = {name: one for name, one in plan.compiled.items() if isinstance(one, CompiledLinear)}
    sums = {f"term {at}": IsMissing(one.value) for at, one in enumerate(terms.values())}
    table = engine.cells(frame, [CellRequest("missing", sums=sums, where=where)])["missing"]
    if table is None:
        return []
    named = []
    for at, (name, term) in enumerate(terms.items()):
        missing = int(table.sums[f"term {at}"].sum())
        if missing:
            found = replace(problem, path=f"factor {name!r}", found=f"missing on {counted(missing)}.")
            texts = [one for one, kind in columns_of(term.value).items() if kinds.get(one) == "text"]
            way_out = "Take a categorical factor for it, or name its column of numbers." if texts else problem.way_out
            named.append(replace(_text(found, "column", term.value, kinds), way_out=way_out))
    return named
