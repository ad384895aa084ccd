"""Lists of values in sentences."""

from __future__ import annotations

from collections.abc import Sequence

MOST_NAMED = 24


def listed(values: Sequence[object]) -> str:
    """Values in a row, the first `MOST_NAMED` of them named."""
    texts = [f"{one:.10g}" if isinstance(one, float) else str(one) for one in values]
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return ", ".join(texts[:MOST_NAMED]) + more
