"""Which level a few missing rows should follow: the base, the one nearest to the average, or the one nearest to them.

`python -m tests.benchmarks.honesty.homes 3000`: deviance beyond that of the true rate, in thousandths per row.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.special import expit, logit

LEVELS, ROWS, RATE, BASE = 6, 6_000, 0.05, 0.2
TRUTHS = ("average", "as the base", "drawn as the levels", "30 %")


def costs(draw: np.random.Generator, missing: int, truth: str, spread: float) -> dict[str, float]:
    """Of one draw of levels and of so many missing rows."""
    count = draw.multinomial(ROWS, [BASE, *[(1 - BASE) / (LEVELS - 1)] * (LEVELS - 1)])
    true = expit(logit(RATE) + draw.normal(0, spread, LEVELS))
    rate = (draw.binomial(count, true) + 0.5) / (count + 1)
    base, average = int(np.argmax(count)), float(count @ rate / count.sum())
    own = {
        "average": float(count @ true / count.sum()),
        "as the base": float(true[base]),
        "30 %": 0.3,
        "drawn as the levels": float(expit(logit(RATE) + draw.normal(0, spread))),
    }[truth]
    seen = draw.binomial(missing, own) / missing
    homes = {
        "base": rate[base],
        "nearest to the average": rate[np.argmin(np.abs(logit(rate) - logit(average)))],
        "nearest to them": rate[np.argmin(np.abs(rate - seen))],
    }
    return {name: 1_000 * (_deviance(own, float(one)) - _deviance(own, own)) for name, one in homes.items()}


def _deviance(true: float, told: float) -> float:
    return float(-2 * (true * np.log(told) + (1 - true) * np.log(1 - told)))


if __name__ == "__main__":
    made = np.random.default_rng(0)
    for spread in (0.3, 0.6):
        for truth in TRUTHS:
            for missing in (10, 20, 40):
                found = [costs(made, missing, truth, spread) for _ in range(int(sys.argv[1]))]
                shown = ", ".join(f"{name} {np.mean([one[name] for one in found]):.1f}" for name in found[0])
                print(f"spread {spread}, {missing} missing rows, {truth}: {shown}")
