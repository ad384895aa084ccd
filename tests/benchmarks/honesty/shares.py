"""Shares of made-up studies, with their Monte-Carlo error."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tests.benchmarks.measurement import Ratio, Target


def share(name: str, hits: Iterable[bool], target: Target | None = None) -> Ratio:
    """Share of studies in which something is so; `low` and `high` are two standard errors away (Wilson's interval)."""
    found = list(hits)
    n, p = len(found), sum(found) / len(found)
    middle, spread = p + 2 / n, 2 * math.sqrt(p * (1 - p) / n + 1 / n**2)
    low, high = ((middle + sign * spread) / (1 + 4 / n) for sign in (-1, 1))
    return Ratio(f"{name} (of {n})", p, max(low, 0.0), min(high, 1.0), target)
