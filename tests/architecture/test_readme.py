"""What the README says is true: its code runs, its tables are those of the code."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import glm_local
from glm_local import Model, errors, fit_glm, read_factors
from glm_local.families.families import family_from
from tests.architecture.tree import ROOT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def _table(heading: str) -> list[list[str]]:
    """Cells of the first table after a heading, its first two lines left out."""
    text = README.partition(f"\n{heading}\n")[2]
    lines = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert lines, heading
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in lines.group().splitlines()[2:]]


LOCAL = [one for one in _blocks("python") if "glm_spark" not in one]
ON_SPARK = [one for one in _blocks("python") if "glm_spark" in one]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder, and the names that are there once the first block has run in it."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "conf").symlink_to(ROOT / "conf", target_is_directory=True)
    names: dict[str, Any] = {"__name__": "readme"}
    _run(LOCAL[0], names, folder)
    return folder, names


def _run(block: str, names: dict[str, Any], folder: Path) -> str:
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(block, "README.md", "exec"), names)
    return said.getvalue()


def test_the_quick_start_on_pandas_runs(desk: tuple[Path, dict[str, Any]]) -> None:
    folder, names = desk
    assert (folder / "model.json").exists()
    assert "prediction" in names["scored"].columns
    assert names["sql"].startswith("SELECT *")


def test_the_other_local_examples_run_one_after_the_other(desk: tuple[Path, dict[str, Any]]) -> None:
    folder, names = desk
    others = dict(names)
    said = "".join(_run(block, others, folder) for block in LOCAL[1:])
    assert "gini" in said
    ratio = others["expected"]["prediction"] / others["yearly"]["prediction"]
    np.testing.assert_allclose(ratio, others["expected"]["years"], rtol=1e-12)


def test_the_quick_start_on_spark_runs(desk: tuple[Path, dict[str, Any]], spark: SparkSession) -> None:
    folder, names = desk
    there = dict(names)
    for block in ON_SPARK:
        # The JVM's working folder is where it was started.
        assert "prediction" in _run(block.replace("people.parquet", str(folder / "people.parquet")), there, folder)


def test_the_commands_run(desk: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = desk
    (block,) = _blocks("sh")
    for line in block.splitlines():
        found = _glm(shlex.split(line), folder)
        assert found.returncode == 0, line + found.stdout + found.stderr
    scored = pd.read_parquet(folder / "scored.parquet")
    assert scored["prediction"].notna().all()
    files = {one.name for one in (folder / "artifacts" / "first").iterdir()}
    sentence = re.search(r"A run's folder holds (.*?)\.\n", README)
    assert sentence
    assert files == set(re.findall(r"`(.*?)`", sentence.group(1)))


def test_the_least_job_runs(desk: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = desk
    (block,) = _blocks("toml")
    (folder / "job.toml").write_text(block, encoding="utf-8")
    found = _glm(["glm", "run", "job.toml", "--json", "--quiet"], folder)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["second_opinion"] == "agrees"


def _glm(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    assert command[0] == "glm"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = [sys.executable, "-m", "glm_local.cli", *command[1:]]
    return subprocess.run(run, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_factors_shown_are_good_and_fit() -> None:
    (block,) = _blocks("json")
    specs = read_factors(json.loads(block))
    assert {one.kind for one in specs} == {row[0].strip("`") for row in _table("## Factors")}
    draw, rows = np.random.default_rng(3), 20_000
    frame = pd.DataFrame(
        {
            "DrivAge": draw.integers(18, 112, rows),
            "Density": draw.lognormal(5, 2, rows),
            "VehBrand": draw.choice(["B1", "B2", None], rows),
            "VehGas": draw.choice(["Diesel", "Regular", "Super", "Gas"], rows),
            "Area": draw.choice(list("ABCDEF"), rows),
            "BonusMalus": draw.integers(50, 230, rows),
            "ClaimNb": draw.poisson(0.3, rows),
        }
    )
    model = fit_glm(frame, target="ClaimNb", factors=specs)
    fitted = {one.factor for one in model.document.coefficients if one.status == "fitted"}
    assert fitted == {None, *(one.name for one in specs)}
    levels = {one.level for one in model.document.coefficients}
    assert {"not stated", "(70, 110]", "[18, 20]"} <= levels
    assert model.predict(frame)["prediction"].notna().all()


def test_the_table_of_families_is_that_of_the_code() -> None:
    domains = {
        "any number": "real",
        "0 or more": "nonnegative",
        "shares from 0 to 1": "unit",
        "above 0": "positive",
    }
    for name, targets, default, links, dispersion in _table("## Families, links and routes"):
        plain = name.partition("`,")[0].strip("`")
        family = family_from(
            plain.replace("(p)", "(1.5)" if "1 < p < 2" in name else "(2.5)").replace("(theta)", "(2.5)")
        )
        assert family.domain == domains[targets], name
        assert family.default_link == default, name
        assert list(family.allowed_links) == links.replace("power(q)", "power").split(", "), name
        assert family.fixed_dispersion == (dispersion == "1"), name


def test_the_table_of_exit_codes_is_that_of_the_errors() -> None:
    for code, names, _ in _table("## Errors and exit codes"):
        for name in re.findall(r"`(\w+)`", names):
            assert getattr(errors, name).exit_code == int(code), name


def test_the_table_of_public_names_has_all_of_them() -> None:
    listed = set(re.findall(r"`(\w+)(?:\(\))?`", "".join(row[0] for row in _public_names())))
    assert listed == set(glm_local.__all__) | {"SparkEngine", "spark_session", "spark_references"}
    (members,) = [row[1] for row in _public_names() if row[0] == "`Model`"]
    for name, call in re.findall(r"`(\w+)(\(\))?`", members):
        assert callable(getattr(Model, name)) or not call, name


def _public_names() -> list[list[str]]:
    return _table("## Public names")


def test_the_paths_and_targets_the_readme_names_exist() -> None:
    for path in set(re.findall(r"\b(?:conf|jobs|tests|notebooks)/[\w/.-]*\w", README)):
        assert (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z][a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
