"""From specs to columns: what blocks must hold, and, once rows are counted, which code takes which coefficient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from glm_local.errors import Problem, SpecError
from glm_local.expressions.expression import Arithmetic, Expression, Function
from glm_local.factors.compile_factor import CompiledFactor, CompiledInteraction, CompiledLinear, compile_factor
from glm_local.factors.factor_spec import FactorSpec, InteractionSpec, NamedLevel, NumberSpec
from glm_local.factors.learn_factors import with_base, with_cells
from glm_local.families.edges import at_edge
from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.cross_cells import CrossCells, check_given_cells
from glm_local.glm.design_columns import INTERCEPT, Column, DesignColumns
from glm_local.glm.level_count import LevelCount
from glm_local.glm.pins import pinned_effects
from glm_local.glm.summary import Summary
from glm_local.numbers.ties import largest
from glm_local.rows.blocks import BlockDesign, Cross, Field
from glm_local.scoring.compile_score import role_expression
from glm_local.scoring.model_spec import ModelSpec
from glm_local.texts.counted import counted

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
Compiled = CompiledFactor | CompiledLinear | CompiledInteraction
T = TypeVar("T")

BASE, REFUSED, MOST_COLUMNS = -1, -2, 10_000


@dataclass(frozen=True)
class FitPlan:
    """Resolved specs, compiled, and the design blocks are packed for."""

    specs: tuple[FactorSpec, ...]
    compiled: Mapping[str, Compiled]
    design: BlockDesign
    intercept: bool
    slopes: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = field(default_factory=dict)
    pins: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def potential_cells(self) -> int:
        """Most distinct combinations the factors' codes can have."""
        return math.prod(one.size for one in self.design.fields)

    def levels(self, summary: Summary) -> Levels:
        """Read the counts: bases, empty and refused levels, seen cells, and so the columns."""
        return _LevelReader(self, summary).read()


@dataclass(frozen=True)
class Levels:
    """Specs with bases and cells learned, the design columns, and every level's counts.

    `margins` counts, of crosses whose cells were given, what each level has left without an effect of its own.
    """

    specs: tuple[FactorSpec, ...]
    columns: DesignColumns
    counts: tuple[LevelCount, ...]
    refused: tuple[tuple[str, str, int], ...]
    margins: tuple[LevelCount, ...] = ()

    @property
    def empty(self) -> list[tuple[str, str]]:
        """Factor and level of those without a training row."""
        return [(one.factor, one.level) for one in self.counts if one.status == "empty"]

    def separated(self, family: Family, link: Link) -> tuple[LevelCount, ...]:
        """Levels and margins whose estimate would run away: all responses at an edge of the family."""
        return tuple(
            one
            for one in (*self.counts, *self.margins)
            if one.rows
            and one.apart
            and one.status in ("fitted", "base")
            and at_edge(family, link, one.weight, one.amount)
        )


def describe(separated: Sequence[LevelCount]) -> list[tuple[str, str]]:
    """Name and reason of separated levels."""
    return [
        (f"{one.factor}={one.level}", f"{_all(one.rows)} target {'0' if one.amount == 0 else '1'}") for one in separated
    ]


def _all(rows: int) -> str:
    return "the only row in that level has" if rows == 1 else f"all {rows:,} rows in that level have"


def plan_fit(specs: Sequence[FactorSpec], spec: ModelSpec, family: Family, link: Link) -> FitPlan:
    """Compile specs and roles into one block design."""
    compiled: dict[str, Compiled] = {one.name: compile_factor(one) for one in specs}
    fields = tuple(Field(one.name, one.code, one.size) for one in compiled.values() if isinstance(one, CompiledFactor))
    numerics: dict[str, Expression] = {}
    crosses: list[Cross] = []
    slopes: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {}
    for one in compiled.values():
        if isinstance(one, CompiledLinear):
            numerics[one.name] = one.value
        elif isinstance(one, CompiledInteraction):
            members = one.crossed(compiled)
            if one.linear(compiled) is None:
                crosses.append(Cross(one.name, tuple(member.name for member in members)))
            else:
                slopes[one.name] = _slope_columns(one, compiled, numerics)
    folded = family.power if link.name == "log" else None
    exposure = None if spec.exposure is None else role_expression(spec.exposure)
    offset = None if spec.offset is None else role_expression(spec.offset)
    if exposure is not None and folded is None:
        logged: Expression = Function("log", exposure)
        offset = logged if offset is None else Arithmetic("+", logged, offset)
        exposure = None
    design = BlockDesign(
        fields,
        role_expression(spec.target),
        tuple(crosses),
        numerics,
        None if spec.weight is None else role_expression(spec.weight),
        exposure,
        offset,
        family.domain,
        folded,
    )
    for name, size in design.sizes.items():
        if size > 4_000_000:
            raise SpecError.because(
                f"the interaction {name!r} has {size:,} potential cells.",
                "An interaction is counted cell by cell, up to 4,000,000.",
                "Group the levels of its factors first.",
                f"/factors/{name}",
            )
    return FitPlan(tuple(specs), compiled, design, spec.intercept, slopes, pinned_effects(spec.pins, compiled, link))


def _slope_columns(
    one: CompiledInteraction, compiled: Mapping[str, Compiled], numerics: dict[str, Expression]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Add a numeric for every cell of an interaction with a linear member; bases are told apart once known."""
    named = []
    for at, (cell, expression) in enumerate(one.slopes_of_all_cells(compiled).items()):
        name = f"{one.name} slope {at}"
        while name in compiled or name in numerics:
            name += "'"
        numerics[name] = expression
        named.append((name, cell))
    return tuple(named)


def _replaced(plan: FitPlan) -> frozenset[str]:
    """Factors without effects of their own: those an interaction coded by cells stands for.

    Cells of level factors stand for all their members; slopes by cell stand for the linear member.
    """
    replaced: set[str] = set()
    for one in plan.compiled.values():
        if isinstance(one, CompiledInteraction) and one.coding == "cells":
            linear = one.linear(plan.compiled)
            replaced |= {linear.name} if linear is not None else {member.name for member in one.crossed(plan.compiled)}
    return frozenset(replaced)


class _LevelReader:
    """Turns counts per code into columns, factor by factor in model order."""

    def __init__(self, plan: FitPlan, summary: Summary) -> None:
        self.plan = plan
        self.design = plan.design.shape()
        shape = DesignColumns(self.design, (), {}, {})
        self.rows, self.weight, self.amount = (summary.by_code(shape, which) for which in range(3))
        self.columns: list[Column] = [Column(INTERCEPT)] if plan.intercept else []
        self.column_of_code: dict[str, Codes] = {}
        self.numeric_columns: dict[str, int] = {}
        self.level_of_code: dict[str, Codes] = {}
        self.base_index: dict[str, int] = {}
        self.counts: list[LevelCount] = []
        self.margins: list[LevelCount] = []
        self.refused: list[tuple[str, str, int]] = []
        self.constants: dict[str, Array] = {}
        self.specs: list[FactorSpec] = []
        self.replaced = _replaced(plan)
        self.full = not plan.intercept  # without an intercept the first factor keeps all its levels

    def read(self) -> Levels:
        for spec in self.plan.specs:
            compiled = self.plan.compiled[spec.name]
            if isinstance(compiled, CompiledLinear):
                self._linear(spec)
            elif isinstance(compiled, CompiledFactor):
                self._factor(spec, compiled)
            elif compiled.linear(self.plan.compiled) is None:
                self._cross(spec, compiled)
            else:
                self._slopes(spec, compiled)
        if len(self.columns) > MOST_COLUMNS:
            raise SpecError.because(
                f"the model has {len(self.columns):,} columns.",
                f"A fit takes at most {MOST_COLUMNS:,}.",
                "Group levels, or leave factors out.",
                "/factors",
            )
        columns = DesignColumns(
            self.design, tuple(self.columns), self.column_of_code, self.numeric_columns, self.constants
        )
        return Levels(tuple(self.specs), columns, tuple(self.counts), tuple(self.refused), tuple(self.margins))

    def _linear(self, spec: FactorSpec) -> None:
        if spec.name not in self.replaced:
            self.numeric_columns[spec.name] = len(self.columns)
            self.columns.append(Column(spec.name))
        self.specs.append(spec)

    def _factor(self, spec: FactorSpec, compiled: CompiledFactor) -> None:
        name, count = compiled.name, len(compiled.levels)
        rows, weight = self.rows[name], self.weight[name]
        for at, extra in enumerate(compiled.extras):
            if extra.policy == "refuse" and rows[count + at]:
                self.refused.append((name, extra.cause, int(rows[count + at])))
        base = self._base(spec, compiled.levels, weight[:count], rows[:count])
        self.base_index[name] = base
        effective = np.arange(count + len(compiled.extras))
        for at, extra in enumerate(compiled.extras):
            effective[count + at] = base if extra.policy == "base" else REFUSED
        self.level_of_code[name] = effective
        self.specs.append(with_base(spec, compiled.levels[base]))
        if name in self.replaced:
            self.column_of_code[name] = np.full(len(effective), BASE)
            return
        keep_base, self.full = self.full, False
        columns = np.full(count, BASE)
        level_rows, level_weight, level_amount = (
            np.bincount(effective[effective >= 0], table[name][effective >= 0], count)
            for table in (self.rows, self.weight, self.amount)
        )
        pins, fixed = self.plan.pins.get(name, {}), np.zeros(count)
        for level in range(count):
            status = "fitted"
            if not level_rows[level] and level != base and compiled.levels[level] not in pins:
                status = "empty"
            elif level == base and not keep_base:
                status = "base"
            elif compiled.levels[level] in pins:
                status, fixed[level] = "pinned", pins[compiled.levels[level]]
            else:
                columns[level] = len(self.columns)
                self.columns.append(Column(name, compiled.levels[level]))
            self.counts.append(
                LevelCount(
                    name,
                    compiled.levels[level],
                    int(level_rows[level]),
                    float(level_weight[level]),
                    float(level_amount[level]),
                    status,
                    int(columns[level]),
                )
            )
        self.column_of_code[name] = np.where(effective >= 0, columns[np.maximum(effective, 0)], BASE)
        if fixed.any():
            self.constants[name] = np.where(effective >= 0, fixed[np.maximum(effective, 0)], 0.0)

    def _base(self, spec: FactorSpec, levels: Sequence[str], weight: Array, rows: Array) -> int:
        rule = spec.base if not isinstance(spec, NumberSpec) else "largest_exposure"
        if isinstance(rule, NamedLevel):
            at = list(levels).index(rule.level) if rule.level in levels else -1
            if at < 0 or (not rows[at] and rows.any()):
                raise SpecError(
                    Problem(
                        f"/factors/{spec.name}/base",
                        f"{rule.level!r} has no training row.",
                        "A base level has rows.",
                        f"Choose another; {levels[largest(weight)]!r} has the largest exposure.",
                    )
                )
            return at
        learned = getattr(getattr(spec, "learned", None), "base", None)
        if learned is not None and learned in levels and rows[list(levels).index(learned)]:
            return list(levels).index(learned)
        return largest(weight)

    def _cell_codes(self, compiled: CompiledInteraction) -> tuple[tuple[int, ...], Codes]:
        """Cell index of every code of the cross over the members' effective levels; REFUSED where one refuses."""
        members = compiled.crossed(self.plan.compiled)
        sizes = tuple(len(one.levels) for one in members)
        radix = [one.size for one in members]
        digits = np.unravel_index(np.arange(math.prod(radix)), radix)
        effective = [self.level_of_code[one.name][digit] for one, digit in zip(members, digits, strict=True)]
        refused = np.any([one == REFUSED for one in effective], axis=0)
        index = np.ravel_multi_index([np.maximum(one, 0) for one in effective], sizes)
        return sizes, np.where(refused, REFUSED, index)

    def _cross(self, spec: FactorSpec, compiled: CompiledInteraction) -> None:
        assert isinstance(spec, InteractionSpec)
        name, members = compiled.name, compiled.crossed(self.plan.compiled)
        sizes, cell_of_code = self._cell_codes(compiled)
        known = cell_of_code >= 0
        rows, weight, amount = (
            np.bincount(cell_of_code[known], table[name][known], math.prod(sizes))
            for table in (self.rows, self.weight, self.amount)
        )
        bases = tuple(self.base_index[one.name] for one in members)
        sums = np.stack([rows, weight, amount]).astype(np.float64)
        cells = CrossCells(compiled, tuple(members), bases, sums)
        base: int | None = None
        if compiled.coding == "cells":
            names = [cells.name(cell) for cell in cells.known.tolist()]
            if not names:
                raise SpecError.because(
                    f"none of the cells given for {name!r} has a training row.",
                    "A base cell has rows.",
                    "Give cells that have, or none: then all that have are taken.",
                    f"/factors/{name}/learned/cells",
                )
            base = int(cells.known[self._base(spec, names, sums[1, cells.known], sums[0, cells.known])])
        becomes, refused = cells.becomes(base)
        if refused:
            self.refused.append((name, "unseen", refused))
        fitted = np.flatnonzero((becomes == np.arange(len(becomes))) & (cells.joined(becomes)[0] > 0))
        columns = np.full(len(becomes), BASE)
        columns[fitted] = len(self.columns) + np.arange(len(fitted))
        self.columns += [Column(name, cells.name(cell)) for cell in fitted.tolist()]
        self.counts += cells.counts(becomes, columns)
        self.margins += cells.margins(becomes)
        of_cell = np.where(becomes >= 0, columns[np.maximum(becomes, 0)], BASE)
        self.column_of_code[name] = np.where(known, of_cell[np.maximum(cell_of_code, 0)], BASE)
        learned = with_cells(spec, [cells.levels(cell) for cell in cells.known.tolist()])
        self.specs.append(learned if base is None else with_base(learned, cells.name(base)))

    def _slopes(self, spec: FactorSpec, compiled: CompiledInteraction) -> None:
        assert isinstance(spec, InteractionSpec)
        members = compiled.crossed(self.plan.compiled)
        self._check_slopes_of_extras(compiled, members)
        check_given_cells(compiled, members)
        bases = [one.levels[self.base_index[one.name]] for one in members]
        cells = []
        for name, cell in self.plan.slopes[spec.name]:
            if compiled.cells is not None and cell not in compiled.cells:
                if compiled.unseen != "base":
                    raise _other_slopes(compiled.name, compiled.cell_name(cell))
                continue
            cells.append(cell)
            at_base = any(level == base for level, base in zip(cell, bases, strict=True))
            if compiled.coding == "net_of_margins" and at_base:
                continue
            self.numeric_columns[name] = len(self.columns)
            self.columns.append(Column(compiled.name, compiled.cell_name(cell)))
        self.specs.append(with_cells(spec, cells))

    def _check_slopes_of_extras(self, compiled: CompiledInteraction, members: Sequence[CompiledFactor]) -> None:
        """Slopes by cell are packed before base levels are known: rows that follow one would have no slope."""
        if compiled.coding == "net_of_margins":
            return
        for one in members:
            for at, extra in enumerate(one.extras):
                found = int(self.rows[one.name][len(one.levels) + at])
                if extra.policy == "base" and found:
                    raise _slopes_of_extras(compiled.name, one.name, extra.cause, found)


def _slopes_of_extras(name: str, member: str, cause: str, rows: int) -> SpecError:
    return cast(
        SpecError,
        SpecError.because(
            f"{counted(rows)} of {member!r} {'is' if rows == 1 else 'are'} {cause} and follow its base level, which "
            f"{name!r} gives a slope by cell.",
            "Rows with slopes by cell lie in a cell of their own level: the base is known only once they are read.",
            f'Give {member!r} "{cause}": "own_level" or {{"level": "..."}}, or write "coding": "net_of_margins".',
            f"/factors/{member}/{cause}",
        ),
    )


def _other_slopes(name: str, cell: str) -> SpecError:
    return cast(
        SpecError,
        SpecError.because(
            f"{cell!r} is not among the cells given for {name!r}, and unseen cells are not the base.",
            "A cell that is not given has no slope; slopes take no other policy of unseen cells.",
            'Write "unseen": "base", or give all cells.',
            f"/factors/{name}/unseen",
        ),
    )
