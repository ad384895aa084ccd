"""Every public callable of a package, and wrong values for every argument whose annotation can be checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import pytest

from glm_local.arguments.closed_words import closed_parameters
from glm_local.errors import GlmError
from glm_local.study.factor_block import FactorBlock

MADE_BY_THE_PRODUCT = {"Drift", "ValidationReport", "WorkflowResult", "Problem", "Model"}
"""Records that a user is given; what is asked of them counts, not how they are made."""
ENGINES = {"PandasEngine", "SparkEngine"}
"""Their verbs are the neutral rooms' affair, which ask them by the contract; users make them."""


def public_callables(package: ModuleType) -> dict[str, Callable[..., Any]]:
    """Name to function, constructor or method (unbound), methods of what studies hand out included."""
    named: dict[str, Callable[..., Any]] = {}
    for name in [*package.__all__, "FactorBlock"]:
        public = FactorBlock if name == "FactorBlock" else getattr(package, name)
        if not inspect.isclass(public):
            named[name] = public
        elif not issubclass(public, Exception):
            named |= {f"{name}.{method}": one for method, one in _methods(name, public)}
    return {name: one for name, one in named.items() if _parameters(one)}


def _methods(name: str, public: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    for method in dir(public):
        made = method == "__init__" and name not in MADE_BY_THE_PRODUCT
        if made or (not method.startswith("_") and name not in ENGINES):
            one = inspect.getattr_static(public, method)
            if inspect.isfunction(one):
                yield method, one
            elif isinstance(one, classmethod):
                yield method, one.__func__


def _parameters(function: Callable[..., Any]) -> list[str]:
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [
        name
        for name, one in inspect.signature(function).parameters.items()
        if one.kind not in variadic and name not in ("self", "cls")
    ]


def needed_by_name(function: Callable[..., Any]) -> list[str]:
    """Parameters that have no default and are given by name only."""
    return [
        name
        for name, one in inspect.signature(function).parameters.items()
        if one.default is inspect.Parameter.empty and one.kind is inspect.Parameter.KEYWORD_ONLY
    ]


def takes_any_name(function: Callable[..., Any]) -> bool:
    """Whether further arguments are handed on to another function."""
    return any(one.kind is inspect.Parameter.VAR_KEYWORD for one in inspect.signature(function).parameters.values())


def closed_of(function: Callable[..., Any]) -> dict[str, tuple[Any, ...]]:
    """Parameters of a public callable that can be checked."""
    inner = inspect.unwrap(function)
    closed = closed_parameters(inner.__annotations__, inner.__globals__)
    return {name: values for name, values in closed.items() if name in _parameters(function)}


def wrong_values(values: Sequence[Any]) -> list[Any]:
    """Values that are none of those allowed: a near word, a text for a flag, a flag for a number, a letter for a list."""
    wrong: list[Any] = (
        [] if str in values else ["no such word", *[one.upper() for one in values if isinstance(one, str)]]
    )
    wrong += [] if True in values else [True]
    wrong += [1] if True in values and not {int, float} & set(values) else []
    return [*wrong, b"bytes", *([] if Sequence in values else [["a list"]])]


def problems_of(function: Callable[..., Any], **asked: Any) -> list[str]:
    """Paths of the problems a call is refused with, other arguments being of no kind at all."""
    parameters = inspect.signature(function).parameters
    needed = {
        name: object()
        for name, one in parameters.items()
        if one.default is inspect.Parameter.empty and one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    }
    with pytest.raises(GlmError) as told:
        function(**{**needed, **asked})
    assert all(one.found and one.rule and one.way_out for one in told.value.problems), told.value
    return [one.path for one in told.value.problems]
