"""Intervals after a search: how often they cover the projection of the truth on the design that was reached.

``python -m tests.benchmarks.honesty.selective 1000``: a line of docs/honesty.md per family. Naive intervals are those of
the model on the rows that were searched, selective ones those of the same design on validation and holdout.
``--kinds thinned thinned-twice twice``: Poisson counts split in two instead (60 % of events to design on, the rest for
intervals), the same of counts with twice the variance, and such counts with rows set apart.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local import fit_glm
from glm_local.factors.searched_levels import unmarked
from glm_local.models.model import Model
from glm_local.on_pandas.studies import GLMStudy
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.scoring.model_spec import ModelDocument
from glm_local.study.selective import selective_intervals

Array = NDArray[np.float64]
FAMILIES = ("poisson", "binomial", "gamma")
KINDS = (*FAMILIES, "thinned", "thinned-twice", "twice")
CANDIDATES = ["step", "slope", "group", "noise"]
GROUPS = 40
SHARE = 0.6
"""Of counts that go to the design where they are thinned."""


@dataclass(frozen=True)
class Interval:
    """One coefficient's interval: its factor, whether it covers its target, and its width."""

    factor: str
    covers: bool
    width: float


@dataclass(frozen=True)
class Covered:
    """One made-up study: intervals of the same coefficients, naive and selective."""

    naive: tuple[Interval, ...]
    selective: tuple[Interval, ...]


def made_rows(rows: int, seed: int) -> pd.DataFrame:
    """A number that acts by a step, one that acts by a slope, 40 groups of their own effects, one number of noise."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({name: draw.uniform(size=rows).round(3) for name in ("step", "slope", "noise")})
    effects = np.random.default_rng(0).normal(0, 0.25, GROUPS)
    group = draw.integers(0, GROUPS, rows)
    effect = 0.4 * (frame["step"] > 0.4) + 0.6 * frame["slope"] + effects[group]
    return frame.assign(id=np.arange(rows), group=[f"g{one}" for one in group], effect=effect)


def mean_of(effect: Any, family: str) -> Any:
    """Mean of the response: counts of some .5, shares of some 30 %, amounts of some 1.5."""
    if family == "binomial":
        return 1 / (1 + np.exp(1.6 - effect))
    return np.exp(effect - (1.2 if family == "poisson" else 0.0))


def drawn(frame: pd.DataFrame, family: str, seed: int, over: float = 1.0) -> Array:
    """Responses; counts with a variance of `over` times their mean."""
    draw, mean = np.random.default_rng((seed, 1)), mean_of(frame["effect"].to_numpy(), family)
    if family == "binomial":
        return np.asarray(draw.random(len(frame)) < mean, dtype=np.float64)
    if family == "gamma":
        return np.asarray(draw.gamma(1.5, mean / 1.5), dtype=np.float64)
    if over > 1:
        mean = draw.gamma(mean / (over - 1), over - 1)
    return np.asarray(draw.poisson(mean), dtype=np.float64)


def projection(model: ModelDocument, population: pd.DataFrame, family: str) -> dict[str, float]:
    """Coefficients of a design when the response is its true mean, on many rows: what its estimates tend to."""
    levels = Model(model, PandasEngine()).with_levels(population[CANDIDATES])
    terms = [one for one in model.coefficients if one.status == "fitted"]
    columns = [
        np.ones(len(levels)) if one.factor is None else (levels[f"{one.factor}_level"] == one.level).to_numpy(float)
        for one in terms
    ]
    design, target = np.stack(columns, axis=1), mean_of(population["effect"].to_numpy(), family)
    found = np.zeros(len(terms))
    for _ in range(30):
        linear = design @ found
        fitted = 1 / (1 + np.exp(-linear)) if family == "binomial" else np.exp(linear)
        slope = fitted * (1 - fitted) if family == "binomial" else fitted
        weight = slope if family != "gamma" else np.ones(len(fitted))
        step = np.linalg.lstsq(
            design.T @ (weight[:, None] * design), design.T @ (weight * (target - fitted) / slope), rcond=None
        )[0]
        found = found + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    return {one.term: float(value) for one, value in zip(terms, found, strict=True)}


def intervals(lines: Iterable[Any], target: dict[str, float]) -> tuple[Interval, ...]:
    """Intervals of the factors' coefficients, lines of a table or of a model, against their targets."""
    return tuple(
        Interval(one.factor, bool(one.lower <= target[one.term] <= one.upper), float(one.upper - one.lower))
        for one in lines
        if one.factor and one.term in target and one.lower is not None and one.lower == one.lower
    )


def studied(family: str, seed: int, rows: int, population: pd.DataFrame, **asked: Any) -> Covered:
    """One automatic study and its intervals."""
    frame = made_rows(rows, seed)
    frame["y"] = drawn(frame, family, seed, asked.pop("over", 1.0))
    study: Any = GLMStudy(
        frame.drop(columns="effect"), target="y", family=family, key="id", seed=seed, candidates=CANDIDATES, **asked
    )
    study.auto_design()
    model = study.current().model
    target = projection(model, population, family)
    unseen = selective_intervals(study, holdout=True).table
    named = unseen.rename(columns={"level": "of"}).itertuples(index=False)
    return Covered(intervals(model.coefficients, target), intervals(named, target))


def thinned(seed: int, rows: int, population: pd.DataFrame, over: float = 1.0) -> Covered:
    """Poisson counts split in two: the design is made on 60 % of the events, its intervals on the others."""
    frame, family = made_rows(rows, seed), "poisson"
    counts = drawn(frame, family, seed, over)
    first = np.random.default_rng((seed, 2)).binomial(counts.astype(int), SHARE)
    parts = {"y": first, "y2": counts - first, "e": SHARE, "e2": 1 - SHARE}
    frame = frame.assign(**parts).drop(columns="effect")
    study: Any = GLMStudy(
        frame, target="y", exposure="e", key="id", seed=seed, candidates=CANDIDATES, split=(1.0, 0.0, 0.0)
    )
    model = study.auto_design().current().model
    specs = [unmarked(one) for one in model.factors]
    asked: dict[str, Any] = {"dispersion": "pearson", "on_separation": "warn", "on_failure": "warn"}
    other = fit_glm(frame, target="y2", exposure="e2", factors=specs, **asked).document
    target = projection(model, population, family)
    return Covered(intervals(model.coefficients, target), intervals(other.coefficients, target))


@dataclass(frozen=True)
class Coverage:
    """Share of intervals that cover, its standard error over studies, and how many they are."""

    share: float
    error: float
    number: int


def coverage(studies: Sequence[Sequence[Interval]], factor: str = "") -> Coverage:
    """Of all intervals, or of one factor's; studies are independent, intervals of one are not."""
    kept = [[one for one in study if factor in ("", one.factor)] for study in studies]
    kept = [study for study in kept if study]
    hits, sizes = (
        np.array([sum(value(one) for one in study) for study in kept], dtype=float)
        for value in (lambda one: one.covers, lambda one: 1.0)
    )
    share = hits.sum() / sizes.sum() if len(kept) else math.nan
    error = math.sqrt(((hits - share * sizes) ** 2).sum()) / sizes.sum() if len(kept) else math.nan
    return Coverage(float(share), error, int(sizes.sum()))


def line(name: str, studies: Sequence[Covered]) -> str:
    """A line of the table."""
    naive = [one.naive for one in studies]
    cells = [name, f"{len(studies):,}", _cell(coverage(naive))]
    cells += [_cell(coverage(naive, factor)) for factor in ("step", "slope", "group")]
    selective = [one.selective for one in studies]
    wider = np.mean([_median(one.selective) / _median(one.naive) for one in studies if one.naive and one.selective])
    return f"| {' | '.join([*cells, _cell(coverage(selective)), f'{wider:.2f}'])} |"


def _median(intervals: Sequence[Interval]) -> float:
    return float(np.median([one.width for one in intervals]))


def _cell(found: Coverage) -> str:
    if found.number < 30:
        return f"{round(found.share * found.number)} of {found.number}" if found.number else "–"
    return f"{found.share:.3f} ± {found.error:.3f}"


def studies_of(kind: str, number: int, rows: int) -> Iterator[Covered]:
    """Made-up studies of a family, or of "thinned" counts, or of counts of twice their variance."""
    population = made_rows(20_000, 10**6)
    for seed in range(number):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind.startswith("thinned"):
                yield thinned(seed, rows, population, 2.0 if kind.endswith("twice") else 1.0)
            elif kind == "twice":
                yield studied("poisson", seed, rows, population, over=2.0)
            else:
                yield studied(kind, seed, rows, population)


def main(given: Iterable[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", type=int, nargs="?", default=20)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--kinds", choices=KINDS, nargs="+", default=list(FAMILIES))
    asked = parser.parse_args(None if given is None else list(given))
    print("| rows are | studies | naive | of the step | of the slope | of 40 groups | selective | times as wide |")
    print("|---|---|---|---|---|---|---|---|")
    for kind in asked.kinds:
        print(line(kind, list(studies_of(kind, asked.studies, asked.rows))), flush=True)


if __name__ == "__main__":
    main()
