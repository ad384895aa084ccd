"""What responses a row may have."""

from __future__ import annotations

from typing import Literal

Domain = Literal["real", "nonnegative", "positive", "unit"]
"""What a family allows as response: any number, y >= 0, y > 0, or 0 <= y <= 1."""
