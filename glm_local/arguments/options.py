"""Options by name: a record's fields as keywords of a function, told as if each were written in its signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Unpack, get_args, get_origin, get_type_hints, is_typeddict


def options_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Keywords a function takes through ``**options: Unpack[Options]``, with their annotations; empty for none.

    Examples
    --------
    >>> from typing import TypedDict, Unpack
    >>> class Options(TypedDict, total=False):
    ...     bins: int
    >>> def cut(frame: object, **options: Unpack[Options]) -> None: ...
    >>> options_of(cut)
    {'bins': <class 'int'>}
    """
    inner = inspect.unwrap(function)
    variadic = [name for name, one in inspect.signature(inner).parameters.items() if one.kind is one.VAR_KEYWORD]
    annotation = inner.__annotations__.get(variadic[0]) if variadic else None
    if annotation is None:
        return {}
    try:
        given = SimpleNamespace(__annotations__={"options": annotation})
        hint = get_type_hints(given, dict(getattr(inner, "__globals__", {})))["options"]
    except NameError:  # a type that only the type checker imports
        return {}
    if get_origin(hint) is not Unpack or not is_typeddict(get_args(hint)[0]):
        return {}
    return get_type_hints(get_args(hint)[0])


def with_options(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function with its options spelled out, each by name and without a default of its own."""
    signature = inspect.signature(function)
    options = options_of(function)
    if not options:
        return signature
    plain = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    spelled = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=..., annotation=annotation)
        for name, annotation in options.items()
        if name not in signature.parameters
    ]
    return signature.replace(parameters=[*plain, *spelled])
