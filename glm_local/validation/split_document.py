"""Split and JSON: what was asked, what was learned, and every problem of a document at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import cast, get_args

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import Problem, SpecError, nearest
from glm_local.expressions.expression import Scalar
from glm_local.validation.split import MOST_LOST, SAMPLES, LearnedSplit, Split, SplitMethod, UnlikeRule

CHECKED = ("max_lost_share", "on_unlike")
FIELDS: dict[str, tuple[str, ...]] = {
    "hash": ("method", "fractions", "key", "seed", *CHECKED),
    "exact": ("method", "fractions", "key", "seed", *CHECKED, "learned"),
    "time": ("method", "fractions", "column", "cut_points", *CHECKED, "learned"),
    "stratified": ("method", "fractions", "key", "seed", "strata", *CHECKED, "learned"),
    "column": ("method", "column", "values", *CHECKED),
    "none": ("method", "on_unlike"),
}
KEYED = ("hash", "exact", "stratified")
"""Methods that divide rows by a hash of their key."""


@arguments_checked
def read_split(document: Mapping[str, object] | Split) -> Split:
    """Check a split document and read it.

    ``{"method": "hash", "key": "IDpol", "seed": 1, "fractions": {"train": 0.6, "validation": 0.2, "holdout": 0.2}}``,
    ``{"method": "time", "column": "start", "cut_points": ["2023-12-31", "2024-06-30"]}`` or with fractions,
    ``{"method": "stratified", "key": "IDpol", "strata": ["Region"], ...}``,
    ``{"method": "column", "column": "part", "values": {"train": ["L"], "holdout": ["T"]}}``,
    ``{"method": "exact", "key": "row_number"}``, ``{"method": "none"}``.

    Raises
    ------
    SpecError
        With every problem and its JSON path.
    """
    if isinstance(document, Split):
        return document
    problems = split_problems(document)
    if problems:
        raise SpecError(problems)
    method = cast(SplitMethod, document.get("method", "hash"))
    values = cast(Mapping[str, Sequence[Scalar]], document.get("values") or {})
    return Split(
        method=method,
        fractions=(1.0, 0.0, 0.0) if method == "none" else _fractions(document.get("fractions")) or (0.6, 0.2, 0.2),
        key=_names(document.get("key")),
        seed=cast(int, document.get("seed", 0)),
        column=cast("str | None", document.get("column")),
        cut_points=tuple(cast(Sequence[float | str], document.get("cut_points") or ())),
        strata=_names(document.get("strata")),
        values={name: tuple(values[name]) for name in SAMPLES if name in values},
        learned=_read_learned(document.get("learned")),
        max_lost_share=float(cast(float, document.get("max_lost_share", MOST_LOST))),
        on_unlike=cast("UnlikeRule | None", document.get("on_unlike")),
    )


def split_json(split: Split) -> dict[str, object]:
    """The document that `read_split` reads back; learned parts under "learned"."""
    every: dict[str, object] = {
        "method": split.method,
        "fractions": dict(zip(SAMPLES, split.fractions, strict=True)),
        "key": list(split.key),
        "seed": split.seed,
        "column": split.column,
        "cut_points": list(split.cut_points) or None,
        "strata": list(split.strata),
        "values": {name: list(values) for name, values in split.values.items()},
        "max_lost_share": None if split.max_lost_share == MOST_LOST else split.max_lost_share,
        "on_unlike": split.on_unlike,
        "learned": _learned_json(split.learned),
    }
    kept = {name: every[name] for name in FIELDS[split.method] if every[name] is not None}
    if split.method == "time" and split.cut_points:
        del kept["fractions"]
    return kept


def split_problems(document: Mapping[str, object]) -> list[Problem]:
    """Everything wrong with a split document."""
    method = document.get("method", "hash")
    if method not in FIELDS:
        way_out = f"Write one of {', '.join(FIELDS)}. {nearest(str(method), list(FIELDS))}"
        return [Problem("/split/method", f"{method!r} is not a way to split.", "A split has a known method.", way_out)]
    fields = FIELDS[str(method)]
    problems = [
        Problem(
            f"/split/{name}",
            f"{name!r} means nothing to the method {method!r}.",
            "Fields are those of the method.",
            nearest(str(name), fields),
        )
        for name in document
        if name not in fields
    ]
    checks: dict[str, Callable[[Mapping[str, object]], list[Problem]]] = {
        "fractions": _fraction_problems,
        "key": _key_problems,
        "seed": _seed_problems,
        "column": _column_problems,
        "cut_points": _cut_problems,
        "strata": _strata_problems,
        "values": _value_problems,
        "max_lost_share": _lost_problems,
        "on_unlike": _unlike_problems,
    }
    for name, check in checks.items():
        if name in fields:
            problems += check(document)
    return problems


def _fraction_problems(document: Mapping[str, object]) -> list[Problem]:
    given, path = document.get("fractions"), "/split/fractions"
    example = 'Write {"train": 0.6, "validation": 0.2, "holdout": 0.2}.'
    if given is None:
        return []
    fractions = _fractions(given)
    if fractions is None:
        rule = "Train, validation and holdout have one each."
        return [Problem(path, f"{given!r} is not three fractions.", rule, example)]
    problems = [
        Problem(f"{path}/{name}", f"{share!r} is not a share.", "A fraction lies between 0 and 1.", example)
        for name, share in zip(SAMPLES, fractions, strict=True)
        if not 0 <= share <= 1
    ]
    if not problems and abs(math.fsum(fractions) - 1) > 1e-9:
        found = f"the fractions add up to {math.fsum(fractions):.10g}."
        problems.append(Problem(path, found, "Together they are 1.", example))
    if not problems and fractions[0] == 0:
        problems.append(Problem(f"{path}/train", "train is 0.", "There must be rows to fit on.", example))
    return problems


def _key_problems(document: Mapping[str, object]) -> list[Problem]:
    key = _names(document.get("key"))
    if key and all(key):
        return []
    return [
        Problem(
            "/split/key",
            "no key is given.",
            "Rows are divided by a hash of their key; the order of rows is no key.",
            "Name the column (or columns) that identify a row, or a group that must stay together; a file without one "
            'takes key = "row_number" (its order) or key = "*" (all a row holds); method = "none" divides nothing.',
        )
    ]


def _seed_problems(document: Mapping[str, object]) -> list[Problem]:
    seed = document.get("seed", 0)
    if isinstance(seed, int) and not isinstance(seed, bool):
        return []
    return [Problem("/split/seed", f"{seed!r} is not an integer.", "A seed is any integer, 0 included.", "Write 0.")]


def _column_problems(document: Mapping[str, object]) -> list[Problem]:
    column = document.get("column")
    if isinstance(column, str) and column:
        return []
    rule = f"The method {document.get('method')!r} reads one column."
    return [Problem("/split/column", f"{column!r} is not a column name.", rule, "Name it.")]


def _cut_problems(document: Mapping[str, object]) -> list[Problem]:
    cuts, path = document.get("cut_points"), "/split/cut_points"
    if cuts is None:
        return []
    way_out = 'Write for instance ["2023-12-31", "2024-06-30"]: the last day of train and of validation.'
    if not isinstance(cuts, (list, tuple)) or len(cuts) != 2 or not (_all(cuts, str) or _all(cuts, (int, float))):
        return [Problem(path, f"{cuts!r} is not two times.", "Two numbers or two dates as text.", way_out)]
    problems = []
    if cuts[1] < cuts[0]:
        problems.append(Problem(path, f"{list(cuts)!r} falls.", "Cut points rise.", f"Write {[cuts[1], cuts[0]]!r}."))
    if "fractions" in document:
        found = "both cut_points and fractions are given."
        problems.append(Problem(path, found, "Either the times are given or they are learned.", "Leave one out."))
    return problems


def _strata_problems(document: Mapping[str, object]) -> list[Problem]:
    strata = _names(document.get("strata"))
    if strata and all(strata):
        return []
    return [
        Problem(
            "/split/strata",
            "no strata are given.",
            "A stratified split balances the values of some columns.",
            'Name them, or use the method "hash".',
        )
    ]


def _lost_problems(document: Mapping[str, object]) -> list[Problem]:
    share = document.get("max_lost_share", MOST_LOST)
    if isinstance(share, (int, float)) and not isinstance(share, bool) and 0 <= share <= 1:
        return []
    rule = "The share of rows that may be in no sample lies between 0 and 1."
    return [Problem("/split/max_lost_share", f"{share!r} is not a share.", rule, "Write 0.01 for one in a hundred.")]


def _unlike_problems(document: Mapping[str, object]) -> list[Problem]:
    asked, words = document.get("on_unlike"), get_args(UnlikeRule)
    if asked is None or (isinstance(asked, str) and asked in words):
        return []
    rule = f"What samples are whose rates differ beyond chance is one of {', '.join(words)}."
    return [Problem("/split/on_unlike", f"{asked!r} was given.", rule, nearest(str(asked), words))]


def _value_problems(document: Mapping[str, object]) -> list[Problem]:
    values, path = document.get("values"), "/split/values"
    way_out = 'Write {"train": [true], "holdout": [false]}.'
    if not isinstance(values, Mapping) or not values or not all(isinstance(v, (list, tuple)) for v in values.values()):
        found = f"{values!r} does not say which values are which sample."
        return [Problem(path, found, "Each sample lists its values.", way_out)]
    problems = [
        Problem(
            f"{path}/{name}",
            f"{name!r} is not a sample.",
            "Samples are train, validation and holdout.",
            nearest(str(name), SAMPLES),
        )
        for name in values
        if name not in SAMPLES
    ]
    flat = [str(value) for listed in values.values() for value in listed]
    twice = sorted({value for value in flat if flat.count(value) > 1})
    return problems + [
        Problem(path, f"{value!r} is listed twice.", "A value means one sample.", "Keep one.") for value in twice
    ]


def _fractions(given: object) -> tuple[float, float, float] | None:
    if isinstance(given, Mapping):
        if any(name not in SAMPLES for name in given):
            return None
        given = [given.get(name, 0) for name in SAMPLES]
    if not isinstance(given, (list, tuple)) or len(given) != 3:
        return None
    if any(isinstance(share, bool) or not isinstance(share, (int, float)) for share in given):
        return None
    train, validation, holdout = (float(share) for share in given)
    return train, validation, holdout


def _names(given: object) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,) if given else ()
    if isinstance(given, (list, tuple)):
        return tuple(name if isinstance(name, str) else "" for name in given)
    return ()


def _all(values: Sequence[object], kinds: type | tuple[type, ...]) -> bool:
    return all(isinstance(value, kinds) and not isinstance(value, bool) for value in values)


def _learned_json(learned: LearnedSplit | None) -> dict[str, object] | None:
    if learned is None:
        return None
    if learned.cut_points:
        return {"cut_points": list(learned.cut_points)}
    if not learned.strata:
        return {"ranks": list(learned.ranks)}
    return {"strata": [list(values) for values in learned.strata], "bounds": [list(bound) for bound in learned.bounds]}


def _read_learned(document: object) -> LearnedSplit | None:
    if not isinstance(document, Mapping):
        return None
    bounds = tuple((int(a), int(b), int(c)) for a, b, c in document.get("bounds", ()))
    strata = tuple(tuple(str(value) for value in values) for values in document.get("strata", ()))
    first, second = document.get("ranks", (0, 0))
    return LearnedSplit(tuple(document.get("cut_points", ())), strata, bounds, (int(first), int(second)))
