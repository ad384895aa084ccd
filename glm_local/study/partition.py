"""Which values a factor's levels hold, whatever they are called: bins that were searched for stay so under any name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glm_local.factors.factor_spec import FactorSpec
from glm_local.factors.fingerprint import fingerprint

READ = ("kind", "column", "source", "edges", "factors", "degree")


def partition_key(spec: FactorSpec) -> str:
    """SHA-256 of a factor's column and its edges or groups of values; names, base and notes do not count.

    Examples
    --------
    >>> from glm_local.factors.spec_problems import read_factor
    >>> bins = {"kind": "numeric", "name": "age", "column": "age", "edges": [30], "missing": "base"}
    >>> one, other = read_factor(bins), read_factor({**bins, "name": "age_2", "labels": ["young", "old"]})
    >>> partition_key(one) == partition_key(other)
    True
    """
    said = spec.document()
    parts: dict[str, Any] = {name: said[name] for name in READ if name in said}
    if parts.get("source") == "integer" and "edges" in parts:  # edges cut whole numbers as they cut numbers
        parts["source"] = "number"
    levels = said.get("levels")
    if isinstance(levels, list | tuple):
        parts["levels"] = sorted((_values(one) for one in levels), key=str)
    return fingerprint(parts)


def _values(level: Any) -> list[Any]:
    return sorted(level["values"], key=str) if isinstance(level, Mapping) else [level]
