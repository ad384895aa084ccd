"""Cost per row of whole fits at 1M, 3M and 10M made rows, in memory and on Spark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tests.benchmarks.measurement import Ratio, Report, Seconds, Settings, interleaved, ratio, timed, within
from tests.benchmarks.motor_design import EXPOSURE, TARGET, made_factors
from tests.benchmarks.motor_rows import motor_files, motor_frame
from tests.benchmarks.spark_session import read_files, session, spark_missing

NAME, TITLE = "scaling", "cost per row of a fit, 9 factors: flat within 15 %"
ROWS = (1_000_000, 3_000_000, 10_000_000)
FLAT = within(0.15)


def run(settings: Settings) -> Report:
    sizes = ROWS if settings.rows is None else (settings.rows, 3 * settings.rows, 10 * settings.rows)
    rounds = settings.rounds or 3
    seconds = {"local": interleaved(_local(settings, sizes), rounds)}
    missing = spark_missing()
    if missing is None:
        with session() as spark:
            seconds["spark"] = interleaved(_on_spark(settings, spark, sizes), rounds, warm_up=2)
    ratios = [one for engine, taken in seconds.items() for one in _flatness(engine, taken, sizes)]
    facts = {"spark": missing} if missing else {}
    named = {f"{engine}, {rows} rows": one for engine, taken in seconds.items() for rows, one in taken.items()}
    return Report(NAME, TITLE, ratios, named, facts)


def _local(settings: Settings, sizes: Sequence[int]) -> dict[str, Callable[[], float]]:
    from glm_local import fit_glm

    everything = motor_frame(settings.scratch, max(sizes))
    return {str(rows): timed(partial(_fit, fit_glm, everything.iloc[:rows])) for rows in sizes}


def _on_spark(settings: Settings, spark: Any, sizes: Sequence[int]) -> dict[str, Callable[[], float]]:
    from glm_spark import fit_glm

    frames = {rows: read_files(spark, motor_files(settings.scratch, rows)) for rows in sizes}
    return {str(rows): timed(partial(_fit, fit_glm, frame)) for rows, frame in frames.items()}


def _fit(fit_glm: Callable[..., Any], frame: Any) -> None:
    fit_glm(
        frame,
        target=TARGET,
        factors=made_factors(),
        family="poisson",
        exposure=EXPOSURE,
        solver="blocks",
        on_separation="warn",
    )


def _flatness(engine: str, seconds: Seconds, sizes: Sequence[int]) -> list[Ratio]:
    """Cost per row against the smallest size, and cost per further row, which leaves fixed costs out."""
    few, some, many = sizes
    least = seconds[str(few)]
    ratios = [
        ratio(f"{engine}: cost per row at {rows:,} / at {few:,}", seconds[str(rows)], least, FLAT, few / rows)
        for rows in (some, many)
    ]
    first = [(b - a) / (some - few) for a, b in zip(least, seconds[str(some)], strict=True)]
    further = [(b - a) / (many - some) for a, b in zip(seconds[str(some)], seconds[str(many)], strict=True)]
    name = f"{engine}: cost per further row, {some:,} to {many:,} / {few:,} to {some:,}"
    return [*ratios, ratio(name, further, first, FLAT)]
