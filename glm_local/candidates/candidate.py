"""A candidate: a column under review, its fine codes, and how groups of them become a factor specification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from glm_local.errors import SpecError
from glm_local.expressions.category_key import json_value
from glm_local.expressions.expression import Lookup
from glm_local.factors.compile_factor import compile_factor
from glm_local.factors.compiled_factor import CompiledFactor
from glm_local.factors.factor_spec import CategoricalSpec, FactorSpec, NumericSpec, OrdinalSpec, Spec
from glm_local.factors.level_names import known_part, own_levels, source_of
from glm_local.factors.spec_problems import read_factors

Kind = Literal["numeric", "categorical", "ordinal"]
Policy = str | Mapping[str, str]

LONGEST_NAME = 60


@dataclass(frozen=True)
class Candidate:
    """A column under review.

    Parameters
    ----------
    name
        Of the factor it may become.
    fine
        Resolved specification of the fine codes: many edges, or every value a level of its own.
    """

    name: str
    fine: FactorSpec

    @property
    def kind(self) -> Kind:
        """numeric, categorical or ordinal."""
        kind: Kind = self.fine.kind  # type: ignore[assignment]
        return kind

    @property
    def column(self) -> str:
        """The source column."""
        return str(self.fine.column)  # type: ignore[union-attr]

    @cached_property
    def compiled(self) -> CompiledFactor:
        """Fine codes as an expression."""
        compiled = compile_factor(self.fine)
        assert isinstance(compiled, CompiledFactor)
        return compiled

    @property
    def labels(self) -> tuple[str, ...]:
        """Name of every fine code, in code order."""
        return self.compiled.levels

    @cached_property
    def ordered(self) -> int:
        """The first `ordered` codes are pre-bins or categories; those behind stand apart (missing, unseen)."""
        return len(self.labels) - len(own_levels(self.fine.document()))

    def apart(self, cause: str) -> int | None:
        """Code of a cause that stands apart: "missing" or "unseen"."""
        name = own_levels(self.fine.document()).get(cause)
        return None if name is None else self.labels.index(name)

    def spec(
        self,
        groups: Sequence[Sequence[int]],
        *,
        labels: Sequence[str] | None = None,
        missing: Policy = "own_level",
        unseen: Policy = "base",
        base: Policy = "largest_exposure",
        name: str | None = None,
        notes: Sequence[str] = (),
    ) -> FactorSpec:
        """The factor whose levels are groups of fine codes.

        Parameters
        ----------
        groups
            Each group one level: fine codes below `ordered`, every one exactly once; for numeric and ordinal candidates
            contiguous runs in rising order.
        labels
            Level names; made from intervals or values when absent.
        missing, unseen
            Policies; `unseen` is for categories only.

        Raises
        ------
        SpecError
            When the groups are no such partition.
        """
        sets = [sorted(group) for group in groups]
        self._check(sets)
        document: dict[str, Any] = {
            "kind": self.kind,
            "name": name or self.name,
            "column": self.column,
            "missing": missing,
            "base": base,
            "source": source_of(self.fine.document()),
            "notes": list(notes),
        }
        if isinstance(self.fine, NumericSpec):
            edges = known_part(self.fine.document(), "edges")
            document |= {"edges": [edges[group[-1]] for group in sets[:-1]], "labels": labels or self._own_labels(sets)}
        else:
            document |= {"levels": self._levels(sets, labels), "unseen": unseen}
        return read_factors([{key: value for key, value in document.items() if value is not None}])[0]

    def _own_labels(self, groups: Sequence[Sequence[int]]) -> list[str] | None:
        """Names the fine codes have of their own (the values of a column that has two), where none is merged."""
        named = getattr(self.fine, "labels", None)
        return [named[group[0]] for group in groups] if named and all(len(group) == 1 for group in groups) else None

    def _levels(self, groups: Sequence[Sequence[int]], labels: Sequence[str] | None) -> list[Any]:
        values, taken = self.values(), set(self.labels)
        levels: list[Any] = []
        for at, group in enumerate(groups):
            own = [one for code in group for one in values[code]]
            if len(own) == 1 and labels is None:
                levels.append(own[0])
                continue
            name = labels[at] if labels is not None else _group_name([self.labels[code] for code in group], taken)
            taken.add(name)
            levels.append({"level": name, "values": own})
        return levels

    def values(self) -> list[list[Any]]:
        """Values of every category, in code order (not for numeric candidates)."""
        code = self.compiled.code
        assert isinstance(code, Lookup)
        levels = known_part(self.fine.document(), "levels")
        return [list(one["values"]) if isinstance(one, Mapping) else [json_value(one)] for one in levels]

    def _check(self, groups: Sequence[Sequence[int]]) -> None:
        codes = [code for group in groups for code in group]
        if sorted(codes) != list(range(self.ordered)) or not all(groups):
            raise SpecError.because(
                f"the groups of {self.name!r} hold the pre-bins {codes[:12]}.",
                f"Each of its {self.ordered} pre-bins is in exactly one group, and no group is empty.",
                "Name each of range(ordered) once.",
            )
        if isinstance(self.fine, (NumericSpec, OrdinalSpec)) and codes != sorted(codes):
            raise SpecError.because(
                f"the groups of {self.name!r} are not runs of neighbours in rising order.",
                f"A {self.kind} factor merges neighbours.",
                "Order the groups, or make the candidate categorical.",
            )


def _group_name(labels: Sequence[str], taken: set[str]) -> str:
    """Names joined, shortened where long, made unique."""
    name = ", ".join(labels)
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME - 20].rstrip(', ')} … ({len(labels)} values)"
    unique, number = name, 2
    while unique in taken and (unique not in labels or len(labels) > 1):
        unique, number = f"{name} #{number}", number + 1
    return unique


def is_level_factor(spec: Spec) -> bool:
    """Whether a specification gives a factor with levels of one column."""
    return isinstance(spec, (NumericSpec, CategoricalSpec))
