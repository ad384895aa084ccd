"""Problems of meaning in a configuration that has the right form: roles, split, model, factors, expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from glm_local.errors import GlmError, Problem, nearest
from glm_local.expressions.expression import Expression
from glm_local.expressions.expression_columns import type_of
from glm_local.expressions.expression_json import expression_from_json
from glm_local.expressions.where_text import filter_expression
from glm_local.factors.derived_columns import read_derived
from glm_local.factors.spec_problems import factor_problems, read_factors
from glm_local.factors.spec_values import pointer, shown
from glm_local.families.families import family_from, resolve_link
from glm_local.glm.target_leak import target_problems
from glm_local.job.config import JobConfig, TaskConfig
from glm_local.scoring.compile_score import role_expression
from glm_local.validation import split_problems

ROLES = ("target", "exposure", "offset", "weight")
DATASETS = ("statsmodels:randhie",)


def meaning_problems(config: JobConfig) -> list[Problem]:
    """Return everything wrong with a configuration that can be told without its data."""
    factors = [*factor_problems(config.factors), *_leaks(config)]
    return [*task_problems(config), *_model(config), *factors, *_report(config)]


def task_problems(config: TaskConfig) -> list[Problem]:
    """Return what is wrong with the parts every job has: rows, roles, samples."""
    return [*_data(config), *_roles(config), *split_problems(config.split_document)]


def flag(document: Any, path: str) -> Expression:
    """A filter: an expression that is true or false.

    Raises
    ------
    SpecError
        It is something else.
    """
    found = filter_expression(document, path)
    assert found is not None
    return found


def _data(config: TaskConfig) -> Iterator[Problem]:
    data = config.data
    given = [name for name in ("path", "table", "dataset") if getattr(data, name) is not None]
    if len(given) != 1:
        yield Problem(
            "/data",
            f"{' and '.join(given) or 'neither path, table nor dataset'} given.",
            "Rows come from one place.",
            'Write path = "…", table = "…" or dataset = "statsmodels:randhie".',
        )
    if data.dataset is not None and data.dataset not in DATASETS:
        yield Problem(
            "/data/dataset",
            f"{data.dataset!r} is not known.",
            "Data sets are those that come with a package.",
            nearest(data.dataset, DATASETS),
        )
    if data.version is not None and data.format in ("csv", "parquet"):
        yield Problem(
            "/data/version",
            f"a version of {data.format} was asked.",
            "Only Delta tables have versions.",
            'Leave it out, or write format = "delta".',
        )
    for name, document in data.derive.items():
        yield from tried(partial(expression_from_json, document, f"/data/derive/{pointer(name)}"))
    if data.where is not None:
        yield from tried(partial(flag, data.where, "/data/where"))


def _roles(config: TaskConfig) -> Iterator[Problem]:
    for role in ROLES:
        asked = getattr(config.roles, role)
        if asked is not None or role == "target":
            yield from tried(partial(_number, asked, f"/roles/{role}"))


def _number(document: Any, path: str) -> Expression:
    expression = role_expression(document, path)
    if type_of(expression) not in ("number", "integer"):
        raise GlmError.because(
            f"{shown(document)} is a {type_of(expression)}.",
            "A role is a number.",
            "Read the column as number, or write { when = { condition = …, then = 1, otherwise = 0 } }.",
            path,
        )
    return expression


def family_problems(family: Any, link: Any, exposure: Any) -> list[Problem]:
    """Return what is wrong with a family, its link, and an exposure beside them."""
    found = list(tried(lambda: family_from(family), "/model"))
    found = found or list(tried(lambda: resolve_link(family_from(family), link), "/model"))
    if found or exposure is None:
        return found
    known = resolve_link(family_from(family), link)
    if known.name == "log":
        return []
    return [
        Problem(
            "/roles/exposure",
            f"exposure is given with the {known.name} link.",
            "Exposure multiplies the mean, which only a log link can do.",
            'Write link = "log", or give weight (precision) or offset (link scale).',
        )
    ]


def _model(config: JobConfig) -> Iterator[Problem]:
    asked = config.model
    found = family_problems(asked.family, asked.link, config.roles.exposure)
    yield from found
    if any(one.path.startswith("/model") for one in found):
        return
    if asked.ridge and asked.solver in ("statsmodels", "spark_ml"):
        yield Problem(
            "/model/ridge",
            f"a penalty is asked of solver {asked.solver!r}.",
            "Reference solvers fit without a penalty.",
            'Write solver = "auto" or ridge = 0.',
        )
    if not config.factors and not asked.intercept:
        yield Problem(
            "/factors",
            "there is neither a factor nor an intercept.",
            "A model has a parameter.",
            "Add a [[factors]] table.",
        )


def _leaks(config: JobConfig) -> list[Problem]:
    """Factors on the target's own column, derived columns looked through; nothing while other parts are wrong."""
    try:
        roles = {name: role_expression(asked) for name in ROLES if (asked := getattr(config.roles, name)) is not None}
        derived = read_derived(config.data.derive)
        others = [one for name, one in roles.items() if name != "target"]
        return target_problems(read_factors(config.factors), roles["target"], others, derived)
    except (GlmError, KeyError):
        return []


def _report(config: JobConfig) -> Iterator[Problem]:
    names = [str(one.get("name")) for one in config.factors]
    for at, name in enumerate(config.report.factors or ()):
        if name not in names:
            yield Problem(
                f"/report/factors/{at}",
                f"{name!r} is not a factor of this model.",
                "The report shows the model's factors.",
                nearest(name, names),
            )
    yield from factor_problems(config.report.extra_factors, path="/report/extra_factors")
    for at, one in enumerate(config.report.extra_factors):
        if one.get("name") in names:
            yield Problem(
                f"/report/extra_factors/{at}/name",
                f"{one['name']!r} is a factor of the model.",
                "Extra factors are not in the model.",
                "Rename it, or leave it out.",
            )
        if one.get("kind") in ("linear", "interaction"):
            yield Problem(
                f"/report/extra_factors/{at}/kind",
                f"{one['kind']!r} has no levels of its own.",
                "Extra factors are shown by level.",
                "Use numeric, categorical or ordinal.",
            )


def tried(ask: Callable[[], object], path: str = "") -> Iterator[Problem]:
    """Yield the problems that asking raises, their paths below `path`."""
    try:
        ask()
    except GlmError as error:
        for one in error.problems:
            yield replace(one, path=f"{path}/{one.path.lstrip('/')}") if path else one
