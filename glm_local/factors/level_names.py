"""Names of a factor's levels, read off its document: intervals, categories, levels of their own, crossed cells."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from glm_local.expressions.category_key import ValueKind, category_key, key_text, number_text
from glm_local.numbers.short_edges import FURTHEST

CAUSES = ("missing", "unseen", "below", "above")
"""What a policy is about, in the order levels of their own follow the ordinary ones."""

EPOCH = datetime.date(1970, 1, 1)
SEPARATOR = " × "
POOLED_CELLS = "(pooled cells)"
"""Cells of a crossing without an effect of their own: net of margins they follow these."""

Document = Mapping[str, Any]


def edge_number(edge: float | str) -> float:
    """Return an edge as a number; a date is days since 1970-01-01.

    Examples
    --------
    >>> edge_number("1970-02-01"), edge_number(25)
    (31.0, 25.0)
    """
    if isinstance(edge, str):
        return float((datetime.date.fromisoformat(edge) - EPOCH).days)
    return float(edge)


def interval_names(
    edges: Sequence[float | str], lower: float | str | None = None, upper: float | str | None = None
) -> list[str]:
    """Name the right-closed intervals between edges; `lower` belongs to the first, `upper` to the last.

    Examples
    --------
    >>> interval_names([20, 25.5])
    ['(-inf, 20]', '(20, 25.5]', '(25.5, inf)']
    >>> interval_names([0, 10], lower=0, upper=100)
    ['[0, 0]', '(0, 10]', '(10, 100]']

    An infinity that is alone beyond the furthest double is named by itself:

    >>> interval_names([-1.7976931348623157e308, 3])
    ['-inf', '(-inf, 3]', '(3, inf)']

    The double just below a short number stands for "less than that number", and is named so:

    >>> import math
    >>> interval_names([math.nextafter(0.25, 0), 0.25])
    ['(-inf, 0.25)', '[0.25, 0.25]', '(0.25, inf)']
    """
    least = ["-inf"] if edges and lower is None and edges[0] == -FURTHEST else []
    most = ["inf"] if edges and upper is None and edges[-1] == FURTHEST else []
    inner = edges[len(least) : len(edges) - len(most)]
    return [*least, *_interval_names(inner, lower, upper), *most]


def _interval_names(edges: Sequence[float | str], lower: float | str | None, upper: float | str | None) -> list[str]:
    first, *inner, last = _ends(edges, lower, upper)
    below = [_short_above(edge) for edge in inner]
    texts = [_edge_text(edge) if short is None else short for edge, short in zip(inner, below, strict=True)]
    opened = [f"({text}" if short is None else f"[{text}" for text, short in zip(texts, below, strict=True)]
    closed = [f"{text}]" if short is None else f"{text})" for text, short in zip(texts, below, strict=True)]
    opening = ["(-inf" if lower is None else f"[{_edge_text(first)}", *opened]
    closing = [*closed, "inf)" if upper is None else f"{_edge_text(last)}]"]
    return [f"{left}, {right}" for left, right in zip(opening, closing, strict=True)]


def _edge_text(edge: float | str) -> str:
    return edge if isinstance(edge, str) else number_text(edge + 0.0)


def _short_above(edge: float | str) -> str | None:
    """Text of the next double where it is much shorter: the edge then means "below that number"."""
    if isinstance(edge, (str, int)) or not math.isfinite(edge):
        return None
    text = number_text(math.nextafter(edge, math.inf) + 0.0)
    return text if len(text) + 6 <= len(number_text(edge)) else None


def _ends(edges: Sequence[float | str], lower: float | str | None, upper: float | str | None) -> list[float | str]:
    return ["-inf" if lower is None else lower, *edges, "inf" if upper is None else upper]


def own_level(cause: str, policy: object) -> str | None:
    """Return the name of the level a policy gives its cause, or None when it gives none."""
    if policy == "own_level":
        return cause
    return policy.get("own_level") if isinstance(policy, Mapping) else None


def known_part(document: Document, name: str) -> Any:
    """Return `edges` or `levels` of a document as they are now: asked for outright, learned, or None."""
    asked = document.get(name)
    return asked if isinstance(asked, list) else (document.get("learned") or {}).get(name)


def ordinary_levels(document: Document) -> list[str] | None:
    """Names of the levels that values of the column reach by themselves; None while they are to be learned."""
    if document["kind"] == "numeric":
        edges = known_part(document, "edges")
        if edges is None:
            return None
        named = document.get("labels") or (document.get("learned") or {}).get("labels")
        return named or interval_names(edges, document.get("lower"), document.get("upper"))
    levels = known_part(document, "levels")
    return None if levels is None else [level_name(level, source_of(document)) for level in levels]


def level_names(document: Document) -> list[str] | None:
    """Names of all levels in the order of their codes: ordinary ones, then levels of their own by cause.

    Examples
    --------
    >>> level_names({"kind": "numeric", "edges": [20], "missing": "own_level"})
    ['(-inf, 20]', '(20, inf)', 'missing']
    """
    ordinary = ordinary_levels(document)
    return None if ordinary is None else [*ordinary, *own_levels(document).values()]


def own_levels(document: Document) -> dict[str, str]:
    """Cause to name of its level, for causes that have a level of their own."""
    named = {cause: own_level(cause, document.get(cause)) for cause in CAUSES}
    return {cause: name for cause, name in named.items() if name is not None}


def source_of(document: Document) -> ValueKind:
    """How the document reads its column."""
    default: ValueKind = "text" if document["kind"] in ("categorical", "ordinal") else "number"
    source: ValueKind = document.get("source", default)
    return source


def level_name(level: object, source: ValueKind) -> str:
    """Name of one entry of `levels`: a group's own, or the text of a single value."""
    if isinstance(level, Mapping):
        return str(level["level"])
    key = category_key(level, source)
    return str(level) if key is None else key_text(key)


def level_values(level: object) -> list[Any]:
    """Values of one entry of `levels`."""
    return list(level["values"]) if isinstance(level, Mapping) else [level]


def cell_name(cell: Sequence[str], separator: str = SEPARATOR) -> str:
    r"""Name of a crossed cell: its levels joined; a separator inside a level is escaped, so names stay distinct.

    Examples
    --------
    >>> cell_name(("young", "town"))
    'young × town'
    >>> cell_name(("a|b", "c"), "|")
    'a\\|b|c'
    """
    core = separator.strip() or separator
    return separator.join(level.replace("\\", "\\\\").replace(core, f"\\{core}") for level in cell)
