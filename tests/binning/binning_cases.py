"""Small made samples with their sums, and binning by trying everything on the rows: what the program is judged by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from glm_local.binning.factor_sums import FactorSums, Gain, OffsetSums, PowerLogSums, QuadraticSums
from glm_local.binning.rules import BinningRules
from glm_local.candidates.candidate import Candidate
from glm_local.factors.factor_spec import CategoricalSpec, NumericSpec, OrdinalSpec
from glm_local.families.families import Family, family_from, resolve_link
from glm_local.families.links import Link

Array = NDArray[np.float64]
SLACK = 1e-9


@dataclass(frozen=True)
class MadeRows:
    """Rows with their fine code and sample, under a current model with linear predictor `predictor`."""

    family: Family
    link: Link
    code: NDArray[np.intp]
    sample: NDArray[np.intp]
    weight: Array
    response: Array
    predictor: Array
    codes: int
    samples: int

    @property
    def mean(self) -> Array:
        return self.link.mean(self.predictor)

    def deviance(self, rows: NDArray[np.bool_], shift: float) -> float:
        mean = self.link.mean(self.predictor[rows] + shift)
        with np.errstate(all="ignore"):
            return float((self.weight[rows] * self.family.unit_deviance(self.response[rows], mean)).sum())

    def added(self, values: Array) -> Array:
        table = np.zeros((self.codes, self.samples))
        np.add.at(table, (self.code, self.sample), values)
        return table

    def gain(self) -> Gain:
        weight, amount, mean = self.weight, self.weight * self.response, self.mean
        if self.link.name == "log" and self.family.power is not None:
            p = self.family.power
            return PowerLogSums(p, self.added(amount * mean ** (1 - p)), self.added(weight * mean ** (2 - p)))
        if self.link.name == "identity" and self.family.power == 0:
            return QuadraticSums(self.added(weight * (self.response - mean)), self.added(weight))
        values, group = np.unique(self.predictor, return_inverse=True)
        tables = []
        for one in (weight, amount):
            table = np.zeros((self.codes, self.samples, len(values)))
            np.add.at(table, (self.code, self.sample, group), one)
            tables.append(table)
        return OffsetSums(self.family, self.link, values, *tables, exact=True)

    def sums(self, candidate: Candidate, folds: int) -> FactorSums:
        with np.errstate(all="ignore"):
            unit = self.weight * self.family.unit_deviance(self.response, self.mean)
        deviance = np.zeros(self.samples)
        np.add.at(deviance, self.sample, unit)
        ones = np.ones(len(self.code))
        return FactorSums(
            candidate.name,
            candidate.kind,
            candidate.labels,
            candidate.ordered,
            folds,
            self.added(ones),
            self.added(self.weight),
            self.added(self.weight * self.response),
            self.added(self.weight * self.mean),
            self.gain(),
            deviance,
        )


MODELS = (
    ("poisson", None),
    ("gamma", None),
    ("tweedie(1.5)", None),
    ("gaussian", None),
    ("binomial", None),
    ("binomial", "probit"),
    ("binomial", "cloglog"),
    ("gaussian", "log"),
    ("inverse_gaussian", None),
    ("poisson", "identity"),
    ("gamma", "inverse"),
    ("poisson", "sqrt"),
)


def made_rows(
    rng: np.random.Generator,
    model: tuple[str, str | None],
    codes: int,
    rows: int = 120,
    samples: int = 1,
    effect: float = 0.7,
) -> MadeRows:
    """Rows of a family with an effect of the code on top of three values of the linear predictor."""
    family = family_from(model[0])
    link = resolve_link(family, model[1])
    code, sample = rng.integers(0, codes, rows), rng.integers(0, samples, rows)
    base = link.link(np.array([0.25, 0.3, 0.4]))[rng.integers(0, 3, rows)]
    true = link.mean(link.link(link.mean(base)) + _moved(link, rng.normal(0, effect, codes)[code], base))
    weight = rng.uniform(0.5, 2.0, rows)
    response, weight = _responses(rng, family, true, weight)
    return MadeRows(family, link, code, sample, weight, response, base, codes, samples)


def _moved(link: Link, shift: Array, base: Array) -> Array:
    """Shifts that keep means valid under links of half a line."""
    if link.name in ("identity", "sqrt", "inverse", "power"):
        return np.clip(shift, -0.4, 0.4) * np.abs(base)
    return shift


def _responses(rng: np.random.Generator, family: Family, mean: Array, weight: Array) -> tuple[Array, Array]:
    if family.power is None:
        trials = np.ceil(weight * 2)
        return rng.binomial(trials.astype(int), mean) / trials, trials
    if family.power == 0:
        return rng.normal(mean, 0.5), weight
    if family.power == 1:
        return rng.poisson(weight * mean) / weight, weight
    if family.power < 2:
        return np.where(rng.random(len(mean)) < 0.4, 0.0, rng.gamma(1.0, mean / 0.6)), weight
    return rng.gamma(2.0, mean / 2.0) + 1e-3, weight


def numeric_candidate(codes: int, missing: str = "base") -> Candidate:
    """A numeric candidate with so many pre-bins; with `missing="own_level"` one code more stands apart."""
    return Candidate("x", NumericSpec(name="x", column="x", edges=list(range(1, codes)), missing=missing))


def category_candidate(codes: int, kind: str = "categorical") -> Candidate:
    """A candidate with categories c00, c01, ..."""
    spec = OrdinalSpec if kind == "ordinal" else CategoricalSpec
    return Candidate(
        "x", spec(name="x", column="x", levels=[f"c{at:02d}" for at in range(codes)], missing="base", unseen="base")
    )


@dataclass(frozen=True)
class RowSegments:
    """Best shift and deviance change of every run of codes, found on the rows one by one."""

    change: dict[tuple[int, int], float]
    shift: dict[tuple[int, int], float]
    totals: dict[tuple[int, int], tuple[float, float, float]]


def row_segments(made: MadeRows, order: NDArray[np.intp]) -> RowSegments:
    """By a general minimiser on each run's rows; a shift beyond 30 counts as infinite."""
    place = np.empty(made.codes, dtype=np.intp)
    place[order] = np.arange(made.codes)
    change, shift, totals = {}, {}, {}
    for first, last in combinations(range(made.codes + 1), 2):
        rows = (place[made.code] >= first) & (place[made.code] < last)
        weight, amount = made.weight[rows], made.weight[rows] * made.response[rows]
        totals[first, last] = (float(rows.sum()), float(weight.sum()), float(amount.sum()))
        shift[first, last], change[first, last] = _best(made, rows)
    return RowSegments(change, shift, totals)


def _best(made: MadeRows, rows: NDArray[np.bool_]) -> tuple[float, float]:
    if not rows.any():
        return 0.0, 0.0
    response, family = made.response[rows], made.family
    bounded = family.power is None or family.power >= 1
    if (bounded and (response == 0).all()) or (family.power is None and (response == 1).all()):
        return (-np.inf if (response == 0).all() else np.inf), -made.deviance(rows, 0.0)
    if family.power == 0 and made.link.name == "log" and (made.weight * made.response * made.mean)[rows].sum() <= 0:
        return -np.inf, 0.0
    low, high = _range(made, rows)
    found = minimize_scalar(
        lambda d: _finite(made.deviance(rows, d)),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-10, "maxiter": 500},
    )
    return float(found.x), float(found.fun) - made.deviance(rows, 0.0)


def _finite(value: float) -> float:
    return value if np.isfinite(value) else 1e12


def _range(made: MadeRows, rows: NDArray[np.bool_]) -> tuple[float, float]:
    if made.link.name in ("identity", "inverse", "sqrt") and made.family.power != 0:
        return -float(made.predictor[rows].min()) * (1 - 1e-9), 30.0
    return -8.0, 8.0


def all_partitions(codes: int, bins: int) -> Iterator[tuple[int, ...]]:
    """Borders of every partition of neighbours into so many runs."""
    for cuts in combinations(range(1, codes), bins - 1):
        yield (0, *cuts, codes)


def keeps_rules(borders: tuple[int, ...], found: RowSegments, rules: BinningRules, ratio: bool) -> bool:
    """Whether a partition keeps every rule, judged run by run."""
    runs = list(pairwise(borders))
    for run in runs:
        rows, exposure, events = found.totals[run]
        if rows == 0 or rows < rules.min_rows or exposure < rules.min_exposure * (1 - 1e-12):
            return False
        if (rules.min_events and events < rules.min_events * (1 - 1e-12)) or not np.isfinite(found.shift[run]):
            return False
    shifts = np.array([found.shift[run] for run in runs])
    steps = np.diff(shifts)
    least = rules.shift_step(ratio)
    return bool((np.abs(steps) >= least - 1e-7).all()) and keeps_trend(steps, rules.trend)


def keeps_trend(steps: Array, trend: str) -> bool:
    up, down = steps >= -1e-7, steps <= 1e-7
    peak = any(up[:at].all() and down[at:].all() for at in range(len(steps) + 1))
    valley = any(down[:at].all() and up[at:].all() for at in range(len(steps) + 1))
    return bool(
        {
            "none": True,
            "ascending": up.all(),
            "descending": down.all(),
            "peak": peak,
            "valley": valley,
            "auto": peak or valley,
        }[trend]
    )


def borders_of(groups: tuple[tuple[int, ...], ...], order: NDArray[np.intp]) -> tuple[int, ...]:
    """Borders of groups of codes that are runs of an order."""
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    borders = [0]
    for group in groups:
        assert sorted(place[list(group)]) == list(range(borders[-1], borders[-1] + len(group)))
        borders.append(borders[-1] + len(group))
    return tuple(borders)
