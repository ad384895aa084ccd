"""Pearson's dispersion and that of scores where rows have tiny means: `python -m tests.benchmarks.honesty.small_means`."""

from __future__ import annotations

import numpy as np

MEANS = ((-1.0, 0.5), (-4.0, 1.0), (-6.0, 2.0))
"""Mean and standard deviation of the logarithm of a row's mean."""


def dispersions(
    middle: float, spread: float, rows: int = 10_000, rounds: int = 200
) -> tuple[float, float, float, float]:
    """Mean and standard deviation of both, over rounds of Poisson rows of the same means."""
    draw = np.random.default_rng(1)
    mean = np.exp(draw.normal(middle, spread, rows))
    squares = [(draw.poisson(mean) - mean) ** 2 for _ in range(rounds)]
    pearson = np.array([(one / mean).mean() for one in squares])
    scores = np.array([one.sum() / mean.sum() for one in squares])
    return float(pearson.mean()), float(pearson.std()), float(scores.mean()), float(scores.std())


if __name__ == "__main__":
    for middle, spread in MEANS:
        pearson, error, scores, other = dispersions(middle, spread)
        print(
            f"log mean {middle:g} ± {spread:g}: Pearson {pearson:.2f} ± {error:.2f}, scores {scores:.2f} ± {other:.2f}"
        )
