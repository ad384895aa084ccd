"""The engine suite over Spark Connect; run by `test_connect` in a process of its own (a session is classic or not)."""

from __future__ import annotations

import os
from typing import Any

import pytest
from pyspark.sql import SparkSession

from glm_spark.session import is_connect
from glm_spark.spark_engine import SparkEngine
from tests.glm_spark.test_spark_engine import SparkConformance


@pytest.fixture(scope="session")
def remote() -> Any:
    session = SparkSession.builder.remote(os.environ["REMOTE"]).getOrCreate()
    yield session
    session.stop()


class TestOverConnect(SparkConformance):
    @pytest.fixture(autouse=True)
    def _engine(self, remote: SparkSession) -> None:
        self.engine = SparkEngine(remote)


def test_the_session_is_one_of_connect(remote: SparkSession) -> None:
    assert is_connect(remote)
