"""Checking the data against the specifications: columns before any row is read, then every row in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glm_local.contract.cells import CellRequest, DesignTable
from glm_local.contract.columns import READABLE, ColumnKind, ReadKind
from glm_local.contract.compile_factor import CompiledFactor, compile_factor, is_resolved, linear_argument, numeric_argument
from glm_local.contract.compile_score import role_expression
from glm_local.contract.derived_columns import DERIVED_KINDS, read_derived, readable_derived
from glm_local.contract.expression import AllOf, AnyOf, Compare, Expression, IsMissing, Literal, Not, Read
from glm_local.contract.expression_columns import reads_of, type_of
from glm_local.contract.expression_json import expression_from_json
from glm_local.contract.factor_spec import FactorSpec, InteractionSpec, LinearSpec, NumericSpec
from glm_local.contract.level_names import source_of
from glm_local.contract.spec_problems import factor_problems
from glm_local.contract.spec_values import pointer
from glm_local.errors import DataError, Problem, nearest
from glm_local.glm.families import family_from
from glm_local.job.config import JobConfig
from glm_local.job.config_rules import ROLES
from glm_local.validation import SAMPLES

SAMPLE = "sample of the row"
"""Column that holds each row's sample while a job runs."""

_DOMAIN_TEXTS = {
    "nonnegative": "targets of 0 or more", "positive": "targets above 0",
    "unit": "targets from 0 to 1 (shares; weight is the number of trials)",
}  # fmt: skip


def derived_columns(config: JobConfig) -> dict[str, Expression]:
    """Name to expression of the columns the configuration makes."""
    return read_derived(config.data.derive, "/data/derive")


def role(config: JobConfig, name: str) -> Expression | None:
    """The expression of a role, None when the job has no such role."""
    asked = getattr(config.roles, name)
    return None if asked is None else role_expression(asked, f"/roles/{name}")


def kinds_with_derived(config: JobConfig, kinds: Mapping[str, ColumnKind]) -> dict[str, ColumnKind]:
    """Kinds of the table's columns and of those the configuration makes."""
    return dict(kinds) | {name: DERIVED_KINDS[type_of(one)] for name, one in derived_columns(config).items()}


def column_problems(config: JobConfig, kinds: Mapping[str, ColumnKind]) -> list[Problem]:
    """Return everything wrong between a configuration and a table's columns."""
    after = kinds_with_derived(config, kinds)
    problems: list[Problem] = []
    for name, expression in derived_columns(config).items():
        problems += _read_problems(reads_of(expression), f"/data/derive/{pointer(name)}", kinds, "Derived columns read the table's own columns, not each other.")
    for path, expression in _expressions(config):
        problems += _read_problems(reads_of(expression), path, after, "A role names a column or an expression of columns.")
    for path, column, kind in _split_reads(config):
        problems += _read_problems([Read(column, kind)], path, after, "A split reads columns of the table.")
    problems += factor_problems(config.factors, after)
    problems += factor_problems(config.report.extra_factors, after, "/report/extra_factors")
    if SAMPLE in kinds:
        problems.append(Problem("/data", f"The table has a column {SAMPLE!r}.", "The job keeps each row's sample there.", "Rename the column."))
    return list(dict.fromkeys(problems))


def columns_read(config: JobConfig, kinds: Mapping[str, ColumnKind]) -> list[str]:
    """The table's columns the job reads, in the table's order."""
    derived = derived_columns(config)
    read = {one.column for expression in derived.values() for one in reads_of(expression)}
    asked = {one.column for _, one in config_reads(config)} | {column for _, column, _ in _split_reads(config)}
    read |= asked - set(derived)
    return [name for name in kinds if name in read]


def _expressions(config: JobConfig) -> Iterator[tuple[str, Expression]]:
    for name in ROLES:
        expression = role(config, name)
        if expression is not None:
            yield f"/roles/{name}", expression
    if config.data.where is not None:
        yield "/data/where", expression_from_json(config.data.where, "/data/where")


def config_reads(config: JobConfig) -> Iterator[tuple[str, Read]]:
    """Path and read of every column that roles, the filter and factors read."""
    for path, expression in _expressions(config):
        yield from ((path, one) for one in reads_of(expression))
    for path, documents in (("/factors", config.factors), ("/report/extra_factors", config.report.extra_factors)):
        for at, document in enumerate(documents):
            yield from ((f"{path}/{at}/{where}", one) for where, one in factor_reads(document))


def factor_reads(document: Mapping[str, Any]) -> Iterator[tuple[str, Read]]:
    """Field and read of every column a (well-formed) factor document reads."""
    if document.get("expression") is not None:
        yield from (("expression", one) for one in reads_of(expression_from_json(document["expression"])))
    elif document.get("column") is not None:
        yield "column", Read(document["column"], source_of(document))


def derived_problems(config: JobConfig) -> list[Problem]:
    """Return where derived columns are read as something they are not."""
    derived = derived_columns(config)
    return [
        Problem(path, f"derived column {one.column!r} is {type_of(derived[one.column])}, read as {one.kind}.",
                "A derived column is read as what it is, so that a score can make it of raw columns.",
                f"Make it a {one.kind}, or read it as {type_of(derived[one.column])}.")
        for path, one in config_reads(config)
        if one.column in derived and not readable_derived(derived[one.column], one.kind)
    ]  # fmt: skip


def _split_reads(config: JobConfig) -> Iterator[tuple[str, str, ReadKind | None]]:
    document = config.split_document
    key = document.get("key", [])
    for column in [key] if isinstance(key, str) else key:
        yield ("/split/key" if "key" in config.split else "/roles/key"), column, "text"
    for column in document.get("strata", []):
        yield "/split/strata", column, "text"
    if "column" in document:
        yield "/split/column", document["column"], "text" if document.get("method") == "column" else None


def _read_problems(
    reads: Sequence[Read] | Sequence[object], path: str, kinds: Mapping[str, ColumnKind], rule: str
) -> Iterator[Problem]:
    for one in reads:
        assert isinstance(one, Read)
        if one.column not in kinds:
            yield Problem(path, f"{one.column!r} is not a column of the table.", rule, nearest(one.column, list(kinds)))
        elif one.kind is not None and kinds[one.column] not in READABLE[one.kind]:
            way_out = "Name another column, or cast it."
            yield Problem(path, f"{one.column!r} is of kind {kinds[one.column]}.", f"Kind {one.kind} is read from {', '.join(READABLE[one.kind])}.", way_out)


@dataclass(frozen=True)
class RowRule:
    """Something rows may not be: its path, the flag that finds it, and the rest of the message."""

    path: str
    what: str
    broken: Expression
    rule: str
    way_out: str


def row_rules(config: JobConfig, specs: Sequence[FactorSpec]) -> list[RowRule]:
    """Return what every row must keep: roles within their ranges, nothing a factor refuses."""
    return [*_role_rules(config), *(rule for at, spec in enumerate(specs) for rule in _factor_rules(spec, f"/factors/{at}"))]


def check_request(rules: Sequence[RowRule]) -> CellRequest:
    """The one pass: rows per sample, and how many break each rule."""
    sums = {f"rule {at}": rule.broken for at, rule in enumerate(rules)}
    return CellRequest("check", {"sample": Read(SAMPLE, "text")}, sums)


def row_problems(rules: Sequence[RowRule], table: DesignTable) -> list[Problem]:
    """Return the rules some row breaks, with how many rows of how many do."""
    total = int(table.rows.sum())
    problems = []
    for at, rule in enumerate(rules):
        broken = int(table.sums[f"rule {at}"].sum())
        if broken:
            problems.append(Problem(rule.path, f"{broken:,} of {total:,} rows: {rule.what}.", rule.rule, rule.way_out))
    return problems


def _role_rules(config: JobConfig) -> Iterator[RowRule]:
    roles = {name: expression for name in ROLES if (expression := role(config, name)) is not None}
    asked = config.roles
    weight = roles.get("weight")
    # A row of weight 0 adds nothing, whatever else it holds.
    counts = Literal(True) if weight is None else AnyOf((IsMissing(weight), Compare("!=", weight, Literal(0.0))))
    for name, expression in roles.items():
        found = IsMissing(expression) if name == "weight" else AllOf((counts, IsMissing(expression)))
        yield RowRule(f"/roles/{name}", f"{_shown(getattr(asked, name))} is missing", found, f"The {name} is a number on every row.", "Fill it, or leave such rows out with data.where.")
    family = family_from(config.model.family)
    outside = _outside(family.domain, roles["target"])
    if outside is not None:
        yield RowRule("/roles/target", f"{_shown(asked.target)} is outside the family", AllOf((counts, outside)), f"The {family.name} family takes {_DOMAIN_TEXTS[family.domain]}.", "Choose another family, or mend the rows.")
    if "exposure" in roles:
        yield RowRule("/roles/exposure", f"{_shown(asked.exposure)} is not above 0", AllOf((counts, Compare("<=", roles["exposure"], Literal(0.0)))), "An exposure is above 0: a row without exposure says nothing.", "Leave such rows out with data.where.")
    if weight is not None:
        yield RowRule("/roles/weight", f"{_shown(asked.weight)} is negative", Compare("<", weight, Literal(0.0)), "A weight is 0 or more; rows of weight 0 are left out and counted.", "Mend the rows.")


def _outside(domain: str, target: Expression) -> Expression | None:
    below, above = Compare("<", target, Literal(0.0)), Compare(">", target, Literal(1.0))
    outside: dict[str, Expression] = {"nonnegative": below, "positive": Compare("<=", target, Literal(0.0)), "unit": AnyOf((below, above))}
    return outside.get(domain)


def _factor_rules(spec: FactorSpec, path: str) -> Iterator[RowRule]:
    if isinstance(spec, InteractionSpec):
        return
    for cause, broken in _refused(spec):
        yield RowRule(f"{path}/{cause}", f"factor {spec.name!r} is {cause}", broken, f"The specification refuses {cause} values.", "Name a policy for them, or leave such rows out with data.where.")


def _refused(spec: FactorSpec) -> Iterator[tuple[str, Expression]]:
    """Cause and flag of everything a factor refuses and can be told before anything is learned."""
    if isinstance(spec, LinearSpec):
        if spec.missing == "refuse":
            yield "missing", IsMissing(linear_argument(spec))
    elif is_resolved(spec):
        compiled = compile_factor(spec)
        assert isinstance(compiled, CompiledFactor)
        for at, extra in enumerate(compiled.extras):
            if extra.policy == "refuse":
                yield extra.cause, Compare("==", compiled.code, Literal(len(compiled.levels) + at))
    elif not isinstance(spec, InteractionSpec) and spec.missing == "refuse":
        read = numeric_argument(spec) if isinstance(spec, NumericSpec) else Read(spec.column, source_of(spec.document()))
        yield "missing", IsMissing(read)


def _shown(document: object) -> str:
    return repr(document) if isinstance(document, str) else "the expression"


@dataclass(frozen=True)
class SampleRows:
    """Rows of each sample, and those that are in none."""

    rows: Mapping[str, int]
    nowhere: int

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self.rows.values()) + self.nowhere


def sample_rows(table: DesignTable) -> SampleRows:
    """Count rows by sample from the answer of `check_request`."""
    missing = table.missing["sample"]
    found = {str(name): int(count) for name, count, gone in zip(table.keys["sample"], table.rows, missing, strict=True) if not gone}
    return SampleRows({name: found.get(name, 0) for name in SAMPLES}, int(table.rows[missing].sum()))


def sample_problems(config: JobConfig, counts: SampleRows) -> list[Problem]:
    """Return what is wrong with the samples a split made."""
    if not counts.total:
        return [Problem("/data", "There is no row.", "A model needs rows.", "Look at data.where and at the source.")]
    problems = []
    if counts.nowhere and config.split.get("method", "hash") != "column":
        path = "/split/column" if config.split.get("method") == "time" else "/split/key"
        problems.append(Problem(path, f"{counts.nowhere:,} of {counts.total:,} rows have no value there.", "Every row belongs to one sample.", "Fill it, or leave such rows out with data.where."))
    if not counts.rows["train"]:
        problems.append(Problem("/split", "No row is in train.", "A model is fitted on train.", "Give train a larger fraction, or look at split.values."))
    return problems


def raise_data(problems: Sequence[Problem], source: str) -> None:
    """Raise a `DataError` of some problems, if there are any."""
    if problems:
        raise DataError(problems, source)


def in_sample(*names: str) -> Expression:
    """Flag: the row is in one of some samples."""
    flags = tuple(Compare("==", Read(SAMPLE, "text"), Literal(name)) for name in names)
    return flags[0] if len(flags) == 1 else AnyOf(flags)


def not_in(name: str) -> Expression:
    """Flag: the row is not in a sample."""
    return Not(in_sample(name))
