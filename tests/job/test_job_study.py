"""The study as a job: what it leaves, that it is one run of one study, that it is the same run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from glm_local import GLMStudy, audit, load_model
from glm_local.cli.commands import run_app
from glm_local.errors import ConfigError, DataError, FitError
from glm_local.job.check_config import read_any_config
from glm_local.job.config import JobConfig, schema_text
from glm_local.job.read_config import read_config, read_study_config
from glm_local.job.run_study import JobOptions, JobResult, run_study
from glm_local.job.study_config import SCHEMA_FILE, StudyConfig, study_schema_text
from glm_local.job.study_rules import candidates
from glm_local.job.study_run import RunHistory, open_study, study_name, workflow_rules
from glm_local.on_pandas.local_environment import local_environment
from glm_local.stores.delta_store import open_store
from tests.bad_inputs.bad_cases import good_frame
from tests.bad_inputs.bad_study_cases import STUDY_BASE

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "conf" / "base"
QUICKSTART = BASE / "study_quickstart.toml"


def run(folder: Path, *overrides: str, **options: Any) -> JobResult:
    return run_study(
        read_study_config(QUICKSTART, overrides), local_environment(), JobOptions(directory=str(folder), **options)
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> JobResult:
    return run(tmp_path_factory.mktemp("study"))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    parquet.write_table(pa.Table.from_pandas(good_frame(), preserve_index=False), tmp_path / "rows.parquet")
    path = tmp_path / "small.toml"
    path.write_text(STUDY_BASE.replace("${data}", str(tmp_path / "rows.parquet")))
    return path


@pytest.mark.parametrize("name", ["quickstart", "motor"])
def test_the_committed_studies_are_good(name: str) -> None:
    parameters = {"data": "rows.parquet"} if name == "motor" else {}
    assert isinstance(read_any_config(BASE / f"study_{name}.toml", (), parameters), StudyConfig)
    assert isinstance(read_any_config(BASE / f"{name}.toml", (), parameters), JobConfig)


def test_the_published_schema_of_a_study_is_the_one_of_the_records() -> None:
    assert (ROOT / SCHEMA_FILE).read_text(encoding="utf-8") == study_schema_text()
    assert json.loads(study_schema_text())["$id"] != json.loads(schema_text())["$id"]


def test_a_file_given_to_the_wrong_command_names_the_right_one() -> None:
    with pytest.raises(ConfigError, match="glm study"):
        read_config(QUICKSTART)
    with pytest.raises(ConfigError, match="glm run"):
        read_study_config(BASE / "quickstart.toml")


def test_all_candidates_are_the_readable_columns_without_a_role(small: Path) -> None:
    config = read_study_config(small, ["study.candidates='all'", "study.leave_out=['share', 'weight']"])
    kinds = local_environment().columns  # kinds of the source
    from glm_local.job.data_sources import DataSource

    found = candidates(config, kinds(DataSource.of(config.data)))
    assert found == ["age", "region", "bonus", "part", "start", "group"]


def test_penalties_and_rules_of_the_file_reach_the_bins(small: Path) -> None:
    penalties = "study.binning.penalties={bin_count={per_bin=0.001}, small_count={min_count=10}}"
    rules = workflow_rules(
        read_study_config(small, [penalties, "study.binning.trend='auto'", "study.acceptance.max_factors=2"])
    )
    assert set(rules.binning.penalties) == {"bin_count", "small_count"}
    assert (rules.binning.trend, rules.max_factors, rules.binning.max_bins) == ("auto", 2, 4)


def test_a_study_leaves_the_model_its_specifications_sql_report_and_tables(finished: JobResult) -> None:
    folder = Path(finished.folder)
    model = load_model(folder / "model.json")
    assert model.fingerprint == finished.summary["model"]
    factors = [one["name"] for one in json.loads((folder / "factors.json").read_text())]
    assert factors == list(finished.summary["factors"])
    assert "lncoins" not in (folder / "score.sql").read_text() or "coinsurance" in factors
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Doctor visits: which factors count" in page
    assert "<script" not in page
    for name in ("coefficients", "screening", "decisions", "versions", "holdout_looks"):
        assert (folder / "tables" / f"{name}.csv").stat().st_size > 0
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert there == sorted(finished.files)


def test_the_model_scores_rows_of_the_source_without_derived_columns(finished: JobResult) -> None:
    from glm_local.job.data_sources import packaged_rows

    model = load_model(Path(finished.folder) / "model.json")
    rows = packaged_rows("statsmodels:randhie").to_pandas()
    assert model.predict(rows)["prediction"].sum() == pytest.approx(
        sum(one["predicted"] for one in finished.summary["samples"].values()), rel=1e-9
    )


def test_decisions_and_files_are_one_run_of_one_study_and_verify(finished: JobResult) -> None:
    store = open_store(finished.store)
    events = audit.history(store, finished.study)
    assert {event["run_id"] for event in events} == {finished.run_id}
    assert [events[0]["event"], events[-1]["event"]] == ["started", "finished"]
    assert [event["event"] for event in events].count("finalized") == 1
    assert audit.verify(store, finished.study, finished.head).ok
    again = audit.reproduce(store, finished.run_id)
    assert again["run"]["command"] == "glm study"
    assert finished.summary["model"] in again["models"]
    assert {one["factor"] for one in again["decisions"] if one["event"] == "accepted"} >= set(
        finished.summary["factors"]
    )
    (look,) = audit.holdout_looks(store, finished.study)
    assert look["reason"] == "The automatic study is complete."


def test_a_finished_study_run_again_adds_nothing_and_puts_files_back(finished: JobResult) -> None:
    store = open_store(finished.store)
    before = {name: store.read(name).num_rows for name in ("runs", "events", "models", "artifacts", "trials")}
    (Path(finished.folder) / "report.html").unlink()
    again = run(Path(finished.folder).parent)
    assert again.repeated
    assert (again.run_id, again.head, again.files) == (finished.run_id, finished.head, finished.files)
    assert again.summary == json.loads(json.dumps(finished.summary))
    assert {name: store.read(name).num_rows for name in before} == before
    assert (Path(finished.folder) / "report.html").exists()


def test_another_configuration_is_another_run_and_another_study(finished: JobResult) -> None:
    other = run(Path(finished.folder).parent, "study.acceptance.max_factors=2", "study.finalize.enabled=false")
    assert other.run_id != finished.run_id
    assert other.study != finished.study
    assert len(other.summary["factors"]) == 2
    assert "holdout" not in other.summary["samples"]
    store = open_store(finished.store)
    assert audit.holdout_looks(store, other.study) == []
    assert {line["factor"] for line in audit.what_changed(store, finished.run_id, other.run_id)} > {None}
    assert audit.verify(store).ok


def test_a_second_look_at_the_same_holdout_is_said_where_its_figures_are(finished: JobResult) -> None:
    def looks(result: JobResult) -> list[str]:
        return [one for one in result.summary["warnings"] if "looked at before" in one]

    assert looks(finished) == []
    folder = Path(finished.folder).parent
    second = run(folder, "study.acceptance.max_factors=3")
    (said,) = looks(second)
    assert finished.run_id in said
    assert finished.run_id in (Path(second.folder) / "report.html").read_text(encoding="utf-8")
    assert looks(run(folder, "study.acceptance.max_factors=3", "job.seed=7")) == []


def test_a_study_stopped_between_two_decisions_goes_on_to_the_same_model(
    finished: JobResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, left = RunHistory.commit, [9]

    def stopping(self: RunHistory, *arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return commit(self, *arguments, **named)

    monkeypatch.setattr(RunHistory, "commit", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    monkeypatch.undo()
    done = run(tmp_path)
    assert done.summary["model"] == finished.summary["model"]
    assert done.summary["factors"] == finished.summary["factors"]
    events = [event["event"] for event in audit.history(open_store(done.store))]
    assert events.count("resumed") == 1
    assert events.count("accepted") == len([name for name in finished.summary["factors"] if ":" not in name])
    assert audit.verify(open_store(done.store)).ok


def test_the_study_of_a_job_opens_in_a_notebook_with_the_same_rows(small: Path) -> None:
    config = read_study_config(small)
    done = run_study(config, local_environment(), JobOptions(directory=str(small.parent / "out")))
    study = GLMStudy.load(done.store, done.study, str(small.parent / "rows.parquet"))
    assert list(study.accepted) == done.summary["factors"]
    assert study.state.is_finalized
    with pytest.raises(DataError, match="fingerprint"):
        GLMStudy.load(done.store, done.study, good_frame().iloc[:-5]).bench  # noqa: B018


def test_a_run_id_that_was_given_stands_for_one_configuration(small: Path) -> None:
    out = str(small.parent / "out")
    run_study(read_study_config(small), local_environment(), JobOptions("mine", out))
    with pytest.raises(ConfigError, match="another configuration"):
        run_study(read_study_config(small, ["study.folds=4"]), local_environment(), JobOptions("mine", out))


def test_rows_that_cannot_be_fitted_are_told_and_recorded_as_a_failure(small: Path) -> None:
    frame = good_frame()
    frame.loc[3, "claims"] = np.nan
    frame.to_parquet(small.parent / "rows.parquet")
    config = read_study_config(small)
    with pytest.raises(DataError) as told:
        run_study(config, local_environment(), JobOptions("one", str(small.parent / "out")))
    assert [one.path for one in told.value.problems] == ["/roles/target"]
    events = audit.history(open_store(small.parent / "out" / "audit"))
    assert [event["event"] for event in events] == ["started", "read", "failed"]


def test_steps_are_named_alike_in_every_attempt(small: Path) -> None:
    config, environment = read_study_config(small), local_environment()
    from glm_local.job.data_sources import DataSource
    from glm_local.job.job_rows import open_table, read_frame

    table = open_table(config, environment, lambda kinds: [])
    assert table.source == DataSource.of(config.data)
    frame = read_frame(config, environment, table, ["age", "region", "part", "id"])
    store, name = open_store(small.parent / "audit"), study_name(config, "bad-0123")
    assert name == "bad-studies-0123"
    first = RunHistory(store, name, "bad-0123")
    first.log.start("glm study", "pandas", {})
    study = open_study(config, environment, frame, table.kinds, first)
    study.rank_candidates()
    second = RunHistory(store, name, "bad-0123")
    second.log.start("glm study", "pandas", {})
    again = open_study(config, environment, frame, table.kinds, second)
    again.rank_candidates()
    steps = [str(event["step"]) for event in audit.history(store)]
    assert [step.split("-")[0] for step in steps] == ["start", "00000", "00001", "00002", "resumed:1", "00003"]


def test_the_command_prints_its_stages_and_one_json_line(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["study", str(small), "--out", str(small.parent / "out"), "--json"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert (document["status"], document["second_opinion"], document["repeated"]) == ("ok", "agrees", False)
    stages = [line.split("  ")[0].strip() for line in said.err.splitlines()]
    assert list(dict.fromkeys(stages)) == [
        "data",
        "read and split",
        "screen",
        "design",
        "finalize",
        "save and report",
    ]  # a long one says so more than once
    assert run_app(["study", str(small), "--out", str(small.parent / "out"), "--quiet"]) == 0
    said = capsys.readouterr()
    assert "nothing was added" in said.out
    assert "factors: " in said.out
    assert run_app(["validate", str(small), "--data"]) == 0
    assert "3 candidates" in capsys.readouterr().out


def test_a_fit_that_fails_ends_with_code_four_and_the_run_may_be_completed_later(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: object) -> None:
        raise FitError.because("the fit did not converge.", "An estimate is where the score vanishes.", "Merge levels.")

    asked = ["study", str(small), "--out", str(small.parent / "out"), "--run-id", "one", "--quiet", "--json"]
    with monkeypatch.context() as patched:
        patched.setattr("glm_local.workflow.steps.build", failing)
        assert run_app(asked) == 4
    assert json.loads(capsys.readouterr().out)["status"] == "not converged"
    store = open_store(small.parent / "out" / "audit")
    assert [event["event"] for event in audit.history(store)][-1] == "failed"
    assert run_app(asked) == 0
    events = [event["event"] for event in audit.history(store)]
    assert (events.count("resumed"), events[-1]) == (1, "finished")
    assert audit.verify(store).ok
