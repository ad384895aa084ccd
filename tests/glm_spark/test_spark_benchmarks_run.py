"""The Spark benchmarks still run: on few rows, in the session of the tests, without looking at their times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.timed_engine import TimedEngine


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_spark_benchmark_runs_on_few_rows(spark: Any, tmp_path: Path) -> None:
    (report,) = main(["spark_fit", "--rows", "2000", "--rounds", "1", "--no-peers", "--scratch", str(tmp_path)])
    assert report.skipped is None
    assert {"fit / scan", "building the blocks / scan", "one Newton pass / scan"} <= {one.name for one in report.ratios}
    assert spark.range(3).count() == 3


def test_a_timed_engine_notes_every_pass_and_changes_nothing(spark: Any, tmp_path: Path) -> None:
    from glm_local.glm.request import FitRequest
    from glm_local.models.fit_frame import fit_frame
    from glm_spark import SparkEngine, fit_glm

    frame = spark.createDataFrame([{"y": at % 3, "e": 1.0, "g": "ab"[at % 2]} for at in range(40)])
    group = {
        "kind": "categorical",
        "name": "g",
        "column": "g",
        "levels": ["a", "b"],
        "missing": "refuse",
        "unseen": "base",
    }
    asked: dict[str, Any] = {"target": "y", "factors": [group], "exposure": "e", "solver": "blocks"}
    engine = TimedEngine(SparkEngine(spark))
    noted: Any = fit_frame(engine, frame, FitRequest(**asked), {})
    passes = engine.taken()
    assert [one.builds for one in passes] == [True] + [False] * (len(passes) - 1)
    assert passes[-1].purpose == "check"
    assert engine.taken() == []
    assert noted.coefficients.equals(fit_glm(frame, **asked).coefficients)
