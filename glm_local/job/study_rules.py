"""Problems of meaning in a study's configuration: candidates, rules of binning; and what its sections become."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from glm_local.binning import penalties
from glm_local.binning.penalties import Penalty
from glm_local.binning.rules import BinningRules
from glm_local.candidates.pre_bins import KIND_OF, candidate_document
from glm_local.errors import ConfigError, Problem, nearest
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression_columns import columns_of
from glm_local.factors.spec_problems import factor_problems
from glm_local.factors.spec_values import near_or, shown
from glm_local.job.column_check import (
    columns_of_the_split,
    key_words,
    kinds_with_derived,
    task_column_problems,
    wrong_column,
)
from glm_local.job.config_rules import ROLES, family_problems, task_problems, tried
from glm_local.job.study_config import BinningSection, StudyConfig
from glm_local.scoring.compile_score import role_expression
from glm_local.validation import read_split

PENALTIES: Mapping[str, Callable[..., Penalty]] = {
    "bin_count": penalties.bin_count_penalty,
    "small_bin_size": penalties.small_bin_size_penalty,
    "small_count": penalties.small_count_penalty,
    "train_validation_gap": penalties.train_validation_gap_penalty,
    "unstable_relativity": penalties.unstable_relativity_penalty,
}
"""Penalties a file may name; functions of one's own need a notebook."""

BINNING = "/study/binning"


def study_problems(config: StudyConfig) -> list[Problem]:
    """Return everything wrong with a study's configuration that can be told without its data."""
    model = config.model
    return [
        *task_problems(config),
        *family_problems(model.family, model.link, config.roles.exposure),
        *_key(config),
        *_inference(config),
        *_candidates(config),
        *tried(lambda: binning_rules(config.study.binning), BINNING),
    ]


def binning_rules(asked: BinningSection) -> BinningRules:
    """The rules of binning a section asks for.

    Raises
    ------
    ConfigError
        With every problem, paths below the section.
    """
    fields = {name: getattr(asked, name) for name in type(asked).model_fields if name not in ("apart", "penalties")}
    made: dict[str, Penalty] = {}
    problems: list[Problem] = []
    for name, numbers in asked.penalties.items():
        wrong = list(_penalty_problems(name, numbers))
        problems += wrong or tried(
            lambda name=name, numbers=numbers: made.update({name: PENALTIES[name](**numbers)}),  # type: ignore[misc]
            f"penalties/{name}",
        )
    apart = [(one[0], one[1]) for one in asked.apart if len(one) == 2]
    problems += [
        Problem(f"apart/{at}", f"{shown(one)} was given.", "Each entry names two labels.", 'Write [["A", "B"]].')
        for at, one in enumerate(asked.apart)
        if len(one) != 2
    ]
    rules: list[BinningRules] = []
    problems += tried(lambda: rules.append(BinningRules(**fields, apart=apart, penalties=made)))
    if problems:
        raise ConfigError(problems)
    return rules[0]


def _penalty_problems(name: str, numbers: Mapping[str, Any]) -> Iterator[Problem]:
    if name not in PENALTIES:
        yield Problem(
            f"penalties/{name}",
            f"{name!r} is not a penalty.",
            f"Penalties are {', '.join(PENALTIES)}.",
            nearest(name, list(PENALTIES)),
        )
        return
    known = inspect.signature(PENALTIES[name]).parameters
    for one, value in numbers.items():
        path = f"penalties/{name}/{one}"
        if one not in known:
            yield Problem(path, f"{one!r} is not a key.", f"It has {', '.join(known)}.", nearest(one, list(known)))
        elif isinstance(known[one].default, str) != isinstance(value, str) or isinstance(value, bool | dict | list):
            yield Problem(path, f"{shown(value)} was given.", "It is a number.", "Write a number.")
    for one, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and one not in numbers:
            yield Problem(f"penalties/{name}/{one}", "not given.", "This number has no default.", f"Write {one} = 100.")


def _key(config: StudyConfig) -> Iterator[Problem]:
    if not config.key:
        yield Problem(
            "/roles/key",
            "not given.",
            "Folds are made by a hash of a key, whatever the split is made by.",
            'Name the column, or columns, whose equal values stay together; without one "row_number" takes the order '
            'of a file, "*" all a row holds.',
        )


def _inference(config: StudyConfig) -> Iterator[Problem]:
    """Selective inference without a row that takes no part, as far as the file tells."""
    if config.study.inference == "naive" or config.split.get("method", "hash") == "column":
        return
    if list(tried(lambda: read_split(config.split_document))):  # told with the split
        return
    split = read_split(config.split_document)
    _, validation, holdout = (1.0, 0.0, 0.0) if split.method == "none" else split.fractions
    gap = "train_validation_gap" in config.study.binning.penalties
    if split.cut_points or (validation and not gap) or (holdout and config.study.finalize.enabled):
        return
    why = "train_validation_gap chooses bins by the validation rows" if validation else "no row is left for it"
    yield Problem(
        "/study/inference",
        f"'selective' was given and {why}.",
        "Intervals hold on rows that took no part in the design.",
        "Keep a validation sample, or finalize a study with a holdout.",
    )


def _candidates(config: StudyConfig) -> Iterator[Problem]:
    asked, left_out = config.study.candidates, config.study.leave_out
    if asked == "all":
        return
    path = "/study/candidates"
    if not isinstance(asked, list):
        yield Problem(
            path,
            f"{shown(asked)} is not a list.",
            'Candidates are columns and specs, or "all".',
            near_or(asked, ("all",), "") or 'Write ["age", "region"] or "all".',
        )
        return
    if left_out:
        yield Problem(
            "/study/leave_out",
            f"{len(left_out)} columns are left out of a list.",
            'leave_out belongs to candidates = "all".',
            "Take them out of the list instead.",
        )
    names: list[str] = []
    for at, one in enumerate(asked):
        if isinstance(one, str):
            names.append(one)
        elif isinstance(one, dict):
            names.append(str(one.get("name")))
            yield from _specification(one, f"{path}/{at}")
        else:
            yield Problem(
                f"{path}/{at}",
                f"{shown(one)} is neither.",
                "A candidate is a column or a spec.",
                'Write "age".',
            )
        if names and names[-1] in names[:-1]:
            yield Problem(
                f"{path}/{at}",
                f"{names[-1]!r} is there twice.",
                "Candidates have distinct names.",
                "Take one out, or give it a name of its own.",
            )


def _specification(
    document: Mapping[str, Any], path: str, kinds: Mapping[str, ColumnKind] | None = None
) -> Iterator[Problem]:
    if document.get("kind") in ("linear", "interaction"):
        yield Problem(
            f"{path}/kind",
            f"{document['kind']!r} has no levels of its own.",
            "A candidate has levels of one column.",
            "Use numeric, categorical or ordinal.",
        )
        return
    for policy in ("missing", "unseen", "below", "above"):
        if document.get(policy) == "refuse":
            way_out = "Leave it out; [study.binning] says what becomes of them, data.where leaves rows out."
            yield Problem(f"{path}/{policy}", "'refuse' was given.", "A candidate keeps such values apart.", way_out)
    for one in factor_problems([candidate_document(document)], kinds, path="@"):
        yield replace(one, path=path + one.path.removeprefix("@/0"))


def study_column_problems(config: StudyConfig, kinds: Mapping[str, ColumnKind]) -> list[Problem]:
    """Return everything wrong between a study's configuration and a table's columns."""
    after = kinds_with_derived(config, kinds)
    problems = task_column_problems(config, kinds)
    for one in set(config.key) - columns_of_the_split(config) - set(key_words(config, after)):
        problems += wrong_column(one, "text", "/roles/key", after, "A key is read as text.")
    asked = config.study.candidates
    for at, one in enumerate(() if asked == "all" else asked):
        path = f"/study/candidates/{at}"
        if isinstance(one, dict):
            problems += _specification(one, path, after)
        elif one not in after:
            problems.append(
                Problem(
                    path,
                    f"{one!r} is not a column of the table.",
                    "A candidate is a column.",
                    nearest(one, list(after)),
                )
            )
        elif after[one] not in KIND_OF:
            rule = f"A candidate is one of {', '.join(KIND_OF)}."
            problems.append(Problem(path, f"{one!r} is of kind {after[one]}.", rule, "Derive a column of it."))
    for at, name in enumerate(config.study.leave_out):
        if name not in after:
            problems.append(
                Problem(
                    f"/study/leave_out/{at}",
                    f"{name!r} is not a column of the table.",
                    "Only columns can be left out.",
                    nearest(name, list(after)),
                )
            )
    if not problems and not candidates(config, kinds):
        problems.append(
            Problem(
                "/study/candidates",
                "no column is left.",
                "A study reviews candidates.",
                "Name columns, or leave fewer out.",
            )
        )
    return list(dict.fromkeys(problems))


def candidates(config: StudyConfig, kinds: Mapping[str, ColumnKind]) -> list[Any]:
    """The candidates asked for; "all" is every readable column without a role, in the table's order.

    What predicts already (``report.baseline``) is none of them.
    """
    asked = config.study.candidates
    if asked != "all":
        return list(asked)
    asked_roles = [*(getattr(config.roles, name) for name in ROLES), config.report.baseline]
    roles = [role_expression(one) for one in asked_roles if one is not None]
    used = {column for role in roles for column in columns_of(role)} | columns_of_the_split(config) | set(config.key)
    after = kinds_with_derived(config, kinds)
    return [
        name
        for name, kind in after.items()
        if kind in KIND_OF and name not in used and name not in config.study.leave_out
    ]
