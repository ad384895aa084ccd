from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyspark")
pytest.importorskip("grpc", reason="Spark Connect needs the extra 'connect'")

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_engine_keeps_its_promises_over_spark_connect() -> None:
    from glm_spark.java import OLDEST_JAVA, java_version

    if (java_version() or 0) < OLDEST_JAVA:
        pytest.skip(f"Spark needs Java {OLDEST_JAVA} or newer")
    suite = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/glm_spark/connect_suite.py"]
    remote = os.environ.get("REMOTE", "local[2]")
    settings = {"REMOTE": remote, "PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(suite, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-1_000:]
