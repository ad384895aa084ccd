"""Reading a job's file: overrides, parameters, every problem at once, the published schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from glm_local.errors import ConfigError
from glm_local.job.column_check import columns_read
from glm_local.job.config import SCHEMA_FILE, JobConfig, schema_text
from glm_local.job.read_config import read_config
from glm_local.job.toml_document import read_parameters

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "conf" / "base"

SMALL = """
[job]
name = "small"
seed = 4
[parameters]
cut = 30
place = "here"
[data]
path = "${place}/rows.parquet"
[data.derive]
old = { when = { condition = { greater = ["age", "${cut}"] }, then = 1, otherwise = 0 } }
[roles]
target = "claims"
key = "id"
[split]
[model]
family = "poisson"
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def test_a_parameter_keeps_its_type_when_it_is_the_whole_text(small: Path) -> None:
    config = read_config(small)
    assert config.data.derive["old"]["when"]["condition"] == {"greater": ["age", 30]}
    assert config.data.path == "here/rows.parquet"


def test_a_given_parameter_wins_over_the_default(small: Path) -> None:
    assert read_config(small, parameters={"place": "there"}).data.path == "there/rows.parquet"


def test_two_dollars_are_one(small: Path) -> None:
    assert read_config(small, ["job.description=costs $$5"]).job.description == "costs $5"


def test_an_override_is_toml_or_else_a_text(small: Path) -> None:
    config = read_config(small, ["model.ridge=0.5", "job.study=motor study", "report.holdout=false"])
    assert (config.model.ridge, config.study_name, config.report.holdout) == (0.5, "motor study", False)


def test_an_override_reaches_into_lists_and_makes_sections(small: Path) -> None:
    factor = "factors=[{kind='linear', name='age', column='age', missing=0}]"
    config = read_config(small, [factor, "factors.0.missing='refuse'", "output.directory='out'"])
    assert config.factors[0]["missing"] == "refuse"
    assert config.output.directory == "out"


def test_nan_in_toml_is_missing(small: Path) -> None:
    mapped = "data.derive.area={map={of={column='Area', read='text'}, values={A=1}, missing=nan, unseen=nan}}"
    assert read_config(small, [mapped]).data.derive["area"]["map"]["missing"] is None


def test_split_takes_key_from_roles_and_seed_from_the_job(small: Path) -> None:
    assert read_config(small).split_document == {"key": "id", "seed": 4}
    assert read_config(small, ["split.seed=9", "split.key='policy'"]).split_document == {"key": "policy", "seed": 9}


def test_problems_of_form_and_of_factors_come_together(small: Path) -> None:
    with pytest.raises(ConfigError) as told:
        read_config(small, ["model.famly='x'", "factors=[{kind='numeric', name='a', column='a', edges=[2, 1]}]"])
    paths = {problem.path for problem in told.value.problems}
    assert {"/model/famly", "/factors/0/edges", "/factors/0/missing"} <= paths


def test_where_the_answer_goes_is_no_part_of_what_is_asked(small: Path) -> None:
    assert read_config(small).identity == read_config(small, ["output.directory='elsewhere'"]).identity
    assert read_config(small).identity != read_config(small, ["model.ridge=1.0"]).identity


def test_only_columns_that_something_reads_are_read(small: Path) -> None:
    kinds = dict.fromkeys(["id", "claims", "age", "unused"], "integer")
    assert columns_read(read_config(small), kinds) == ["id", "claims", "age"]  # type: ignore[arg-type]


def test_a_text_that_is_no_parameter_is_refused() -> None:
    assert read_parameters(["data=/a=b"]) == {"data": "/a=b"}
    with pytest.raises(ConfigError, match="name=value"):
        read_parameters(["data"])


@pytest.mark.parametrize("name", ["quickstart", "motor"])
def test_the_committed_configurations_are_good(name: str) -> None:
    config = read_config(BASE / f"{name}.toml", parameters={"data": "rows.parquet"} if name == "motor" else {})
    assert isinstance(config, JobConfig)


def test_motor_without_its_path_says_which_parameter_is_missing() -> None:
    with pytest.raises(ConfigError, match="--param data"):
        read_config(BASE / "motor.toml")


def test_the_published_schema_is_the_one_of_the_records() -> None:
    assert (ROOT / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text()
