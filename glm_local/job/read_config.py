"""Reading a job's file: every problem of form and meaning at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from glm_local.errors import ConfigError, Problem
from glm_local.factors.spec_problems import factor_problems
from glm_local.job.column_check import derived_problems
from glm_local.job.config import JobConfig, TaskConfig
from glm_local.job.config_problems import form_problems
from glm_local.job.config_rules import meaning_problems
from glm_local.job.study_config import StudyConfig
from glm_local.job.study_rules import study_problems
from glm_local.job.toml_document import toml_document
from glm_local.validation import split_problems

Config = TypeVar("Config", bound=TaskConfig)


def read_config(
    path: str | Path, overrides: Sequence[str] = (), parameters: Mapping[str, str] | None = None
) -> JobConfig:
    """Read the file of a job that fits given factors.

    Parameters
    ----------
    path, overrides, parameters
        As of `glm_local.job.toml_document.toml_document`.

    Raises
    ------
    ConfigError
        With every problem, each with its JSON path.
    """
    document, problems = toml_document(Path(path), overrides, parameters)
    if isinstance(document.get("study"), dict):
        raise ConfigError.because(
            f"{path} has a section [study].",
            "Such a file describes an automatic study, not one fit.",
            f"Run: glm study {path}",
            path="/study",
        )
    return _checked(path, document, problems, JobConfig, meaning_problems)


def read_study_config(
    path: str | Path, overrides: Sequence[str] = (), parameters: Mapping[str, str] | None = None
) -> StudyConfig:
    """Read the file of an automatic study; arguments and errors as of `read_config`."""
    document, problems = toml_document(Path(path), overrides, parameters)
    if "study" not in document and "factors" in document:
        raise ConfigError.because(
            f"{path} gives factors and has no section [study].",
            "A study designs its factors itself.",
            f"Run: glm run {path}",
            path="/factors",
        )
    return _checked(path, document, problems, StudyConfig, study_problems)


def _checked(
    path: str | Path,
    document: Mapping[str, Any],
    problems: list[Problem],
    kind: type[Config],
    meaning: Callable[[Config], list[Problem]],
) -> Config:
    try:
        config = kind.model_validate(document)
    except ValidationError as error:
        found = [*problems, *form_problems(error, kind), *_parts(document)]
        raise ConfigError(list(dict.fromkeys(found)), str(path)) from None
    problems += meaning(config) or derived_problems(config)
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)), str(path))
    return config


def _parts(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems of the parts that have their own form, so that a slip elsewhere does not hide them."""
    factors, split = document.get("factors", []), document.get("split")
    if isinstance(factors, list) and all(isinstance(one, dict) for one in factors):
        yield from factor_problems(factors)
    if isinstance(split, dict) and ("key" in split or split.get("method") in ("time", "column", "none")):
        yield from split_problems(split)
