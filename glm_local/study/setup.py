"""What a study is asked at its beginning: roles, family, split, folds, seed; as a record and as its JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from glm_local.errors import ConfigError, DataError, Problem, SpecError, nearest
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression
from glm_local.expressions.expression_columns import columns_of
from glm_local.factors.factor_spec import Spec
from glm_local.families.families import family_from, resolve_link
from glm_local.glm.request import FitRequest
from glm_local.scoring.compile_score import role_expression
from glm_local.validation import Split, fold_expression, read_split, split_json
from glm_local.validation.key_choice import CONTENT, words_of
from glm_local.validation.split_document import KEYED

ROLES = ("target", "exposure", "offset", "weight")
FRACTIONS = (0.6, 0.2, 0.2)
Dispersion = Literal["by_key", "auto", "fixed", "pearson", "deviance"]
DISPERSIONS: tuple[Dispersion, ...] = get_args(Dispersion)

LATER = "(later)"
"""Stands for a key that is not known yet while a split document is read."""

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
        Columns whose equal values stay in one sample and one fold; "*" is all a row holds but its roles, "row_number"
        its number in the source (`glm_local.validation.key_choice`). Empty until rows were looked at.
    key_rule
        "key": given by the user. Otherwise nobody named one: "row content" where rows are told apart by what they hold,
        else "row number", and "to be chosen" until rows were looked at.
    folds, seed
        Cross-validation folds of the training rows; seed of split and folds.
    candidates
        Columns or specifications under review; None is every column without a role.
    dispersion
        "by_key": tests, standard errors and intervals are made from the scores of the keys' rows, so that neither
        overdispersion nor rows that share a key make them too sure. Else as `fit_glm` takes it; "auto" is what studies
        did before, and what a history without the word means.
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
    dispersion: Dispersion = "auto"

    def document(self) -> dict[str, Any]:
        """As the history keeps it."""
        return {
            "target": self.target,
            "exposure": self.exposure,
            "offset": self.offset,
            "weight": self.weight,
            "family": self.family,
            "link": self.link,
            "split": split_json(self.split),
            "key": list(self.key),
            "key_rule": self.key_rule,
            "folds": self.folds,
            "seed": self.seed,
            **({} if self.dispersion == "auto" else {"dispersion": self.dispersion}),
            "candidates": [one.document() if isinstance(one, Spec) else one for one in self.candidates],
        }

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

    @property
    def by_key(self) -> bool:
        """Whether tests and standard errors are made from the scores of keys."""
        return self.dispersion == "by_key"

    def request(self, name: str) -> FitRequest:
        """What every fit of the study is asked."""
        return FitRequest(
            target=self.target,
            factors=(),
            family=self.family,
            link=self.link,
            exposure=self.exposure,
            offset=self.offset,
            weight=self.weight,
            name=name,
            dispersion=cast(Any, "auto" if self.by_key else self.dispersion),
        )

    @property
    def role_columns(self) -> set[str]:
        """Columns its roles read: they take no part in what a row holds."""
        return role_columns((self.target, self.exposure, self.offset, self.weight))

    def with_key(self, word: str) -> StudySetup:
        """The setup with the key that was chosen for it."""
        open_key = self.split.method in KEYED and not self.split.key
        split = replace(self.split, key=(word,)) if open_key else self.split
        return replace(self, split=split, key=(word,), key_rule="row content" if word == CONTENT else "row number")

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
    dispersion: Dispersion = "by_key",
) -> StudySetup:
    """Check what a study is asked against the table; every problem of roles and options at once.

    Raises
    ------
    DataError, ConfigError, SpecError
        A role that is not there, a family that is not known, options out of range, no honest key.
    """
    roles = {"target": target, "exposure": exposure, "offset": offset, "weight": weight}
    problems = [
        problem
        for role, asked in roles.items()
        if asked is not None
        for problem in _role_problems(role, asked, list(columns))
    ]
    problems += _option_problems(folds, seed, dispersion)
    if problems:
        raise DataError(problems, "the study")
    known = family_from(family)
    used = role_columns(roles.values())
    divided = _split(split, seed)
    names, rule = _key(key, divided, columns)
    _check_key(names, divided, roles, columns)
    reviewed = tuple(candidates) if candidates is not None else _others(columns, used | set(names))
    setup = StudySetup(
        target,
        str(known),
        None if link is None else str(resolve_link(known, link)),
        replace(divided, key=names) if divided.method in KEYED and not divided.key else divided,
        names,
        rule,
        exposure,
        offset,
        weight,
        folds,
        seed,
        reviewed,
        dispersion,
    )
    _check_leaks(setup, used)
    return setup


def role_columns(roles: Iterable[Any]) -> set[str]:
    """Columns that target, exposure, weight and offset read."""
    return {column for asked in roles if asked is not None for column in columns_of(role_expression(asked))}


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
    key: str | Sequence[str] | None, split: Split, columns: Mapping[str, ColumnKind]
) -> tuple[tuple[str, ...], str]:
    """The key that is named, by itself or in the split; else none yet: rows are looked at first."""
    asked = split.key if key is None else (key,) if isinstance(key, str) else tuple(key)
    if key is not None and not asked:
        raise ConfigError.because(
            "key is empty.", "A key is one column or more.", "Leave it out, or name a column.", path="/key"
        )
    words = words_of(asked, columns)
    if words and len(asked) > 1:
        raise ConfigError.because(
            f"{words[0]!r} stands beside {', '.join(repr(one) for one in asked if one != words[0])}.",
            "What a row holds, or its number, is a key by itself.",
            "Keep one of them.",
            path="/key",
        )
    return (asked, "key") if asked else ((), "to be chosen")


def _check_key(key: Sequence[str], split: Split, roles: Mapping[str, Any], columns: Mapping[str, ColumnKind]) -> None:
    """A key that holds the target divides rows by it, one that holds another role by that."""
    taken = {one: role for role, one in roles.items() if isinstance(one, str)}
    taken |= dict.fromkeys(role_columns([roles["target"]]), "target")
    for name in dict.fromkeys([*key, *split.key]):
        if name in taken:
            raise ConfigError.because(
                f"the key holds {name!r}, which is the {taken[name]}.",
                "Samples would differ by it: what identifies a row says nothing of its outcome.",
                "Name other columns, or key='row_number'.",
                path="/key",
            )
    for one in (key, split.key):
        if one and not words_of(one, columns):
            fold_expression(one, columns)


def _split(asked: SplitLike, seed: int) -> Split:
    """The split as asked; a key it does not name comes later."""
    if asked is None:
        return Split("hash", FRACTIONS, (), seed)
    if isinstance(asked, Split):
        return asked
    if isinstance(asked, Mapping):
        document = dict(asked)
        keyed = document.get("method", "hash") in KEYED
        named = not keyed or document.get("key") is not None
        read = read_split({"seed": seed, "key": LATER, **document} if keyed else document)
        return read if named else replace(read, key=())
    if isinstance(asked, str) or len(asked) != 3:
        raise SpecError.because(
            f"split is {asked!r}.",
            "A split is three fractions (train, validation, holdout) or a split document.",
            "Write (0.6, 0.2, 0.2), or {'method': 'time', 'column': …}.",
            path="/split",
        )
    train, validation, holdout = asked
    fractions = {"train": train, "validation": validation, "holdout": holdout}
    return replace(read_split({"method": "hash", "key": LATER, "seed": seed, "fractions": fractions}), key=())


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
                f"candidate {column!r} is the target.",
                "A factor is known before the target is.",
                "Leave it out of candidates.",
                path=f"/candidates/{at}",
            )


def divided_otherwise(
    setup: StudySetup,
    columns: Mapping[str, ColumnKind],
    split: SplitLike,
    key: str | Sequence[str] | None,
    seed: int | None,
) -> StudySetup:
    """The same study with another division of its rows; what is None stays."""
    return study_setup(
        columns,
        target=setup.target,
        family=setup.family,
        link=setup.link,
        exposure=setup.exposure,
        offset=setup.offset,
        weight=setup.weight,
        candidates=setup.candidates,
        split=split if split is not None else setup.split.fractions,
        key=key if key is not None else setup.key if setup.key_rule == "key" else None,
        folds=setup.folds,
        seed=setup.seed if seed is None else seed,
        dispersion=setup.dispersion,
    )
