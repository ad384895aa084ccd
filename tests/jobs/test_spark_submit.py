"""The same file by spark-submit: the same numbers as on pandas, its own second opinion, the same exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glm_local import audit, load_model
from glm_local.job.read_config import read_config, read_study_config
from glm_local.job.run_job import JobOptions, JobResult, run_job
from glm_local.job.run_study import run_study
from glm_local.on_pandas.local_environment import local_environment
from glm_local.stores.delta_store import open_store

pytest.importorskip("pyspark", reason="PySpark is not installed")

from glm_spark.java import OLDEST_JAVA, java_version
from glm_spark.session import delta_packages

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "conf" / "base" / "quickstart.toml"
STUDY = ROOT / "conf" / "base" / "study_quickstart.toml"
SUBMIT = Path(sys.executable).with_name("spark-submit")

if (java_version() or 0) < OLDEST_JAVA:
    pytest.skip(f"Spark needs Java {OLDEST_JAVA} or newer", allow_module_level=True)


def submitted(*arguments: str, script: str = "run_glm.py") -> subprocess.CompletedProcess[str]:
    """Run a job's script as a cluster does."""
    command = [
        str(SUBMIT),
        "--master",
        "local[2]",
        "--conf",
        "spark.sql.shuffle.partitions=2",
        "--conf",
        "spark.ui.enabled=false",
        str(ROOT / "jobs" / script),
        *arguments,
        "--json",
    ]
    settings = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=settings, timeout=600, check=False)


def printed(done: subprocess.CompletedProcess[str]) -> str:
    """All that was printed, without what PySpark's own worker daemon may say of a pipe closed at the end."""
    lines = (done.stdout + done.stderr).splitlines()
    files = [line for line in lines if line.lstrip().startswith('File "')]
    if all("pyspark/daemon.py" in line for line in files):
        # Of several workers at once, their lines mixed.
        lines = [line for line in lines if not line.startswith(("Traceback ", "BrokenPipeError: "))]
    return "\n".join(lines)


def last_line(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The answer; spark-submit lets Python's standard error through on standard output, before it."""
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def on_spark(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("spark")
    done = submitted("--conf", str(QUICKSTART), "--out", str(folder))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in printed(done)
    return last_line(done)


@pytest.fixture(scope="module")
def on_pandas(tmp_path_factory: pytest.TempPathFactory) -> JobResult:
    folder = tmp_path_factory.mktemp("pandas")
    return run_job(read_config(QUICKSTART), local_environment(), JobOptions(directory=str(folder)))


def test_coefficients_and_their_errors_are_those_of_pandas(on_spark: dict[str, Any], on_pandas: JobResult) -> None:
    there, here = (
        load_model(Path(str(folder)) / "model.json").coefficients for folder in (on_spark["folder"], on_pandas.folder)
    )
    assert there["term"].tolist() == here["term"].tolist()
    for name in ("estimate", "std_error"):
        np.testing.assert_allclose(there[name].astype(float), here[name].astype(float), rtol=1e-10, atol=1e-12)


def test_samples_have_the_same_rows_and_figures(on_spark: dict[str, Any], on_pandas: JobResult) -> None:
    for name, here in on_pandas.summary["samples"].items():
        there = on_spark["samples"][name]
        assert there["rows"] == here["rows"]
        for figure in ("actual", "predicted", "mean_deviance", "gini"):
            assert there[figure] == pytest.approx(here[figure], rel=1e-10)
    assert on_spark["data"] == on_pandas.summary["data"]


def test_spark_ml_gives_the_second_opinion(on_spark: dict[str, Any]) -> None:
    store = open_store(on_spark["store"])
    (event,) = [one for one in audit.history(store) if one["event"] == "verified"]
    assert "spark_ml agrees" in str(event["reason"])
    assert audit.verify(store, expected_head=on_spark["head"]).ok


def test_both_engines_write_the_same_files(on_spark: dict[str, Any], on_pandas: JobResult) -> None:
    assert on_spark["files"] == list(on_pandas.files)
    assert sorted(path.name for path in Path(str(on_spark["folder"])).iterdir()) == sorted(on_pandas.files)


@pytest.mark.slow
def test_delta_given_to_submit_as_packages_lets_spark_write_the_audit(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from glm_spark.job_environment import has_delta, spark_environment\n"
        "spark = spark_environment().engine.spark\n"
        f"spark.range(3).write.format('delta').save({str(tmp_path / 'rows')!r})\n"
        "print('Delta by Spark:', has_delta(spark))\n",
        encoding="utf-8",
    )
    command = [str(SUBMIT), "--master", "local[1]", "--packages", delta_packages(), str(script)]
    settings = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=settings, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "Delta by Spark: True" in done.stdout
    assert list((tmp_path / "rows" / "_delta_log").glob("*.json"))


def test_a_bad_configuration_ends_submit_with_code_two_and_starts_no_spark(tmp_path: Path) -> None:
    done = submitted("--conf", str(QUICKSTART), "--out", str(tmp_path / "out"), "--set", "model.famly='gamma'")
    assert done.returncode == 2
    document = last_line(done)
    assert document["problems"][0]["path"] == "/model/famly"
    assert "Traceback" not in printed(done)
    assert not (tmp_path / "out").exists()


def test_a_study_by_spark_submit_designs_the_model_of_pandas(tmp_path: Path) -> None:
    done = submitted("--conf", str(STUDY), "--out", str(tmp_path / "spark"), script="run_study.py")
    assert done.returncode == 0, printed(done)
    assert "Traceback" not in printed(done)
    there = last_line(done)
    here = run_study(read_study_config(STUDY), local_environment(), JobOptions(directory=str(tmp_path / "pandas")))
    assert there["factors"] == here.summary["factors"]
    assert there["rejected"].keys() == here.summary["rejected"].keys()
    assert there["second_opinion"] == here.summary["second_opinion"] == "agrees"
    assert there["files"] == list(here.files)
    assert there["passes"]["raw"] <= 8
    ours, theirs = (load_model(Path(folder) / "model.json").coefficients for folder in (here.folder, there["folder"]))
    assert ours["term"].tolist() == theirs["term"].tolist()
    np.testing.assert_allclose(ours["estimate"].astype(float), theirs["estimate"].astype(float), rtol=1e-10, atol=1e-12)
    assert audit.verify(open_store(there["store"]), expected_head=there["head"]).ok
