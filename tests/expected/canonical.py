"""One way to write golden JSON: a line holds what fits into it, numbers keep every digit."""

from __future__ import annotations

import json
from typing import Any

WIDTH = 110


def canonical(document: Any) -> str:
    """The document as text, keys in their order; short parts on one line, long lists of values filled."""
    return _written(document, "", WIDTH) + "\n"


def _written(value: Any, indent: str, room: int) -> str:
    short = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not value or not isinstance(value, dict | list) or (len(short) <= room and indent):
        return short
    inner = indent + "  "
    parts = (
        [
            f"{json.dumps(name, ensure_ascii=False)}: " + _written(one, inner, room - len(inner) - len(name) - 5)
            for name, one in value.items()
        ]
        if isinstance(value, dict)
        else [_written(one, inner, room - len(inner)) for one in value]
    )
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    held = value.values() if isinstance(value, dict) else value
    lines = (
        parts if any(isinstance(one, dict | list) for one in held) or not indent else _filled(parts, WIDTH - len(inner))
    )
    return opening + "\n" + ",\n".join(inner + line for line in lines) + "\n" + indent + closing


def _filled(parts: list[str], room: int) -> list[str]:
    """Parts joined to lines no longer than the room; the commas between lines are not among them."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 2 + len(part) <= room:
            lines[-1] += ", " + part
        else:
            lines.append(part)
    return lines
