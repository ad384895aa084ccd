"""The peers of the binning benchmark, in a process with their packages: one line of JSON in, one out.

Asks are ``{"peer": "optbinning", "rows": …, "pre_bins": …, "trend": …, "limit": …}`` and
``{"peer": "glm-factor-optimizer", "rows": …, "pre_bins": …, "trials": …}``.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any

import numpy as np

from tests.benchmarks.binning_rows import LEAST_SHARE, MOST_BINS, claims, defaults, kind_names


def optbinning(asked: dict[str, Any]) -> dict[str, Any]:
    """Its exact solver on given pre-bins; the splits it found within the limit."""
    from optbinning import OptimalBinning  # type: ignore[import-not-found]

    score, event = defaults(asked["rows"])
    edges = np.quantile(score, np.arange(1, asked["pre_bins"]) / asked["pre_bins"])
    trend = None if asked["trend"] == "none" else asked["trend"]
    binning = OptimalBinning(
        solver="cp",
        divergence="iv",
        monotonic_trend=trend,
        user_splits=edges,
        max_n_bins=MOST_BINS,
        min_bin_size=LEAST_SHARE,
        time_limit=asked["limit"],
    )
    start = time.perf_counter()
    binning.fit(score, event)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "status": binning.status, "splits": [float(one) for one in binning.splits]}


def factor_optimizer(asked: dict[str, Any]) -> dict[str, Any]:
    """Its search on one case; the score it minimises, as it reports it."""
    import optuna  # type: ignore[import-not-found]
    import pandas as pd
    from glm_factor_optimizer import optimize_factor  # type: ignore[import-not-found]

    made, pre_bins = claims(asked["rows"]), asked["pre_bins"]
    frame = pd.DataFrame({name: made[name] for name in ("number", "exposure", "claims")})
    frame["kind"] = kind_names(made["kind"])
    train, validation = frame.iloc[: made["train"]], frame.iloc[made["train"] :]
    factor, kind = ("number", "numeric") if pre_bins else ("kind", "categorical")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    start = time.perf_counter()
    found = optimize_factor(
        train.reset_index(drop=True),
        validation.reset_index(drop=True),
        target="claims",
        exposure="exposure",
        factor=factor,
        kind=kind,
        family="poisson",
        trials=asked["trials"],
        n_prebins=pre_bins or 10,
    )
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "score": float(found.score), "validation_deviance": float(found.validation_deviance)}


def main() -> None:
    warnings.simplefilter("ignore")
    peers = {"optbinning": optbinning, "glm-factor-optimizer": factor_optimizer}
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(peers[asked["peer"]](asked)), flush=True)


if __name__ == "__main__":
    main()
