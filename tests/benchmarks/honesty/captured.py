"""Captured deviance: what share of the gain of the true means an automatic study's model has on unseen rows.

``python -m tests.benchmarks.honesty.captured --studies 30 --rows 20000 80000``: tables of docs/honesty.md, one for each
number of rows. Gains are deviance of a constant less that of a model on rows that no method saw, expected given their
true means. Every method is given the same rows; the study divides them 60 : 20 : 20, others learn from training and
validation rows unless their name says otherwise. Gradient boosting needs LightGBM; where it is not installed it is left
out.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.honesty.captured_losses import loss_lines, losses
from tests.benchmarks.honesty.captured_methods import (
    BEFORE_RULE,
    DEFAULT,
    GAM,
    GAM_TRAIN,
    METHODS,
    PLAIN_GAM,
    REFITTED,
    Portfolio,
    available_methods,
)
from tests.benchmarks.honesty.captured_truth import TRUE, gain, known_rows, truth_of

JUDGED = 100_000
PAIRS = ((DEFAULT, GAM), (DEFAULT, GAM_TRAIN), (REFITTED, GAM), (DEFAULT, PLAIN_GAM), (DEFAULT, BEFORE_RULE))


@dataclass(frozen=True)
class Captured:
    """One study's rows.

    Parameters
    ----------
    shares
        Of the oracle's gain, by method.
    seconds
        CPU time of learning, by method.
    kept, noise
        True factors and noise factors of the default study.
    lost
        Where, by factor and reason, of the default study and of the GAM; empty where losses are left out.
    """

    shares: Mapping[str, float]
    seconds: Mapping[str, float]
    kept: int
    noise: int
    lost: Mapping[tuple[str, str], float]


def captured(
    rows: int,
    seed: int,
    names: Sequence[str] = tuple(METHODS),
    size: float = 1.0,
    judged: int = JUDGED,
    with_losses: bool = False,
) -> Captured:
    """All methods on the rows of one seed."""
    truth = truth_of(seed, size)
    portfolio = Portfolio(truth, known_rows(truth, rows, (seed, 0)))
    unseen = known_rows(truth, judged, (seed, 1))
    shares, seconds = {}, {}
    for name, method in available_methods(names).items():
        begun = time.process_time()
        predict = method(portfolio)
        seconds[name] = time.process_time() - begun
        constant = float(portfolio.seen.frame["y"].mean())
        shares[name] = gain(unseen.mean, predict(unseen), constant) / gain(unseen.mean, unseen.mean, constant)
    study = portfolio.study
    gam = portfolio.gam if GAM in names else None
    lost = losses(study.current().model, gam, unseen, constant) if with_losses else {}
    kept = sum(name in TRUE for name in study.accepted)
    return Captured(shares, seconds, kept, len(study.accepted) - kept, lost)


def mean_and_error(values: Iterable[float]) -> tuple[float, float]:
    """Mean and its Monte-Carlo standard error; the error of a single value is not known."""
    numbers = np.array(list(values))
    error = float(numbers.std(ddof=1) / math.sqrt(len(numbers))) if len(numbers) > 1 else math.nan
    return float(numbers.mean()), error


def method_lines(studies: Sequence[Captured]) -> list[str]:
    """A markdown table: a line per method."""
    lines = ["| Method | captured | CPU s |", "|---|---|---|"]
    for name in studies[0].shares:
        mean, error = mean_and_error(study.shares[name] for study in studies)
        seconds, _ = mean_and_error(study.seconds[name] for study in studies)
        lines.append(f"| {name} | {mean:.3f} ± {error:.3f} | {seconds:.2f} |")
    return lines


def difference_lines(studies: Sequence[Captured]) -> list[str]:
    """A markdown table: differences on the same rows."""
    lines = ["| Difference, same rows | mean |", "|---|---|"]
    for method, other in PAIRS:
        if method in studies[0].shares and other in studies[0].shares:
            mean, error = mean_and_error(study.shares[method] - study.shares[other] for study in studies)
            lines.append(f"| {method} − {other} | {mean:+.3f} ± {error:.3f} |")
    return lines


def told(rows: int, studies: Sequence[Captured]) -> list[str]:
    """All tables of one number of rows."""
    kept, noise = np.mean([(study.kept, study.noise) for study in studies], axis=0)
    head = f"{rows:,} rows, {len(studies)} studies; the default keeps {kept:.2f} of {len(TRUE)} true factors"
    lost = [study.lost for study in studies if study.lost]
    tables = [method_lines(studies), difference_lines(studies), *([loss_lines(lost)] if lost else [])]
    return [f"{head}, {noise:.2f} of noise", *(line for table in tables for line in ("", *table))]


def main(given: Iterable[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=10)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000])
    parser.add_argument("--size", type=float, default=1.0, help="what all true effects are multiplied by")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--losses", action="store_true", help="where the default study and the GAM lose")
    options = parser.parse_args(None if given is None else list(given))
    for rows in options.rows:
        studies = []
        for seed in range(options.first, options.first + options.studies):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                studies.append(captured(rows, seed, options.methods, options.size, with_losses=options.losses))
            sys.stderr.write(f"  {rows:,} rows, seed {seed}: {studies[-1].shares}\n")
        print("\n".join(told(rows, studies)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
