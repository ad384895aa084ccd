"""Jobs over a file without an id, with missing keys, with samples that are unlike, with rows in no sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local.errors import ConfigError, DataError
from glm_local.job.read_config import read_config, read_study_config
from glm_local.job.run_job import JobOptions, JobResult, run_job
from glm_local.job.run_study import run_study
from glm_local.on_pandas.local_environment import local_environment
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.validation import keyed_rows, read_split
from tests.bad_inputs.bad_cases import BASE, good_frame
from tests.bad_inputs.bad_study_cases import STUDY_BASE

NO_OPINION = "second_opinion.enabled=false"


def job(folder: Path, rows: pd.DataFrame, *sets: str, where: str = "rows.parquet") -> JobResult:
    path = folder / "job.toml"
    _written(rows, folder / where)
    path.write_text(BASE.replace("${data}", str(folder / where)))
    return run_job(read_config(path, (NO_OPINION, *sets)), local_environment(), JobOptions(None, str(folder)))


def study(folder: Path, rows: pd.DataFrame, *sets: str) -> JobResult:
    path = folder / "study.toml"
    _written(rows, folder / "rows.parquet")
    path.write_text(STUDY_BASE.replace("${data}", str(folder / "rows.parquet")))
    return run_study(read_study_config(path, sets), local_environment(), JobOptions(None, str(folder)))


def _written(rows: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".csv":
        rows.to_csv(path, index=False)
    else:
        rows.to_parquet(path, index=False)


def samples(result: JobResult) -> dict[str, Any]:
    found = result.summary["samples"]
    return {name: one if isinstance(one, int) else one["rows"] for name, one in found.items()}


@pytest.mark.parametrize("where", ["rows.parquet", "rows.csv"])
@pytest.mark.parametrize(
    ("sets", "wanted"),
    [
        (("roles.key='row_number'", "split.method='exact'"), {"train": 540, "validation": 180, "holdout": 180}),
        (("roles.key='*'",), None),
        (("split={method='hash', key='row_number'}",), None),
        (("split={method='none'}",), {"train": 900}),
    ],
)
def test_a_file_without_an_id_is_divided_all_the_same(
    tmp_path: Path, where: str, sets: tuple[str, ...], wanted: dict[str, int] | None
) -> None:
    found = samples(job(tmp_path, good_frame().drop(columns="id").assign(id=1), *sets, where=where))
    assert sum(found.values()) == 900
    assert {name: rows for name, rows in found.items() if rows} == wanted if wanted else found["train"] < 620


def test_a_row_keeps_its_number_when_a_filter_leaves_others_out(tmp_path: Path) -> None:
    rows, split = good_frame(), {"method": "hash", "key": "row_number", "seed": 5}
    old = "data.where={at_least=[{column='age'}, {value=30}]}"
    found = samples(job(tmp_path, rows, "split={method='hash', key='row_number', seed=5}", old))
    engine = PandasEngine()
    keyed = keyed_rows(engine, rows, "row_number")
    every = engine.with_columns(keyed, {"sample": read_split(split).sample(engine.columns(keyed))})
    assert found == every.loc[every["age"] >= 30, "sample"].value_counts().to_dict()


@pytest.mark.parametrize("run", [job, study])
def test_a_missing_key_keeps_its_rows_in_a_job_and_in_a_study(tmp_path: Path, run: Any) -> None:
    rows = good_frame().assign(street=np.arange(900) % 450)
    rows["id"] = rows["id"].astype("Int64").mask(rows["region"] == "west")
    rows["region"] = rows["region"].where(rows["region"] != "west")
    assert sum(samples(run(tmp_path, rows, "roles.key=['id', 'street']")).values()) == 900


def test_samples_of_a_job_that_differ_beyond_chance_stop_it(tmp_path: Path) -> None:
    rows = good_frame()
    rows["grade"] = np.where(rows["claims"] > 0, "bad", "good")
    with pytest.raises(DataError, match="samples are not alike"):
        job(tmp_path, rows, "roles.key='grade'")
    found = job(tmp_path, rows, "split={method='hash', key='grade', on_unlike='warn'}", "model.on_failure='warn'")
    assert any("samples are not alike" in one for one in found.summary["warnings"])


@pytest.mark.parametrize("key", ["'claims'", "['id', 'years']", "['*', 'id']", "['row_number', 'id']"])
def test_a_key_of_a_role_or_of_a_word_beside_columns_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises((ConfigError, DataError), match=r"key holds|stands beside|float64"):
        job(tmp_path, good_frame(), f"roles.key={key}")


@pytest.mark.parametrize("run", [job, study])
def test_rows_in_no_sample_are_counted_and_stop_a_job_beyond_the_share_it_allows(tmp_path: Path, run: Any) -> None:
    split = "split={method='column', column='part', values={train=['a'], validation=['b']}"
    with pytest.raises(DataError, match=r"\d+ of 900 rows .* are in no sample"):
        run(tmp_path, good_frame(), split + "}")
    result = run(tmp_path, good_frame(), split + ", max_lost_share=0.4}")
    assert any("are in no sample" in one for one in result.summary["warnings"])
