"""Whole studies of one true category of many levels, with and without groups where its search loses.

`python -m tests.benchmarks.honesty.categories 60` (`--size 0.18`: weaker effects; `--size 0`: 20 noise categories).
"""

from __future__ import annotations

import argparse
from unittest.mock import patch

import numpy as np
import pandas as pd

from glm_local.on_pandas.studies import GLMStudy
from glm_local.study import automatic
from glm_local.study.design import Design
from tests.benchmarks.honesty.known_truth import noise, responses

LEVELS, CANDIDATES = 40, 20


def rows_of_categories(rows: int, seed: int, size: float) -> pd.DataFrame:
    """One category t0 whose effects are N(0, size²) beside noise of every kind; with size 0 noise categories alone."""
    draw = np.random.default_rng(seed + 5_000)
    columns: dict[str, object] = {"id": np.arange(rows)}
    effect = np.zeros(rows)
    if size:
        level = draw.integers(0, LEVELS, rows)
        columns["t0"] = [f"l{one}" for one in level]
        effect += draw.normal(0, size, LEVELS)[level]
    for at in range(CANDIDATES - bool(size)):
        columns[f"n{at}"] = noise(draw, rows, at) if size else [f"c{one}" for one in draw.integers(0, LEVELS, rows)]
    return pd.DataFrame(columns).assign(y=responses(draw, effect, "poisson"))


def study_of(frame: pd.DataFrame) -> tuple[bool, int, float]:
    """Whether the category is kept, how much noise is, and the expected gain: that of validation, scaled."""
    names = [name for name in frame if name not in ("id", "y")]
    study = GLMStudy(frame, target="y", key="id", candidates=names, name="s").auto_design()
    now, nothing = study.current(), study.bench.fitted(Design())
    assert now.validation is not None
    assert nothing.validation is not None
    gain = (nothing.validation.deviance - now.validation.deviance) * now.train.rows / now.validation.rows
    return "t0" in study.accepted, sum(name.startswith("n") for name in study.accepted), gain


def main() -> None:
    """Print what is kept without and with groups, and what they change of the expected gain."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("studies", type=int)
    asked.add_argument("--size", type=float, default=0.25)
    asked.add_argument("--rows", type=int, default=10_000)
    asked.add_argument("--first", type=int, default=100)
    given = asked.parse_args()
    few = automatic.in_few_levels

    def bands_alone(study, name, rules, keeping, test, searched):  # type: ignore[no-untyped-def]
        is_category = study.bench.candidate(name).kind == "categorical"
        return searched if is_category else few(study, name, rules, keeping, test, searched)

    lines = []
    for seed in range(given.first, given.first + given.studies):
        frame = rows_of_categories(given.rows, seed, given.size)
        with patch.object(automatic, "in_few_levels", bands_alone):
            before = study_of(frame)
        lines.append((*before, *study_of(frame)))
    found = np.array(lines, dtype=float)
    change = found[:, 5] - found[:, 2]
    print(f"true kept {found[:, 0].sum():.0f} → {found[:, 3].sum():.0f} of {given.studies}")
    print(f"noise kept {found[:, 1].sum():.0f} → {found[:, 4].sum():.0f}")
    print(f"change of the expected gain {change.mean():.2f} ± {change.std(ddof=1) / np.sqrt(len(change)):.2f}")


if __name__ == "__main__":
    main()
