"""What a kind of factor is made of: one entry, kept where its specification is defined."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from glm_local.errors import Problem
from glm_local.factors.spec_values import Check

Rule = Callable[[Mapping[str, Any], str], Iterator[Problem]]
Values = Literal["levels", "number", "cells"]
"""What a factor gives a row: one of its levels, a number, or a cell of other factors' levels."""


@dataclass(frozen=True)
class Kind:
    """One kind of factor document.

    Parameters
    ----------
    name
        The document's `kind`.
    values
        What a factor of the kind gives a row.
    fields
        Every field and the check of its value.
    required
        Fields a document has, in the order their absence is told.
    rules
        Rules between fields, each with the fields that must be sound for it to make sense.
    words
        The document as sentences, policies and base apart.
    absent
        Rule and way out of required fields whose absence is told in words of the kind's own.
    """

    name: str
    values: Values
    fields: Mapping[str, Check]
    required: Sequence[str]
    rules: Sequence[tuple[set[str], Rule]]
    words: Callable[[Mapping[str, Any]], list[str]]
    absent: Mapping[str, tuple[str, str]] = field(default_factory=dict)


KINDS: dict[str, Kind] = {}
"""Kinds by name, in the order they are told to users; `glm_local.factors.factor_spec` imports them all."""


def register(kind: Kind) -> Kind:
    """Make a kind known."""
    KINDS[kind.name] = kind
    return kind


def told_in_order(names: Sequence[str]) -> None:
    """Tell kinds in this order."""
    for name in names:
        KINDS[name] = KINDS.pop(name)


def gives(document: Mapping[str, Any]) -> Values | None:
    """What a factor document gives a row; None for what is no factor document."""
    kind = document.get("kind")
    return KINDS[kind].values if isinstance(kind, str) and kind in KINDS else None
