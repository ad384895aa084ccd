"""Expressions as JSON and back; reading a document finds every problem in it, each with its JSON path.

A bare text is a column read as number, a bare number or true/false a constant; everything else is an object with one
key that names the node: ``{"log": {"clip": {"of": "Density", "lower": 1}}}``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from glm_local.errors import Problem, SpecError, nearest
from glm_local.expressions.columns import ReadKind
from glm_local.expressions.depth import require_shallow
from glm_local.expressions.expression import (
    AllOf,
    AnyOf,
    Arithmetic,
    Bin,
    Clip,
    Compare,
    Expression,
    Function,
    FunctionName,
    HashBucket,
    IfMissing,
    IsMissing,
    Literal,
    Lookup,
    Not,
    Power,
    Read,
    Scalar,
    When,
)
from glm_local.expressions.expression_columns import ExpressionType, Types, type_of
from glm_local.expressions.expression_document import ARITHMETIC, COMPARISONS
from glm_local.expressions.read_scalar import read_scalar

MANY_PARTS = 16
"""Parts of a sum or product that are joined from the left; more are joined in halves."""


def expression_from_json(document: object, path: str = "") -> Expression:
    """The expression a document describes; `path` is where it lies in a larger document.

    Raises
    ------
    SpecError
        Every problem found, each with its JSON path.

    Examples
    --------
    >>> expression_from_json({"multiply": ["a", {"log": "b"}]})  # doctest: +NORMALIZE_WHITESPACE
    Arithmetic(operator='*', left=Read(column='a', kind='number'),
               right=Function(name='log', argument=Read(column='b', kind='number')))
    """
    require_shallow(document, path)
    reading = _Reading([])
    found = reading.expression(document, path)
    if reading.problems:
        raise SpecError(reading.problems)
    try:
        type_of(found)
    except SpecError as cause:
        problems = [Problem(path or one.path, one.found, one.rule, one.way_out) for one in cause.problems]
        raise SpecError(problems) from None
    return found


class _Reading:
    """Reads a document; collects problems and puts a missing constant where one was found."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems

    def wrong(self, path: str, found: str, rule: str, way_out: str = "") -> Literal:
        rule, way_out = rule or "Expressions have a small, fixed vocabulary.", way_out or "Write it in that form."
        self.problems.append(Problem(path or "/", found, rule, way_out))
        return Literal(None)

    def expression(self, document: object, path: str) -> Expression:
        if isinstance(document, str):
            return Read(document)
        if isinstance(document, bool | int | float):
            return Literal(document)
        if isinstance(document, Mapping) and "column" in document:
            return self.column(document, path)
        if isinstance(document, Mapping) and len(document) == 1:
            ((word, body),) = document.items()
            reader = _WORDS.get(word)
            if reader is None:
                hint = nearest(str(word), list(_WORDS))
                return self.wrong(f"{path}/{word}", f"{word!r} is not an operation.", "", hint)
            return reader(self, word, body, f"{path}/{word}")
        rule = "An expression is a column name, a number, or an object with one key naming the operation."
        return self.wrong(path, f"{str(document)[:60]!r}.", rule, 'Write {"log": "column"}, say.')

    def column(self, document: Mapping[str, object], path: str) -> Expression:
        self.known_keys(document, ("column", "read"), path)
        column, kind = document["column"], document.get("read", "number")
        if not isinstance(column, str):
            return self.wrong(f"{path}/column", f"{column!r} is not a name.", "A column is named by text.")
        if kind not in get_args(ReadKind):
            return self.wrong(f"{path}/read", f"{kind!r} is not a kind.", "", nearest(str(kind), get_args(ReadKind)))
        return Read(column, kind)  # type: ignore[arg-type]

    def known_keys(self, document: Mapping[str, object], keys: Sequence[str], path: str) -> None:
        for key in document:
            if key not in keys:
                self.wrong(f"{path}/{key}", f"{key!r} is not a field.", "", nearest(str(key), keys))

    def fields(self, body: object, path: str, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Any]:
        if not isinstance(body, Mapping):
            self.wrong(path, f"{body!r} is not an object.", f"It has the fields {', '.join(required)}.")
            return {}
        self.known_keys(body, (*required, *optional), path)
        absent = [name for name in required if name not in body]
        for name in absent:
            self.wrong(f"{path}/{name}", "not given.", "This field is required.", f"Add {name!r}.")
        return {} if absent else dict(body)

    def parts(self, body: object, path: str, least: int = 0, most: int | None = None) -> list[Expression]:
        if isinstance(body, str) or not isinstance(body, Sequence):
            self.wrong(path, f"{body!r} is not a list.", "This operation takes a list of expressions.")
            return [Literal(None)] * max(least, 1)
        if len(body) < least or (most is not None and len(body) > most):
            many = f"{least}" if most == least else f"at least {least}"
            self.wrong(path, f"{len(body)} expressions.", f"This operation takes {many}.")
            return [Literal(None)] * max(least, 1)
        return [self.expression(part, f"{path}/{place}") for place, part in enumerate(body)]

    def scalar(self, value: object, path: str) -> Scalar:
        if isinstance(value, Mapping) and list(value) == ["infinity"]:
            return -math.inf if value["infinity"] == "-" else math.inf
        if value is None or isinstance(value, bool | int | float | str):
            return value
        self.wrong(path, f"{value!r} is not a constant.", "A constant is a number, text, true, false or null.")
        return None

    def scalars(self, values: object, path: str) -> tuple[Scalar, ...]:
        if isinstance(values, str) or not isinstance(values, Sequence):
            self.wrong(path, f"{values!r} is not a list.", "Give a list of constants.")
            return ()
        return tuple(self.scalar(value, f"{path}/{place}") for place, value in enumerate(values))

    def number(self, value: object, path: str) -> float:
        found = self.scalar(value, path)
        if isinstance(found, int | float) and not isinstance(found, bool):
            return found
        self.wrong(path, f"{value!r} is not a number.", "A number is needed here.")
        return 0.0


def _arithmetic(reading: _Reading, word: str, body: object, path: str) -> Expression:
    parts = reading.parts(body, path, 2, None if word in ("add", "multiply") else 2)
    return _joined(ARITHMETIC[word], parts)


def _joined(sign: Any, parts: Sequence[Expression]) -> Expression:
    """Parts joined from the left; many of them in halves, so that the tree stays shallow."""
    if len(parts) > MANY_PARTS:
        half = len(parts) // 2
        return Arithmetic(sign, _joined(sign, parts[:half]), _joined(sign, parts[half:]))
    return functools.reduce(functools.partial(Arithmetic, sign), parts)


def _function(reading: _Reading, word: Any, body: object, path: str) -> Expression:
    return Function(word, reading.expression(body, path))


def _power(reading: _Reading, word: str, body: object, path: str) -> Expression:
    if isinstance(body, str) or not isinstance(body, Sequence) or len(body) != 2:
        return reading.wrong(path, f"{body!r}.", "power takes a list of an expression and a number.")
    return Power(reading.expression(body[0], f"{path}/0"), reading.number(body[1], f"{path}/1"))


def _clip(reading: _Reading, word: str, body: object, path: str) -> Expression:
    given = reading.fields(body, path, ["of"], ["lower", "upper"])
    bounds = {
        name: reading.number(given[name], f"{path}/{name}")
        for name in ("lower", "upper")
        if given.get(name) is not None
    }
    return Clip(reading.expression(given["of"], f"{path}/of"), **bounds) if given else Literal(None)


def _if_missing(reading: _Reading, word: str, body: object, path: str) -> Expression:
    return IfMissing(*reading.parts(body, path, 2, 2))


def _is_missing(reading: _Reading, word: str, body: object, path: str) -> Expression:
    return IsMissing(reading.expression(body, path))


def _compare(reading: _Reading, word: str, body: object, path: str) -> Expression:
    return Compare(COMPARISONS[word], *reading.parts(body, path, 2, 2))


def _all_of(reading: _Reading, word: str, body: object, path: str) -> Expression:
    return AllOf(tuple(reading.parts(body, path)))


def _any_of(reading: _Reading, word: str, body: object, path: str) -> Expression:
    return AnyOf(tuple(reading.parts(body, path)))


def _not(reading: _Reading, word: str, body: object, path: str) -> Expression:
    return Not(reading.expression(body, path))


def _when(reading: _Reading, word: str, body: object, path: str) -> Expression:
    names = ("condition", "then", "otherwise")
    given = reading.fields(body, path, names)
    return When(*(reading.expression(given[name], f"{path}/{name}") for name in names)) if given else Literal(None)


def _bin(reading: _Reading, word: str, body: object, path: str) -> Expression:
    given = reading.fields(body, path, ["of", "edges", "outputs", "missing"])
    if not given:
        return Literal(None)
    edges = given["edges"] if isinstance(given["edges"], Sequence) else reading.scalars(given["edges"], f"{path}/edges")
    return Bin(
        reading.expression(given["of"], f"{path}/of"),
        tuple(float(reading.number(edge, f"{path}/edges/{place}")) for place, edge in enumerate(edges)),
        reading.scalars(given["outputs"], f"{path}/outputs"),
        reading.scalar(given["missing"], f"{path}/missing"),
    )


def _lookup(reading: _Reading, word: str, body: object, path: str) -> Expression:
    given = reading.fields(body, path, ["of", "values", "missing", "unseen"])
    if not given:
        return Literal(None)
    argument, values = reading.expression(given["of"], f"{path}/of"), given["values"]
    keys, outputs = _pairs(reading, values, f"{path}/values")
    if isinstance(values, Mapping) and not reading.problems:
        keys = _typed_keys(reading, keys, Types().inner(argument), f"{path}/values")
    missing, unseen = (reading.scalar(given[name], f"{path}/{name}") for name in ("missing", "unseen"))
    return Lookup(argument, keys, outputs, missing, unseen)


def _pairs(reading: _Reading, values: object, path: str) -> tuple[tuple[Scalar, ...], tuple[Scalar, ...]]:
    if isinstance(values, Mapping):
        return tuple(values), tuple(reading.scalar(value, f"{path}/{key}") for key, value in values.items())
    pairs = (
        [reading.scalars(pair, f"{path}/{place}") for place, pair in enumerate(values)]
        if isinstance(values, Sequence) and not isinstance(values, str)
        else [()]
    )
    if any(len(pair) != 2 for pair in pairs):
        reading.wrong(path, "not pairs.", "Values are an object, or a list of [key, output].")
        return (), ()
    return tuple(key for key, _ in pairs), tuple(output for _, output in pairs)


def _typed_keys(reading: _Reading, keys: Sequence[Scalar], kind: ExpressionType, path: str) -> tuple[Scalar, ...]:
    """Keys of an object, which are text in JSON, as the type of the argument."""
    if kind in ("text", "date", "nothing"):
        return tuple(keys)
    as_kind: Any = {"flag": "boolean"}.get(kind, kind)
    typed = [read_scalar(key, as_kind) for key in keys]
    for key, value in zip(keys, typed, strict=True):
        if value is None:
            reading.wrong(f"{path}/{key}", f"{key!r} is not a {kind}.", "Keys have the type of the column.")
    return tuple(typed)  # type: ignore[arg-type]


def _hash_bucket(reading: _Reading, word: str, body: object, path: str) -> Expression:
    given = reading.fields(body, path, ["of", "purpose", "seed", "buckets"])
    if not given:
        return Literal(None)
    seed, buckets = (reading.number(given[name], f"{path}/{name}") for name in ("seed", "buckets"))
    return HashBucket(reading.expression(given["of"], f"{path}/of"), str(given["purpose"]), int(seed), int(buckets))


def _value(reading: _Reading, word: str, body: object, path: str) -> Expression:
    return Literal(reading.scalar(body, path))


def _infinity(reading: _Reading, word: str, body: object, path: str) -> Expression:
    return Literal(reading.scalar({word: body}, path))


_WORDS: dict[str, Callable[[_Reading, str, object, str], Expression]] = {
    **dict.fromkeys(ARITHMETIC, _arithmetic),
    **dict.fromkeys(get_args(FunctionName), _function),
    **dict.fromkeys(COMPARISONS, _compare),
    "power": _power,
    "clip": _clip,
    "if_missing": _if_missing,
    "is_missing": _is_missing,
    "all_of": _all_of,
    "any_of": _any_of,
    "not": _not,
    "when": _when,
    "bin": _bin,
    "map": _lookup,
    "hash_bucket": _hash_bucket,
    "value": _value,
    "infinity": _infinity,
}
