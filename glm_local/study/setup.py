"""What a study is asked at its beginning: roles, family, split, folds, seed; as a record and as its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from glm_local.contract.columns import READABLE, ColumnKind
from glm_local.contract.compile_score import role_expression
from glm_local.contract.expression import Expression
from glm_local.contract.expression_columns import columns_of
from glm_local.contract.factor_spec import Spec
from glm_local.errors import ConfigError, DataError, Problem, SpecError, nearest
from glm_local.glm.families import family_from, resolve_link
from glm_local.glm.fit import FitRequest
from glm_local.validation import Split, fold_expression, read_split, split_json

ROLES = ("target", "exposure", "offset", "weight")
FRACTIONS = (0.6, 0.2, 0.2)
DISPERSIONS = ("auto", "fixed", "pearson", "deviance")

SplitLike = Split | Mapping[str, Any] | Sequence[float] | None


@dataclass(frozen=True)
class StudySetup:
    """The beginning of a study.

    Parameters
    ----------
    target, exposure, offset, weight
        Roles as `fit_glm` takes them.
    family, link
        As `fit_glm` takes them; the link is None for the family's usual one.
    split
        How rows are divided; learned once the rows were seen.
    key
        Columns whose equal values stay in one sample and one fold.
    key_rule
        "key": given by the user. "row content": no key was given, so rows are identified by the values of every column
        whose values have one spelling; identical rows stay together.
    folds, seed
        Cross-validation folds of the training rows; seed of split and folds.
    candidates
        Columns or specifications under review; None is every column without a role.
    dispersion
        As `fit_glm` takes it: "pearson" makes tests of overdispersed counts honest.
    """

    target: Any
    family: str
    link: str | None
    split: Split
    key: tuple[str, ...]
    key_rule: str
    exposure: Any = None
    offset: Any = None
    weight: Any = None
    folds: int = 5
    seed: int = 0
    candidates: tuple[Any, ...] = ()
    dispersion: str = "auto"

    def document(self) -> dict[str, Any]:
        """As the history keeps it."""
        return {
            "target": self.target, "exposure": self.exposure, "offset": self.offset, "weight": self.weight,
            "family": self.family, "link": self.link, "split": split_json(self.split), "key": list(self.key),
            "key_rule": self.key_rule, "folds": self.folds, "seed": self.seed,
            **({} if self.dispersion == "auto" else {"dispersion": self.dispersion}),
            "candidates": [one.document() if isinstance(one, Spec) else one for one in self.candidates],
        }  # fmt: skip

    def asked(self) -> dict[str, Any]:
        """The document without what the split learned of the rows: what makes a study the same study."""
        return replace(self, split=replace(self.split, learned=None)).document()

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> StudySetup:
        """Read what `document` wrote."""
        known = dict(document)
        known["split"] = read_split(known["split"])
        known["key"], known["candidates"] = tuple(known["key"]), tuple(known["candidates"])
        return cls(**known)

    def request(self, name: str) -> FitRequest:
        """What every fit of the study is asked."""
        return FitRequest(
            target=self.target, factors=(), family=self.family, link=self.link, exposure=self.exposure,
            offset=self.offset, weight=self.weight, name=name, dispersion=cast(Any, self.dispersion),
        )  # fmt: skip

    def fold(self, columns: Mapping[str, ColumnKind]) -> Expression:
        """Training fold of a row."""
        return fold_expression(self.key, columns, self.folds, self.seed)


def study_setup(
    columns: Mapping[str, ColumnKind],
    *,
    target: Any,
    family: Any,
    link: Any,
    exposure: Any,
    offset: Any,
    weight: Any,
    candidates: Sequence[Any] | None,
    split: SplitLike,
    key: str | Sequence[str] | None,
    folds: int,
    seed: int,
    dispersion: str = "auto",
) -> StudySetup:
    """Check what a study is asked against the table; every problem of roles and options at once.

    Raises
    ------
    DataError, ConfigError, SpecError
        A role that is not there, a family that is not known, options out of range, no honest key.
    """
    roles = {"target": target, "exposure": exposure, "offset": offset, "weight": weight}
    problems = [problem for role, asked in roles.items() if asked is not None
                for problem in _role_problems(role, asked, list(columns))]  # fmt: skip
    problems += _option_problems(folds, seed, dispersion)
    if problems:
        raise DataError(problems, "the study")
    known = family_from(family)
    used = {column for asked in roles.values() if asked is not None for column in columns_of(role_expression(asked))}
    names, rule = _key(key, columns, used)
    reviewed = tuple(candidates) if candidates is not None else _others(columns, used | set(names if key else ()))
    setup = StudySetup(
        target, str(known), None if link is None else str(resolve_link(known, link)),
        _split(split, names, seed), names, rule, exposure, offset, weight, folds, seed, reviewed,
        dispersion,
    )  # fmt: skip
    _check_leaks(setup, used)
    fold_expression(names, columns, folds, seed)
    return setup


def _role_problems(role: str, asked: Any, columns: Sequence[str]) -> list[Problem]:
    read = columns_of(role_expression(asked, f"/{role}"))
    rule = "A role names a column."
    return [
        Problem(f"/{role}", f"{one!r} is not a column of the table.", rule, nearest(one, columns))
        for one in read
        if one not in columns
    ]


def _option_problems(folds: object, seed: object, dispersion: object) -> list[Problem]:
    problems = []
    if dispersion not in DISPERSIONS:
        rule = f"It is one of {', '.join(DISPERSIONS)}."
        found = f"dispersion is {dispersion!r}."
        problems.append(Problem("/dispersion", found, rule, nearest(str(dispersion), DISPERSIONS)))
    if isinstance(folds, bool) or not isinstance(folds, int) or not 2 <= folds <= 50:
        problems.append(Problem("/folds", f"folds is {folds!r}.", "A study has 2 to 50 folds.", "5 is usual."))
    if isinstance(seed, bool) or not isinstance(seed, int):
        problems.append(Problem("/seed", f"seed is {seed!r}.", "A seed is an integer, 0 included.", "Write 0."))
    return problems


def _key(
    key: str | Sequence[str] | None, columns: Mapping[str, ColumnKind], roles: set[str]
) -> tuple[tuple[str, ...], str]:
    """The columns rows are divided by: those given, else all with one spelling that have no role.

    A key that holds the target would divide rows by it.
    """
    if key is not None:
        return ((key,) if isinstance(key, str) else tuple(key)), "key"
    spelled = tuple(sorted(name for name, kind in columns.items() if kind in READABLE["text"] and name not in roles))
    if not spelled:
        raise ConfigError.because(
            "no key is given, and no column without a role has values with one spelling.",
            "Rows are divided by a hash of a key, so that every engine and every day divides them alike.",
            "Name the column (or columns) that identifies a row or a group: key='policy'.", path="/key",
        )  # fmt: skip
    return spelled, "row content"


def _split(asked: SplitLike, key: tuple[str, ...], seed: int) -> Split:
    if asked is None:
        return Split("hash", FRACTIONS, key, seed)
    if isinstance(asked, Split):
        return asked if asked.key or asked.method in ("time", "column") else replace(asked, key=key)
    if isinstance(asked, Mapping):
        document = dict(asked)
        if document.get("method", "hash") in ("hash", "stratified"):
            document = {"key": list(key), "seed": seed, **document}
        return read_split(document)
    if isinstance(asked, str) or len(asked) != 3:
        raise SpecError.because(
            f"split is {asked!r}.", "A split is three fractions (train, validation, holdout) or a split document.",
            "Write (0.6, 0.2, 0.2), or {'method': 'time', 'column': …}.", path="/split",
        )  # fmt: skip
    train, validation, holdout = asked
    fractions = {"train": train, "validation": validation, "holdout": holdout}
    return read_split({"method": "hash", "key": list(key), "seed": seed, "fractions": fractions})


def _others(columns: Mapping[str, ColumnKind], used: set[str]) -> tuple[str, ...]:
    return tuple(name for name in columns if name not in used)


def _check_leaks(setup: StudySetup, used: set[str]) -> None:
    """The target itself is no candidate; exposure and weight may be, when the user says so."""
    target = set(columns_of(role_expression(setup.target)))
    for at, one in enumerate(setup.candidates):
        document = one.document() if isinstance(one, Spec) else one
        column = document if isinstance(document, str) else document.get("column", document.get("name"))
        if column in target & used:
            raise SpecError.because(
                f"candidate {column!r} is the target.", "A factor is known before the target is.",
                "Leave it out of candidates.", path=f"/candidates/{at}",
            )  # fmt: skip
