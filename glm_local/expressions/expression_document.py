"""Expressions as JSON documents; `expression_json` reads them back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from glm_local.expressions.expression import (
    AllOf,
    AnyOf,
    Arithmetic,
    Bin,
    Clip,
    Compare,
    Expression,
    Function,
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

ARITHMETIC: dict[str, Any] = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
COMPARISONS: dict[str, Any] = {
    "equal": "==",
    "not_equal": "!=",
    "less": "<",
    "at_most": "<=",
    "greater": ">",
    "at_least": ">=",
}


def expression_to_json(expression: Expression) -> object:
    """An expression as plain dicts, lists, numbers and text, ready for `json.dumps`.

    Examples
    --------
    >>> expression_to_json(Function("log", Clip(Read("Density"), 1.0)))
    {'log': {'clip': {'of': 'Density', 'lower': 1.0}}}
    """
    write = expression_to_json
    match expression:
        case Read(column=column, kind=kind):
            return column if kind == "number" else {"column": column, "read": kind}
        case Literal(value=value):
            return _write_constant(value)
        case Arithmetic():
            return {_word(ARITHMETIC, expression.operator): [write(expression.left), write(expression.right)]}
        case Function():
            return {expression.name: write(expression.argument)}
        case Power():
            return {"power": [write(expression.base), expression.exponent]}
        case Clip():
            bounds = {"lower": expression.lower, "upper": expression.upper}
            given = {name: _write_scalar(bound) for name, bound in bounds.items() if bound is not None}
            return {"clip": {"of": write(expression.argument), **given}}
        case IfMissing():
            return {"if_missing": [write(expression.argument), write(expression.value)]}
        case IsMissing():
            return {"is_missing": write(expression.argument)}
        case Compare():
            return {_word(COMPARISONS, expression.operator): [write(expression.left), write(expression.right)]}
        case AllOf():
            return {"all_of": [write(part) for part in expression.parts]}
        case AnyOf():
            return {"any_of": [write(part) for part in expression.parts]}
        case Not():
            return {"not": write(expression.part)}
        case When():
            parts = (expression.condition, expression.then, expression.otherwise)
            return {"when": dict(zip(("condition", "then", "otherwise"), map(write, parts), strict=True))}
        case Bin() | Lookup() | HashBucket():
            return _write_table(expression)


def _write_table(node: Bin | Lookup | HashBucket) -> object:
    match node:
        case Bin():
            body = {
                "of": expression_to_json(node.argument),
                "edges": list(node.edges),
                "outputs": [_write_scalar(one) for one in node.outputs],
                "missing": _write_scalar(node.missing),
            }
            return {"bin": body}
        case Lookup():
            pairs = [(key, _write_scalar(one)) for key, one in zip(node.keys, node.outputs, strict=True)]
            plain = all(isinstance(key, str) for key, _ in pairs)
            values: object = dict(pairs) if plain else [[_write_scalar(key), one] for key, one in pairs]
            return {
                "map": {
                    "of": expression_to_json(node.argument),
                    "values": values,
                    "missing": _write_scalar(node.missing),
                    "unseen": _write_scalar(node.unseen),
                }
            }
        case HashBucket():
            return {
                "hash_bucket": {
                    "of": expression_to_json(node.key),
                    "purpose": node.purpose,
                    "seed": node.seed,
                    "buckets": node.buckets,
                }
            }


def _write_constant(value: Scalar) -> object:
    if isinstance(value, float) and math.isinf(value):
        return {"infinity": "+" if value > 0 else "-"}
    missing = value is None or value != value
    return value if isinstance(value, int | float) and not missing else {"value": None if missing else value}


def _write_scalar(value: Scalar) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else {"infinity": "+" if value > 0 else "-"}
    return value


def _word(words: Mapping[str, Any], sign: str) -> str:
    return next(word for word, known in words.items() if known == sign)
