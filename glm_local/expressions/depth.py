"""How deep documents and expressions may be: one limit, told before anything walks them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from glm_local.errors import ConfigError, Problem, SpecError
from glm_local.expressions.expression import Expression
from glm_local.expressions.expression_columns import children
from glm_local.texts.read_json import DEEPEST

DEEPEST_ASKED = DEEPEST - 20
"""Lists and objects within each other in what is asked: the file of a model puts some of its own around them."""

_RULE = f"Lists and objects lie in each other up to {DEEPEST_ASKED} deep, operations of an expression too."
_WAY_OUT = "Name a part of it as a derived column, or write it flatter (add and all_of take any number of parts)."


def depth_problems(document: object, path: str, deepest: int = DEEPEST_ASKED) -> Iterator[Problem]:
    """Whether a document is nested deeper than allowed, as one that holds itself is.

    Examples
    --------
    >>> nested: list[object] = []
    >>> nested.append(nested)
    >>> [one.found for one in depth_problems(nested, "/factors")]
    ['it is nested deeper than 80 levels.']
    """
    level = [document]
    for _ in range(deepest):
        inner = {id(one): one for part in level for one in _parts(part) if isinstance(one, Mapping | list | tuple)}
        if not inner:
            return
        level = list(inner.values())
    yield deep_problem(path, deepest)


def deep_problem(path: str, deepest: int = DEEPEST_ASKED) -> Problem:
    """What to say of something that is nested too deep."""
    return Problem(path, f"it is nested deeper than {deepest} levels.", _RULE, _WAY_OUT)


def _parts(value: object) -> Any:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()


def require_shallow(document: object, path: str, deepest: int = DEEPEST_ASKED) -> None:
    """Raise the problem of a document that is nested too deep."""
    problems = list(depth_problems(document, path, deepest))
    if problems:
        raise SpecError(problems)


def require_shallow_file(document: object, path: str) -> None:
    """Raise the problem of a configuration that is nested too deep."""
    problems = list(depth_problems(document, path))
    if problems:
        raise ConfigError(problems)


def require_shallow_expression(expression: Expression, path: str) -> Expression:
    """The expression, unless its operations lie in each other too deep."""
    level = [expression]
    for _ in range(DEEPEST_ASKED):
        level = [one for node in level for one in children(node)]
        if not level:
            return expression
    raise SpecError(deep_problem(path))
