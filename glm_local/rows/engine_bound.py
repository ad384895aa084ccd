"""Neutral functions ``f(engine, frame, ...)`` as public ones ``f(frame, ...)``: one binding for both packages."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from glm_local.arguments.checked import argument_check
from glm_local.rows.engine import Engine

P = ParamSpec("P")
R = TypeVar("R")

_ENGINE_LINE = re.compile(r"^( *)engine, (\w+)\n +Who holds the rows, and the rows\.$", re.MULTILINE)
_ENGINE_IN_EXAMPLE = re.compile(r" *>>> from glm_local\.pandas_engine import PandasEngine\n|PandasEngine\(\), ")


def bound_to(
    open_engine: Callable[[], Engine[Any]], table: str
) -> Callable[[Callable[Concatenate[Any, P], R]], Callable[P, R]]:
    """Return a decorator that opens the package's engine for every call and has it hold the frame meanwhile.

    An engine of the user's own settings may stand before the frame.

    Parameters
    ----------
    open_engine
        Opens the engine.
    table
        What the package takes as a table, for the documentation.
    """

    def bind(neutral: Callable[Concatenate[Any, P], R]) -> Callable[P, R]:
        @wraps(neutral)
        def public(*rest: P.args, **options: P.kwargs) -> R:
            own = _engine_first(rest)
            rest = rest if own is None else own[1]
            check(None, *rest, **options)
            engine = open_engine() if own is None else own[0]
            asked = signature.bind(engine, *rest, **options)
            with engine.holding(asked.arguments[frame]) as held:
                asked.arguments[frame] = held
                return neutral(*asked.args, **asked.kwargs)

        signature = inspect.signature(neutral)
        check = argument_check(neutral)
        frame = list(signature.parameters)[1]
        without_engine = list(signature.parameters.values())[1:]
        public.__signature__ = signature.replace(parameters=without_engine)  # type: ignore[attr-defined]
        public.__doc__ = _ENGINE_LINE.sub(rf"\1\2\n\1    {table}", _ENGINE_IN_EXAMPLE.sub("", neutral.__doc__ or ""))
        del public.__wrapped__  # type: ignore[attr-defined]
        return public

    return bind


def _engine_first(rest: tuple[Any, ...]) -> tuple[Engine[Any], Any] | None:
    """An engine of the user's own, given before the frame, and what follows it."""
    own = rest and callable(getattr(type(rest[0]), "cells", None))
    return (rest[0], rest[1:]) if own else None
