"""Overdispersed counts and rows that share a key: what tests call, and what intervals cover, by rows and by keys."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from glm_local.factors.spec_problems import read_factor
from glm_local.on_pandas.studies import GLMStudy
from glm_local.study.design import Change
from tests.benchmarks.honesty.made_studies import level_factor
from tests.benchmarks.honesty.shared_keys import KINDS, shared_keys
from tests.benchmarks.honesty.shares import share
from tests.benchmarks.measurement import Ratio, Report, Settings, Target, at_least, at_most

NAME, TITLE = "honesty.clusters", "shares of made-up studies (95 % Monte-Carlo interval)"
STUDIES, ROWS, CANDIDATES, EFFECT, MEAN = 30, 6_000, 10, 0.25, 0.4
DEFINITIONS = ("fixed", "pearson", "by_key")
NOISE = ("k1", "r1")


@dataclass
class Found:
    """Of the studies of one kind under one definition: p-values of what is not there, finds, covered intervals."""

    ranking: list[float] = field(default_factory=list)
    finds: list[int] = field(default_factory=list)
    pairs: list[float] = field(default_factory=list)
    comparisons: list[float] = field(default_factory=list)
    coefficients: list[bool] = field(default_factory=list)
    ratios: list[bool] = field(default_factory=list)

    def lines(self, name: str, judged: bool) -> Iterator[Ratio]:
        """Shares; targets hold by key."""
        called, covered = _if(judged, at_most(0.075)), _if(judged, at_least(0.93))
        yield share(f"{name}: ranking p < .05", [one < 0.05 for one in self.ranking], called)
        yield share(f"{name}: pairs p < .05", [one < 0.05 for one in self.pairs])
        yield share(f"{name}: comparisons p < .05", [one < 0.05 for one in self.comparisons])
        yield share(f"{name}: coefficient intervals cover", self.coefficients, covered)
        yield share(f"{name}: holdout A/E intervals cover", self.ratios, covered)
        mean, error = float(np.mean(self.finds)), float(np.std(self.finds) / np.sqrt(len(self.finds)))
        yield Ratio(f"{name}: false finds of {2 * CANDIDATES - 2}, q <= .05", mean, mean - 2 * error, mean + 2 * error)


def run(settings: Settings) -> Report:
    """Every share; `--rounds` is the number of studies of each kind."""
    few = settings.rounds is not None or settings.rows is not None
    studies, rows = settings.rounds or (2 if few else STUDIES), settings.rows or ROWS
    ratios: list[Ratio] = []
    for kind in KINDS:
        for definition in DEFINITIONS:
            found = simulated(kind, definition, studies, rows)
            ratios += found.lines(f"{kind}, {definition}", judged=not few and definition == "by_key")
    return Report(NAME, TITLE, ratios, facts={"studies of each kind": studies, "rows": rows})


def simulated(kind: str, definition: str, studies: int, rows: int = ROWS, candidates: int = CANDIDATES) -> Found:
    """Some studies of a kind, one per seed, the same rows for every definition."""
    found = Found()
    for seed in range(studies):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _add(found, shared_keys(seed, kind, rows, candidates, EFFECT, MEAN), definition)
    return found


def _add(found: Found, frame: pd.DataFrame, definition: Any) -> None:
    noise = [name for name in frame if name not in ("id", "y", "k0", "r0")]
    study = GLMStudy(
        frame, target="y", key="id", name="s", user="ann", candidates=["k0", "r0", *noise], dispersion=definition
    )
    for name in ("k0", "r0"):
        study.accept(name, step(name), "there")
    ranking = study.rank_candidates(noise)
    found.ranking += ranking.table["p_value"].tolist()
    found.finds.append(len(ranking.discoveries()))
    found.pairs += study.find_interactions([("k1", "k3"), ("k1", "r1")]).table["p_value"].tolist()
    for name in NOISE:
        p_value = study.comparison(Change(name, study.resolved(read_factor(level_factor(name))))).p_value
        found.comparisons.append(np.nan if p_value is None else p_value)
    for name in NOISE:
        study.accept(name, level_factor(name), "noise")
    truth = {"k0": EFFECT, "r0": EFFECT}
    for one in study.model.document.coefficients:
        if one.status == "fitted" and one.factor is not None and one.lower is not None and one.upper is not None:
            found.coefficients.append(one.lower <= truth.get(one.factor, 0.0) <= one.upper)
    found.ratios += covered_ratios(study, frame)


def covered_ratios(study: GLMStudy, frame: pd.DataFrame) -> list[bool]:
    """Of every level on the holdout, whether the interval of A/E covers expected over predicted."""
    report, rows = study.holdout_report().actual_expected, study.bench.rows
    held = rows.engine.with_columns(rows.frame, {"flag": rows.flag("holdout")})
    held = held[held["flag"].astype(bool)]
    held = held.assign(mean=MEAN * np.exp(EFFECT * (held["k0"] > 0) + EFFECT * (held["r0"] > 0)))
    covered: list[bool] = []
    for name in NOISE:
        table = report[name].dropna(subset="lower")
        truth = held.groupby(name)["mean"].sum().reindex(table["level"]).to_numpy() / table["predicted"].to_numpy()
        covered += ((table["lower"] <= truth) & (truth <= table["upper"])).tolist()
    return covered


def step(name: str) -> dict[str, Any]:
    """Two levels of a number, as it acts."""
    base = {"level": "(-inf, 0]"}
    return {"kind": "numeric", "name": name, "column": name, "edges": [0], "missing": "base", "base": base}


def _if(judged: bool, target: Target) -> Target | None:
    return target if judged else None
