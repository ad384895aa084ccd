"""Double lift against a stated baseline: on the page of a study too, and among the tables a run records and seals."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from glm_local import audit, load_model
from glm_local.audit.fill_rows import from_arrow
from glm_local.diagnostics import double_lift
from glm_local.job.read_config import read_config, read_study_config
from glm_local.job.run_job import JobOptions, JobResult, run_job
from glm_local.job.run_study import run_study
from glm_local.job.study_rules import candidates
from glm_local.on_pandas.local_environment import local_environment
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.scoring.compile_score import score_expression
from glm_local.stores.delta_store import open_store
from tests.audit.test_tampering import _rewrite
from tests.bad_inputs.bad_cases import BASE, good_frame
from tests.bad_inputs.bad_study_cases import STUDY_BASE

BASELINE = 'report.baseline="in_use"'
EVERY = ("train", "validation", "holdout")


def written(folder: Path, text: str) -> Path:
    frame = good_frame().assign(in_use=np.random.default_rng(3).uniform(0.05, 0.5, len(good_frame())))
    parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / "rows.parquet")
    (folder / "job.toml").write_text(text.replace("${data}", str(folder / "rows.parquet")))
    return folder / "job.toml"


def finished(folder: Path, kind: str, *sets: str) -> JobResult:
    options = JobOptions("one", str(folder / "out"))
    if kind == "run":
        return run_job(read_config(written(folder, BASE), [BASELINE, *sets]), local_environment(), options)
    return run_study(read_study_config(written(folder, STUDY_BASE), [BASELINE, *sets]), local_environment(), options)


def recorded(result: JobResult) -> pd.DataFrame:
    """The recorded lines of the double lift, as they were."""
    rows = from_arrow(open_store(result.store).read("report_tables", {"report": "double_lift"}))
    cells: list[Any] = [json.loads(one["cells"]) if isinstance(one["cells"], str) else one["cells"] for one in rows]
    return pd.DataFrame(cells)


@pytest.mark.parametrize("kind", ["run", "study"])
def test_the_double_lift_against_a_baseline_is_recorded_and_verified(kind: str, tmp_path: Path) -> None:
    result = finished(tmp_path, kind)
    table = recorded(result)
    assert set(table["sample"]) == set(EVERY)
    assert set(table["a"]) == {"the column 'in_use'"}
    page = html.unescape((Path(result.folder) / "report.html").read_text())
    assert "A: the column 'in_use'" in page
    report = audit.verify(open_store(result.store), expected_head=result.head)
    assert report.ok, str(report)


def test_a_changed_band_is_named_by_verify(tmp_path: Path) -> None:
    result = finished(tmp_path, "run")

    def changed(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        last = next(at for at, one in enumerate(rows) if one["report"] == "double_lift")
        return [{**one, "level": "99"} if at == last else one for at, one in enumerate(rows)]

    _rewrite(Path(result.store), "report_tables", changed)
    report = audit.verify(open_store(result.store), expected_head=result.head)
    assert not report.ok
    assert "report_tables" in str(report)


@pytest.mark.parametrize("kind", ["run", "study"])
def test_what_is_recorded_is_the_double_lift_of_the_rows(kind: str, tmp_path: Path) -> None:
    table = recorded(finished(tmp_path, kind))
    rows = pd.read_parquet(tmp_path / "rows.parquet")
    model = load_model(tmp_path / "out" / "one" / "model.json")
    spec = model.document.spec
    again = double_lift(
        PandasEngine(),
        rows,
        "in_use",
        score_expression(model.document),
        target=spec.target,
        family=spec.family,
        exposure=spec.exposure,
        weight=spec.weight,
    )
    exposure = table["exposure"].to_numpy(dtype=float)
    for name in ("actual_rate", "rate_a", "rate_b"):
        whole = np.average(table[name].to_numpy(dtype=float), weights=exposure)
        assert whole == pytest.approx(np.average(again[name], weights=again["exposure"]), rel=1e-10)


@pytest.mark.parametrize("kind", ["run", "study"])
def test_run_again_it_records_nothing_twice(kind: str, tmp_path: Path) -> None:
    first = recorded(finished(tmp_path, kind))
    assert len(recorded(finished(tmp_path, kind))) == len(first)


def test_a_study_that_is_not_finalized_compares_without_the_holdout(tmp_path: Path) -> None:
    result = finished(tmp_path, "study", "study.finalize.enabled=false")
    assert set(recorded(result)["sample"]) == {"train", "validation"}
    assert "On sample validation" in (Path(result.folder) / "report.html").read_text()


def test_predictions_in_use_are_no_candidates(tmp_path: Path) -> None:
    path = written(tmp_path, STUDY_BASE)
    config = read_study_config(path, ['study.candidates="all"', BASELINE])
    kinds = PandasEngine().columns(pd.read_parquet(tmp_path / "rows.parquet"))
    assert "in_use" not in candidates(config, kinds)
    assert "in_use" in candidates(read_study_config(path, ['study.candidates="all"']), kinds)


def test_a_baseline_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"/report/baseline.*Nearest: 'in_use'"):
        finished(tmp_path, "study", 'report.baseline="in_usee"')
