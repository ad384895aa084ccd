"""What earlier versions wrote is read, verified, replayed and gone on with by this one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import GLMStudy, audit, load_model
from glm_local.job.read_config import read_config
from glm_local.job.run_job import JobOptions, run_job
from glm_local.on_pandas.local_environment import local_environment
from glm_local.stores.delta_store import DeltaStore, open_store
from tests.expected.golden import EXPECTED, there

WRITTEN = EXPECTED / "written_before"
VERSIONS = ("0.1.0-580279d",)
"""Folders of `written_before`, each made by `write.py` with the code it is named after."""

AGE = {"kind": "numeric", "name": "age", "column": "age", "source": "integer", "edges": [27, 60], "missing": "refuse"}
TABLES = ("events", "models", "coefficients", "specs", "report_tables", "artifacts", "runs", "rankings", "trials")


class Written:
    """A version's folder: its numbers where they lie, its store as a copy that may be written."""

    def __init__(self, version: str, copy: Path) -> None:
        self.folder = WRITTEN / version
        self.numbers: dict[str, Any] = json.loads(there(self.folder / "numbers.json").read_text(encoding="utf-8"))
        self.rows = pd.read_csv(there(self.folder / "policies.csv"))
        self.place = copy / "audit"
        shutil.unpack_archive(there(self.folder / "audit.zip"), self.place)

    @property
    def store(self) -> DeltaStore:
        return open_store(self.place)

    def study(self) -> GLMStudy:
        return GLMStudy.load(self.place, "design", self.rows, user="bob")


@pytest.fixture(params=VERSIONS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Written:
    return Written(request.param, tmp_path)


def test_no_version_is_left_out() -> None:
    assert (
        tuple(sorted(one.name for one in there(WRITTEN).iterdir() if one.is_dir() and one.name[0].isdigit()))
        == VERSIONS
    )


def test_every_row_and_byte_of_a_store_written_before_is_verified(written: Written) -> None:
    found = audit.verify(written.store)
    known = written.numbers["audit"]
    assert found.ok, str(found)
    assert (found.events, found.rows) == (known["events"], known["rows"])
    assert {name: str(head) for name, head in found.heads.items()} == known["heads"]
    assert all(len(written.store.read(name)) for name in TABLES)


def test_a_changed_byte_of_a_store_written_before_is_found(written: Written) -> None:
    file = next((written.place / "coefficients").glob("*.parquet"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert not audit.verify(written.store).ok


def test_a_model_saved_before_predicts_the_same_numbers(written: Written) -> None:
    model, known = load_model(there(written.folder / "model.json")), written.numbers["run"]
    assert (model.fingerprint, model.statistics.deviance) == (known["fingerprint"], known["deviance"])
    found = model.predict(written.rows.head(40))["prediction"].to_numpy()
    np.testing.assert_allclose(found, known["predicted"], rtol=1e-12)
    records = written.rows.head(40).to_dict("records")
    np.testing.assert_allclose([model.predict(one) for one in records], known["predicted"], rtol=1e-12)


def test_a_study_written_before_opens_as_it_was_left(written: Written) -> None:
    study, known = written.study(), written.numbers["study"]
    assert (list(study.accepted), study.model.fingerprint) == (known["accepted"], known["fingerprint"])
    assert list(study.history["event"]) == known["events"]
    assert study.model.statistics.deviance == pytest.approx(known["deviance"], rel=1e-12)
    found = study.model.predict(written.rows.head(40))["prediction"].to_numpy()
    np.testing.assert_allclose(found, known["predicted"], rtol=1e-9)


def test_a_study_written_before_replays_to_its_model(written: Written) -> None:
    replayed = written.study().replay()
    assert replayed.same
    assert len(replayed.derived) == 1
    assert replayed.derived["same"].all()


def test_a_study_written_before_is_gone_on_with_and_finalized(written: Written) -> None:
    before = audit.history(written.store, "design")
    study = written.study()
    study.accept("age", AGE, reason="The tariff's bands.")
    final = study.finalize(reason="Agreed.")
    assert final.opinion is not None
    assert final.opinion.verdict == "agrees"
    study.close()
    assert audit.history(written.store, "design")[: len(before)] == before
    report = audit.verify(written.store)
    assert report.ok, str(report)
    assert written.study().model.fingerprint == final.model.fingerprint


def test_a_job_run_before_runs_again_onto_its_store(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(written.folder / "policies.csv", tmp_path)
    shutil.copy(there(written.folder / "job.toml"), tmp_path)
    monkeypatch.chdir(tmp_path)
    result = run_job(read_config(Path("job.toml"), (), {}), local_environment(), JobOptions("second", str(tmp_path)))
    assert result.summary["deviance"] == pytest.approx(written.numbers["run"]["deviance"], rel=1e-12)
    report = audit.verify(written.store, expected_head=result.head)
    assert report.ok, str(report)
    assert {str(one["run_id"]) for one in audit.history(written.store, "tariff")} == {"first", "second"}
