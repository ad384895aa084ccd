"""Foreign text on a terminal: nothing in it moves the cursor, changes colours, hides or forges a line."""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff\ud800-\udfff]"
)
_LINES = re.compile("[\t\n]")


def terminal_text(text: object) -> str:
    """A text of several lines for a terminal: control characters, direction marks and halves of characters are spelled.

    Examples
    --------
    >>> terminal_text("red: \\x1b[31m")
    'red: \\\\x1b[31m'
    """
    return _UNSEEN.sub(_spelled, str(text))


def terminal_word(value: object) -> str:
    """A value within a line: as `terminal_text`, and line breaks and tabs are spelled too.

    Examples
    --------
    >>> terminal_word("too few\\nmotor 12 accepted")
    'too few\\\\nmotor 12 accepted'
    """
    return _LINES.sub(_spelled, terminal_text(value))


def _spelled(found: re.Match[str]) -> str:
    letter = found[0]
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(letter) or (
        f"\\x{ord(letter):02x}" if ord(letter) < 256 else f"\\u{ord(letter):04x}"
    )
