"""Leak suspects: factors that by themselves explain practically all there is to explain of the target.

Levels are judged by their counts, which every fit has: the deviance of rows around their level's mean is what the
levels' means do not explain of the deviance around one mean (a deviance adds within and between; Jørgensen 1997, 1.3).
Numeric terms are fitted alone, over packed blocks, and only where the whole model explains as much; and each is held
against the amounts by a straight line, whatever the link, which the first pass knows. A fit of an honest model makes
no pass for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.errors import GlmError
from glm_local.expressions.expression_columns import columns_of
from glm_local.factors.factor_spec import InteractionSpec, NumberSpec
from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.alone import AloneKernel, LineKernel, bernoulli_deviance, poisson_noise, terms_alone
from glm_local.glm.design_columns import DesignColumns
from glm_local.glm.fit_plan import Levels
from glm_local.glm.kernels import Predictor
from glm_local.glm.level_count import LevelCount
from glm_local.glm.newton import Newton
from glm_local.glm.solution import NewtonOptions, Solution
from glm_local.glm.starts import rounding_dispersion, typical_dispersion
from glm_local.glm.summary import Summary
from glm_local.rows.blocks import Blocks

Array = NDArray[np.float64]

NEARLY_ALL = 0.95
"""Share of the deviance of single events, or of counts, that no factor explains by itself unless it knows them."""

PRACTICALLY_ALL = 0.999
"""The same share where the family says nothing of how much rows vary: an honest factor may explain 99 %."""

LESS_THAN_CHANCE = 0.5
"""Share of the deviance that chance leaves among Poisson counts; a factor that leaves less knows the counts."""

ROUNDED = 1e-9
"""Share of a sum of squares that is no longer told from rounding of the sum."""

FEWEST_ROWS, ROWS_OF_A_LEVEL, TELLING_ROWS, MOST_TERMS = 20, 4, 8, 100


@dataclass(frozen=True)
class LeakCheck:
    """What a fit knows when it asks which factors tell its target.

    Parameters
    ----------
    blocks
        Packed rows, or cells, of the fit.
    lost
        Deviance of rows around their cells, which `blocks` no longer show.
    chance
        Whether the family fixes how much rows vary.
    """

    blocks: Blocks
    levels: Levels
    family: Family
    link: Link
    summary: Summary
    lost: float
    chance: bool

    def suspects(self, solution: Solution | None) -> list[str]:
        """A sentence per factor; without a solution (of separated levels there is none) of levels only."""
        if self.summary.rows < FEWEST_ROWS:
            return []
        shares = dict(self._level_shares(solution))
        if solution is not None and self._explains(solution):
            shares |= {name: share for name, share in self._term_shares() if name not in shares}
        shares |= {name: share for name, share in self._line_shares() if name not in shares}
        return [
            f"{name} alone {_explain(name)} {share:.1%} of the target: leakage? Is it known before the target is?"
            for name, share in shares.items()
        ]

    @property
    def _limit(self) -> float:
        return NEARLY_ALL if self.family.domain == "unit" or self._counts else PRACTICALLY_ALL

    @property
    def _counts(self) -> bool:
        return self.family.exact_counts and self.chance

    @property
    def _shifted(self) -> bool:
        """Whether rows have offsets of their own, so that a level's mean is not what it explains."""
        design = self.levels.columns.design
        return design.offset is not None and design.folded_power is None

    def _explains(self, solution: Solution) -> bool:
        """Whether all factors together explain as much as one suspect would."""
        left, whole = solution.deviance + self.lost, solution.null_deviance + self.lost
        if not solution.columns.has_intercept:  # then the null model is none of the rows' mean
            left, whole = solution.pearson, typical_dispersion(self.summary, self.family) * self.summary.rows
        return bool(whole > self._rounding and 1 - left / whole > self._limit)

    @property
    def _rounding(self) -> float:
        return 1e3 * self.summary.rows * rounding_dispersion(self.summary, self.family)

    def _level_shares(self, solution: Solution | None) -> Iterator[tuple[str, float]]:
        if self._shifted:
            return
        total: float | None = None
        for name in dict.fromkeys(one.factor for one in self.levels.counts):
            own = _Means.of([one for one in self.levels.counts if one.factor == name], self.family)
            if own.few or (solution is not None and own.most(solution.deviance + self.lost) <= self._limit):
                continue
            if total is None and not own.binary:
                total = self._total(solution)
            share, within = own.share(total or 0.0)
            if share > self._limit and (own.binary or (total or 0.0) > self._rounding) and self._less(own, within):
                yield f"factor {name!r}", share

    def _less(self, own: _Means, within: float) -> bool:
        return not self._counts or within < LESS_THAN_CHANCE * own.noise()

    def _total(self, solution: Solution | None) -> float:
        """Deviance of the rows around their one mean; one more pass where the fit does not know it."""
        if solution is not None and solution.columns.has_intercept:
            return solution.null_deviance + self.lost
        sums = self._against(terms_alone(self.levels.columns, ()))
        return 0.0 if sums is None else float(sums[1]) + self.lost

    def _term_shares(self) -> Iterator[tuple[str, float]]:
        for indices in self._groups():
            columns = terms_alone(self.levels.columns, indices)
            if len(indices) > MOST_TERMS or 4 * len(columns) >= self.summary.rows:
                continue
            sums = self._against(columns)
            if sums is None:
                continue
            left, whole, squares, noise = sums
            telling = whole * whole / squares if squares > 0 else 0.0
            less = not self._counts or left + self.lost < LESS_THAN_CHANCE * noise
            share = 1 - (left + self.lost) / (whole + self.lost)
            if share > self._limit and telling >= TELLING_ROWS and less:
                yield _named([self.levels.columns.columns[at].term for at in indices]), float(share)

    def _line_shares(self) -> Iterator[tuple[str, float]]:
        """Numeric terms that the amounts are a straight line of: under a log link, or a penalty, they explain less."""
        terms = list(self.levels.columns.design.numerics)
        with np.errstate(all="ignore"):
            slopes, shares = self._lines()
        places = tuple(int(at) for at in np.flatnonzero(shares > PRACTICALLY_ALL))
        if not places:
            return
        means, rows = self.summary.moments[0] / self.summary.rows, self.summary.rows
        unit = np.sqrt(self.summary.amount_square / rows)
        kernel = LineKernel(
            places, tuple(slopes[list(places)]), tuple(means[list(places)]), self.summary.amount / rows, float(unit)
        )
        (sums,) = self.blocks.sum(kernel, "leaks")
        for at, (left, whole, squares) in zip(places, sums, strict=True):
            less = not self._counts or left * unit * unit < LESS_THAN_CHANCE * self.summary.amount
            if whole > 0 and 1 - left / whole > PRACTICALLY_ALL and whole * whole >= TELLING_ROWS * squares and less:
                yield f"factor {terms[at]!r}", float(1 - left / whole)

    def _lines(self) -> tuple[Array, Array]:
        """Slope of the amounts in each numeric term, and the share of their squares it explains."""
        (first, second, mixed), rows = self.summary.moments, self.summary.rows
        amount, square = np.float64(self.summary.amount), self.summary.amount_square
        spread, own = second - first**2 / rows, square - amount**2 / rows
        cross = mixed - first * amount / rows
        sure = (spread > ROUNDED * second) & (own > ROUNDED * square)
        return cross / spread, np.where(sure, cross**2 / spread / own, 0.0)

    def _groups(self) -> list[tuple[int, ...]]:
        """Design columns of numeric terms, together where they read the same columns; of factors under an offset."""
        columns, groups = self.levels.columns, dict[frozenset[str], list[int]]()
        for at in columns.numeric_columns.values():
            groups.setdefault(self._reads(columns.columns[at].term), []).append(at)
        if self._shifted:
            for name, codes in columns.column_of_code.items():
                groups[frozenset([f"/{name}"])] = sorted({int(at) for at in codes if at >= 0})
        return [tuple(found) for found in groups.values() if found]

    def _reads(self, term: str) -> frozenset[str]:
        """Columns a numeric term is made of; cells show its values, and no longer where they come from."""
        specs = {one.name: one for one in self.levels.specs}
        spec = specs[term]
        members = [specs[name] for name in spec.factors] if isinstance(spec, InteractionSpec) else [spec]
        linear = [columns_of(one.argument()) for one in members if isinstance(one, NumberSpec)]
        return frozenset(name for one in linear for name in one) | {f"/{one.name}" for one in members[1:]}

    def _against(self, columns: DesignColumns) -> Array | None:
        """Deviance of the rows under `columns` alone and under one mean, and how much of it is in few rows."""
        try:
            predictor, null = self._fitted(columns), self._fitted(terms_alone(columns, ()))
        except GlmError:
            return None
        unit = typical_dispersion(self.summary, self.family)
        kernel = AloneKernel(columns, self.family, self.link, predictor, null, unit)
        (sums,) = self.blocks.sum(kernel, "leaks")
        scale = np.array([unit, unit, unit * unit, 1.0])
        return sums * scale if np.isfinite(sums * scale).all() else None

    def _fitted(self, columns: DesignColumns) -> Predictor:
        options = NewtonOptions(tolerance=1e-6, max_iterations=25)
        found = Newton(self.blocks, columns, self.family, self.link, self.summary, options).solve()
        return Predictor.at(found.basis.inner(np.nan_to_num(found.coefficients)), found.basis)


@dataclass(frozen=True)
class _Means:
    """Rows, weight and amount of a factor's levels; only levels of several rows can tell more than those rows."""

    family: Family
    rows: Array
    weight: Array
    amount: Array

    @classmethod
    def of(cls, counts: Sequence[LevelCount], family: Family) -> _Means:
        own = [one for one in counts if one.weight > 0 and one.rows >= ROWS_OF_A_LEVEL]
        rows, weight, amount = (
            np.array([getattr(one, name) for one in own], dtype=float) for name in ("rows", "weight", "amount")
        )
        return cls(family, rows, weight, amount)

    @property
    def few(self) -> bool:
        """Whether there are too few rows for so many levels: a level for every few rows tells all."""
        return len(self.rows) < 2 or self.rows.sum() < max(FEWEST_ROWS, 4 * len(self.rows) + 1)

    @property
    def binary(self) -> bool:
        return self.family.domain == "unit"

    @property
    def between(self) -> float:
        """Deviance of the levels' means around the mean of all."""
        means, one = self.amount / self.weight, self.amount.sum() / self.weight.sum()
        if self.binary:
            return float(bernoulli_deviance(self.weight.sum(), one)) - self._single
        with np.errstate(all="ignore"):
            unit = np.where(means == one, 0.0, self.family.unit_deviance(means, np.full_like(means, one)))
        return float(np.sum(self.weight * unit))

    @property
    def _single(self) -> float:
        """Deviance of single events around their level's share."""
        return float(np.sum(bernoulli_deviance(self.weight, self.amount / self.weight)))

    def most(self, left: float) -> float:
        """The largest share that can be explained where all factors together leave `left`."""
        if self.binary:
            return 1.0
        between = self.between
        return between / (between + max(left, 0.0)) if between > 0 else 0.0

    def share(self, total: float) -> tuple[float, float]:
        """Share of the deviance that the levels explain, and what they leave."""
        between = self.between
        within = self._single if self.binary else max(total - between, 0.0)
        return (between / (between + within), within) if between > 0 else (0.0, within)

    def noise(self) -> float:
        """Deviance that chance leaves among counts."""
        return float(np.sum(self.rows * poisson_noise(self.amount / self.rows)))


def _named(terms: Sequence[str]) -> str:
    names = [repr(name) for name in dict.fromkeys(terms)]
    return f"factor {names[0]}" if len(names) == 1 else f"factors {', '.join(names[:-1])} and {names[-1]}"


def _explain(name: str) -> str:
    return "explain" if name.startswith("factors ") else "explains"
