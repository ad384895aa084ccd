"""The axis of a factor's levels: one slot per level, labels turned and thinned until they are apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from glm_local.drawing.svg import INK, MUTED, Svg, level_text, squeezed, text_width

MOST_LETTERS = 24
SIZE = 11.0
SLANT, UPRIGHT = 19.0, 13.0
"""Pixels between labels turned by 40 and by 90 degrees, so that they do not touch."""


@dataclass(frozen=True)
class LevelAxis:
    """Slots of equal width between `left` and `left + width`.

    Parameters
    ----------
    names
        Levels, as the data write them.
    left, width
        In pixels.
    turn
        Degrees the labels are turned by: 0, -40 or -90.
    every
        Every so many labels is written.
    height
        Pixels the labels take below the plot.
    """

    names: tuple[str, ...]
    left: float
    width: float
    turn: float
    every: int
    height: float

    @property
    def slot(self) -> float:
        """Width of a slot."""
        return self.width / max(len(self.names), 1)

    @property
    def mark(self) -> float:
        """Radius of a mark: smaller where slots are narrow."""
        return min(3.2, max(1.5, self.slot * 0.36))

    def middle(self, i: int) -> float:
        """Pixel of a level."""
        return self.left + self.slot * (i + 0.5)

    def draw(self, svg: Svg, top: float) -> None:
        """Write the labels below `top`."""
        for i in range(0, len(self.names), self.every):
            x, text = self.middle(i), squeezed(level_text(self.names[i]), MOST_LETTERS)
            at = {0: (x, top + 17), -40: (x + 3, top + 13)}.get(int(self.turn), (x + 4, top + 8))
            svg.text(
                at,
                text,
                anchor="end" if self.turn else "middle",
                turn=self.turn,
                size=SIZE,
                title=level_text(self.names[i]),
                colour=INK,
            )
        if self.every > 1:
            said = f"Every {_ordinal(self.every)} level is named; the table has them all."
            svg.text((self.left, top + self.height), said, size=10.5, colour=MUTED)


def level_axis(names: Sequence[str], width: float, left: float = 60.0, right: float = 70.0) -> LevelAxis:
    """An axis on a drawing so wide, with margins left and right for other axes' numbers."""
    widths = [text_width(squeezed(level_text(name), MOST_LETTERS), SIZE) for name in names] or [SIZE]
    slot = (width - left - right) / max(len(names), 1)
    if max(widths) <= slot - 8:
        return LevelAxis(tuple(names), left, width - left - right, 0, 1, 26)
    if slot >= SLANT:
        # A turned label reaches to the left of its level; the first ones must not leave the drawing.
        reach = max(one * 0.77 - slot * (i + 0.5) for i, one in enumerate(widths))
        left = max(left, reach + 8)
        return LevelAxis(tuple(names), left, width - left - right, -40, 1, 20 + max(widths) * 0.65)
    every = math.ceil(UPRIGHT / slot)
    return LevelAxis(tuple(names), left, width - left - right, -90, every, 14 + max(widths) + (14 if every > 1 else 0))


def _ordinal(number: int) -> str:
    endings = {2: "2nd", 3: "3rd"}
    return endings.get(number, f"{number}th")
