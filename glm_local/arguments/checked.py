"""Arguments of public names: unknown, absent and double ones, wrong words and wrong kinds are told where they enter."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any, TypeVar, cast

from glm_local.arguments.closed_words import check_words, closed_parameters
from glm_local.arguments.options import options_of, with_options
from glm_local.errors import ArgumentError, Problem, nearest

Public = TypeVar("Public", bound=Callable[..., Any])
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def arguments_checked(public: Public) -> Public:
    """Refuse calls a function, or the constructor and public methods of a class, cannot mean; with the nearest name.

    What parameters take is read from their annotations: `glm_local.arguments.closed_words.closed_parameters`.

    Examples
    --------
    >>> @arguments_checked
    ... def bins(frame: object, max_bins: int = 8) -> int:
    ...     return max_bins
    >>> bins([], max_bin=4)  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    glm_local.errors.ArgumentError: /max_bin  'max_bin' is not an argument of bins. It takes max_bins.
    Nearest: 'max_bins'.
    """
    if not inspect.isclass(public):
        return cast(Public, _checked(public, public.__name__))
    for name, member in list(vars(public).items()):
        called = public.__name__ if name == "__init__" else name
        if name.startswith("_") and name != "__init__":
            continue
        if isinstance(member, FunctionType):
            setattr(public, name, _checked(member, called))
        elif isinstance(member, classmethod):
            setattr(public, name, classmethod(_checked(member.__func__, called)))
    return public


def argument_check(function: Callable[..., Any], called: str = "") -> Callable[..., None]:
    """Return what raises every problem of a call of `function`, given the same arguments."""
    signature = with_options(function)
    inner = inspect.unwrap(function)
    several = {name for name, one in signature.parameters.items() if one.kind in _VARIADIC}
    several |= {name for name, one in inspect.signature(inner).parameters.items() if one.kind in _VARIADIC}
    told = {name: one for name, one in inner.__annotations__.items() if name not in several} | options_of(function)
    allowed = functools.cache(lambda: closed_parameters(told, getattr(inner, "__globals__", {})))
    name = called or function.__name__

    def check(*args: Any, **kwargs: Any) -> None:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            problems = list(_call_problems(name, signature.parameters, args, kwargs))
            rest = Problem("", f"{name}: {error}.", "A call names arguments the function has.", "Look at help().")
            raise ArgumentError(problems or [rest]) from None
        check_words(allowed(), given)
        if not _is_engine(given.get("engine")):
            raise ArgumentError.because(
                f"engine is {given['engine']!r}.",
                "An engine is an object that reads tables.",
                "Leave it out, or give open_engine() of glm_local or glm_spark.",
                "/engine",
            )

    return check


def _is_engine(given: Any) -> bool:
    return given is None or all(callable(getattr(given, verb, None)) for verb in ("columns", "cells", "blocks"))


def _checked(function: Any, called: str) -> Any:
    check = argument_check(function, called)

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        check(*args, **kwargs)
        return function(*args, **kwargs)

    if options_of(function):
        checked.__signature__ = with_options(function)  # type: ignore[attr-defined]
    return checked


def _call_problems(
    called: str, parameters: Mapping[str, inspect.Parameter], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterator[Problem]:
    named = (inspect.Parameter.KEYWORD_ONLY, *_VARIADIC)
    by_place = [name for name, one in parameters.items() if one.kind not in named]
    placed = by_place[: len(args)]
    free = [name for name, one in parameters.items() if name not in placed and one.kind not in _VARIADIC]
    if len(args) > len(by_place):
        yield Problem(
            "",
            f"{called} was given {len(args)} values without a name.",
            f"It takes {len(by_place)} at most: {', '.join(by_place) or 'none'}.",
            "Name the others: name=value.",
        )
    for name in kwargs:
        if name in placed:
            yield Problem(f"/{name}", f"{name!r} is given twice.", "An argument has one value.", "Remove one.")
        elif name not in parameters:
            rule = f"It takes {', '.join(free)}." if free else "It takes no further argument."
            yield Problem(f"/{name}", f"{name!r} is not an argument of {called}.", rule, _hint(name, free))
    for name in free:
        if parameters[name].default is inspect.Parameter.empty and name not in kwargs and name != "self":
            rule = f"{called} needs it."
            yield Problem(f"/{name}", f"{name!r} is not given.", rule, f"Write {name}=….")


def _hint(name: str, free: list[str]) -> str:
    hint = nearest(name, free)
    return hint if hint.startswith("Nearest") else "Leave it out."
