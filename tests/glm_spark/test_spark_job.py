"""The job on a Spark session: sources, Delta by Spark, and running again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from glm_local import audit
from glm_local.errors import DataError
from glm_local.job.read_config import read_config
from glm_local.job.run_job import JobOptions, JobResult, run_job
from glm_local.on_pandas.local_environment import local_environment
from glm_local.stores.delta_store import open_store
from tests.bad_inputs.bad_cases import BASE, good_frame

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture
def job(tmp_path: Path) -> Path:
    rows = tmp_path / "rows.parquet"
    parquet.write_table(pa.Table.from_pandas(good_frame(), preserve_index=False), rows)
    path = tmp_path / "job.toml"
    path.write_text(BASE.replace("${data}", str(rows)))
    return path


def run(spark: SparkSession, conf: Path, folder: Path, *sets: str) -> JobResult:
    from glm_spark.job_environment import spark_environment

    return run_job(read_config(conf, sets), spark_environment(spark), JobOptions(directory=str(folder)))


def test_a_job_keeps_its_audit_through_spark_and_deltalake_verifies_it(
    delta_spark: SparkSession, job: Path, tmp_path: Path
) -> None:
    result = run(delta_spark, job, tmp_path / "out", "second_opinion.enabled=false")
    store = open_store(tmp_path / "out" / "audit")
    assert audit.verify(store, expected_head=result.head).ok
    here = run_job(read_config(job), local_environment(), JobOptions(directory=str(tmp_path / "local")))
    assert result.summary["deviance"] == pytest.approx(here.summary["deviance"], rel=1e-10)
    assert result.summary["data"] == here.summary["data"]
    again = run(delta_spark, job, tmp_path / "out", "second_opinion.enabled=false")
    assert again.repeated
    assert (again.head, again.run_id) == (result.head, result.run_id)


def test_data_are_identified_by_what_can_be_seen_of_them(spark: SparkSession, job: Path, tmp_path: Path) -> None:
    from glm_local.job.job_steps import check_table
    from glm_spark.job_environment import spark_environment

    environment = spark_environment(spark)
    rows = spark.createDataFrame(pa.Table.from_pandas(good_frame(), preserve_index=False))
    rows.createOrReplaceTempView("motor_rows")
    rows.write.saveAsTable("motor_table")
    good_frame().to_csv(tmp_path / "rows.csv", index=False)
    sources = {
        "table='motor_rows'": "schema",
        "table='motor_table'": "file list",
        f"path='{tmp_path}/rows.csv'": "bytes",
    }
    for source, method in sources.items():
        config = read_config(job, [f"data={{{source}}}"])
        assert check_table(config, environment).fingerprint.method == method
    spark.sql("DROP TABLE motor_table")


def test_bad_rows_are_a_data_error_on_spark_too(spark: SparkSession, job: Path, tmp_path: Path) -> None:
    frame = good_frame()
    frame.loc[5, "years"] = 0.0
    parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "rows.parquet")
    with pytest.raises(DataError, match="1 of 900 rows"):
        run(spark, job, tmp_path / "out")
    with pytest.raises(DataError, match="Nearest: 'claims'"):
        run(spark, job, tmp_path / "other", "roles.target='claim'")
    with pytest.raises(DataError, match="does not exist"):
        run(spark, job, tmp_path / "third", "data.path='/nowhere/rows.parquet'")
    found: list[Any] = list((tmp_path / "other").rglob("*")) + list((tmp_path / "third").rglob("*"))
    assert found == []
