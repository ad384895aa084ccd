"""What an automatic study keeps of noise and of truth, and whether the gain it prints is the gain to expect."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from glm_local.on_pandas.studies import GLMStudy
from glm_local.study.design import Design
from tests.benchmarks.honesty.known_truth import rows_of


@dataclass(frozen=True)
class Kept:
    """Of some studies.

    Parameters
    ----------
    noise_each, noise_any
        Noise factors kept per noise candidate; share of studies that kept any.
    power
        Share of true factors kept; NaN without any.
    printed, expected
        Deviance gain out of fold as it is printed, and the validation gain scaled to as many rows.
    error
        Standard error of their mean difference.
    seconds
        CPU time per study.
    """

    studies: int
    noise_each: float
    noise_any: float
    power: float
    printed: float
    expected: float
    error: float
    seconds: float


def kept(
    studies: int,
    rows: int,
    true: int = 5,
    candidates: int = 20,
    family: str = "poisson",
    size: float = 0.25,
    first: int = 0,
    **asked: Any,
) -> Kept:
    """Run studies, one per seed; `asked` are arguments of `auto_design`."""
    lines = [_study(rows, first + seed, true, candidates, family, size, asked) for seed in range(studies)]
    noise, found, printed, expected, seconds = (np.array(one, dtype=float) for one in zip(*lines, strict=True))
    return Kept(
        studies,
        float(noise.mean() / max(candidates - true, 1)),
        float((noise > 0).mean()),
        float(found.mean() / true) if true else float("nan"),
        float(printed.mean()),
        float(expected.mean()),
        float((printed - expected).std(ddof=1) / np.sqrt(studies)),
        float(seconds.mean()),
    )


def _study(
    rows: int, seed: int, true: int, candidates: int, family: str, size: float, asked: dict[str, Any]
) -> tuple[float, ...]:
    frame = rows_of(rows, seed, true, candidates, family, size)
    names = [name for name in frame if name not in ("id", "y")]
    begun = time.process_time()
    said = "tweedie(1.5)" if family == "tweedie" else family
    link = {"link": "log"} if family in ("gamma", "tweedie") else {}
    study = GLMStudy(frame, target="y", family=said, key="id", candidates=names, name="s", **link).auto_design(**asked)
    seconds = time.process_time() - begun
    now = study.current()
    nothing = study.bench.fitted(Design())
    printed, _ = now.cross_validation.gain_over(nothing.cross_validation)
    assert now.validation is not None
    assert nothing.validation is not None
    gained = nothing.validation.deviance - now.validation.deviance
    expected = gained * now.train.rows / now.validation.rows
    return (
        sum(name.startswith("n") for name in study.accepted),
        sum(name.startswith("t") for name in study.accepted),
        printed,
        expected,
        seconds,
    )
