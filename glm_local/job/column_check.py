"""Checking a table's columns against the configuration, before any row is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from glm_local.errors import DataError, Problem, nearest
from glm_local.expressions.columns import READABLE, ColumnKind, ReadKind
from glm_local.expressions.expression import Expression, Read
from glm_local.expressions.expression_columns import reads_of, type_of
from glm_local.expressions.expression_json import expression_from_json
from glm_local.factors.derived_columns import DERIVED_KINDS, read_derived, readable_derived
from glm_local.factors.level_names import source_of
from glm_local.factors.spec_problems import factor_problems
from glm_local.factors.spec_values import pointer
from glm_local.job.config import JobConfig, TaskConfig
from glm_local.job.config_rules import ROLES, flag
from glm_local.scoring.compile_score import role_expression
from glm_local.validation.key_choice import COLUMN_OF, CONTENT, words_of

SAMPLE = "sample of the row"
"""Column that holds each row's sample while a job runs."""


def derived_columns(config: TaskConfig) -> dict[str, Expression]:
    """Name to expression of the columns the configuration makes."""
    return read_derived(config.data.derive, "/data/derive")


def role(config: TaskConfig, name: str) -> Expression | None:
    """The expression of a role, None when the job has no such role."""
    asked = getattr(config.roles, name)
    return None if asked is None else role_expression(asked, f"/roles/{name}")


def baseline(config: TaskConfig) -> Expression | None:
    """The predictions a report's double lift compares with, None where none are given."""
    asked = getattr(getattr(config, "report", None), "baseline", None)
    return None if asked is None else role_expression(asked, "/report/baseline")


def kinds_with_derived(config: TaskConfig, kinds: Mapping[str, ColumnKind]) -> dict[str, ColumnKind]:
    """Kinds of the table's columns and of those the configuration makes."""
    return dict(kinds) | {name: DERIVED_KINDS[type_of(one)] for name, one in derived_columns(config).items()}


def column_problems(config: JobConfig, kinds: Mapping[str, ColumnKind]) -> list[Problem]:
    """Return everything wrong between a configuration and a table's columns."""
    after = kinds_with_derived(config, kinds)
    problems = task_column_problems(config, kinds)
    problems += factor_problems(config.factors, after)
    problems += factor_problems(config.report.extra_factors, after, "/report/extra_factors")
    return list(dict.fromkeys(problems))


def task_column_problems(config: TaskConfig, kinds: Mapping[str, ColumnKind]) -> list[Problem]:
    """Return what is wrong between a table's columns and the parts every job has: derived columns, roles, samples."""
    after = kinds_with_derived(config, kinds)
    problems: list[Problem] = []
    for name, expression in derived_columns(config).items():
        problems += _read_problems(
            reads_of(expression),
            f"/data/derive/{pointer(name)}",
            kinds,
            "Derived columns read the table's own columns, not each other.",
        )
    for path, expression in _expressions(config):
        problems += _read_problems(
            reads_of(expression), path, after, "A role names a column or an expression of columns."
        )
    words = key_words(config, after)
    for path, column, kind in _split_reads(config):
        if column in words and path == config.key_path:
            continue
        problems += wrong_column(column, kind, path, after, "A split reads columns of the table.")
    problems += _key_problems(config, after)
    if SAMPLE in kinds:
        problems.append(
            Problem(
                "/data",
                f"The table has a column {SAMPLE!r}.",
                "The job keeps each row's sample there.",
                "Rename the column.",
            )
        )
    return problems


def columns_read(config: TaskConfig, kinds: Mapping[str, ColumnKind], others: Collection[str] = ()) -> list[str]:
    """The table's columns the job reads, in the table's order; `others` are read besides what expressions name."""
    derived = derived_columns(config)
    read = {one.column for expression in derived.values() for one in reads_of(expression)}
    asked = {one.column for _, one in config_reads(config)} | columns_of_the_split(config)
    read |= (asked | set(others)) - set(derived)
    if CONTENT in key_words(config, kinds_with_derived(config, kinds)):
        read |= {name for name, kind in kinds.items() if kind != "unsupported"}
    return [name for name in kinds if name in read]


def _expressions(config: TaskConfig) -> Iterator[tuple[str, Expression]]:
    for name in ROLES:
        expression = role(config, name)
        if expression is not None:
            yield f"/roles/{name}", expression
    before = baseline(config)
    if before is not None:
        yield "/report/baseline", before
    if config.data.where is not None:
        yield "/data/where", flag(config.data.where, "/data/where")


def config_reads(config: TaskConfig) -> Iterator[tuple[str, Read]]:
    """Path and read of every column that roles, the filter and factors read."""
    for path, expression in _expressions(config):
        yield from ((path, one) for one in reads_of(expression))
    for path, document in config.specifications():
        yield from ((f"{path}/{where}", one) for where, one in factor_reads(document))


def factor_reads(document: Mapping[str, Any]) -> Iterator[tuple[str, Read]]:
    """Field and read of every column a (well-formed) factor document reads."""
    if document.get("expression") is not None:
        yield from (("expression", one) for one in reads_of(expression_from_json(document["expression"])))
    elif document.get("column") is not None:
        yield "column", Read(document["column"], source_of(document))


def derived_problems(config: TaskConfig) -> list[Problem]:
    """Return where derived columns are read as something they are not."""
    derived = derived_columns(config)
    return [
        Problem(
            path,
            f"derived column {one.column!r} is {type_of(derived[one.column])}, read as {one.kind}.",
            "A derived column is read as what it is, so that a score can make it of raw columns.",
            f"Make it a {one.kind}, or read it as {type_of(derived[one.column])}.",
        )
        for path, one in config_reads(config)
        if one.column in derived and not readable_derived(derived[one.column], one.kind)
    ]


def key_words(config: TaskConfig, kinds: Collection[str]) -> list[str]:
    """Words of the key that are no columns: "*" and "row_number"."""
    return words_of(config.key, kinds)


def role_columns(config: TaskConfig) -> set[str]:
    """Columns that roles read."""
    roles = [found for name in ROLES if (found := role(config, name)) is not None]
    return {one.column for expression in roles for one in reads_of(expression)}


def _key_problems(config: TaskConfig, kinds: Mapping[str, ColumnKind]) -> Iterator[Problem]:
    """A word stands by itself; a role that is in the key divides rows by it."""
    words, asked = key_words(config, kinds), config.key
    if words and len(asked) > 1:
        found = f"{words[0]!r} stands beside {', '.join(repr(one) for one in asked if one != words[0])}."
        yield Problem(config.key_path, found, "What a row holds, or its number, is a key by itself.", "Keep one.")
    for name in set(asked) & role_columns(config):
        yield Problem(
            config.key_path,
            f"the key holds {name!r}, which has a role.",
            "Samples would differ by it: what identifies a row says nothing of its outcome.",
            'Name other columns, or "row_number".',
        )
    for word in words:
        if COLUMN_OF[word] in kinds:
            found = f"The table has a column {COLUMN_OF[word]!r}."
            yield Problem("/data", found, f"Rows carry the key {word!r} there.", "Rename the column.")


def columns_of_the_split(config: TaskConfig) -> set[str]:
    """Columns the split reads."""
    return {column for _, column, _ in _split_reads(config)}


def _split_reads(config: TaskConfig) -> Iterator[tuple[str, str, ReadKind | None]]:
    document = config.split_document
    if "key" in document:
        for column in config.key:
            yield config.key_path, column, "text"
    for column in document.get("strata", []):
        yield "/split/strata", column, "text"
    if "column" in document:
        yield "/split/column", document["column"], "text" if document.get("method") == "column" else None


def _read_problems(reads: Sequence[Read], path: str, kinds: Mapping[str, ColumnKind], rule: str) -> Iterator[Problem]:
    for one in reads:
        yield from wrong_column(one.column, one.kind, path, kinds, rule)


def wrong_column(
    column: str, kind: ReadKind | None, path: str, kinds: Mapping[str, ColumnKind], rule: str
) -> Iterator[Problem]:
    """Yield what is wrong with reading a column as a kind; None reads it as whatever it is."""
    if column not in kinds:
        yield Problem(path, f"{column!r} is not a column of the table.", rule, nearest(column, list(kinds)))
    elif kind is not None and kinds[column] not in READABLE[kind]:
        yield Problem(
            path,
            f"{column!r} is of kind {kinds[column]}.",
            f"Kind {kind} is read from {', '.join(READABLE[kind])}.",
            "Name another column, or cast it.",
        )


def raise_data(problems: Sequence[Problem], source: str) -> None:
    """Raise a `DataError` of some problems, if there are any."""
    if problems:
        raise DataError(problems, source)
