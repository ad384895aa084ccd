"""The main job on the pandas engine: what it writes, running it again, completing it, and what it refuses."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from glm_local import audit, load_model
from glm_local.audit.fill_rows import from_arrow
from glm_local.audit.store import Guard
from glm_local.errors import ConfigError, DataError, FitError
from glm_local.job.data_sources import packaged_rows
from glm_local.job.read_config import read_config
from glm_local.job.run_job import JobOptions, JobResult, run_job
from glm_local.on_pandas.local_environment import local_environment
from glm_local.stores.delta_store import open_store
from tests.bad_inputs.bad_cases import BASE, good_frame

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "conf" / "base" / "quickstart.toml"
STEPS = [
    "start",
    "data_read",
    "data_checked",
    "split",
    "fitted",
    "second_opinion",
    "validated",
    "holdout_looked_at",
    "model_saved",
    "report_written",
    "finish",
]


def run(conf: Path, folder: Path, *sets: str, run_id: str | None = None, **parameters: str) -> JobResult:
    return run_job(read_config(conf, sets, parameters), local_environment(), JobOptions(run_id, str(folder)))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[JobResult, Path]:
    folder = tmp_path_factory.mktemp("demo")
    return run(QUICKSTART, folder), folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A small job on made rows."""
    rows = tmp_path / "rows.parquet"
    parquet.write_table(pa.Table.from_pandas(good_frame(), preserve_index=False), rows)
    path = tmp_path / "job.toml"
    path.write_text(BASE.replace("${data}", str(rows)))
    return path


def steps_of(store: Any) -> list[str]:
    return [str(event["step"]) for event in audit.history(store)]


def test_a_run_records_its_steps_in_order_and_the_chain_verifies(demo: tuple[JobResult, Path]) -> None:
    result, folder = demo
    store = open_store(folder / "audit")
    assert steps_of(store) == STEPS
    report = audit.verify(store, expected_head=result.head)
    assert report.ok, str(report)


def test_the_second_opinion_agrees_and_is_in_the_history(demo: tuple[JobResult, Path]) -> None:
    (event,) = [one for one in audit.history(open_store(demo[1] / "audit")) if one["event"] == "verified"]
    assert "statsmodels agrees" in str(event["reason"])
    assert json.loads(str(event["payload"]))["largest_difference_in_se"] < 1e-9
    assert demo[0].summary["second_opinion"] == "agrees"


def test_files_are_what_the_audit_keeps(demo: tuple[JobResult, Path]) -> None:
    result, folder = demo
    kept = {str(one["name"]): one for one in from_arrow(open_store(folder / "audit").read("artifacts"))}
    assert set(kept) == set(result.files)
    for name, row in kept.items():
        content = (Path(result.folder) / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert len(content) == row["size"]


def test_a_runs_table_of_coefficients_has_credible_relativities(demo: tuple[JobResult, Path]) -> None:
    written = pd.read_csv(Path(demo[0].folder) / "coefficients.csv")
    table = load_model(Path(demo[0].folder) / "model.json").coefficients
    assert list(written.columns) == list(table.columns)
    assert written["credible"].to_numpy() == pytest.approx(table["credible"].to_numpy(), rel=1e-12, nan_ok=True)
    assert written.loc[written["factor"] == "coinsurance", "credible"].notna().all()


def test_a_person_who_pays_more_visits_less_and_a_sick_one_more(demo: tuple[JobResult, Path]) -> None:
    model = load_model(Path(demo[0].folder) / "model.json")
    relativity = model.coefficients.set_index("term")["relativity"]
    plan = [relativity[f"coinsurance={level}"] for level in ("0 %", "25 %", "50 %", "95 % and more")]
    assert plan == sorted(plan, reverse=True)
    illness = [
        relativity[f"chronic_diseases={level}"]
        for level in ("(-inf, 5]", "(5, 10]", "(10, 15]", "(15, 25]", "(25, inf)")
    ]
    assert illness == sorted(illness)
    assert relativity["coinsurance=95 % and more"] == pytest.approx(0.8047, abs=1e-4)


def test_the_saved_model_scores_rows_without_the_derived_columns(demo: tuple[JobResult, Path]) -> None:
    model = load_model(Path(demo[0].folder) / "model.json")
    raw = packaged_rows("statsmodels:randhie").to_pandas()
    scored = model.predict(raw)["prediction"]
    one = raw.iloc[100].to_dict()
    assert model.predict(one) == scored.iloc[100]
    totals = sum(sample["predicted"] for sample in demo[0].summary["samples"].values())
    assert scored.sum() == pytest.approx(totals, rel=1e-12)


def test_the_sql_of_a_run_scores_raw_rows_too(demo: tuple[JobResult, Path]) -> None:
    duckdb = pytest.importorskip("duckdb")
    model = load_model(Path(demo[0].folder) / "model.json")
    raw = packaged_rows("statsmodels:randhie")
    database = duckdb.connect()
    database.register("visits", raw)
    by_sql = database.sql(model.to_sql("duckdb", table="visits")).fetchnumpy()["prediction"]
    np.testing.assert_allclose(by_sql, model.predict(raw)["prediction"], rtol=1e-12)
    assert "`lncoins`" in (Path(demo[0].folder) / "score.sql").read_text()
    assert "`coinsurance`" not in (Path(demo[0].folder) / "score.sql").read_text()


def test_a_persons_years_are_in_one_sample(demo: tuple[JobResult, Path]) -> None:
    (event,) = [one for one in audit.history(open_store(demo[1] / "audit")) if one["event"] == "split"]
    assert json.loads(str(event["payload"]))["split"]["key"] == ["person"]
    runs = packaged_rows("statsmodels:randhie")["person"].to_pandas()
    assert runs.is_monotonic_increasing
    assert runs.nunique() == 5294


def test_running_a_finished_job_again_adds_nothing(demo: tuple[JobResult, Path]) -> None:
    result, folder = demo
    store = open_store(folder / "audit")
    before = {name: store.read(name).num_rows for name in ("events", "runs", "models", "report_tables", "artifacts")}
    (Path(result.folder) / "score.sql").unlink()
    again = run(QUICKSTART, folder)
    assert again.repeated
    assert {name: store.read(name).num_rows for name in before} == before
    assert (Path(result.folder) / "score.sql").exists()
    assert (again.run_id, again.head, again.summary) == (result.run_id, result.head, result.summary)


def test_other_data_another_configuration_or_a_given_id_is_another_run(small: Path, tmp_path: Path) -> None:
    first = run(small, tmp_path / "out")
    other = run(small, tmp_path / "out", "model.ridge=0.1")
    named = run(small, tmp_path / "out", run_id="mine")
    frame = good_frame()
    frame.loc[0, "claims"] += 1
    parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "rows.parquet")
    changed = run(small, tmp_path / "out")
    assert len({first.run_id, other.run_id, named.run_id, changed.run_id}) == 4
    assert audit.verify(open_store(tmp_path / "out" / "audit")).ok


def test_a_run_id_stands_for_one_configuration(small: Path, tmp_path: Path) -> None:
    run(small, tmp_path / "out", run_id="mine")
    assert run(small, tmp_path / "out", run_id="mine").repeated
    with pytest.raises(ConfigError, match="another configuration"):
        run(small, tmp_path / "out", "model.ridge=0.1", run_id="mine")


class Killed(BaseException):
    """Stands for kill -9: nothing of the job may catch it."""


class KillingStore:
    """A store that dies instead of making its n-th append."""

    def __init__(self, store: Any, at: int) -> None:
        self._store, self._left = store, at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append(self, table: str, rows: pa.Table, guard: Guard) -> bool:
        if self._left == 0:
            raise Killed
        self._left -= 1
        return bool(self._store.append(table, rows, guard))


def killed(conf: Path, folder: Path, at: int) -> bool:
    """Run until the n-th append; whether that was reached."""
    environment = dataclasses.replace(
        local_environment(), open_store=lambda location: KillingStore(open_store(location), at)
    )
    try:
        run_job(read_config(conf), environment, JobOptions(directory=str(folder)))
    except Killed:
        return True
    return False


def test_a_job_stopped_before_any_of_its_writes_completes_when_run_again(small: Path, tmp_path: Path) -> None:
    whole = run(small, tmp_path / "whole")
    tables = ("runs", "specs", "models", "coefficients", "report_tables", "artifacts")
    expected = {name: open_store(tmp_path / "whole" / "audit").read(name).num_rows for name in tables}
    at = 0
    while killed(small, tmp_path / f"killed_{at}", at):
        folder = tmp_path / f"killed_{at}"
        result = run(small, folder)
        store = open_store(folder / "audit")
        steps = [step for step in steps_of(store) if not step.startswith("resumed")]
        assert steps == STEPS, f"stopped before write {at}"
        assert max(Counter(steps_of(store)).values()) == 1
        assert {name: store.read(name).num_rows for name in tables} == expected
        assert audit.verify(store).ok
        assert result.summary["model"] == whole.summary["model"]
        assert sorted(path.name for path in Path(result.folder).iterdir()) == sorted(whole.files)
        for name in set(whole.files) - {"report.html"}:  # that page says when its run was started
            assert (Path(result.folder) / name).read_bytes() == (Path(whole.folder) / name).read_bytes(), name
        at += 1
    assert at >= 12


def test_a_recorded_model_is_not_fitted_again(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = 5  # the model is there, the event that states it is not
    assert killed(small, tmp_path / "out", at)
    assert open_store(tmp_path / "out" / "audit").read("models").num_rows == 1
    monkeypatch.setattr("glm_local.job.job_steps.fit", lambda *_: pytest.fail("fitted twice"))
    assert not run(small, tmp_path / "out").repeated


def test_rows_that_break_a_rule_are_in_the_history_as_a_failure(small: Path, tmp_path: Path) -> None:
    frame = good_frame()
    frame.loc[3, "claims"] = -1
    parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "rows.parquet")
    with pytest.raises(DataError, match="1 of 900 rows"):
        run(small, tmp_path / "out")
    store = open_store(tmp_path / "out" / "audit")
    events = audit.history(store)
    assert [event["event"] for event in events] == ["started", "read", "failed"]
    assert "1 of 900 rows" in str(events[-1]["reason"])
    assert audit.verify(store).ok


def test_a_fit_that_does_not_converge_is_an_error_unless_asked_otherwise(small: Path, tmp_path: Path) -> None:
    with pytest.raises(FitError, match="did not converge"):
        run(small, tmp_path / "out", "model.max_iterations=1")
    result = run(small, tmp_path / "out", "model.max_iterations=1", "model.on_failure='warn'")
    assert any("did not converge" in text for text in result.summary["warnings"])
    page = (Path(result.folder) / "report.html").read_text()
    assert "did not converge" in page


def test_a_converged_model_is_called_so(small: Path, tmp_path: Path) -> None:
    result = run(small, tmp_path / "out")
    (row,) = from_arrow(open_store(tmp_path / "out" / "audit").read("models", columns=["converged", "convergence"]))
    assert row == {"converged": True, "convergence": "score below tolerance"}
    assert "did not converge" not in (Path(result.folder) / "report.html").read_text()


def test_the_holdout_is_left_alone_when_asked(small: Path, tmp_path: Path) -> None:
    result = run(small, tmp_path / "out", "report.holdout=false")
    assert set(result.summary["samples"]) == {"train", "validation"}
    store = open_store(tmp_path / "out" / "audit")
    assert "holdout_looked_at" not in steps_of(store)
    assert set(store.read("report_tables", columns=["sample"])["sample"].to_pylist()) <= {"train", "validation", None}


def test_a_second_opinion_that_cannot_be_given_is_said(small: Path, tmp_path: Path) -> None:
    cases = {
        "model.ridge=0.5": "penalty",
        "model.solver='statsmodels'": "by this solver itself",
        "second_opinion.solver='spark_ml'": "no such solver",
        "second_opinion.enabled=false": "not asked",
    }
    for setting, words in cases.items():
        folder = tmp_path / words.replace(" ", "_")
        result = run(small, folder, setting)
        (event,) = [one for one in audit.history(open_store(folder / "audit")) if one["event"] == "verified"]
        assert words in str(event["reason"]), setting
        assert result.summary["second_opinion"] in ("not verifiable", "not asked")


def test_linear_terms_and_extra_factors_are_shown_by_bands(small: Path, tmp_path: Path) -> None:
    extra = "report.extra_factors=[{kind='categorical', name='group', column='group', missing='base', unseen='base'}]"
    run(small, tmp_path / "out", extra, "report.linear_bands=4", "report.factors=['bonus', 'age_region']")
    shown = open_store(tmp_path / "out" / "audit").read("report_tables", columns=["factor", "level"]).to_pandas()
    levels = shown.dropna().groupby("factor")["level"].unique()
    assert set(levels.index) == {"bonus", "age_region", "group"}
    assert len(levels["bonus"]) == 4
    assert sorted(levels["group"]) == ["(missing, as base)", "(unseen, as base)", "x", "y"]


@pytest.mark.parametrize("source", ["csv", "delta"])
def test_the_same_rows_in_another_format_give_the_same_coefficients(small: Path, tmp_path: Path, source: str) -> None:
    first = run(small, tmp_path / "out")
    place = tmp_path / ("rows.csv" if source == "csv" else "table")
    if source == "csv":
        good_frame().to_csv(place, index=False)
    else:
        deltalake = pytest.importorskip("deltalake")
        deltalake.write_deltalake(str(place), pa.Table.from_pandas(good_frame(), preserve_index=False))
    other = run(small, tmp_path / "out", f"data.path='{place}'")
    assert other.summary["deviance"] == pytest.approx(first.summary["deviance"], rel=1e-9)
    assert other.summary["data"].split(":")[0] == ("bytes" if source == "csv" else "delta version")


def test_time_and_column_splits_run_too(small: Path, tmp_path: Path) -> None:
    by_time = run(small, tmp_path / "out", "split={method='time', column='start'}")
    assert by_time.summary["samples"]["train"]["rows"] == 540
    values = "split={method='column', column='part', values={train=['a', 'b'], holdout=['c']}}"
    by_column = run(small, tmp_path / "out", values)
    assert set(by_column.summary["samples"]) == {"train", "holdout"}


def test_a_filter_counts_only_some_rows_and_may_use_derived_columns(small: Path, tmp_path: Path) -> None:
    young = "data.derive.young={at_most=['age', 40]}"
    result = run(
        small, tmp_path / "out", young, "data.where={column='young', read='boolean'}", "factors.0.edges=[25, 30]"
    )
    assert result.summary["rows"] == int((good_frame()["age"] <= 40).sum())


def test_shared_motor_data_give_the_published_losses(tmp_path: Path) -> None:
    shared = ROOT.parent / "shared" / "data"
    if not (shared / "freMTPL2freq.parquet").exists():
        pytest.skip("freMTPL2 is too large for the repository and does not lie in ../shared/data")
    rows = pd.read_parquet(shared / "freMTPL2freq.parquet")
    learn = pd.read_parquet(shared / "freMTPL2_splits.parquet")
    rows["learn"] = np.where(learn.set_index("IDpol")["noll2018_learn"].reindex(rows["IDpol"]).to_numpy(), "L", "T")
    rows.to_parquet(tmp_path / "motor.parquet")
    split = "split={method='column', column='learn', values={train=['L'], holdout=['T']}}"
    result = run(
        ROOT / "conf" / "base" / "motor.toml",
        tmp_path / "out",
        split,
        "second_opinion.enabled=false",
        data=str(tmp_path / "motor.parquet"),
    )
    samples = result.summary["samples"]
    assert samples["train"]["rows"] == 610_212
    # Noll, Salzmann and Wuethrich (2018), GLM1: 100 times the mean Poisson deviance per policy.
    assert 100 * samples["train"]["mean_deviance"] == pytest.approx(31.26738, abs=5e-6)
    assert 100 * samples["holdout"]["mean_deviance"] == pytest.approx(32.17123, abs=5e-6)
