"""The engine suite on Sail, a Spark Connect server without a JVM; run by `test_sail` in a process of its own."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from glm_spark.session import is_connect
from glm_spark.spark_engine import SparkEngine
from tests.glm_spark.test_spark_engine import SparkConformance

SAIL_CANNOT = {
    "test_with_columns_adds_and_replaces_and_keeps_every_row": "try_divide takes integers only",
}
"""What Sail itself lacks; a test that passes after all fails here, so that it leaves the list."""


@pytest.fixture(scope="session")
def remote() -> Any:
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    host, port = server.listening_address
    session = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
    yield session
    session.stop()
    server.stop()


class TestOnSail(SparkConformance):
    @pytest.fixture(autouse=True)
    def _engine(self, remote: SparkSession, request: pytest.FixtureRequest) -> None:
        if request.node.name in SAIL_CANNOT:
            request.applymarker(pytest.mark.xfail(strict=True, reason=SAIL_CANNOT[request.node.name]))
        self.engine = SparkEngine(remote)


def test_the_session_is_one_of_connect(remote: SparkSession) -> None:
    assert is_connect(remote)
