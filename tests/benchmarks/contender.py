"""One package in a process of its own: loads the rows, then fits whenever it is told to.

Reads lines on standard input (``fit`` or ``memory``) and answers each with one line of JSON; run by `local_fit`. The clock
runs from the raw frame to standard errors and the deviance, which one package has to predict for.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.motor_design import EXPOSURE, PUBLIC_EDGES, PUBLIC_TEXTS, TARGET, public_factors

Deviance = Callable[[], float]
Fit = Callable[[Any], tuple[int, Deviance]]
"""Fits prepared rows; answers how many coefficients have a standard error, and a call that finds the deviance."""


def rows_of(path: Path) -> pd.DataFrame:
    """Claims capped at 4 and exposure at 1, as the published studies have them."""
    frame = pq.read_table(path).to_pandas()
    frame[TARGET] = frame[TARGET].clip(upper=4).astype(float)
    frame[EXPOSURE] = frame[EXPOSURE].clip(upper=1)
    return frame


def fit_ours(solver: Literal["auto", "cells", "blocks"]) -> Fit:
    from glm_local import fit_glm

    def fit(frame: Any) -> tuple[int, Deviance]:
        model = fit_glm(
            frame,
            target=TARGET,
            factors=public_factors(),
            family="poisson",
            exposure=EXPOSURE,
            solver=solver,
            on_separation="warn",
        )
        fitted = [one for one in model.document.coefficients if one.std_error is not None]
        return len(fitted), lambda: model.statistics.deviance

    return fit


def fit_glum() -> Fit:
    import glum  # type: ignore[import-not-found]

    def fit(frame: Any) -> tuple[int, Deviance]:
        bands = {name: pd.cut(frame[name], [-np.inf, *edges, np.inf]) for name, edges in PUBLIC_EDGES.items()}
        design = pd.DataFrame(bands | {name: frame[name].astype("category") for name in PUBLIC_TEXTS})
        rate, exposure = frame[TARGET] / frame[EXPOSURE], frame[EXPOSURE]
        model = glum.GeneralizedLinearRegressor(family="poisson", alpha=0, drop_first=True, gradient_tol=1e-7)
        model.fit(design, rate, sample_weight=exposure)
        errors = model.std_errors(design, rate, sample_weight=exposure)
        return len(errors), lambda: poisson_deviance(frame[TARGET], model.predict(design) * exposure)

    return fit


def fit_rustystats() -> Fit:
    import polars
    import rustystats  # type: ignore[import-not-found]

    terms = {f"{name}_band": {"type": "categorical"} for name in PUBLIC_EDGES}
    terms |= {name: {"type": "categorical"} for name in PUBLIC_TEXTS}

    def fit(frame: Any) -> tuple[int, Deviance]:
        banded = frame.with_columns(
            [
                polars.col(name).cut(edges).cast(polars.String).alias(f"{name}_band")
                for name, edges in PUBLIC_EDGES.items()
            ]
        )
        design = rustystats.glm_dict(response=TARGET, terms=terms, data=banded, family="poisson", exposure=EXPOSURE)
        model = design.fit()
        return len(model.bse()), lambda: float(model.deviance)

    return fit


def poisson_deviance(count: Any, mean: Any) -> float:
    y, mu = np.asarray(count, dtype=float), np.asarray(mean, dtype=float)
    return float(2 * np.sum(np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / mu), 0) - y + mu))


CONTENDERS: dict[str, Callable[[], Fit]] = {
    "ours": lambda: fit_ours("auto"),
    "ours cells": lambda: fit_ours("cells"),
    "ours blocks": lambda: fit_ours("blocks"),
    "glum": fit_glum,
    "rustystats": fit_rustystats,
}


def resident(field: str) -> float:
    """Megabytes by the kernel's account: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024


def at_rest() -> float:
    """Resident memory once nothing freed is held back, with the high-water mark set there."""
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


def main(name: str, path: str) -> None:
    warnings.simplefilter("ignore")
    fit = CONTENDERS[name]()
    rows: Any = rows_of(Path(path))
    if name == "rustystats":
        import polars

        rows = polars.from_pandas(rows)
    base = at_rest()
    for line in sys.stdin:
        if line.strip() == "memory":
            answer = {"above_data_mb": resident("VmHWM") - base, "data_mb": base}
        else:
            answer = one_fit(fit, rows)
        print(json.dumps(answer), flush=True)


def one_fit(fit: Fit, rows: Any) -> dict[str, float]:
    start = time.perf_counter()
    coefficients, deviance = fit(rows)
    fitted = time.perf_counter()
    found = deviance()
    done = time.perf_counter()
    return {
        "seconds": done - start,
        "finding the deviance": done - fitted,
        "coefficients": coefficients,
        "deviance": found,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
