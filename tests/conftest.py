"""Fixtures of the whole run: one Spark session, started by the first test that asks for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from glm_local.errors import EngineError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytest.register_assert_rewrite("glm_local.testing.engine_conformance")

# A deadline would be a timed assertion, which a busy machine fails.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

SETTINGS = {
    "spark.master": "local[2]",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.driver.memory": "2g",
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
}
if "GLM_TEST_ANSI" in os.environ:  # "false": as on a cluster where ANSI SQL is off (make test-ansi-off)
    SETTINGS["spark.sql.ansi.enabled"] = os.environ["GLM_TEST_ANSI"]


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One ``local[2]`` session with Delta Lake where its jars can be had; skipped without PySpark or Java."""
    pytest.importorskip("pyspark", reason="PySpark is not installed")
    from glm_spark.java import OLDEST_JAVA, java_version
    from glm_spark.session import spark_session

    version = java_version()
    if version is None or version < OLDEST_JAVA:
        pytest.skip(f"Spark needs Java {OLDEST_JAVA} or newer; found {version or 'none'}")
    _share_tests_with_workers()
    settings = {**SETTINGS, "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse"))}
    try:
        session = spark_session("tests", **settings)
    except EngineError:
        session = spark_session("tests", delta=False, **settings)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def delta_spark(spark: SparkSession) -> SparkSession:
    """The same session, for tests that need Delta Lake; skipped when its jars could not be had."""
    if "delta" not in spark.conf.get("spark.sql.extensions", "").lower():
        pytest.skip("Delta Lake's jars could not be had")
    return spark


def _share_tests_with_workers() -> None:
    # Kernels written in tests travel to the Python workers by name: they must find the tests too.
    root = str(Path(__file__).resolve().parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    if root not in sys.path:
        sys.path.insert(0, root)


SPARK_ROOMS = ("glm_spark", "jobs", "notebooks")
"""Folders whose tests start Spark in processes of their own, too."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a Spark session: it runs in one process, everything else beside it (`make test`)."""
    for item in items:
        room = item.path.parent.name
        if "spark" in getattr(item, "fixturenames", ()) or room in SPARK_ROOMS:
            item.add_marker("spark")
