"""Checking a file of either kind, one fit or an automatic study, without running it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from glm_local.expressions.columns import ColumnKind
from glm_local.job.column_check import column_problems, raise_data
from glm_local.job.config import JobConfig
from glm_local.job.data_sources import DataSource
from glm_local.job.job_environment import JobEnvironment
from glm_local.job.read_config import read_config, read_study_config
from glm_local.job.study_config import StudyConfig
from glm_local.job.study_rules import study_column_problems
from glm_local.job.toml_document import toml_document
from glm_local.texts.counted import counted


def read_any_config(
    path: str | Path, overrides: Sequence[str] = (), parameters: Mapping[str, str] | None = None
) -> JobConfig | StudyConfig:
    """Read a file as what it is: with a section [study] an automatic study, else one fit.

    Raises
    ------
    ConfigError
        With every problem.
    """
    document, _ = toml_document(Path(path), overrides, parameters)
    if "study" in document:
        return read_study_config(path, overrides, parameters)
    return read_config(path, overrides, parameters)


def words(config: JobConfig | StudyConfig) -> tuple[dict[str, Any], str]:
    """What a configuration asks for, as JSON and in words."""
    if isinstance(config, JobConfig):
        return {"factors": len(config.factors)}, counted(len(config.factors), "factor")
    asked = config.study.candidates
    if asked == "all":
        return {"candidates": "all"}, "every column is a candidate"
    return {"candidates": len(asked)}, counted(len(asked), "candidate")


def columns_of_source(
    config: JobConfig | StudyConfig, environment: JobEnvironment[Any]
) -> tuple[str, dict[str, ColumnKind]]:
    """Name and columns of the source, compared with the configuration.

    Raises
    ------
    DataError
        With every column that is not there or not what it is read as.
    """
    source = DataSource.of(config.data)
    kinds = dict(environment.columns(source))
    if isinstance(config, StudyConfig):
        problems = study_column_problems(config, kinds)
    else:
        problems = column_problems(config, kinds)
    raise_data(problems, "the table against the configuration")
    return source.name, kinds
