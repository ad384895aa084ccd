"""Who may import whom; and the local package works where there is no Spark."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

BARE_WORK = Path(__file__).with_name("bare_work.py")
BLOCKED = ("pyspark", "py4j", "delta", "glm_spark", "mlflow", "databricks")
NOT_SOURCE = shutil.ignore_patterns(
    ".*", "__pycache__", "build", "dist", "*.egg-info", "artifacts", "spark-warehouse", "runs", "tests"
)


def test_imports_keep_the_rules_of_pyproject() -> None:
    cli = pytest.importorskip("importlinter.cli", reason="import-linter is not installed")
    asked = f"import sys; from {cli.__name__} import lint_imports; sys.exit(lint_imports(no_cache=True))"
    found = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_local_package_works_with_spark_blocked(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAVA_HOME": str(tmp_path / "no java")}
    said = _run([sys.executable, str(BARE_WORK), *BLOCKED], tmp_path, environment)
    assert "Traceback" not in said
    assert "nothing that can be seen here was changed" in said


def test_importing_the_local_package_loads_no_spark() -> None:
    loads = (
        "import sys, glm_local.cli.commands, glm_local.job.run_job, glm_local.on_pandas.fitting; print(*sys.modules)"
    )
    loaded = _run([sys.executable, "-c", loads], ROOT, dict(os.environ)).split()
    assert not {one.partition(".")[0] for one in loaded} & set(BLOCKED)


@pytest.mark.slow
def test_the_local_package_installs_and_works_in_a_bare_environment(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=NOT_SOURCE)
    _run([sys.executable, "-m", "venv", str(tmp_path / "bare")], tmp_path, dict(os.environ))
    folder = "Scripts" if os.name == "nt" else "bin"
    python = str(tmp_path / "bare" / folder / "python")
    installed = subprocess.run(
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode and any(one in installed.stderr for one in ("Connection", "No matching distribution")):
        pytest.skip("packages cannot be had here")
    assert installed.returncode == 0, installed.stderr
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    there = _run([python, "-m", "pip", "list", "--format", "freeze", "--disable-pip-version-check"], tmp_path, plain)
    assert not any(line.partition("==")[0].lower() in ("pyspark", "py4j", "delta-spark") for line in there.split())
    assert "nothing that can be seen here was changed" in _run([python, str(BARE_WORK)], tmp_path, plain)
    glm = str(tmp_path / "bare" / folder / "glm")
    run = _run([glm, "run", str(source / "conf/base/quickstart.toml"), "--quiet"], tmp_path, plain)
    assert "second opinion: agrees" in run


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    found = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout
