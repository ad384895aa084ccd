"""Ten million made rows, Parquet to standard errors on two cores, in units of a plain scan-and-sum of the same columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.benchmarks.measurement import Report, Settings, at_most, interleaved, ratio, timed
from tests.benchmarks.motor_design import EXPOSURE, TARGET, made_factors
from tests.benchmarks.motor_rows import motor_files
from tests.benchmarks.spark_session import read_files, scan_and_sum, session, spark_missing
from tests.benchmarks.timed_engine import TimedEngine, TimedPass

NAME, TITLE = "spark_fit", "10M made rows, Poisson, 9 factors, 69 coefficients, Parquet to standard errors, local[2]"
ROWS = 10_000_000


@dataclass
class OwnFit:
    """Fits a frame and keeps the passes of every run."""

    engine: TimedEngine
    frame: Any
    learn: bool = False
    passes: list[list[TimedPass]] = field(default_factory=list)
    deviance: float = float("nan")

    def __call__(self) -> None:
        from glm_local.glm.request import FitRequest
        from glm_local.models.fit_frame import fit_frame

        model: Any = fit_frame(
            self.engine,
            self.frame,
            FitRequest(
                target=TARGET,
                factors=made_factors(self.learn),
                family="poisson",
                exposure=EXPOSURE,
                on_separation="warn",
            ),
            {},
        )
        self.passes.append(self.engine.taken())
        self.deviance = model.statistics.deviance

    def building(self, last: int) -> list[float]:
        return [one.seconds for passes in self.passes[-last:] for one in passes if one.builds]

    def steps(self, last: int) -> list[float]:
        """Whole Newton passes with a step, each run's median."""
        whole = [
            [p.seconds for p in passes if p.purpose == "newton" and p.share == 1] for passes in self.passes[-last:]
        ]
        return [median(one) for one in whole if one]


def run(settings: Settings) -> Report:
    missing = spark_missing()
    if missing:
        return Report(NAME, TITLE, skipped=missing)
    files = motor_files(settings.scratch, settings.rows or ROWS)
    with session() as spark:
        return _measure(spark, files, settings)


def _measure(spark: Any, files: list[Any], settings: Settings) -> Report:
    from glm_spark.spark_engine import SparkEngine

    rounds, warm_up = settings.rounds or 3, 2 if settings.rows is None else 0
    frame = read_files(spark, files)
    engine = TimedEngine(SparkEngine(spark))
    own, learning = OwnFit(engine, frame), OwnFit(engine, frame, learn=True)
    contenders = {
        "scan": timed(lambda: scan_and_sum(frame)),
        "fit": timed(own),
        "scan again": timed(lambda: scan_and_sum(frame)),
        "fit, levels learned": timed(learning),
    }
    seconds = interleaved(contenders, rounds, warm_up)
    scans = seconds.pop("scan") + seconds.pop("scan again")
    building, steps = own.building(rounds), own.steps(rounds)
    ratios = [
        ratio("fit / scan", seconds["fit"], scans, at_most(8)),
        ratio("building the blocks / scan", building, scans, at_most(2.5)),
        *([ratio("one Newton pass / scan", steps, scans, at_most(0.6))] if steps else []),
        ratio("fit with levels learned / scan", seconds["fit, levels learned"], scans),
    ]
    facts = {"passes of the last fit, s": _passes(own.passes[-1]), "deviance": own.deviance}
    return Report(NAME, TITLE, ratios, {"scan": scans, **seconds}, facts)


def _passes(passes: list[TimedPass]) -> str:
    return ", ".join(f"{p.purpose}{'' if p.share == 1 else f' of {p.share:.2f}'} {p.seconds:.2f}" for p in passes)
