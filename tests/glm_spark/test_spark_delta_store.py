from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from glm_local.audit import history, reseal, verify
from glm_local.audit.fill_rows import from_arrow
from glm_local.audit.queries import QUESTIONS, audit_query, tables_at
from glm_local.audit.run_log import RunLog
from glm_local.audit.store import Guard, Store
from glm_local.errors import ConfigError, StoreError
from glm_local.stores.delta_store import DeltaStore
from glm_local.stores.delta_store import open_store as open_local
from glm_local.testing.store_conformance import SMALL_RUN_EVENTS, StoreConformance, small_run
from glm_spark.delta_store import SparkDeltaStore, open_store
from glm_spark.query_settings import query_settings
from glm_spark.table_files import SparkFiles
from tests.audit.test_forgeries import OWN, _put, _seal


class TestSparkDeltaStore(StoreConformance):
    writers, steps = 3, 2

    @pytest.fixture(scope="class")
    @classmethod
    def store(cls, delta_spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> SparkDeltaStore:
        return open_store(delta_spark, tmp_path_factory.mktemp("audit"))

    @pytest.mark.slow
    def test_the_same_run_raced_by_two_is_recorded_once(self, store: SparkDeltaStore) -> None:  # type: ignore[override]
        super().test_the_same_run_raced_by_two_is_recorded_once(store)

    @pytest.fixture
    def other(self, store: SparkDeltaStore) -> DeltaStore:
        return open_local(store.location)

    @pytest.fixture(params=["Spark's tables first", "deltalake's first"])
    def places(
        self, request: pytest.FixtureRequest, delta_spark: SparkSession, tmp_path: Path
    ) -> Callable[[], list[Store]]:  # type: ignore[override]
        place = tmp_path / "place"

        def opened() -> list[Store]:
            both: list[Store] = [open_store(delta_spark, place), open_local(place)]
            return both if request.param.startswith("Spark") else both[::-1]

        return opened


@pytest.fixture(scope="module")
def written(delta_spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    store = open_store(delta_spark, folder)
    small_run(store, "s", "one")
    small_run(store, "s", "two")
    return folder


@pytest.fixture
def audit(written: Path, tmp_path: Path) -> Path:
    shutil.copytree(written, tmp_path / "audit")
    return tmp_path / "audit"


def _events(audit: Path) -> str:
    return f"delta.`{audit}/events`"


def test_a_restore_by_spark_is_named_by_both(delta_spark: SparkSession, audit: Path) -> None:
    delta_spark.sql(f"RESTORE TABLE {_events(audit)} TO VERSION AS OF 3").collect()
    for store in (open_store(delta_spark, audit), open_local(audit)):
        said = str(verify(store))
        assert "RESTORE" in said
        assert "run two was sealed with head" in said
        assert "the table's log knows event" in said


@pytest.mark.slow
def test_a_chain_that_was_rolled_back_takes_no_events(delta_spark: SparkSession, audit: Path) -> None:
    delta_spark.sql(f"RESTORE TABLE {_events(audit)} TO VERSION AS OF 3").collect()
    with pytest.raises(StoreError, match="rolled back"):
        small_run(open_store(delta_spark, audit), "s", "three")


def test_rows_are_never_deleted_or_overwritten_by_spark(delta_spark: SparkSession, audit: Path) -> None:
    with pytest.raises(Exception, match="DELTA_CANNOT_MODIFY_APPEND_ONLY"):
        delta_spark.sql(f"DELETE FROM {_events(audit)} WHERE seq = 1").collect()
    with pytest.raises(Exception, match="DELTA_CANNOT_MODIFY_APPEND_ONLY"):
        delta_spark.read.format("delta").load(f"{audit}/events").write.format("delta").mode("overwrite").save(
            f"{audit}/events"
        )


def test_a_delete_after_a_flipped_property_is_named(delta_spark: SparkSession, audit: Path) -> None:
    delta_spark.sql(f"ALTER TABLE {_events(audit)} SET TBLPROPERTIES ('delta.appendOnly' = 'false')").collect()
    delta_spark.sql(f"DELETE FROM {_events(audit)} WHERE seq = 2").collect()
    for store in (open_store(delta_spark, audit), open_local(audit)):
        said = str(verify(store))
        assert "SET TBLPROPERTIES" in said
        assert "DELETE" in said
        assert "property delta.appendOnly is 'false'" in said
        assert "events 2 to 2 are missing" in said


@pytest.mark.slow
def test_a_store_that_spark_compacted_and_vacuumed_verifies_again_once_its_rows_are_proven(
    delta_spark: SparkSession, audit: Path
) -> None:
    with query_settings(delta_spark, {"spark.databricks.delta.retentionDurationCheck.enabled": "false"}):
        delta_spark.sql(f"OPTIMIZE {_events(audit)}").collect()
        assert verify(open_local(audit)).ok, "nothing is gone yet"
        delta_spark.sql(f"VACUUM {_events(audit)} RETAIN 0 HOURS").collect()
    near, far = open_local(audit), open_store(delta_spark, audit)
    for store in (near, far):
        broken = [one.said for one in verify(store).findings if one.severity == "broken"]
        assert broken
        assert all(one.startswith("the file is gone; OPTIMIZE had replaced it") for one in broken)
    assert len(reseal(far, "fewer small files", user="ada").files) >= 10
    for store in (near, far):
        report = verify(store)
        assert report.ok, str(report)
        assert reseal(store, "again").files == {}


def test_a_broken_file_is_named_by_spark(delta_spark: SparkSession, audit: Path) -> None:
    file = sorted((audit / "coefficients").glob("*.parquet"))[0]
    content = bytearray(file.read_bytes())
    content[30] ^= 255
    file.write_bytes(content)
    with pytest.raises(StoreError, match=file.name):
        open_store(delta_spark, audit).read("coefficients")
    assert f"coefficients file {file.name}: its bytes are not those that were sealed" in str(
        verify(open_store(delta_spark, audit))
    )


def test_both_writers_racing_lose_nothing_and_never_fork_the_chain(delta_spark: SparkSession, audit: Path) -> None:
    def race(writer: int) -> None:
        store = open_local(audit) if writer % 2 else open_store(delta_spark, audit)
        log = RunLog(store, "race", f"race-{writer}", user="u")
        for step in range(3):
            log.event(f"step {step}", "checked")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(race, range(4)))
    events = history(open_local(audit), "race")
    assert [event["seq"] for event in events] == list(range(12))
    assert len({(event["run_id"], event["step"]) for event in events}) == 12
    report = verify(open_local(audit))
    assert report.ok, str(report)


def test_a_catalogs_schema_holds_the_tables_too(delta_spark: SparkSession, tmp_path: Path) -> None:
    delta_spark.sql(f"CREATE SCHEMA IF NOT EXISTS audit_schema LOCATION '{tmp_path / 'schema'}'")
    try:
        small_run(open_store(delta_spark, schema="audit_schema"), "s", "one")
        store = open_store(delta_spark, schema="spark_catalog.audit_schema")
        assert not store.append("runs", store.read("runs"), Guard("glm-spark/runs/s/one", 0))
        report = verify(store, "s")
        assert report.ok, str(report)
        assert "files are out of reach" in str(report)
        assert [event["step"] for event in history(store, "s")] == SMALL_RUN_EVENTS
    finally:
        delta_spark.sql("DROP SCHEMA audit_schema CASCADE")


def test_a_store_is_under_a_location_or_in_a_schema(delta_spark: SparkSession) -> None:
    for asked in ({}, {"location": "x", "schema": "y"}):
        with pytest.raises(ConfigError, match="Give a location or a schema"):
            open_store(delta_spark, **asked)


def test_the_sessions_time_zone_changes_nothing(delta_spark: SparkSession, written: Path) -> None:
    before = delta_spark.conf.get("spark.sql.session.timeZone")
    try:
        delta_spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
        store = open_store(delta_spark, written)
        events = sorted(from_arrow(store.read("events")), key=lambda event: int(str(event["seq"])))
        assert events == history(open_local(written))
        assert verify(store).ok
    finally:
        delta_spark.conf.set("spark.sql.session.timeZone", str(before))


def test_files_are_read_where_they_lie(delta_spark: SparkSession, audit: Path) -> None:
    far, near = SparkFiles(delta_spark, str(audit)), open_local(audit).files
    assert near is not None
    seen = [name for name in near.names("events/_delta_log") if not name.rpartition("/")[2].startswith((".", "_"))]
    assert far.names("events/_delta_log") == seen
    assert far.names("nowhere") == []
    assert far.digests([*seen, "events/nothing"]) == near.digests(seen)
    assert far.texts(seen[:2]) == near.texts(seen[:2])
    assert far.read_seals(far.seal_names()) == near.read_seals(near.seal_names())
    far.write_seal("a.json", "text")
    assert far.read_seals(far.seal_names()) == near.read_seals(near.seal_names())
    assert near.read_seals(["a.json"])["a.json"] == "text"


@pytest.mark.slow
def test_seals_through_spark_guard_the_bytes_too(delta_spark: SparkSession, tmp_path: Path) -> None:
    store = open_store(delta_spark, tmp_path)
    store.files = SparkFiles(delta_spark, str(tmp_path))
    small_run(store, "s", "one")
    assert verify(store).findings == ()
    assert verify(open_local(tmp_path)).findings == ()
    file = sorted((tmp_path / "report_tables").glob("*.parquet"))[0]
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)
    assert file.name in str(verify(store))


def test_the_auditors_questions_are_answered_by_spark(delta_spark: SparkSession, written: Path) -> None:
    asked = {
        "study": "s",
        "run": "one",
        "factor": "age",
        "run_a": "one",
        "run_b": "two",
        "table": "none",
        "at": "2026-01-01",
    }
    open_store(delta_spark, written).ensure("scores", "models", "specs", "coefficients")
    for name, question in QUESTIONS.items():
        sql = audit_query(name, {one: asked[one] for one in question.asks}, tables_at(str(written)))
        assert delta_spark.sql(sql).toArrow().num_rows == {"history": 10, "runs": 2, "show": 5, "who_decided": 2}.get(
            name, {"why_is_it_in": 1, "reproduce": 1}.get(name, 0)
        )


def test_seals_are_signed_and_forged_ones_named_through_spark_too(delta_spark: SparkSession, tmp_path: Path) -> None:
    store = open_store(delta_spark, tmp_path, signer=OWN)
    store.files = SparkFiles(delta_spark, str(tmp_path))
    small_run(store, "s", "one")
    assert verify(store, public_keys=OWN.key).ok
    assert verify(open_local(tmp_path), public_keys=OWN.key).ok
    _put(tmp_path, None, "[" * 100_000)
    _put(tmp_path, _seal(head="²:x"))
    (tmp_path / "coefficients" / "_delta_log" / f"{1:020d}.json").write_text("{" * 100_000)
    report = verify(store, public_keys=OWN.key)
    assert len([one for one in report.findings if one.table == "_seals" and one.severity == "broken"]) >= 2
    assert any(one.table == "coefficients" for one in report.findings)
