"""Reading factor documents: every problem of the whole set at once, each with its JSON path and a way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, cast

from pydantic import ValidationError

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import Problem, SpecError, nearest
from glm_local.expressions.columns import MIXED, READABLE, ColumnKind, ReadKind
from glm_local.expressions.depth import depth_problems, require_shallow
from glm_local.expressions.expression_columns import columns_of
from glm_local.expressions.expression_json import expression_from_json
from glm_local.factors.factor_spec import SPEC_OF_KIND, FactorSpec, InteractionSpec, Spec
from glm_local.factors.kind import gives
from glm_local.factors.level_names import level_names, source_of
from glm_local.factors.spec_fields import document_problems
from glm_local.factors.spec_values import shown
from glm_local.texts.plain_json import plain_json

PATH = "/factors"

Documents = Sequence[Mapping[str, Any] | Spec | str]


def listed(documents: Any) -> Any:
    """Factors as a list, whatever holds them in order: a tuple, an array, a Series, a generator."""
    in_order = isinstance(documents, Iterable) and not isinstance(documents, str | bytes | Mapping | Set)
    return list(documents) if in_order else documents


def members_first(specs: Sequence[FactorSpec]) -> tuple[FactorSpec, ...]:
    """Factors in their order, crossings behind what they cross."""
    return tuple(sorted(specs, key=lambda one: isinstance(one, InteractionSpec)))


@arguments_checked
def read_factors(documents: Documents, path: str = PATH, source: str = "") -> tuple[FactorSpec, ...]:
    """Return the factors of some documents, or raise all their problems.

    Parameters
    ----------
    documents
        Factor documents or specifications, in model order.
    path
        JSON path of the list, the start of every problem's path.
    source
        Name of the file, for the message.

    Raises
    ------
    SpecError
        With every problem of every document and of the set.

    Examples
    --------
    >>> read_factors([{"kind": "numeric", "name": "age", "column": "age", "edges": [25, 18, 65]}])
    Traceback (most recent call last):
        ...
    glm_local.errors.SpecError: 2 problems
      /factors/0/missing  not given. Say what missing becomes: a level, or "refuse".
      /factors/0/edges  [25, 18, 65] is not increasing. Edges must rise; did you mean [18, 25, 65]?
    """
    documents = listed(documents)
    problems = factor_problems(documents, None, path)
    if problems:
        raise SpecError(problems, source)
    return tuple(
        cast(FactorSpec, one) if isinstance(one, Spec) else read_factor(cast(Mapping[str, Any], one), f"{path}/{i}")
        for i, one in enumerate(documents)
    )


def read_factor(document: Mapping[str, Any], path: str = "") -> FactorSpec:
    """Return the factor of one document; `SpecError` with every problem otherwise."""
    require_shallow(document, path)
    problems = document_problems(plain_json(document), path)
    if problems:
        raise SpecError(problems)
    try:
        return cast(FactorSpec, SPEC_OF_KIND[document["kind"]](**document))
    except ValidationError as error:  # the checks are complete; this is the net below them
        raise SpecError(_library_problems(error, path)) from None


def _library_problems(error: ValidationError, path: str) -> list[Problem]:
    where = sorted({"/".join([path, *(str(step) for step in one["loc"])]) for one in error.errors()})
    return [
        Problem(
            one,
            "has a form that is not read here.",
            "It breaks the published schema.",
            "Compare with conf/schema/factor_spec.schema.json.",
        )
        for one in where
    ]


def factor_problems(
    documents: Documents, columns: Mapping[str, ColumnKind] | None = None, path: str = PATH
) -> list[Problem]:
    """Return every problem of a set of factors, and of the table they are meant for.

    Parameters
    ----------
    documents
        Factor documents or specifications.
    columns
        Name to physical kind of the table; None leaves the table out of it.
    path
        JSON path of the list.
    """
    documents = listed(documents)
    if isinstance(documents, str | Mapping) or not isinstance(documents, Sequence):
        return [
            Problem(
                path,
                f"{shown(documents)} is not a list of factors.",
                "Factors are a list.",
                "Put it in brackets: [...].",
            )
        ]
    deep = [
        problem
        for i, one in enumerate(documents)
        if not isinstance(one, Spec)
        for problem in depth_problems(one, f"{path}/{i}")
    ]
    if deep:
        return deep
    plain = [plain_json(one.document() if isinstance(one, Spec) else one) for one in documents]
    problems = [problem for i, one in enumerate(plain) for problem in document_problems(one, f"{path}/{i}")]
    named = {i: one for i, one in enumerate(plain) if isinstance(one, dict) and isinstance(one.get("name"), str)}
    problems += _double_names(named, path)
    problems += _crossings(named, path)
    for i, one in named.items() if columns is not None else ():
        problems += _column_problems(one, columns or {}, f"{path}/{i}")
    return problems


def _double_names(named: Mapping[int, Mapping[str, Any]], path: str) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for i, one in named.items():
        if one["name"] in first:
            yield Problem(
                f"{path}/{i}/name",
                f"{shown(one['name'])} is also the name at {path}/{first[one['name']]}.",
                "Factor names are distinct.",
                "Rename one.",
            )
        first.setdefault(one["name"], i)


def _crossings(named: Mapping[int, Mapping[str, Any]], path: str) -> Iterator[Problem]:
    documents = {one["name"]: one for one in named.values()}
    kinds = {name: one.get("kind") for name, one in documents.items()}
    crossed = {frozenset(one["factors"]) for one in named.values() if _is_crossing(one)}
    for i, one in named.items():
        if not _is_crossing(one):
            continue
        yield from _members(one["factors"], kinds, f"{path}/{i}/factors")
        yield from _cell_levels(one, documents, f"{path}/{i}/learned/cells")
        if one.get("coding", "net_of_margins") == "net_of_margins":
            yield from _margins(one["factors"], kinds, crossed, f"{path}/{i}/coding")


def _is_crossing(document: Mapping[str, Any]) -> bool:
    factors = document.get("factors")
    return gives(document) == "cells" and isinstance(factors, list) and all(isinstance(one, str) for one in factors)


def _members(factors: list[str], kinds: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for j, name in enumerate(factors):
        if gives({"kind": kinds.get(name)}) == "cells":
            yield Problem(
                f"{path}/{j}",
                f"{shown(name)} is an interaction.",
                "An interaction is made of factors that are none.",
                "Name its factors instead.",
            )
        elif name not in kinds:
            yield Problem(
                f"{path}/{j}",
                f"{shown(name)} is not a factor of this model.",
                "An interaction is made of factors of the same model.",
                nearest(name, [one for one, kind in kinds.items() if gives({"kind": kind}) != "cells"]),
            )
    linear = [name for name in factors if gives({"kind": kinds.get(name)}) == "number"]
    if len(linear) > 1:
        yield Problem(
            path,
            f"{' and '.join(shown(name) for name in linear)} are both linear.",
            "An interaction has at most one linear factor.",
            'Write their product as one linear factor: "expression": {"multiply": [...]}.',
        )


def _cell_levels(
    crossing: Mapping[str, Any], documents: Mapping[str, Mapping[str, Any]], path: str
) -> Iterator[Problem]:
    """Learned cells name one known level of every member with levels."""
    members = [documents.get(name, {}) for name in crossing["factors"]]
    crossed = [one for one in members if gives(one) != "number"]
    if any(document_problems(one, "") for one in [crossing, *members]):
        return
    known = [level_names(one) for one in crossed]
    for i, cell in enumerate((crossing.get("learned") or {}).get("cells") or []):
        if len(cell) != len(crossed):
            yield Problem(
                f"{path}/{i}",
                f"{shown(cell)} has {len(cell)} level{'s' if len(cell) != 1 else ''}.",
                f"{len(crossed)} factors of the interaction have levels.",
                "Name one level of each.",
            )
            continue
        for level, levels, one in zip(cell, known, crossed, strict=True):
            if levels is not None and level not in levels:
                yield no_such_level(f"{path}/{i}", level, str(one["name"]), levels)


def no_such_level(path: str, level: str, factor: str, levels: Sequence[str]) -> Problem:
    """Return the problem of a cell that names a level its factor does not have."""
    found = f"{shown(level)} is not a level of {shown(factor)}."
    return Problem(path, found, "Cells are made of levels of the factors.", nearest(level, levels))


def _margins(
    factors: list[str], kinds: Mapping[str, Any], crossed: set[frozenset[str]], path: str
) -> Iterator[Problem]:
    # Plain factors are always in the model once they are named; crossings of higher order need the lower ones too.
    if len(factors) < 3 or any(name not in kinds for name in factors):
        return
    for left_out in reversed(factors):
        margin = [name for name in factors if name != left_out]
        if frozenset(margin) not in crossed:
            yield Problem(
                path,
                f"the interaction of {' and '.join(shown(name) for name in margin)} is not in the model.",
                "Net of margins, every smaller interaction is a factor too.",
                'Add it, or write "coding": "cells".',
            )


def _column_problems(document: Mapping[str, Any], columns: Mapping[str, ColumnKind], path: str) -> Iterator[Problem]:
    for where, column, kind in _reads(document):
        if column not in columns:
            yield Problem(
                f"{path}/{where}",
                f"{shown(column)} is not a column of the table.",
                "A factor reads a column of the table.",
                nearest(column, list(columns)),
            )
            continue
        if kind is not None and columns[column] not in READABLE[kind]:
            found = MIXED if columns[column] == "mixed" else f"is of kind {columns[column]}"
            yield Problem(
                f"{path}/{where}",
                f"{shown(column)} {found}.",
                f"Kind {kind} is read from {', '.join(READABLE[kind])}.",
                _readable_hint(columns[column]),
            )
        twins = [one for one in columns if one != column and one.lower() == column.lower()]
        if twins:
            yield Problem(
                f"{path}/{where}",
                f"{shown(column)} differs from {shown(twins[0])} only by case.",
                "Spark does not tell such columns apart.",
                "Rename one of them.",
            )


def _readable_hint(physical: ColumnKind) -> str:
    kinds = [kind for kind, readable in READABLE.items() if physical in readable]
    if physical == "mixed":
        return "Make it one kind first, such as frame[column].astype(str)."
    return f'Write "source": {" or ".join(shown(kind) for kind in kinds)}.' if kinds else "Convert the column first."


def _reads(document: Mapping[str, Any]) -> list[tuple[str, str, ReadKind | None]]:
    """Where a document reads a column, which, and as what (None when it says something impossible)."""
    if document.get("expression") is not None:
        try:
            reads = columns_of(expression_from_json(document["expression"]))
        except SpecError:  # told already
            return []
        return [("expression", column, read) for column, read in reads.items()]
    column, kind = document.get("column"), document.get("kind")
    if not isinstance(column, str) or gives(document) in (None, "cells"):
        return []
    source = document.get("source") or source_of({"kind": kind})
    return [("column", column, source if isinstance(source, str) and source in READABLE else None)]
