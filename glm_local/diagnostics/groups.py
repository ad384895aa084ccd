"""What tables are grouped by: columns by their values, factors by their levels, expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.diagnostics.scored import number_role
from glm_local.errors import ConfigError, SpecError
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression
from glm_local.factors.compile_factor import compile_factors
from glm_local.factors.factor_spec import SPEC_OF_KIND, FactorSpec, Spec
from glm_local.factors.learn_factors import learn_factors
from glm_local.factors.spec_problems import factor_problems, read_factors
from glm_local.rows.cells import DesignTable
from glm_local.rows.engine import Engine
from glm_local.validation.factor_codes import codes_and_labels
from glm_local.validation.group_columns import group_reads, key_column, value_ranks

Frame = TypeVar("Frame")
By = Any
"""A column, a factor (specification or document), several of these, or expressions (or columns, factors) by name; None
is one group of all rows."""

NO_LEVEL = "(no level)"


@dataclass(frozen=True)
class Groups:
    """Name to the expression rows are grouped by; factors also have the label of every code."""

    reads: Mapping[str, Expression]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def columns(self, table: DesignTable) -> dict[str, pd.Series]:
        """The keys of a table as columns, factors by their labels."""
        return {name: self._column(table, name) for name in self.reads}

    def order(self, table: DesignTable) -> NDArray[np.intp]:
        """The cells in the order of their values: factors by level, text with digits as numbers, missing last."""
        ranks = [value_ranks(table, name) for name in self.reads]
        return np.lexsort(ranks[::-1]) if ranks else np.arange(len(table))

    def _column(self, table: DesignTable, name: str) -> pd.Series:
        if name not in self.labels:
            return key_column(table, name)
        labels = np.array([*self.labels[name], NO_LEVEL], dtype=object)
        codes = np.where(table.missing[name], len(labels) - 1, table.keys[name]).astype(np.int64)
        return pd.Series(labels[codes], dtype=object)


def read_groups(
    engine: Engine[Frame], frame: Frame, by: By, columns: Mapping[str, ColumnKind], where: Expression | None = None
) -> Groups:
    """Resolve what to group by; factors with something to learn cost a pass, two when some learn cut points.

    `where` says which rows factors learn from.

    Raises
    ------
    SpecError, ConfigError, DataError
        A factor document is wrong or has no levels; a column is not there or cannot be grouped.
    """
    named = _named(by)
    specs = {name: one for name, one in named.items() if is_factor(one)}
    reads: dict[str, Expression] = {}
    labels: dict[str, tuple[str, ...]] = {}
    coded = factor_levels(engine, frame, list(specs.values()), columns, where)
    for name, one in named.items():
        if name in specs:
            reads[name], labels[name] = coded[_name_of(one)]
        elif isinstance(one, str):
            reads |= {name: group_reads(one, columns, "by")[one]}
        else:
            reads[name] = number_role(one, columns, "by")
    return Groups(reads, labels)


def is_factor(one: object) -> bool:
    """Whether this is a factor specification or the document of one."""
    return isinstance(one, Spec) or (isinstance(one, Mapping) and str(one.get("kind")) in SPEC_OF_KIND)


def factor_levels(
    engine: Engine[Frame],
    frame: Frame,
    factors: Sequence[Any],
    columns: Mapping[str, ColumnKind],
    where: Expression | None = None,
) -> dict[str, tuple[Expression, tuple[str, ...]]]:
    """Name to code and labels of some factors."""
    if not factors:
        return {}
    problems = factor_problems(factors, columns)
    if problems:
        raise SpecError(problems)
    specs: tuple[FactorSpec, ...] = read_factors(factors)
    if not all(one.is_resolved for one in specs):
        specs = learn_factors(engine, frame, specs, where=where)
    compiled = compile_factors(specs)
    levels = {name: codes_and_labels(one, compiled) for name, one in compiled.items()}
    for name, found in levels.items():
        if found is None:
            raise SpecError.because(
                f"factor {name!r} has no levels to show.",
                "Tables group by levels, of at most 400.",
                "Name a factor with levels; bin a linear one.",
                path="by",
            )
    return {name: (found[0], tuple(found[1])) for name, found in levels.items() if found is not None}


def _named(by: By) -> dict[str, Any]:
    if by is None:
        return {}
    if isinstance(by, str) or is_factor(by):
        return {_name_of(by): by}
    if isinstance(by, Mapping):
        return dict(by)
    if not isinstance(by, Sequence):
        raise ConfigError.because(
            f"by is {by!r}.",
            "Rows are grouped by columns, factors, or expressions with a name.",
            'Write ["area", "fuel"], or {"young": expression}.',
            path="by",
        )
    names = [_name_of(one) for one in by]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError.because(f"{twice!r} is named twice.", "What by names differs.", "Name it once.", "by")
    return dict(zip(names, by, strict=True))


def _name_of(one: Any) -> str:
    if isinstance(one, str):
        return one
    if is_factor(one):
        return str(one.get("name", "") if isinstance(one, Mapping) else cast(Spec, one).name)
    raise ConfigError.because(
        f"{one!r} has no name.", "An expression is grouped by under a name.", 'Write {"name": expression}.', path="by"
    )
