"""Keys of a look-up as SQL: which of them the argument can equal, and how each is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from glm_local.expressions.expression import Scalar
from glm_local.expressions.expression_columns import ExpressionType, lookup_key
from glm_local.sql.dialects import SqlDialect
from glm_local.sql.reads import Sql

EXACT = 2**53
"""Integers below this in size are doubles exactly."""


def lookup_keys(
    words: SqlDialect,
    double: Callable[[Sql], str],
    argument: Sql,
    given: Sequence[Scalar],
    kind: ExpressionType,
    outputs: Sequence[str],
) -> tuple[str, list[tuple[Any, str]], list[str]]:
    """The argument, the keys it can equal with their SQL text, and their outputs."""
    values = [lookup_key(key, kind) for key in given]
    if kind == "date":
        return argument.text, [(v, words.date(str(k))) for v, k in zip(values, given, strict=True)], list(outputs)
    if kind != "number":
        return argument.text, [(value, words.constant(value)) for value in values], list(outputs)
    numbers = [float(_single(v) if argument.single else v) for v in values]  # type: ignore[arg-type]
    if argument.form == "whole" and all(abs(number) < EXACT for number in numbers):
        places = [place for place, number in enumerate(numbers) if number.is_integer()]
        keys = [(numbers[place], words.integer(int(numbers[place]))) for place in places]
        return argument.text, keys, [outputs[place] for place in places]
    # IN of many constants is a hash set to Spark, and -0.0 is not 0.0 to it
    x = argument.text if argument.form == "raw double" and 0.0 not in numbers else double(argument)
    first = {number: place for place, number in reversed(list(enumerate(numbers)))}
    return x, [(number, words.double(number)) for number in first], [outputs[place] for place in first.values()]


def _single(value: Any) -> float:
    import numpy as np

    # beyond its range a float32 is infinite, which no row of the column equals by chance
    with np.errstate(over="ignore"):
        return float(np.float32(value))
