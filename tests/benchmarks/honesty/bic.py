"""How often BIC keeps a noise number, with and without a charge for the places of its cuts.

`python -m tests.benchmarks.honesty.bic 200`
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from glm_local.binning.rules import BinningRules
from glm_local.studies import GLMStudy
from glm_local.study.proposing import optimized


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


if __name__ == "__main__":
    free, charged = kept_noise(int(sys.argv[1]))
    print(f"noise kept: {free:.3f} with a parameter per level, {charged:.3f} with one more per cut")
