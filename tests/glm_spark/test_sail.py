from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyspark")
pytest.importorskip("pysail", reason="Sail needs the extra 'sail'")

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_engine_keeps_its_promises_on_sail_where_sail_can() -> None:
    suite = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/glm_spark/sail_suite.py"]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    settings = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(suite, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-1_000:]
