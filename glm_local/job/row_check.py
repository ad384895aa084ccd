"""Checking every row against the configuration, in the pass that counts the samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from glm_local.errors import Problem
from glm_local.expressions.expression import (
    AllOf,
    AnyOf,
    Compare,
    Expression,
    Function,
    IsMissing,
    Literal,
    Not,
    Read,
)
from glm_local.factors.compile_factor import CompiledFactor, compile_factor
from glm_local.factors.factor_spec import FactorSpec, InteractionSpec, NumberSpec
from glm_local.factors.level_names import source_of
from glm_local.families.families import family_from
from glm_local.job.column_check import SAMPLE, role
from glm_local.job.config import JobConfig
from glm_local.job.config_rules import ROLES
from glm_local.job.sample_check import rate_roles
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.texts.counted import counted
from glm_local.validation import SAMPLES, Split
from glm_local.validation.split_check import lost_problem

LARGEST = 1.7976931348623157e308
_DOMAIN_TEXTS = {
    "nonnegative": "targets of 0 or more",
    "positive": "targets above 0",
    "unit": "targets from 0 to 1 (shares; weight is the number of trials)",
}


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
    return [
        *_role_rules(config),
        *(rule for at, spec in enumerate(specs) for rule in _factor_rules(spec, f"/factors/{at}")),
    ]


def check_request(config: JobConfig, rules: Sequence[RowRule]) -> CellRequest:
    """The one pass: rows per sample, the target's moments, and how many break each rule."""
    sums: dict[str, Expression] = {f"rule {at}": rule.broken for at, rule in enumerate(rules)}
    sums |= rate_roles(config).sums()
    return CellRequest("check", {"sample": Read(SAMPLE, "text")}, sums)


def row_problems(rules: Sequence[RowRule], table: DesignTable) -> list[Problem]:
    """Return the rules some row breaks, with how many rows of how many do."""
    total = int(table.rows.sum())
    problems = []
    for at, rule in enumerate(rules):
        broken = int(table.sums[f"rule {at}"].sum())
        if broken:
            found = f"{broken:,} of {counted(total)}: {rule.what}."
            problems.append(Problem(rule.path, found, rule.rule, rule.way_out))
    return problems


def _role_rules(config: JobConfig) -> Iterator[RowRule]:
    roles = {name: expression for name in ROLES if (expression := role(config, name)) is not None}
    shown = {name: _shown(getattr(config.roles, name)) for name in roles}
    weight, target = roles.get("weight"), roles["target"]
    # A row of weight 0 adds nothing, whatever else it holds.
    counts = Literal(True) if weight is None else AnyOf((_not_a_number(weight), Compare("!=", weight, Literal(0.0))))
    for name, expression in roles.items():
        yield RowRule(
            f"/roles/{name}",
            f"{shown[name]} is missing or infinite",
            AllOf((counts, _not_a_number(expression))),
            f"The {name} is a number on every row.",
            "Fill it, or leave such rows out with data.where.",
        )
    family = family_from(config.model.family)
    if family.domain != "real":
        yield RowRule(
            "/roles/target",
            f"{shown['target']} is outside the family",
            AllOf((counts, _outside(family.domain, target))),
            f"The {family.name} family takes {_DOMAIN_TEXTS[family.domain]}.",
            "Choose another family, or mend the rows.",
        )
    if "exposure" in roles:
        nothing = Compare("<=", roles["exposure"], Literal(0.0))
        yield RowRule(
            "/roles/exposure",
            f"{shown['exposure']} is not above 0",
            AllOf((counts, nothing)),
            "An exposure is above 0: a row without exposure says nothing.",
            "Leave such rows out with data.where.",
        )
    if weight is not None:
        yield RowRule(
            "/roles/weight",
            f"{shown['weight']} is negative",
            Compare("<", weight, Literal(0.0)),
            "A weight is 0 or more; rows of weight 0 are left out and counted.",
            "Mend the rows.",
        )


def _not_a_number(expression: Expression) -> Expression:
    return AnyOf((IsMissing(expression), Compare(">", Function("abs", expression), Literal(LARGEST))))


def _outside(domain: str, target: Expression) -> Expression:
    if domain == "positive":
        return Compare("<=", target, Literal(0.0))
    below = Compare("<", target, Literal(0.0))
    return AnyOf((below, Compare(">", target, Literal(1.0)))) if domain == "unit" else below


def _factor_rules(spec: FactorSpec, path: str) -> Iterator[RowRule]:
    for cause, broken in _refused(spec):
        yield RowRule(
            f"{path}/{cause}",
            f"factor {spec.name!r} is {cause}",
            broken,
            f"The spec refuses {cause} values.",
            "Name a policy for them, or leave such rows out with data.where.",
        )


def _refused(spec: FactorSpec) -> Iterator[tuple[str, Expression]]:
    """Cause and flag of everything a factor refuses and can be told before anything is learned."""
    if isinstance(spec, InteractionSpec):
        return
    if isinstance(spec, NumberSpec):
        if spec.missing == "refuse":
            yield "missing", IsMissing(spec.argument())
    elif spec.is_resolved:
        compiled = compile_factor(spec)
        assert isinstance(compiled, CompiledFactor)
        for at, extra in enumerate(compiled.extras):
            if extra.policy == "refuse":
                yield extra.cause, Compare("==", compiled.code, Literal(len(compiled.levels) + at))
    elif spec.missing == "refuse":
        yield "missing", IsMissing(Read(spec.column, source_of(spec.document())))


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
    found = {
        str(name): int(count)
        for name, count, gone in zip(table.keys["sample"], table.rows, missing, strict=True)
        if not gone
    }
    return SampleRows({name: found.get(name, 0) for name in SAMPLES}, int(table.rows[missing].sum()))


def sample_problems(split: Split, counts: SampleRows) -> list[Problem]:
    """Return what is wrong with the samples a split made."""
    if not counts.total:
        return [Problem("/data", "There is no row.", "A model needs rows.", "Look at data.where and at the source.")]
    lost = lost_problem(split, counts.nowhere, counts.total)
    problems = [] if lost is None else [lost]
    if not counts.rows["train"]:
        problems.append(
            Problem(
                "/split",
                "No row is in train.",
                "A model is fitted on train.",
                "Give train a larger fraction, or look at split.values.",
            )
        )
    return problems


def in_sample(*names: str) -> Expression:
    """Flag: the row is in one of some samples."""
    flags = tuple(Compare("==", Read(SAMPLE, "text"), Literal(name)) for name in names)
    return flags[0] if len(flags) == 1 else AnyOf(flags)


def not_in(name: str) -> Expression:
    """Flag: the row is not in a sample."""
    return Not(in_sample(name))
