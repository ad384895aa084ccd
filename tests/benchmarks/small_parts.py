"""Parts that must stay cheap: the Tweedie likelihood beside the gamma one, an event's append as history grows."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.measurement import Report, Seconds, Settings, interleaved, ratio, timed

NAME, TITLE = "small_parts", "Tweedie log densities; appends to the audit history"
ROWS, EVENTS = 200_000, 60


def run(settings: Settings) -> Report:
    rounds = settings.rounds or 5
    densities = _densities(settings.rows or ROWS, rounds)
    appends = _appends(EVENTS if settings.rows is None else 6)
    ratios = [
        ratio("Tweedie log density / gamma log density, per row", densities["tweedie"], densities["gamma"]),
        ratio("append at the end of the history / at its start", appends["late"], appends["early"]),
    ]
    return Report(NAME, TITLE, ratios, densities | {f"append, {name}": taken for name, taken in appends.items()})


def _densities(rows: int, rounds: int) -> Seconds:
    from glm_local.families.families import family_from

    draw = np.random.default_rng(5)
    mean, response = draw.gamma(2.0, 50.0, rows), draw.gamma(0.7, 140.0, rows)
    gamma, tweedie = family_from("gamma"), family_from("tweedie(1.5)")
    weight = np.ones(rows)
    with_zeros = np.where(draw.random(rows) < 0.9, 0.0, response)
    return interleaved(
        {
            "gamma": timed(lambda: gamma.log_density(response, weight, mean, 1.3)),
            "tweedie": timed(lambda: tweedie.log_density(with_zeros, weight, mean, 30.0)),
        },
        rounds,
    )


def _appends(events: int) -> Seconds:
    from glm_local.audit.run_log import RunLog
    from glm_local.stores.delta_store import open_store

    with tempfile.TemporaryDirectory() as folder:
        log = RunLog(open_store(Path(folder) / "store"), "benchmark", "run", user="benchmark")
        log.start("benchmark", "none", {"events": events})
        seconds = []
        for at in range(events):
            start = time.perf_counter()
            log.event(f"step {at}", "reported", payload={"at": at})
            seconds.append(time.perf_counter() - start)
    third = events // 3
    return {"early": seconds[:third], "late": seconds[-third:]}
