"""Bins and lookups as balanced CASE trees: a row passes log2(n) comparisons, not n."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

FEW_KEYS = 8
"""Up to so many keys a lookup lists them one after the other."""

FEW_OUTPUTS = 8
"""Lookups with at most so many different outputs list the keys of each output in one IN."""


def chain(condition: str, then: str, otherwise: str) -> str:
    """CASE of one condition; an `otherwise` that is a CASE itself continues it.

    Examples
    --------
    >>> chain("a", "1", "CASE WHEN b THEN 2 ELSE 3 END")
    'CASE WHEN a THEN 1 WHEN b THEN 2 ELSE 3 END'
    """
    if otherwise.startswith("CASE WHEN "):
        # nothing but a whole CASE starts so: all other pieces are names, literals, calls or in parentheses
        return f"CASE WHEN {condition} THEN {then} {otherwise.removeprefix('CASE ')}"
    return f"CASE WHEN {condition} THEN {then} ELSE {otherwise} END"


def bin_tree(argument: str, edges: Sequence[str], outputs: Sequence[str]) -> str:
    """Right-closed intervals: ``outputs[number of edges below the argument]``; the argument is not missing.

    Examples
    --------
    >>> bin_tree("x", ["1", "2", "3"], ["a", "b", "c", "d"])
    'CASE WHEN x <= 2 THEN CASE WHEN x <= 1 THEN a ELSE b END WHEN x <= 3 THEN c ELSE d END'
    """
    if all(output == outputs[0] for output in outputs):
        return outputs[0]
    middle = len(edges) // 2 if len(edges) % 2 else len(edges) // 2 - 1
    below = bin_tree(argument, edges[:middle], outputs[: middle + 1])
    above = bin_tree(argument, edges[middle + 1 :], outputs[middle + 1 :])
    return below if below == above else chain(f"{argument} <= {edges[middle]}", below, above)


def lookup_tree(argument: str, keys: Sequence[tuple[Any, str]], outputs: Sequence[str], unseen: str) -> str:
    """Output of the key the argument equals, else `unseen`; the argument is not missing.

    Parameters
    ----------
    argument
        SQL text.
    keys
        Pairs of a sortable value and its SQL text; their order must be the database's (code points for text).
    outputs, unseen
        SQL text of each key's output and of anything else's.
    """
    if len(keys) <= FEW_KEYS or len({*outputs, unseen}) <= FEW_OUTPUTS:
        return _lists(argument, [text for _, text in keys], outputs, unseen)
    order = sorted(range(len(keys)), key=lambda place: keys[place][0])
    return _search(argument, [keys[place][1] for place in order], [outputs[place] for place in order], unseen)


def _lists(argument: str, keys: Sequence[str], outputs: Sequence[str], unseen: str) -> str:
    groups: dict[str, list[str]] = {}
    for key, output in zip(keys, outputs, strict=True):
        if output != unseen:
            groups.setdefault(output, []).append(key)
    branches = [f"WHEN {_is_one_of(argument, group)} THEN {output}" for output, group in groups.items()]
    return f"CASE {' '.join(branches)} ELSE {unseen} END" if branches else unseen


def _is_one_of(argument: str, keys: Sequence[str]) -> str:
    return f"{argument} = {keys[0]}" if len(keys) == 1 else f"{argument} IN ({', '.join(keys)})"


def _search(argument: str, keys: Sequence[str], outputs: Sequence[str], unseen: str) -> str:
    if len(keys) <= FEW_KEYS // 2:
        return _lists(argument, keys, outputs, unseen)
    middle = len(keys) // 2
    below = _search(argument, keys[:middle], outputs[:middle], unseen)
    above = _search(argument, keys[middle:], outputs[middle:], unseen)
    return chain(f"{argument} < {keys[middle]}", below, above)


def linear_lookup(argument: str, keys: Sequence[str], outputs: Sequence[str], unseen: str) -> str:
    """The keys one after the other, for databases whose order of text is not known."""
    return _lists(argument, keys, outputs, unseen)
