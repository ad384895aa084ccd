"""Closed sets of words: what a `Literal` or `bool` annotation allows is checked where it enters, and listed once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Literal, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from glm_local.errors import Problem, SpecError, nearest

P = ParamSpec("P")
T = TypeVar("T")


def words_checked(function: Callable[P, T]) -> Callable[P, T]:
    """Refuse arguments that are none of the words their annotation lists, all at once, with the nearest.

    Only parameters annotated with nothing but `Literal`, `bool` and None are looked at.

    Examples
    --------
    >>> @words_checked
    ... def read(kind: Literal["mean", "rate"] = "mean") -> str:
    ...     return kind
    >>> read("Mean")
    Traceback (most recent call last):
    glm_local.errors.SpecError: /kind  kind is 'Mean'. It is one of 'mean', 'rate'. Nearest: 'mean'.
    """
    signature = inspect.signature(function)
    inner = inspect.unwrap(function)
    allowed = functools.cache(lambda: closed_parameters(inner.__annotations__, getattr(inner, "__globals__", {})))

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:
            given = {}  # Python's own message names the argument
        check_words(allowed(), given)
        return function(*args, **kwargs)

    return checked


def closed_parameters(annotations: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Parameter to the values it may have, of those that have a closed set of them."""
    closed: dict[str, tuple[Any, ...]] = {}
    for parameter, annotation in annotations.items():
        try:
            hint = get_type_hints(SimpleNamespace(__annotations__={parameter: annotation}), dict(names))[parameter]
        except NameError:  # a type that only the type checker imports is no closed set
            continue
        values = _values(hint)
        if parameter != "return" and values:
            closed[parameter] = values
    return closed


def _values(hint: Any) -> tuple[Any, ...]:
    """The values of an annotation; empty where it allows anything else."""
    if hint is bool:
        return (True, False)
    if hint is type(None):
        return (None,)
    if get_origin(hint) is Literal:
        return get_args(hint)
    parts = [_values(part) for part in get_args(hint)]
    is_union = get_origin(hint) is not None and str(get_origin(hint)) in ("typing.Union", "<class 'types.UnionType'>")
    return tuple(value for part in parts for value in part) if is_union and parts and all(parts) else ()


def check_words(allowed: Mapping[str, tuple[Any, ...]], given: Mapping[str, Any]) -> None:
    """Raise one error with every value that is not allowed."""
    problems = [
        _problem(name, given[name], values)
        for name, values in allowed.items()
        if name in given and not _is_among(given[name], values)
    ]
    if problems:
        raise SpecError(problems)


def _is_among(value: Any, values: tuple[Any, ...]) -> bool:
    value = bool(value) if isinstance(value, np.bool_) else value
    return any(type(value) is type(one) and value == one for one in values)


def _problem(name: str, value: Any, values: tuple[Any, ...]) -> Problem:
    words = [one for one in values if isinstance(one, str)]
    listed = ", ".join(repr(one) for one in values)
    lowered = {word.lower(): word for word in words}
    same = lowered.get(value.strip().lower()) if isinstance(value, str) else None
    hint = f"Nearest: {same!r}." if same else nearest(value, words) if isinstance(value, str) and words else ""
    way_out = hint if hint.startswith("Nearest") else f"Write {values[0]!r}."
    return Problem(f"/{name}", f"{name} is {value!r}.", f"It is one of {listed}.", way_out)
