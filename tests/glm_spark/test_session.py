from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glm_local.errors import DataError, EngineError

pytest.importorskip("pyspark")

from glm_spark import java, session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[2]


def _java(folder: Path, told: str) -> Path:
    """A Java home whose java only tells its version."""
    home = folder / "home"
    (home / "bin").mkdir(parents=True)
    script = home / "bin" / "java"
    script.write_text(f"#!/bin/sh\necho '{told}' >&2\n")
    script.chmod(0o755)
    return home


def test_the_active_session_is_returned_as_it_is(spark: SparkSession) -> None:
    again = session.spark_session("other", **{"spark.sql.session.timeZone": "Europe/Madrid"})
    assert again is spark or again.sparkContext is spark.sparkContext
    assert again.conf.get("spark.sql.session.timeZone") == "UTC"


def test_a_local_session_runs_in_utc_with_ansi_and_arrow_on(spark: SparkSession) -> None:
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.ansi.enabled") == os.environ.get("GLM_TEST_ANSI", "true")
    assert spark.conf.get("spark.sql.execution.arrow.pyspark.enabled") == "true"
    assert spark.conf.get("spark.ui.enabled") == "false"
    assert os.environ["PYSPARK_PYTHON"]


def test_the_workers_run_this_interpreter(spark: SparkSession) -> None:
    import pyarrow as pa

    def told(batches):  # type: ignore[no-untyped-def]
        yield pa.record_batch([pa.array([sys.executable])], names=["path"])

    paths = spark.range(1, numPartitions=1).mapInArrow(told, "path string").toArrow()["path"].to_pylist()
    assert set(paths) == {os.environ["PYSPARK_PYTHON"]}


def test_a_classic_session_is_not_one_of_connect(spark: SparkSession) -> None:
    assert not session.is_connect(spark)


def test_no_java_is_said_with_the_command_that_helps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(EngineError, match=r"No Java was found\. .* apt-get install openjdk-17-jre-headless"):
        java.require_java()


@pytest.mark.parametrize(("told", "version"), [('openjdk version "11.0.2"', 11), ('java version "1.8.0_281"', 8)])
def test_an_old_java_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str, version: int) -> None:
    monkeypatch.setenv("JAVA_HOME", str(_java(tmp_path, told)))
    with pytest.raises(EngineError, match=rf"Java {version} was found\. Spark 4 needs Java 17"):
        java.require_java()


def test_any_newer_java_will_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(_java(tmp_path, 'openjdk version "21-ea" 2023-09-19')))
    java.require_java()


def test_jars_that_cannot_be_had_are_said_with_their_coordinates() -> None:
    said = ":: UNRESOLVED DEPENDENCIES ::\n:: io.delta#delta-spark_4.2_2.13;9.9: not found"
    error = java.not_started(said, "io.delta:delta-spark_4.2_2.13:9.9")
    assert "io.delta:delta-spark_4.2_2.13:9.9 could not be fetched" in str(error)
    assert "spark.jars" in str(error)


def test_what_java_said_last_is_the_reason_of_other_failures() -> None:
    error = java.not_started("Picked up _JAVA_OPTIONS\nError: Could not create the Java Virtual Machine.\n", "")
    assert "Could not create the Java Virtual Machine" in str(error)


def test_delta_comes_by_its_ordinary_coordinates_unless_jars_are_given() -> None:
    assert session.delta_settings({})["spark.jars.packages"].startswith("io.delta:delta-spark_4.")
    assert "spark.jars.packages" not in session.delta_settings({"spark.jars": "lib/delta-spark_4.2_2.13-4.4.0.jar"})
    more = session.delta_settings({"spark.jars.packages": "org.other:thing:1.0"})["spark.jars.packages"]
    assert more.startswith("io.delta:")
    assert more.endswith(",org.other:thing:1.0")


@pytest.mark.slow
def test_a_package_that_does_not_exist_fails_in_one_clear_error() -> None:
    program = (
        "from glm_spark.session import spark_session\n"
        "from glm_local.errors import EngineError\n"
        "try:\n"
        "    spark_session(delta=False, **{'spark.jars.packages': 'io.delta:delta-spark_9.9_2.13:9.9'})\n"
        "except EngineError as error:\n"
        "    print('told:', error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "told: The jars of io.delta:delta-spark_9.9_2.13:9.9 could not be fetched" in done.stdout
    assert "Exception" not in done.stderr


def test_no_word_of_spark_reaches_the_user_as_a_trace(spark: SparkSession) -> None:
    from glm_spark.spark_errors import explained

    with pytest.raises(DataError) as told, explained():
        spark.read.parquet("/nowhere/at/all").count()
    assert "PATH_NOT_FOUND" in str(told.value)
    assert "\n" not in str(told.value)
    with pytest.raises(EngineError, match="PARSE_SYNTAX_ERROR"), explained():
        spark.sql("SELEC")


def test_an_error_of_ours_raised_in_a_worker_comes_back_as_itself(spark: SparkSession) -> None:
    from glm_spark.spark_errors import explained

    def broken(batches):  # type: ignore[no-untyped-def]
        raise DataError.because("Row 3 is wrong.", "Rows are right.", "Correct it.")
        yield

    with pytest.raises(DataError, match=r"^Row 3 is wrong\. Rows are right\. Correct it\.$"), explained():
        spark.range(1).mapInArrow(broken, "x int").toArrow()
