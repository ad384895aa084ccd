"""How often BIC keeps a noise number: with and without a charge for the places of its cuts, by rows and by keys.

`python -m tests.benchmarks.honesty.bic 30`
"""

from __future__ import annotations

import sys
import warnings
from typing import Literal

import numpy as np
import pandas as pd

from glm_local.binning.rules import BinningRules
from glm_local.on_pandas.studies import GLMStudy
from glm_local.study.proposing import optimized
from tests.benchmarks.honesty.shared_keys import KINDS, shared_keys


def kept_noise(studies: int, rows: int = 4_000, numbers: int = 10) -> tuple[float, float]:
    """Share of noise numbers (of 200 pre-bins) that get bins: one parameter per level, and one more per cut."""
    free, charged = 0, 0
    for seed in range(studies):
        draw = np.random.default_rng(seed)
        columns = {f"n{at}": draw.normal(size=rows) for at in range(numbers)}
        frame = pd.DataFrame({"id": np.arange(rows), "y": draw.poisson(0.2, rows).astype(float), **columns})
        study = GLMStudy(frame, target="y", key="id", candidates=list(columns), name="s")
        for name in columns:
            trials = optimized(study, name, BinningRules(size="bic")).trials
            cuts = np.maximum(trials["bins"] - 1, 0) * np.log(study.samples["train"])
            charged += int(trials["bins"][trials["bic"].idxmin()] > 0)
            free += int(trials["bins"][(trials["bic"] - cuts).idxmin()] > 0)
    return free / studies / numbers, charged / studies / numbers


def kept_by_keys(
    studies: int, kind: str, dispersion: Literal["fixed", "by_key"], rows: int = 6_000, candidates: int = 10
) -> dict[str, float]:
    """Share of numbers that get bins: noise and true ones (log mean 0.25 higher above 0), same within keys and not."""
    kept: dict[str, list[bool]] = {"noise by key": [], "noise by row": [], "true by key": [], "true by row": []}
    for seed in range(studies):
        frame = shared_keys(seed, kind, rows, candidates, effect=0.25)
        names = [name for name in frame if name[0] in "kr" and frame[name].dtype == float]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study = GLMStudy(frame, target="y", key="id", candidates=names, name="s", dispersion=dispersion)
            for name in names:
                found = optimized(study, name, BinningRules(size="bic")).bins
                is_true, by_key = name.endswith("0"), name.startswith("k")
                kept[f"{'true' if is_true else 'noise'} by {'key' if by_key else 'row'}"].append(found > 0)
    return {name: float(np.mean(one)) for name, one in kept.items()}


if __name__ == "__main__":
    studies = int(sys.argv[1])
    free, charged = kept_noise(studies)
    print(f"noise kept: {free:.3f} with a parameter per level, {charged:.3f} with one more per cut")
    for kind in KINDS:
        for definition in ("fixed", "by_key"):
            shares = ", ".join(f"{name} {share:.3f}" for name, share in kept_by_keys(studies, kind, definition).items())
            print(f"{kind}, {definition}: {shares}")
